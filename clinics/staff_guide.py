"""The staff guide, docs/staff-guide.md, as a page. The file is read once, when first asked for.

Only this file of ours is ever turned into a page, and it may hold no HTML.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from django.conf import settings
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

GUIDE = settings.BASE_DIR / "docs" / "staff-guide.md"
# The folder beside the file, and what settings.py calls it among the static files.
PICTURES, SERVED_AS = "staff-guide/", "staff-guide/"
# Which section is about the pages of a model, by its anchor.
SECTIONS = {
    "clinics.clinic": "your-listing",
    "clinics.offer": "prices",
    "clinics.practitioner": "people",
    "clinics.enquiry": "requests-of-patients",
    "clinics.replytemplate": "requests-of-patients",
    "clinics.invitation": "claim-your-listing-and-invite-colleagues",
    "clinics.claimrequest": "claims-of-listings",
    "clinics.check": "checks",
    "treatments.readersquestion": "readers-questions",
    "treatments.treatment": "wording",
    "treatments.claim": "wording",
    "treatments.statement": "wording",
}


@dataclass(frozen=True)
class Section:
    """A heading of the guide: its words, and the anchor that pages of the admin link to."""

    title: str
    anchor: str


@dataclass(frozen=True)
class Guide:
    """The guide as a page: its title, its parts with their sections, and its text as HTML."""

    title: str
    parts: list[tuple[Section, list[Section]]]
    text: SafeString


def served(token: Token):
    """Let a picture come from our static files, and load only when it is scrolled to."""
    name = str(token.attrs["src"]).removeprefix(PICTURES)
    token.attrs |= {"src": static(SERVED_AS + name), "loading": "lazy"}


def outline(tokens: list[Token]) -> list[tuple[int, Section]]:
    """The headings with their levels; each gets its anchor."""
    found = []
    for heading, words in pairwise(tokens):
        if heading.type == "heading_open":
            section = Section(words.content, slugify(words.content))
            heading.attrs["id"] = section.anchor
            found.append((int(heading.tag[1]), section))
    return found


@cache
def staff_guide() -> Guide:
    """Read the guide. Its first heading is its title, those of level two are its parts."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(GUIDE.read_text(encoding="utf-8"))
    for token in tokens:
        for part in token.children or []:
            if part.type == "image":
                served(part)
    headings = outline(tokens)
    parts: list[tuple[Section, list[Section]]] = []
    for level, section in headings[1:]:
        if level == 2:
            parts.append((section, []))
        elif level == 3 and parts:
            parts[-1][1].append(section)
    # The title is the page's own heading.
    html = markdown.renderer.render(tokens[3:], markdown.options, {})
    return Guide(headings[0][1].title, parts, mark_safe(html))  # noqa: S308  (no visitor's text)
