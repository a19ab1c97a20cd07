"""Words that sell: what a public text must not say unless it says who says so.

A flag is no verdict. “A clinic calls it painless; a study found pain in half of its patients” is
exactly what a page should print. So a flagged text needs a source beside it, or somebody who
has read it; only a seller's own text has neither, and must be written anew.

The patterns are read by Python and by static/js/wording.js alike, on text that `fold` has made
plain, so they use only what both understand.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# Brands that our own catalogue says are sold on prescription only. Such medicines must not be
# advertised to the public in Europe (Directive 2001/83/EC, article 88).
PRESCRIPTION_ONLY = ("Belkyra", "Kybella")


@dataclass(frozen=True)
class Rule:
    """A kind of wording: its patterns on folded text, and why it is flagged."""

    code: str
    patterns: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Flag:
    """Words that a rule found, as written, and where they begin and end in the text."""

    words: str
    start: int
    end: int
    rule: Rule


RULES = (
    Rule(
        "painless",
        (r"pain ?less(?:ly|ness)?", r"pain ?free", r"(?:without|free of|zero) (?:any )?pain"),
        _("Needles hurt some people. Say who was asked, and how many felt pain."),
    ),
    Rule(
        "permanent",
        (r"permanent(?:ly|s)?", r"permanence", r"(?:for ?ever|lifelong|life ?time) results?"),
        _("A lasting result has not been shown. Say who says so, and for how long it was seen."),
    ),
    Rule(
        "guaranteed",
        (
            r"guarant(?:ee|y)(?:s|d|ing)?",
            r"guaranties",
            r"100 ?% (?:effective|success\w*|results?)",
        ),
        _("Nobody can promise a result. Say in how many people it worked."),
    ),
    Rule(
        "approved",
        (
            r"fda(?: is| was| has| have| been| fully)* ?(?:approv(?:ed|al|es)|clear(?:ed|ance)"
            r"|certified|registered)",
            r"(?:approved|cleared|certified|authori[sz]ed) by (?:the )?(?:us |american )?"
            r"(?:regulator )?(?:fda|food and drug)",
        ),
        _(
            "The FDA approves a product for one stated use, never a treatment. Name the product, "
            "the use and the year."
        ),
    ),
    Rule(
        "no-risk",
        (
            r"risk ?(?:free|less)",
            r"(?:no|zero|without|free of|without any) (?:\w+ )?risks?",
            r"(?:no|zero|without|without any) side ?effects?",
            r"side ?effect ?free",
            r"harmless(?:ly)?",
        ),
        _("Every injection has risks. Say which were looked for, and by whom."),
    ),
    Rule(
        "safe",
        (
            r"(?:is|are|be|it s|completely|totally|perfectly|absolutely|entirely|proven|very|"
            r"100 ?%) safe(?:ly)?",
            r"safe(?:ly)? (?:and|&) (?:\w+)",
            r"safe (?:treatment|method|procedure|alternative|option|solution|way|injection)s?",
            r"safest",
        ),
        _("Say what was studied, in how many people, and what was not."),
    ),
    Rule(
        "miracle",
        (r"miracles?", r"miraculous(?:ly)?", r"magic(?:al|ally)?"),
        _("This is advertising. Say what was measured."),
    ),
    Rule(
        "toxins",
        (
            r"(?:remov|eliminat|flush|clear|clean|drain|releas|expel|purg|wash|carr|get|rid)\w*"
            r" (?:\w+ ){0,3}toxins?",
            r"toxins? (?:\w+ ){0,2}(?:removed|eliminated|flushed|drained|released|expelled)",
            r"de ?tox\w*",
        ),
        _("No treatment here has been shown to take poisons out of the body."),
    ),
    Rule(
        "prescription",
        tuple(name.lower() for name in PRESCRIPTION_ONLY),
        _("A medicine on prescription must not be advertised to the public. Cite who says what."),
    ),
)

# Hyphens and dashes part words no more than a space does; apostrophes come in many shapes.
_PARTING = "-‐‑‒–—―−_/ \t\n\r\u00a0'’‘`"


def fold(text: str) -> tuple[str, list[int]]:
    """The text in plain small letters, words one space apart, and where each letter stood.

    Accents, invisible characters, hyphens and capitals are what a wish to slip through leaves.
    """
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        for small in _SMALL_LETTERS[ord(letter)]:
            if small != " " or (letters and letters[-1] != " "):
                letters.append(small)
                places.append(place)
    return "".join(letters), places


def _small_letters(letter: str) -> str:
    """What a letter is in plain small letters: one or several, a space, or nothing."""
    if letter in _PARTING or unicodedata.category(letter) == "Zs":
        return " "
    return "".join(
        part.casefold()
        for part in unicodedata.normalize("NFKD", letter)
        if unicodedata.category(part) not in ("Mn", "Me", "Cf")
    )


class _SmallLetters(dict):
    """What letters are in plain small letters, by their code; each is worked out once."""

    def __missing__(self, code: int) -> str:
        return self.setdefault(code, _small_letters(chr(code)))


_SMALL_LETTERS = _SmallLetters()


@cache
def _any_rule() -> re.Pattern:
    patterns = (pattern for rule in RULES for pattern in rule.patterns)
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(patterns)})(?![a-z0-9])")


def _may_have_flags(text: str) -> bool:
    """The same question as `flags_in`, answered without asking where: most texts have none."""
    plain = re.sub(" +", " ", text.translate(_SMALL_LETTERS))
    return _any_rule().search(plain) is not None


@cache
def _compiled() -> tuple[tuple[Rule, re.Pattern], ...]:
    # No digit or letter before or after: "unguaranteed" is no promise.
    return tuple(
        (rule, re.compile(rf"(?<![a-z0-9])(?:{'|'.join(rule.patterns)})(?![a-z0-9])"))
        for rule in RULES
    )


def flags_in(text: str) -> list[Flag]:
    """Return what the rules find in a text, in the order of the text. Pure; costs no query."""
    if not _may_have_flags(text):
        return []
    folded, places = fold(text)
    found = []
    for rule, pattern in _compiled():
        for match in pattern.finditer(folded):
            start, end = places[match.start()], places[match.end() - 1] + 1
            found.append(Flag(text[start:end], start, end, rule))
    return sorted(found, key=lambda flag: (flag.start, flag.end))


def reasons(flags: Iterable[Flag]) -> list[str]:
    """One line for each flagged wording and why, each wording once."""
    lines = {}
    for flag in flags:
        lines.setdefault(
            (flag.rule.code, flag.words.casefold()),
            gettext("“%(words)s”: %(why)s") % {"words": flag.words, "why": flag.rule.why},
        )
    return list(lines.values())


def rules_for_scripts() -> list[dict[str, str]]:
    """The rules as static/js/wording.js takes them: a pattern and why."""
    return [{"pattern": "|".join(rule.patterns), "why": str(rule.why)} for rule in RULES]
