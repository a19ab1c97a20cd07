"""Cards of clinics as HTML, kept in this process for as long as nothing on them has changed.

Cards are most of a directory page. One that is kept costs a look-up and no query. A new one
costs little more than reading its clinic: the template is rendered once for each shape that
a card can have (with a price or without, two checks or three), and words are filled in.
"""

import re
import secrets
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from html import escape
from types import SimpleNamespace

from django.template import Context, Template
from django.template.loader import get_template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from treatments.recently_used import RecentlyUsed

from .cards import ClinicCard, PriceLine, clinic_card, distance_words
from .exchange import Rates
from .listed_clinics import listed_clinics

MOST_CARDS = 20_000
MOST_BYTES = 64 * 2**20
MOST_SHAPES = 2000


@dataclass(frozen=True, slots=True)
class CardFragment:
    """A card as HTML, and what else a page says of its clinic. `path` leads to its own page.

    One that is kept for pages with distances has a gap for its own.
    """

    slug: str
    name: str
    path: str
    is_sample: bool
    is_located: bool
    html: SafeString

    @property
    def size(self) -> int:
        """Bytes that keeping it takes, with its key and without what fragments share."""
        return sum(map(sys.getsizeof, (self.slug, self.name, self.path, self.html))) + 500

    def at(self, km: float | None) -> "CardFragment":
        """With how far away its clinic is; itself where that is not asked."""
        if km is None:
            return self
        words = escape(distance_words(km, self.is_located))
        return replace(self, html=SafeString(self.html.replace(_gap("distance"), words)))


class CardFragments:
    """Fragments for one process and all of its threads, at most `most` and `most_bytes`.

    A fragment is kept with the version that its clinic had, and shown only while it has it.
    """

    def __init__(self, most: int = MOST_CARDS, most_bytes: int = MOST_BYTES):
        self._kept: RecentlyUsed[tuple[Hashable, CardFragment]] = RecentlyUsed(most, most_bytes)

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()

    def of(
        self,
        clinics: Sequence[int],
        matching_offers: Mapping[int, tuple[tuple[int, int], ...]],
        rates: Rates,
        today: date,
        currency: str,
        version_of: Callable[[int], Hashable],
        kilometres: Mapping[int, float],
    ) -> list[CardFragment]:
        """The cards of these clinics in their order, without those that are not published.

        `matching_offers` and `kilometres` are as in `Answer`. `version_of` gives for each
        clinic something that is never again the same once the clinic, the rates, or a name on
        its card has changed; None where that is not known, and then nothing is kept. No query
        for kept fragments, five for any number of others.
        """
        language = get_language()
        template = get_template("components/clinic_card.html").template
        found: dict[int, CardFragment] = {}
        new: list[int] = []
        for clinic in clinics:
            matching = matching_offers.get(clinic, ())
            kept = self._kept.get((clinic, matching, language, currency, clinic in kilometres))
            if kept and kept[0] == (version_of(clinic), today, template):
                found[clinic] = kept[1]
            else:
                new.append(clinic)
        for clinic, listed in listed_clinics(new, today).items():
            matching = matching_offers.get(clinic, ())
            card = clinic_card(listed, matching, rates, today, currency)
            tells_distance = clinic in kilometres
            fragment = found[clinic] = _fragment(card, template, language, tells_distance)
            version = version_of(clinic)
            if version is not None:
                self._kept.keep(
                    (clinic, matching, language, currency, tells_distance),
                    ((version, today, template), fragment),
                    fragment.size,
                )
        return [found[clinic].at(kilometres.get(clinic)) for clinic in clinics if clinic in found]


# The fragments of this process.
FRAGMENTS = CardFragments()


def _fragment(
    card: ClinicCard, template: Template, language: str, tells_distance: bool
) -> CardFragment:
    words = _words(card)
    html = _pattern(template, language, tells_distance, *_shape(card)) % {
        gap: escape(text) for gap, text in words.items()
    }
    clinic = card.clinic
    return CardFragment(
        slug=clinic.slug,
        name=clinic.name,
        path=words["path"],
        is_sample=clinic.is_sample,
        is_located=clinic.is_located,
        html=SafeString(html),
    )


# --- The template of a card, rendered once a shape. `_shape` is all that it decides by,
# `_words` are what it prints, and `_stand_in` is a card of a shape with gaps for words. The
# gap for the distance stays open: it is filled for each page.


def _shape(card: ClinicCard) -> tuple:
    return (
        card.clinic.is_sample,
        len(card.checks),
        bool(card.injectors),
        card.names_product,
        bool(card.amount),
        tuple(line.is_doubtful for line in card.price_lines),
    )


def _words(card: ClinicCard) -> dict[str, str]:
    return {
        "slug": card.clinic.slug,
        "path": card.clinic.get_absolute_url(),
        "name": card.clinic.name,
        "initials": card.clinic.initials,
        "about": card.about,
        "injectors": card.injectors,
        "reason": card.reason,
        "amount": card.amount,
        "distance": _gap("distance"),
        **{f"check_{place}": check for place, check in enumerate(card.checks)},
        **{f"line_{place}": line.words for place, line in enumerate(card.price_lines)},
    }


# Nobody can guess it, so no clinic can write a gap into its name.
_EDGE = secrets.token_hex(16)


def _gap(name: str) -> str:
    return f"{_EDGE}{name}{_EDGE}"


def _stand_in(tells_distance, is_sample, checks, has_injectors, names_product, has_amount, doubts):
    return SimpleNamespace(
        clinic=SimpleNamespace(
            slug=_gap("slug"),
            get_absolute_url=_gap("path"),
            name=_gap("name"),
            initials=_gap("initials"),
            is_sample=is_sample,
        ),
        about=_gap("about"),
        checks=[_gap(f"check_{place}") for place in range(checks)],
        injectors=_gap("injectors") if has_injectors else "",
        names_product=names_product,
        reason=_gap("reason"),
        amount=_gap("amount") if has_amount else "",
        distance=_gap("distance") if tells_distance else "",
        price_lines=[
            PriceLine(_gap(f"line_{place}"), is_doubtful)
            for place, is_doubtful in enumerate(doubts)
        ],
    )


@lru_cache(maxsize=MOST_SHAPES)
def _pattern(template: Template, _language: str, *shape) -> str:
    """The HTML of a card of this shape, for `%` with its words."""
    html = template.render(Context({"card": _stand_in(*shape)}))
    return re.sub(f"{_EDGE}([a-z_0-9]+?){_EDGE}", r"%(\1)s", html.replace("%", "%%"))
