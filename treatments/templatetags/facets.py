"""Facets of a filter panel: their templates rendered once, the numbers put in afterwards.

A panel has some two hundred options. From page to page only their numbers change, and
which of them are chosen; so each option is rendered once for each way it can look.
"""

import secrets
from dataclasses import dataclass
from functools import lru_cache

from django import template
from django.template.loader import get_template
from django.utils.translation import get_language

from ..facets import Facet, Option

register = template.Library()

# What one place in a template keeps, of options for each facet; beyond it they are rendered anew.
MOST_OPTIONS = 20_000
MOST_FACETS = 5_000

# Stand in for a number and for options while a template is rendered. They cannot be
# guessed, so that no label holds them.
_NUMBER = secrets.token_hex(16)
_SHOWN = secrets.token_hex(16)
_FOLDED = secrets.token_hex(16)


@dataclass(frozen=True)
class Frame:
    """The HTML of a facet around its options: before, between and after those of each list."""

    head: str
    between_shown: str
    middle: str
    between_folded: str
    tail: str


class FacetsNode(template.Node):
    """Facets in a template, with what it keeps of options and frames.

    `after` has by facet name what stands behind that facet.
    """

    # As in a kept part, there is no block inside.
    child_nodelists = ()

    def __init__(self, facets, form_id, after: dict[str, template.NodeList]):
        self.facets = facets
        self.form_id = form_id
        self.after = after
        # By form and facet, then by what an option looks like.
        self._pieces: dict[tuple, dict[tuple, tuple[str, ...]]] = {}
        # typed: a text and the same text marked safe are equal and print differently.
        self._frame = lru_cache(MOST_FACETS, typed=True)(_frame)

    def render(self, context) -> str:
        """Each facet as `components/facet.html` prints it, and what stands after it."""
        form_id: str = self.form_id.resolve(context)
        html = []
        for facet in self.facets.resolve(context):
            html.append(self._facet(facet, form_id))
            if facet.name in self.after:
                html.append(self.after[facet.name].render(context))
        return "".join(html)

    def _facet(self, facet: Facet, form_id: str) -> str:
        shown, folded = facet.shown, facet.folded
        frame = self._frame(
            get_language(),
            form_id,
            facet.name,
            facet.label,
            facet.hint,
            bool(shown),
            len(facet.options) if folded else 0,
        )
        return "".join(
            (
                frame.head,
                frame.between_shown.join(self._options(shown, facet.name, form_id)),
                frame.middle,
                frame.between_folded.join(self._options(folded, facet.name, form_id)),
                frame.tail,
            )
        )

    def _options(self, options: tuple[Option, ...], name: str, form_id: str) -> list[str]:
        kept = self._pieces.setdefault((form_id, name), {})
        html = []
        for option in options:
            value, label, count, is_selected, _note = option
            # An option without results looks different. The class of its label counts too: a
            # text and the same text marked safe are equal and print differently.
            look = value, label, is_selected, not count, value.__class__, label.__class__
            pieces = kept.get(look)
            if pieces is None:
                if len(kept) >= MOST_OPTIONS:
                    kept.clear()
                pieces = kept[look] = _pieces(form_id, name, option)
            html.append(str(count).join(pieces))
        return html


def _html(component: str, **context) -> str:
    return get_template(f"components/{component}.html").render(context)


def _stand_in(value, label="", is_selected=False, is_empty=False) -> dict:
    """An option as its template reads it, with a stand-in for its number."""
    return {
        "value": value,
        "label": label,
        "count": _NUMBER,
        "is_selected": is_selected,
        "is_empty": is_empty,
    }


def _pieces(form_id, name, option: Option) -> tuple[str, ...]:
    """The HTML of an option that looks like this one, cut wherever its number belongs."""
    stand_in = _stand_in(option.value, option.label, option.is_selected, option.is_empty)
    html = _html("facet_option", facet={"name": name}, option=stand_in, form_id=form_id)
    return tuple(html.split(_NUMBER))


def _frame(language, form_id, name, label, hint, shows_any, options_if_folded) -> Frame:
    """The HTML of a facet without its options; two stand-ins show what is between options."""
    shown, folded = _stand_in(_SHOWN), _stand_in(_FOLDED)
    facet = {
        "name": name,
        "label": label,
        "hint": hint,
        "options": range(options_if_folded),
        "shown": [shown, shown] if shows_any else [],
        "folded": [folded, folded] if options_if_folded else [],
    }
    head = between_shown = middle = between_folded = ""
    rest = _html("facet", facet=facet, form_id=form_id)
    if shows_any:
        html = _html("facet_option", facet=facet, option=shown, form_id=form_id)
        head, between_shown, rest = rest.split(html)
    if options_if_folded:
        html = _html("facet_option", facet=facet, option=folded, form_id=form_id)
        middle, between_folded, rest = rest.split(html)
    return Frame(head, between_shown, middle, between_folded, rest)


@register.tag
def facets(parser, token) -> FacetsNode:
    """{% facets FACETS FORM_ID %}{% after "NAME" %}...{% endfacets %}: facets in microseconds.

    The same HTML as `components/facet.html` prints for each of them; after the facet of a name
    stands what follows its {% after %}, of which there may be none or several.
    """
    try:
        _name, facets, form_id = token.split_contents()
    except ValueError as error:
        raise template.TemplateSyntaxError("facets takes facets and the id of a form.") from error
    before = parser.parse(("after", "endfacets"))
    if before.render(template.Context()).strip():
        raise template.TemplateSyntaxError("Nothing but “after” can stand inside of facets.")
    after = {}
    while (ended := parser.next_token()).contents != "endfacets":
        words = ended.split_contents()
        if len(words) != 2:
            raise template.TemplateSyntaxError("after takes the name of a facet.")
        after[words[1].strip("\"'")] = parser.parse(("after", "endfacets"))
    return FacetsNode(parser.compile_filter(facets), parser.compile_filter(form_id), after)
