"""The small things that all listings share: treatments, places, languages, rates.

A few thousand rows that seldom change, read at once and kept in memory beside the
index, so that a page can print labels, links and prices without asking the database.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from treatments.models import Alias, BodyArea, Concern, Treatment, TreatmentConcern
from treatments.text_folding import fold, word_starts

from .exchange import Rates, current_rates
from .models import Country, Currency, Language, Place


@dataclass(frozen=True)
class KnownTreatment:
    """A treatment with every word that finds it, in search spelling."""

    treatment: Treatment
    concerns: frozenset[int]
    words: frozenset[str]

    @property
    def is_published(self) -> bool:
        return self.treatment.is_published

    def is_named(self, words: list[str]) -> bool:
        """Whether each of the words, in search spelling, starts a word of one of its names."""
        return all(any(own.startswith(word) for own in self.words) for word in words)


@dataclass(frozen=True)
class Vocabulary:
    """Everything shared, by primary key. Eight queries to read."""

    treatments: dict[int, KnownTreatment]
    areas: dict[int, BodyArea]
    concerns: dict[int, Concern]
    places: dict[int, Place]
    countries: dict[str, Country]
    languages: dict[str, Language]
    currencies: tuple[str, ...]
    rates: Rates
    # Whatever is worked out from it for one language of the page; see `remembered`.
    _by_language: dict = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def keys(self) -> dict[str, dict[str, object]]:
        """By facet: the key in the index of each option value. Facets not named here use
        the option value itself."""
        return {
            "treatment": {k.treatment.slug: pk for pk, k in self.published.items()},
            "area": {area.slug: pk for pk, area in self.areas.items()},
            "concern": {concern.slug: pk for pk, concern in self.concerns.items()},
            "country": {country.slug: code for code, country in self.countries.items()},
            "city": {place.slug: pk for pk, place in self.places.items()},
            "language": {language.slug: code for code, language in self.languages.items()},
        }

    @cached_property
    def values(self) -> dict[str, dict[object, str]]:
        """By facet: the option value of each key in the index; the inverse of `keys`."""
        return {
            facet: {key: value for value, key in keys.items()} for facet, keys in self.keys.items()
        }

    @cached_property
    def published(self) -> dict[int, KnownTreatment]:
        """Published treatments in their order."""
        return {pk: known for pk, known in self.treatments.items() if known.is_published}

    @cached_property
    def places_of_country(self) -> dict[str, tuple[int, ...]]:
        """Primary keys of the places of each country."""
        found: dict[str, list[int]] = {}
        for pk, place in self.places.items():
            found.setdefault(place.country_id, []).append(pk)
        return {code: tuple(places) for code, places in found.items()}

    @cached_property
    def _town_words(self) -> "WordTable":
        return WordTable((pk, word_starts(place.name)) for pk, place in self.places.items())

    @cached_property
    def _country_words(self) -> "WordTable":
        return WordTable((code, word_starts(c.name)) for code, c in self.countries.items())

    @cached_property
    def _treatment_words(self) -> "WordTable":
        return WordTable((pk, known.words) for pk, known in self.published.items())

    def towns_starting(self, word: str) -> set[int]:
        """Places in whose name a word starts so. `word` is in search spelling, here and below."""
        return self._town_words.starting(word)

    def countries_starting(self, word: str) -> set[str]:
        """Countries in whose name a word starts so."""
        return self._country_words.starting(word)

    def treatments_starting(self, word: str) -> set[int]:
        """Published treatments with a name or other name in which a word starts so."""
        return self._treatment_words.starting(word)

    @cached_property
    def words(self) -> list[str]:
        """Every word of a town, country or published treatment."""
        tables = (self._town_words, self._country_words, self._treatment_words)
        return sorted({word for table in tables for word in table.words})

    def towns_called(self, name: str) -> list[Place]:
        """Places of this name; where none is, those whose name starts so."""
        folded = fold(name)
        exact = self._places_by_name.get(folded, [])
        if exact or not folded:
            return exact
        first, *others = folded.split()
        found = self.towns_starting(first).intersection(*map(self.towns_starting, others))
        return [self.places[pk] for pk in found]

    @cached_property
    def _places_by_name(self) -> dict[str, list[Place]]:
        """Places by their whole name in search spelling."""
        found: dict[str, list[Place]] = {}
        for place in self.places.values():
            found.setdefault(fold(place.name), []).append(place)
        return found

    def remembered(self, name: Hashable, language: str, make: Callable[[], object]):
        """What `make()` gives, worked out once for each language of the page."""
        if (name, language) not in self._by_language:
            self._by_language[name, language] = make()
        return self._by_language[name, language]


class WordTable:
    """Which things have a word that starts with given letters."""

    def __init__(self, things: Iterable[tuple[Hashable, Iterable[str]]]):
        self._things: dict[str, set] = {}
        for thing, words in things:
            for word in words:
                self._things.setdefault(word, set()).add(thing)
        self.words = sorted(self._things)

    def starting(self, letters: str) -> set:
        """The things with a word that starts so."""
        end = bisect_left(self.words, letters + "\U0010ffff")
        found = self.words[bisect_left(self.words, letters) : end]
        return set().union(*(self._things[word] for word in found))


def _words_of_treatments(treatments: dict[int, Treatment]) -> Iterator[tuple[int, set[str]]]:
    for pk, treatment in treatments.items():
        yield pk, word_starts(treatment.name) | word_starts(treatment.short_name)
    for treatment, name in Alias.objects.values_list("treatment", "name"):
        yield treatment, word_starts(name)


def read_vocabulary() -> Vocabulary:
    """Read it from the database. Eight queries."""
    treatments = Treatment.objects.only(
        "slug", "name", "short_name", "kind", "is_published", "position"
    ).in_bulk()
    treatments = dict(sorted(treatments.items(), key=lambda t: (t[1].position, t[1].name)))
    words: dict[int, set[str]] = {pk: set() for pk in treatments}
    for pk, found in _words_of_treatments(treatments):
        words[pk] |= found
    concerns: dict[int, set[int]] = {pk: set() for pk in treatments}
    for treatment, concern in TreatmentConcern.objects.values_list("treatment", "concern"):
        concerns[treatment].add(concern)
    countries = {country.code: country for country in Country.objects.all()}
    places = {place.pk: place for place in Place.objects.all()}
    for place in places.values():
        place.country = countries[place.country_id]
    return Vocabulary(
        treatments={
            pk: KnownTreatment(treatment, frozenset(concerns[pk]), frozenset(words[pk]))
            for pk, treatment in treatments.items()
        },
        areas={area.pk: area for area in BodyArea.objects.all()},
        concerns={concern.pk: concern for concern in Concern.objects.all()},
        places=places,
        countries=countries,
        languages={language.code: language for language in Language.objects.all()},
        currencies=tuple(Currency.objects.order_by("code").values_list("code", flat=True)),
        rates=current_rates(),
    )
