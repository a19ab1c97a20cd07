"""The face of the directory's search: what a visitor asks in, what the page shows out.

Everything a page shows of a search (list, counts, title, chips) comes from one `Answer`.
How it is found stands in `facet_index`; that it is true at this moment in `live_index`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import islice, product

from django.utils import timezone

from treatments.models import Treatment

from .change_log import Moment
from .facet_index import FacetIndex
from .live_index import LIVE
from .models import Clinic
from .narrowing import narrowed
from .selection import (
    Answer,
    DidYouMean,
    NamedPoint,
    Point,
    Selection,
    Suggestion,
    searched_words,
)
from .vocabulary import Vocabulary

# Of each kind, under the search box.
SUGGESTIONS_A_KIND = 4
# Other spellings tried for one word, and clinics below which they are looked for at all.
SPELLINGS_TRIED = 5


@contextmanager
def at_one_moment(today: date) -> Iterator[Moment | None]:
    """Whatever is asked inside the block is answered from the same moment of the directory.

    Yields that moment, or None while nothing was ever logged. One query if nothing has changed
    since the last use; the questions inside then cost none. Cards should be read inside
    `one_view`, around this block, to be of that moment, too.
    """
    with LIVE.on(today):
        yield LIVE.moment()


def search(selection: Selection, today: date, page: int = 1) -> Answer:
    """Answer a selection: total, one page of ids, every count.

    `page` starts at 1; beyond the end it becomes the last page.
    """
    with LIVE.on(today) as index:
        return narrowed(index, selection).answer(page)


def prices_of(selection: Selection, today: date) -> tuple[tuple[int, int], ...]:
    """How many matching clinics have which lowest price of one session; see the histogram.

    Pairs of (whole units of the selection's currency, clinics), from the lowest up, as if no
    price had been asked for.
    """
    with LIVE.on(today) as index:
        return narrowed(index, selection).prices()


def total_of(selection: Selection, today: date) -> int:
    """How many clinics match."""
    with LIVE.on(today) as index:
        return len(narrowed(index, selection).matched)


def ids_of(selection: Selection, today: date) -> list[int]:
    """Primary keys of all clinics that match, in no order."""
    with LIVE.on(today) as index:
        return index.pks_of(narrowed(index, selection).matched)


def vocabulary_of(today: date) -> Vocabulary:
    """What facets, rates and names are made of. Its objects are shared: do not change them."""
    with LIVE.on(today) as index:
        return index.vocabulary


def treatments_asked_for(selection: Selection, today: date) -> list[Treatment]:
    """Published treatments that are chosen, or that every word names: what to read first."""
    published = vocabulary_of(today).published.values()
    words, _beyond = searched_words(selection.words)
    chosen = selection.chosen.get("treatment", ())
    return [
        known.treatment
        for known in published
        if known.treatment.slug in chosen or (words and known.is_named(words))
    ]


def did_you_mean(selection: Selection, today: date) -> DidYouMean | None:
    """The words with one of them spelt otherwise, if that finds more; None if nothing does.

    Words that nothing starts with come first; one slip is forgiven in each of them.
    """
    words, _beyond = searched_words(selection.words)
    with LIVE.on(today) as index:
        unknown = [place for place, word in enumerate(words) if not index.searching(word)]
        best = len(narrowed(index, selection).matched)
        found = None
        for tried in _respelt(index, words, unknown):
            respelt = replace(selection, words=" ".join(tried))
            total = len(narrowed(index, respelt).matched)
            if total > best:
                found, best = DidYouMean(" ".join(tried), total), total
        return found


def _respelt(index: FacetIndex, words: list[str], unknown: list[int]) -> Iterator[list[str]]:
    near = {
        place: _busiest(index, index.words.nearest(words[place], index.vocabulary.words))
        for place in unknown or range(len(words))
    }
    if not unknown:
        for place, spellings in near.items():
            for spelling in spellings:
                yield [*words[:place], spelling, *words[place + 1 :]]
        return
    if all(near.values()):
        for chosen in islice(product(*near.values()), SPELLINGS_TRIED**2):
            respelt = dict(zip(near, chosen, strict=True))
            yield [respelt.get(place, word) for place, word in enumerate(words)]


def _busiest(index: FacetIndex, spellings: list[str]) -> list[str]:
    by_clinics = sorted(spellings, key=lambda word: (-len(index.searching(word)), word))
    return by_clinics[:SPELLINGS_TRIED]


def suggestions(text: str, today: date) -> tuple[Suggestion, ...]:
    """Treatments, then countries and towns, then clinics that `text` may be the beginning of.

    One query, for the names of the clinics.
    """
    words, _beyond = searched_words(text)
    if not words:
        return ()
    with LIVE.on(today) as index:
        clinics = index.first_by_match(index.listed_as(words), SUGGESTIONS_A_KIND)
        found = [*_suggested_treatments(index, words), *_suggested_places(index, words)]
    rows = {
        pk: Suggestion("clinic", slug, name, town, 1)
        for pk, slug, name, town in Clinic.objects.published()
        .filter(pk__in=clinics)
        .values_list("pk", "slug", "name", "place__name")
    }
    return (*found, *(rows[pk] for pk in clinics if pk in rows))


def _suggested_treatments(index: FacetIndex, words: list[str]) -> list[Suggestion]:
    named = [
        (known.treatment, len(index.holders("treatment", pk)))
        for pk, known in index.vocabulary.published.items()
        if known.is_named(words) and known.treatment.is_offered
    ]
    named = sorted((pair for pair in named if pair[1]), key=lambda pair: -pair[1])
    return [
        Suggestion("treatment", treatment.slug, treatment.short_name, "", total)
        for treatment, total in named[:SUGGESTIONS_A_KIND]
    ]


def _suggested_places(index: FacetIndex, words: list[str]) -> list[Suggestion]:
    vocabulary = index.vocabulary
    countries = set.intersection(*map(vocabulary.countries_starting, words))
    towns = set.intersection(*map(vocabulary.towns_starting, words))
    found = [
        Suggestion("country", country.slug, country.local_name, "", total)
        for country in map(vocabulary.countries.get, countries)
        if (total := len(index.holders("country", country.code)))
    ]
    found += [
        Suggestion("place", town.slug, town.name, town.country_name, total)
        for town in map(vocabulary.places.get, towns)
        if (total := len(index.holders("city", town.pk)))
    ]
    found.sort(key=lambda place: (-place.total, place.label))
    return found[:SUGGESTIONS_A_KIND]


def place_named(text: str, today: date | None = None) -> NamedPoint | None:
    """The point meant by "48.85,2.35", by a place's slug or by a town's name; None if unknown.

    Of several towns with one name, that with most clinics is meant.
    """
    parts = text.split(",")
    if len(parts) == 2:
        point = _point(*parts)
        if point:
            return NamedPoint(point, "")
    with LIVE.on(today or timezone.localdate()) as index:
        vocabulary = index.vocabulary
        slug = vocabulary.keys["city"].get(text.strip())
        named = [vocabulary.places[slug]] if slug else vocabulary.towns_called(text)
        if not named:
            return None
        place = max(named, key=lambda place: (len(index.holders("city", place.pk)), -place.pk))
    return NamedPoint(Point(float(place.latitude), float(place.longitude)), str(place))


def _point(latitude: str, longitude: str) -> Point | None:
    if not (_COORDINATE.fullmatch(latitude.strip()) and _COORDINATE.fullmatch(longitude.strip())):
        return None
    point = Point(float(latitude), float(longitude))
    return point if abs(point.latitude) <= 90 and abs(point.longitude) <= 180 else None


_COORDINATE = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,8})?")
