"""The catalogue's files as data: reading them with line numbers, and checking them.

Nothing here knows the database. Every fault of every file is found in one go
and reported with the file's name and the line.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

DIRECTORY = Path(__file__).parent / "content"
SCHEMA = DIRECTORY / "schema.json"

# Files that are not about one treatment, with the definition in the schema that they follow.
SHARED_FILES = {
    "sources.yaml": "sources_file",
    "vocabulary.yaml": "vocabulary_file",
    "general.yaml": "general_file",
}

# What a number on a topic may be counted in. Other topics take any unit but money. Weeks of
# treatment stand under sessions where a source counts them instead of sessions.
UNITS = {
    "sessions": {"session", "week"},
    "interval": {"day", "week", "month"},
    "session_length": {"minute", "hour"},
    "course_length": {"week", "month"},
    "time_to_result": {"minute", "hour", "day", "week", "month", "session"},
    "maintenance": {"week", "month", "year", "week_per_year"},
    "downtime": {"hour", "day", "week"},
    "cost": {"money"},
}


@dataclass(frozen=True)
class Problem:
    """What is wrong at one place of one file."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.path + ': ' if self.path else ''}{self.message}"


class ContentError(Exception):
    """The files break the schema or contradict each other; `problems` has every place."""

    def __init__(self, problems: list[Problem]):
        self.problems = sorted(problems, key=lambda problem: (problem.file, problem.line))
        super().__init__("\n".join(map(str, self.problems)))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML in which words stay words and dates stay text.

    Otherwise the answer `no` and the verdict `false` would become truth values.
    """


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, rule) for tag, rule in rules if not tag.endswith((":bool", ":timestamp"))]
    for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

# The keys whose values are truth values after all.
_TRUTHS = ("serious", "ours", "general", "hidden")
_TRUTH = {"true": True, "false": False}


class _File:
    """One parsed file: its data, and the line of every value in it."""

    def __init__(self, path: Path):
        self.name = path.name
        self.problems: list[Problem] = []
        self._lines: dict[tuple, int] = {(): 1}
        self.data: dict = {}
        try:
            loader = _Loader(path.read_bytes())
            try:
                node = loader.get_single_node()
                if node is not None:
                    self.data = self._plain(loader, node, ())
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self._lines[()] = mark.line + 1 if mark else 1
            self.report((), f"is not YAML: {getattr(error, 'problem', None) or error}")

    def _plain(self, loader, node, path):
        self._lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            data = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                if key in data:
                    self._lines[(*path, key)] = key_node.start_mark.line + 1
                    self.report((*path, key), "is written twice")
                data[key] = self._plain(loader, value_node, (*path, key))
            return data
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(loader, item, (*path, n)) for n, item in enumerate(node.value)]
        value = loader.construct_object(node)
        return _TRUTH.get(value, value) if path and path[-1] in _TRUTHS else value

    def report(self, path: Iterable, message: str):
        """Add a problem at `path`, a sequence of keys and list indexes."""
        path = tuple(path)
        known = path
        while known not in self._lines:
            known = known[:-1]
        shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        self.problems.append(
            Problem(self.name, self._lines[known], shown.removeprefix("."), message)
        )


@cache
def _validator(definition: str) -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return Draft202012Validator({**schema, "$ref": f"#/$defs/{definition}"})


def _parse(directory: Path) -> dict[str, _File]:
    """Parse every file and check it against the schema; raise ContentError for all faults."""
    files = {path.name: _File(path) for path in sorted(directory.glob("*.yaml"))}
    problems = [
        Problem(name, 1, "", f"is missing from {directory}")
        for name in SHARED_FILES
        if name not in files
    ]
    for name, file in files.items():
        if not file.problems:
            validator = _validator(SHARED_FILES.get(name, "treatment_file"))
            for error in validator.iter_errors(file.data):
                message = error.message
                if len(message) > 200:
                    message = f"{message[:200]} …"
                file.report(error.absolute_path, message)
        problems += file.problems
    if problems:
        raise ContentError(problems)
    return files


def _treatment_files(files: dict[str, _File]) -> list[_File]:
    shared = [file for name, file in files.items() if name not in SHARED_FILES]
    return sorted(shared, key=lambda file: (file.data["position"], file.data["slug"]))


def read_files(directory: Path = DIRECTORY) -> dict[str, dict]:
    """Return file name -> data of all files. Raises ContentError with all that is wrong."""
    files = _parse(directory)
    _check(files)
    return {name: file.data for name, file in files.items()}


def _check(files: dict[str, _File]):
    """Check what a schema cannot see; raise ContentError for all faults of all files."""
    vocabulary = files["vocabulary.yaml"].data
    terms = {
        "sources": {source["slug"] for source in files["sources.yaml"].data["sources"]},
        "area": {term["slug"] for term in vocabulary["body_areas"]},
        "concern": {term["slug"] for term in vocabulary["concerns"]},
        "substance": {term["slug"] for term in vocabulary["substances"]},
        "also": {file.data["slug"] for file in _treatment_files(files)},
    }
    terms["source"] = terms["checked_against"] = terms["sources"]
    for file in files.values():
        _check_references(file, file.data, (), terms)
        _check_statements(file)
    _check_repeats(files)
    for file in _treatment_files(files):
        _check_treatment(file)
    _check_claims(files)
    problems = [problem for file in files.values() for problem in file.problems]
    if problems:
        raise ContentError(problems)


_REFERENCE_NAMES = {"checked_against": "source", "sources": "source", "also": "treatment"}


def _check_references(file, data, path, terms):
    if isinstance(data, list):
        for n, item in enumerate(data):
            _check_references(file, item, (*path, n), terms)
    elif isinstance(data, dict):
        for key, value in data.items():
            values = value if isinstance(value, list) else [value]
            if key in terms and all(isinstance(slug, str) for slug in values):
                for slug in sorted(set(values) - terms[key]):
                    name = _REFERENCE_NAMES.get(key, key)
                    file.report((*path, key), f"no {name} is called {slug!r}")
            else:
                _check_references(file, value, (*path, key), terms)


def _check_statements(file):
    for section, statements in file.data.get("statements", {}).items():
        for n, statement in enumerate(statements):
            if not statement.get("sources") and not statement.get("ours"):
                message = "needs sources, or `ours: true` if it is our own wording"
                file.report(("statements", section, n), message)


def _check_repeats(files):
    """Report names that must be unique, within one list or over all treatments."""

    def check(file, path, items, *keys):
        seen = set()
        for n, item in enumerate(items):
            name = tuple(item[key] for key in keys)
            if name in seen:
                file.report((*path, n, keys[-1]), f"{name[-1]!r} is in this list already")
            seen.add(name)

    check(files["sources.yaml"], ("sources",), files["sources.yaml"].data["sources"], "slug")
    for kind, items in files["vocabulary.yaml"].data.items():
        check(files["vocabulary.yaml"], (kind,), items, "slug")
    names = {}
    for file in _treatment_files(files):
        lists = [("aliases", "name"), ("body_areas", "area"), ("concerns", "concern")]
        lists += [("substances", "substance"), ("side_effects", "name")]
        for kind, key in [*lists, ("contraindications", "name")]:
            check(file, (kind,), file.data.get(kind, []), key)
        first = names.setdefault(file.data["short_name"], file.name)
        if first != file.name:
            file.report(("short_name",), f"is the short name of {first} too")


def _check_treatment(file):
    data = file.data
    if f"{data['slug']}.yaml" != file.name:
        file.report(("slug",), "must be the name of the file")
    review = data.get("review")
    if review:
        for key in ("last", "next"):
            try:
                date.fromisoformat(review[key])
            except ValueError:
                file.report(("review", key), "is not a date")
        if review["last"] >= review["next"]:
            file.report(("review", "next"), "must come after the last review")
    for n, effect in enumerate(data.get("side_effects", [])):
        if "percent" in effect and _decimals(effect["percent"]) > 1:
            file.report(("side_effects", n, "percent"), "has more than one decimal")


def _check_claims(files):
    order = {file.data["slug"]: n for n, file in enumerate(_treatment_files(files))}
    seen = {}
    for file in files.values():
        for n, claim in enumerate(file.data.get("claims", [])):
            path = ("claims", n)
            for key, fault in (*_claim_faults(claim), *_home_faults(file, claim, order)):
                file.report((*path, key), fault)
            for key, name in (
                ("id", claim["id"]),
                ("locator", (claim["source"], claim["locator"])),
            ):
                if name in seen:
                    file.report((*path, key), f"is taken by {seen[name]}")
                else:
                    seen[name] = f"claim {claim['id']} of {file.name}"


def _home_faults(file, claim, order):
    """A claim stands in the file of its first treatment, so that it stands in one only."""
    if file.name == "general.yaml":
        for key in sorted({"also", "general"} & claim.keys()):
            yield key, "does not belong into general.yaml"
        return
    home, also = file.data["slug"], claim.get("also", [])
    known = [slug for slug in also if slug in order]
    first = min([home, *known], key=order.get)
    if home in also:
        yield "also", "must not name the file's own treatment"
    elif first != home:
        yield "also", f"the claim belongs into {first}.yaml, which comes first"


def _claim_faults(claim) -> Iterable[tuple[str, str]]:
    """What is wrong with one claim by itself: pairs of key and message."""
    yield from _number_faults(claim)
    yield from _unit_faults(claim)
    if claim["verdict"] in ("false", "misleading") and not claim.get("known"):
        yield "verdict", f"{claim['verdict']!r} needs `known`: what better sources say"


def _number_faults(claim):
    low, high = claim.get("low"), claim.get("high")
    if low is not None and high is not None and low > high:
        yield "low", f"the range is reversed: {low} is above {high}"
    for key in sorted({"low", "high"} & claim.keys()):
        if _decimals(claim[key]) > 2:
            yield key, "has more than two decimals"
        if "unit" not in claim:
            yield key, "a number needs a unit"


def _unit_faults(claim):
    topic, unit = claim["topic"], claim.get("unit")
    allowed = UNITS.get(topic)
    if unit and allowed and unit not in allowed:
        yield "unit", f"{unit!r} is no unit for {topic}; use {' or '.join(sorted(allowed))}"
    if unit == "money":
        if topic != "cost":
            yield "unit", f"'money' is no unit for {topic}"
        for key in sorted({"currency", "per"} - claim.keys()):
            yield "unit", f"an amount of money needs `{key}`"
    elif "currency" in claim:
        yield "currency", "only an amount of money has a currency"


def _decimals(number) -> int:
    return max(0, -Decimal(str(number)).normalize().as_tuple().exponent)
