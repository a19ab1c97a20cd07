"""What the query string of the directory means: facets, applied filters, their links.

`ClinicFilterSet` reads the parameters, drops what it does not know and says so, and
turns the rest into one `Selection`. Everything a page shows of the search (list, counts,
chips, title, links) is derived from that selection and its answer. No HTML.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from itertools import chain

import django_filters
from django.utils.translation import get_language
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from treatments.facets import (
    AppliedFilter,
    Facet,
    Option,
    Pairs,
    WayOut,
    query_string,
    without,
)
from treatments.option_filters import Choices, OptionsFilter, RefusedValue, refused_values

from .exchange import DEFAULT_CURRENCY, Rates
from .listing_facts import FRESH_SIX_MONTHS, PRODUCT_NAMED, PRODUCT_NOT_SAID
from .models import Check, Clinic, Offer, Practitioner
from .parameters_form import ParametersForm, parameters_form
from .ranking import DEFAULT_SORT, SORTS, Sort
from .search import did_you_mean, ids_of, place_named, search, total_of, vocabulary_of
from .search_in_words import SearchInWords
from .selection import Answer, NamedPoint, Selection, searched_words
from .typed_fields import (
    MAX_NUMBER_LENGTH,
    FieldProblem,
    PriceFilter,
    SessionsFilter,
    TypedNumber,
    TypedRange,
    WordsFilter,
)
from .what_for import Use, uses_to_choose_from

# Towns offered before a country is chosen.
BUSIEST_TOWNS = 10
# Distances that a visitor can choose, in km.
RADII = (5, 10, 25, 50, 100, 250)
# Below this many results another spelling is looked for.
FEW_RESULTS = 3
# Ranges whose two ends are typed as NAME_min and NAME_max, and what they are called.
RANGES = {
    "price": _("Price, one session"),
    "course": _("Price, whole course"),
    "sessions": _("Sessions"),
}
# What is wrong when the first end is above the second.
REVERSED = {
    "price": _("The lowest price is above the highest. No price filter was applied."),
    "course": _("The lowest price is above the highest. No filter by course was applied."),
    "sessions": _("The lowest number is above the highest. No filter by sessions was applied."),
}


@dataclass(frozen=True)
class OtherWords:
    """Words that may have been meant, how many clinics they find, and the query that asks so."""

    words: str
    total: int
    query: str


def _labels(choices) -> Choices:
    return {str(value): str(label) for value, label in choices if value}


class ClinicFilterSet(django_filters.FilterSet):
    """The directory's parameters. `today` decides which checks and prices still count."""

    q = WordsFilter(label=_("Search"))
    treatment = OptionsFilter(label=_("Treatment"))
    treatment_match = OptionsFilter(label=_("Several treatments"), most=1)
    area = OptionsFilter(label=_("Body area"))
    concern = OptionsFilter(label=_("Concern"))
    country = OptionsFilter(label=_("Country"))
    city = OptionsFilter(label=_("Town or city"))
    price_min = PriceFilter(label=_("From"))
    price_max = PriceFilter(label=_("To"))
    course_min = PriceFilter(label=_("From"))
    course_max = PriceFilter(label=_("To"))
    sessions_min = SessionsFilter(label=_("From"))
    sessions_max = SessionsFilter(label=_("To"))
    currency = OptionsFilter(label=_("Currency"), most=1)
    near = WordsFilter(label=_("Near a place"))
    radius = OptionsFilter(label=_("Distance"), most=1)
    check = OptionsFilter(label=_("Checked by us"))
    profession = OptionsFilter(label=_("Who injects"))
    product = OptionsFilter(label=_("Says what it injects"))
    fresh = OptionsFilter(label=_("Price confirmed"))
    anaesthesia = OptionsFilter(label=_("Pain relief"))
    language = OptionsFilter(label=_("Language"))
    facility = OptionsFilter(label=_("Kind of place"))
    sort = OptionsFilter(label=_("Sort"), most=1)

    FACET_NAMES = (
        "treatment",
        "area",
        "concern",
        "country",
        "city",
        "check",
        "profession",
        "product",
        "fresh",
        "anaesthesia",
        "language",
        "facility",
    )
    # Facets whose list starts with what most clinics have, not with the alphabet.
    BY_COUNT = ("country", "city", "language")

    class Meta:
        model = Clinic
        fields: list[str] = []

    def __init__(self, data, today: date):
        # Not the parent's: that copies every filter, which takes as long as the search does.
        # None of ours keeps anything of a request.
        self.is_bound, self.data, self.filters = True, data, self.base_filters
        self.queryset = self.request = self.form_prefix = None
        self.today = today
        self.vocabulary = vocabulary_of(today)
        language = get_language() or ""
        self.labels = self.vocabulary.remembered((type(self), "labels"), language, self._labels)
        self.choices = self.vocabulary.remembered((type(self), "choices"), language, self._choices)
        form = self.form
        for name in self.choices.keys() & form.named:
            form.fields[name].choices = self.choices[name]
        form.full_clean()
        self.errors_by_field, self.values = form.errors, form.cleaned_data

    def get_form_class(self) -> type[ParametersForm]:
        """The form of the parameters, made once: its labels follow the page's language."""
        return _form_class(type(self))

    def _labels(self) -> dict[str, str]:
        """What each parameter is called."""
        return {name: str(declared.label) for name, declared in self.filters.items()}

    def _choices(self) -> dict[str, Choices]:
        """Every option of every facet with its label. No query."""
        known = self.vocabulary
        treatments = [known.treatment for known in known.published.values()]
        return {
            "treatment": {t.slug: t.short_name for t in treatments if t.is_offered},
            "area": {area.slug: area.name for area in known.areas.values()},
            "concern": {concern.slug: concern.name for concern in known.concerns.values()},
            "country": {
                known.countries[code].slug: known.countries[code].local_name
                for code in known.places_of_country
            },
            "city": {town.slug: town.name for town in known.places.values()},
            "language": {
                language.slug: language.local_name for language in known.languages.values()
            },
            "facility": _labels(Clinic.FacilityType.choices),
            "profession": _labels(Practitioner.Profession.choices),
            "check": _labels(Check.Kind.choices),
            "anaesthesia": _labels(Offer.Anaesthesia.choices),
            "product": {
                PRODUCT_NAMED: __("Product named"),
                PRODUCT_NOT_SAID: __("Clinic has not said"),
            },
            "fresh": {FRESH_SIX_MONTHS: __("Within the last 6 months")},
            "treatment_match": {"all": __("all of these treatments")},
            "radius": {str(km): __("%(n)s km") % {"n": km} for km in RADII},
            "currency": {code: code for code in known.rates.codes},
            "sort": {sort.value: str(sort.label) for sort in SORTS},
        }

    @property
    def rates(self) -> Rates:
        """The rates at which prices are compared and converted."""
        return self.vocabulary.rates

    # --- What was asked

    @cached_property
    def selection(self) -> Selection:
        """The valid part of the query string."""
        values = self.values
        ends = {end: values.get(end) for end in chain(*map(_ends, RANGES))}
        for name in filter(self._is_reversed, RANGES):
            ends |= dict.fromkeys(_ends(name))
        return Selection(
            words=values.get("q") or "",
            chosen={name: values[name] for name in self.FACET_NAMES if values.get(name)},
            all_treatments=bool(self._one("treatment_match")),
            currency=self.chosen_currency,
            near=self.place.point if self.place else None,
            radius_km=int(self.chosen_radius) if self.place and self.chosen_radius else None,
            sort=self._sort,
            **ends,
        )

    def _one(self, name: str) -> str:
        """The value of a parameter that has at most one, "" for none."""
        return next(iter(self.values.get(name) or ()), "")

    @property
    def chosen_currency(self) -> str:
        """The currency of the price filters and of converted prices."""
        return self._one("currency") or DEFAULT_CURRENCY

    @cached_property
    def place(self) -> NamedPoint | None:
        """The place that distances count from; None when none is named or we do not know it."""
        typed = self.typed_place
        found = place_named(typed, self.today) if typed else None
        return replace(found, label=found.label or typed) if found else None

    @property
    def typed_place(self) -> str:
        """The place as the visitor named it, known or not."""
        return self.values.get("near") or ""

    @property
    def chosen_radius(self) -> str:
        """The distance chosen, in km, also while no place is known; "" for any distance."""
        return self._one("radius")

    @property
    def radii(self) -> Choices:
        """The distances that can be chosen, with their labels."""
        return self.choices["radius"]

    @property
    def default_sort(self) -> str:
        """The order when none is chosen: the nearest first as soon as a place is known."""
        return "distance" if self.place else DEFAULT_SORT

    @property
    def sorts(self) -> list[Sort]:
        """The orders that can be chosen."""
        return [sort for sort in SORTS if self.place or not sort.needs_place]

    @cached_property
    def _sort(self) -> str:
        offered = [sort.value for sort in self.sorts]
        return self._one("sort") if self._one("sort") in offered else self.default_sort

    # --- What was not applied, and why

    @cached_property
    def typed_ranges(self) -> dict[str, TypedRange]:
        """The fields of each range as they were typed, with the reasons against them."""
        return {name: self._typed_range(name) for name in RANGES}

    def _typed_range(self, name: str) -> TypedRange:
        is_reversed = self._is_reversed(name)
        low, high = (
            TypedNumber(
                end,
                str(self.data.get(end) or "")[:MAX_NUMBER_LENGTH],
                is_reversed or end in self.errors_by_field,
            )
            for end in _ends(name)
        )
        problems = [
            f"{self.labels[end]}: {message}"
            for end in _ends(name)
            for message in self.errors_by_field.get(end, [])
        ]
        problems += [str(REVERSED[name])] if is_reversed else []
        return TypedRange(name, str(RANGES[name]), low, high, tuple(problems))

    def _is_reversed(self, name: str) -> bool:
        low, high = (self.values.get(end) for end in _ends(name))
        return low is not None and high is not None and low > high

    @property
    def place_problem(self) -> str:
        """Why no distance counts although a place or a distance was given; else ""."""
        if self.typed_place and not self.place:
            return __("We know no place called “%(name)s”. Distances were not used.") % {
                "name": self.typed_place
            }
        if self.chosen_radius and not self.place:
            return __("Name a place to measure from. The distance was not used.")
        return ""

    @property
    def field_problems(self) -> list[FieldProblem]:
        """Every message that stands beside a field, for the top of the page."""
        problems = [
            FieldProblem(typed.refused_field, typed.label, why)
            for typed in self.typed_ranges.values()
            for why in typed.problems
        ]
        if self.place_problem:
            label = self.labels["near"]
            problems.append(FieldProblem("near", label, self.place_problem))
        return problems

    @cached_property
    def refused(self) -> list[RefusedValue]:
        """What was not applied: values that we do not know, and words beyond the limit."""
        beyond = " ".join(searched_words(self.selection.words)[1])
        refused = [RefusedValue(self.labels["q"], beyond[:60])] if beyond else []
        refused += refused_values(self)
        if self._one("sort") not in ("", self.selection.sort):
            refused.append(RefusedValue(self.labels["sort"], self._one("sort")))
        return refused

    # --- The same in links

    @cached_property
    def pairs(self) -> Pairs:
        """The selection as parameters in a fixed order, each value once."""
        chosen = self.selection
        pairs = [("q", chosen.words)] if chosen.words else []
        pairs += [(name, v) for name in self.FACET_NAMES for v in chosen.chosen.get(name, ())]
        if chosen.all_treatments:
            pairs.append(("treatment_match", "all"))
        pairs += self._range_pairs
        if self.place:
            pairs.append(("near", self.typed_place))
        if chosen.radius_km is not None:
            pairs.append(("radius", str(chosen.radius_km)))
        if self.chosen_currency != DEFAULT_CURRENCY:
            pairs.append(("currency", self.chosen_currency))
        if chosen.sort != self.default_sort:
            pairs.append(("sort", chosen.sort))
        return pairs

    @property
    def _range_pairs(self) -> Pairs:
        return [
            (end, f"{Decimal(value).normalize():f}")
            for end in chain(*map(_ends, RANGES))
            if (value := getattr(self.selection, end)) is not None
        ]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is in force that changes which clinics are listed, or a place is."""
        return bool(self.applied)

    @property
    def clear_query(self) -> str:
        """The query string without filters: sort and currency stay."""
        return query_string([p for p in self.pairs if p[0] in ("sort", "currency")])

    def page_query(self, page: int) -> str:
        """The query string of another page: with all that was typed, applied or not."""
        pairs = [
            (name, value)
            for name, values in self.data.lists()
            for value in values
            if name != "page"
        ]
        return query_string([*pairs, ("page", str(page))])

    # --- What came out

    def answer(self, page: int) -> Answer:
        """Total, ids and counts for one page; see `search()` for its cost."""
        return search(self.selection, self.today, page)

    @property
    def qs(self):
        """All clinics that match, unordered; `answer()` gives them in order, by page."""
        return Clinic.objects.filter(pk__in=ids_of(self.selection, self.today))

    def facets(self, answer: Answer) -> list[Facet]:
        """Every facet with its options, counts and chosen ones."""
        return [self._facet(name, answer.counts.get(name, {})) for name in self.FACET_NAMES]

    def _facet(self, name: str, counts: dict[str, int]) -> Facet:
        chosen = self.selection.chosen.get(name, ())
        labels = self.choices[name]
        hint = ""
        if name in self.BY_COUNT:
            # Thousands of towns: only those are looked at that would give something.
            found = {value: n for value, n in counts.items() if value in labels}
            found |= {value: 0 for value in chosen if value not in found}
            by_count = sorted((-n, labels[value], value) for value, n in found.items())
            if name == "city" and not self.selection.chosen.get("country"):
                # Of a chosen country all are shown: towns elsewhere are of no clinic that matches.
                others = [town for town in by_count[BUSIEST_TOWNS:] if town[-1] in chosen]
                by_count = by_count[:BUSIEST_TOWNS] + others
                hint = __("Choose a country to see all its towns.")
            options = [Option(v, label, -n, v in chosen) for n, label, v in by_count]
        else:
            count = counts.get
            options = [Option(v, label, count(v, 0), v in chosen) for v, label in labels.items()]
        if name == "concern":
            hint = __("Through the treatments that a clinic offers.")
        if name == "treatment" and self.must_offer_all:
            hint = __("The number beside a treatment says how many clinics also offer it.")
        return Facet(name, self.labels[name], tuple(options), hint=hint)

    @cached_property
    def applied(self) -> list[AppliedFilter]:
        """Every filter in force, with the link that removes it."""
        chosen = self.selection
        applied = []
        if chosen.words:
            applied.append(self._applied("q", chosen.words, f"“{chosen.words}”"))
        for name in self.FACET_NAMES:
            for value in chosen.chosen.get(name, ()):
                label = self.choices[name][value]
                applied.append(self._applied(name, value, label))
            if name == "treatment" and self.must_offer_all:
                label = self.choices["treatment_match"]["all"]
                applied.append(self._applied("treatment_match", "all", label))
        applied += [
            self._applied(end, value, self.in_words.range_end(end))
            for end, value in self._range_pairs
        ]
        if self.place:
            nearness = self.in_words.nearness
            applied.append(self._applied("near", self.typed_place, nearness, ("radius", None)))
        return applied

    def _applied(
        self, name: str, value: str, label: str, *also_removed: tuple[str, None]
    ) -> AppliedFilter:
        return AppliedFilter(
            key=f"{name}={value}",
            facet_label=str(RANGES.get(name.partition("_")[0], self.labels[name])),
            label=label,
            remove_query=query_string(without(self.pairs, (name, value), *also_removed)),
        )

    @property
    def must_offer_all(self) -> bool:
        """Whether a clinic must offer each of several chosen treatments."""
        chosen = self.selection
        return chosen.all_treatments and len(chosen.chosen.get("treatment", ())) > 1

    def other_words(self, total: int) -> OtherWords | None:
        """Another spelling of the words when `total`, what they find, is small; else None."""
        if not self.selection.words or total >= FEW_RESULTS:
            return None
        meant = did_you_mean(self.selection, self.today)
        if meant is None:
            return None
        pairs = [("q", meant.words), *without(self.pairs, ("q", None))]
        return OtherWords(meant.words, meant.total, query_string(pairs))

    @property
    def uses(self) -> list[Use]:
        """What mesotherapy may be wanted for, when its bare name is all that is searched for."""
        treatments = self.choices["treatment"]
        return uses_to_choose_from(self.selection.words, treatments, self.pairs)

    def ways_out(self) -> list[WayOut]:
        """For each filter in force: how many clinics come back without it, most first.

        Asked only when nothing was found. Filters whose removal
        alone brings nothing back are left out.
        """
        ways = []
        for applied in self.applied[:12]:
            name, _equals, value = applied.key.partition("=")
            freed = self.selection.dropping(name, value)
            ways.append(WayOut(applied, total_of(freed, self.today)))
        return sorted((way for way in ways if way.total), key=lambda way: -way.total)

    # --- In words

    @cached_property
    def in_words(self) -> SearchInWords:
        """The search as sentences and labels."""
        return SearchInWords(self.selection, self.choices, self.place.label if self.place else "")

    def sentence(self, total: int) -> str:
        """The search in words, such as "14 clinics for cellulite in Lyon, up to 250 EUR"."""
        return self.in_words.sentence(total)

    @property
    def title(self) -> str:
        """The heading of the page: the sentence without its number."""
        return self.in_words.title


@cache
def _form_class(filters: type[ClinicFilterSet]) -> type[ParametersForm]:
    fields = {name: declared.field for name, declared in filters.base_filters.items()}
    return parameters_form("ClinicForm", fields)


def _ends(name: str) -> tuple[str, str]:
    """The two parameters of a range."""
    return f"{name}_min", f"{name}_max"
