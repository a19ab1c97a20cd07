"""Writing the catalogue's files as a person would: only what changed is written anew.

A file is taken apart into its keys, the sections of its statements, and the items of their
lists. Whatever says the same as before keeps its lines to the letter, comments and line breaks
included; a changed or new item is written in the style of the shipped files.
"""

import json
from collections.abc import Callable
from functools import cache

import yaml

from .content_files import SCHEMA, SHARED_FILES

LINE_WIDTH = 100
# Lists of slugs, which stand on one line.
ON_ONE_LINE = ("sources", "checked_against", "also")
# Lists that a person may have put into any order, with what their items are known by.
SORTED_LISTS = {"sources": "slug", "claims": "id"}

# Makes data comparable: treatments.catalogue.canonical, which this module must not know.
Canonical = Callable[[object], object]


class _OneLine(list):
    """A list that is written in brackets."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
    """Never an anchor: two equal lists are two lists."""

    def ignore_aliases(self, data):
        return True


_Dumper.add_representer(
    _OneLine,
    lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True),
)


def _dump(data) -> list[str]:
    text = yaml.dump(
        data,
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=False,
        width=LINE_WIDTH,
    )
    return text.splitlines(keepends=True)


@cache
def _schema() -> dict:
    return json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]


def _rule(rule: dict) -> dict:
    """The rule itself where another one is named."""
    while "$ref" in rule:
        rule = _schema()[rule["$ref"].rpartition("/")[2]]
    return rule


def _in_house_style(data, rule: dict, key: str = ""):
    """Keys in the order of the schema, slugs on one line."""
    rule = _rule(rule)
    if isinstance(data, dict):
        rules = rule.get("properties", {})
        return {
            name: _in_house_style(data[name], rules.get(name, {}), name)
            for name in sorted(data, key=list(rules).index)
        }
    if isinstance(data, list):
        items = [_in_house_style(item, rule.get("items", {})) for item in data]
        slugs = key in ON_ONE_LINE and all(isinstance(item, str) for item in items)
        return _OneLine(items) if slugs else items
    return data


def write(name: str, old_text: str, old_data: dict, new_data: dict, canonical: Canonical) -> str:
    """Return the text of a file that says `new_data`.

    `old_text` says `old_data`, and both are empty for a new file. `canonical` makes two data
    equal that mean the same.
    """
    rule = _schema()[SHARED_FILES.get(name, "treatment_file")]
    if not old_text.strip():
        return "".join(_dump(_in_house_style(new_data, rule)))
    return "".join(_Text(old_text, canonical).merged(old_data, new_data, rule))


class _Text:
    """An old file as lines, and the places of its values."""

    def __init__(self, text: str, canonical: Canonical):
        if not text.endswith("\n"):
            text += "\n"
        self.lines = text.splitlines(keepends=True)
        self.canonical = canonical
        self.root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def merged(self, old: dict, new: dict, rule: dict) -> list[str]:
        blocks = self._blocks([key for key, _ in self.root.value], len(self.lines))
        head = self.lines[: self.root.value[0][0].start_mark.line]
        return [*self._without_comments(head), *self._mapping(self.root, blocks, old, new, rule, 0)]

    def _without_comments(self, head):
        # Lines before the first key belong to it already; see _blocks.
        return head[: len(head) - self._comments_before(len(head))]

    def _comments_before(self, line: int) -> int:
        """How many lines of comment or nothing stand right above this one."""
        first = line
        while first > 0 and self.lines[first - 1].strip()[:1] in ("", "#"):
            first -= 1
        return line - first

    def _blocks(self, nodes, end: int) -> list[tuple[int, int]]:
        """First and last line of each of the nodes, with the comments above it."""
        starts = [n.start_mark.line - self._comments_before(n.start_mark.line) for n in nodes]
        return list(zip(starts, [*starts[1:], end], strict=True))

    def _mapping(self, node, blocks, old, new, rule, depth) -> list[str]:
        """The lines of a mapping that says `new`: old keys in their order, new ones among them."""
        rules = rule["properties"]
        order = list(rules)
        written: list[tuple[str, list[str]]] = []
        for (key_node, value), block in zip(node.value, blocks, strict=True):
            key = key_node.value
            if key in new:
                lines = self._value(key_node, value, block, old[key], new[key], rules, depth)
                written.append((key, lines))
        for key in sorted(new.keys() - old.keys(), key=order.index):
            place = next(
                (n for n, (k, _) in enumerate(written) if order.index(k) > order.index(key)),
                len(written),
            )
            written.insert(place, (key, self._new(key, new[key], rules, depth)))
        return [line for _, lines in written for line in lines]

    def _new(self, key, value, rules, depth) -> list[str]:
        styled = _in_house_style({key: value}, {"properties": rules})
        return _dump(styled) if depth == 0 else _dump({"x": styled})[1:]

    def _value(self, key_node, node, block, old, new, rules, depth) -> list[str]:
        key, (start, end) = key_node.value, block
        if key in SORTED_LISTS and depth == 0:
            new = _in_order_of(old, new, SORTED_LISTS[key])
        if self.canonical({key: old}) == self.canonical({key: new}):
            return self.lines[start:end]
        rule = _rule(rules[key])
        above = self.lines[start : key_node.start_mark.line + 1]
        is_block = not getattr(node, "flow_style", True) and node.value
        if is_block and isinstance(node, yaml.MappingNode) and key == "statements":
            blocks = self._blocks([inner for inner, _ in node.value], end)
            return [*above, *self._mapping(node, blocks, old, new, rule, depth + 1)]
        is_list = is_block and isinstance(node, yaml.SequenceNode) and isinstance(old[0], dict)
        # The dash is two columns before what it lists.
        if is_list and node.value[0].start_mark.column == depth * 2 + 2:
            return [*above, *self._items(node, end, old, new, rule, depth)]
        comments = self.lines[start : key_node.start_mark.line]
        return [*comments, *self._new(key, new, rules, depth)]

    def _items(self, node, end, old, new, rule, depth) -> list[str]:
        """The lines of a list: an item that says the same keeps its own."""
        blocks = self._blocks(node.value, end)
        kept: dict[str, list[tuple[int, int]]] = {}
        for item, block in zip(old, blocks, strict=True):
            kept.setdefault(self._mark(item), []).append(block)
        lines = []
        for item in new:
            same = kept.get(self._mark(item))
            if same:
                start, stop = same.pop(0)
                lines += self.lines[start:stop]
            else:
                styled = [_in_house_style(item, rule["items"])]
                lines += _dump({"x": {"y": styled}})[2:] if depth else _dump({"x": styled})[1:]
        return lines

    def _mark(self, item) -> str:
        return json.dumps(self.canonical(item), sort_keys=True)


def _in_order_of(old: list[dict], new: list[dict], key: str) -> list[dict]:
    """The new items, those that are in the old list in its order, others where they sort."""
    by_name = {item[key]: item for item in new}
    ordered = [by_name.pop(item[key]) for item in old if item[key] in by_name]
    for name, item in sorted(by_name.items()):
        place = next((n for n, i in enumerate(ordered) if i[key] > name), len(ordered))
        ordered.insert(place, item)
    return ordered
