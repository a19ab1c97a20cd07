"""What the query string of the directory means: facets, applied filters, their links.

`ClinicFilterSet` reads the parameters, drops what it does not know and says so, and
turns the rest into one `Selection`. Everything a page shows of the search (list, counts,
chips, title, links) is derived from that selection and its answer. No HTML.
"""

from datetime import date
from decimal import Decimal
from functools import cached_property

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from treatments.facets import (
    AppliedFilter,
    Facet,
    Option,
    Pairs,
    WayOut,
    inside_a_sentence,
    query_string,
    without,
)
from treatments.models import BodyArea, Concern, Treatment
from treatments.option_filters import Choices, OptionsFilter, RefusedValue, refused_values

from .exchange import DEFAULT_CURRENCY, Rates, current_rates
from .models import Check, Clinic, Country, Language, Offer, Place, Practitioner
from .ranking import DEFAULT_SORT, SORTS
from .search import (
    FRESH_SIX_MONTHS,
    PRODUCT_NAMED,
    PRODUCT_NOT_SAID,
    Answer,
    Selection,
    results_of,
    search,
    searched_words,
)

MAX_WORDS_LENGTH = 100
MAX_PRICE = Decimal(10**9)
# Towns offered before a country is chosen.
BUSIEST_TOWNS = 10


class WordsField(forms.CharField):
    def to_python(self, value) -> str:
        text = super().to_python(value) or ""
        # PostgreSQL refuses NUL, and a lone surrogate cannot be encoded at all.
        text = "".join(letter for letter in text if letter.isprintable())
        return " ".join(text[:MAX_WORDS_LENGTH].split())


class WordsFilter(django_filters.Filter):
    field_class = WordsField


class PriceField(forms.DecimalField):
    default_error_messages = {"invalid": _("Write a number, such as 120.")}

    def __init__(self, **options):
        super().__init__(**{**options, "min_value": 0, "max_value": MAX_PRICE, "decimal_places": 2})

    def to_python(self, value):
        text = str(value or "").strip().replace(" ", "").replace(" ", "")
        if len(text) > 20:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        # A comma before one or two digits is a decimal comma; before three, a separator.
        if "," in text:
            tail = text.rsplit(",", 1)[1]
            text = text.replace(",", "" if len(tail) == 3 else ".")
        return super().to_python(text)


class PriceFilter(django_filters.Filter):
    field_class = PriceField


def _labels(choices) -> Choices:
    return {str(value): str(label) for value, label in choices if value}


class ClinicFilterSet(django_filters.FilterSet):
    """The directory's parameters. `today` decides which checks and prices still count."""

    q = WordsFilter(label=_("Search"))
    treatment = OptionsFilter(label=_("Treatment"))
    area = OptionsFilter(label=_("Body area"))
    concern = OptionsFilter(label=_("Concern"))
    country = OptionsFilter(label=_("Country"))
    city = OptionsFilter(label=_("Town or city"))
    price_min = PriceFilter(label=_("From"))
    price_max = PriceFilter(label=_("To"))
    currency = OptionsFilter(label=_("Currency"))
    check = OptionsFilter(label=_("Checked by us"))
    profession = OptionsFilter(label=_("Who injects"))
    product = OptionsFilter(label=_("Says what it injects"))
    fresh = OptionsFilter(label=_("Price confirmed"))
    anaesthesia = OptionsFilter(label=_("Pain relief"))
    language = OptionsFilter(label=_("Language"))
    facility = OptionsFilter(label=_("Kind of place"))
    sort = OptionsFilter(label=_("Sort"))

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
        super().__init__(data, queryset=Clinic.objects.published())
        self.today = today
        self._towns = list(Place.objects.select_related("country"))
        for name, choices in self._choices().items():
            self.form.fields[name].choices = choices
        self.is_valid()

    def _choices(self) -> dict[str, Choices]:
        """Every option of every facet with its label. Six queries."""
        offered = Treatment.objects.published().exclude(kind=Treatment.Kind.COMPARISON)
        countries = Country.objects.filter(places__in=[town.pk for town in self._towns])
        return {
            "treatment": dict(offered.values_list("slug", "short_name")),
            "area": dict(BodyArea.objects.values_list("slug", "name")),
            "concern": dict(Concern.objects.values_list("slug", "name")),
            "country": {c.slug: c.local_name for c in countries.distinct()},
            "city": {town.slug: town.name for town in self._towns},
            "language": {lang.slug: lang.local_name for lang in Language.objects.all()},
            "facility": _labels(Clinic.FacilityType.choices),
            "profession": _labels(Practitioner.Profession.choices),
            "check": _labels(Check.Kind.choices),
            "anaesthesia": _labels(Offer.Anaesthesia.choices),
            "product": {
                PRODUCT_NAMED: __("Product named"),
                PRODUCT_NOT_SAID: __("Clinic has not said"),
            },
            "fresh": {FRESH_SIX_MONTHS: __("Within the last 6 months")},
            "currency": {code: code for code in self.rates.codes},
            "sort": {sort.value: str(sort.label) for sort in SORTS},
        }

    @cached_property
    def rates(self) -> Rates:
        return current_rates()

    # --- What was asked

    @cached_property
    def selection(self) -> Selection:
        """The valid part of the query string."""
        values = self.form.cleaned_data
        low, high = values.get("price_min"), values.get("price_max")
        if self.price_range_error:
            low = high = None
        return Selection(
            words=values.get("q") or "",
            chosen={name: values[name] for name in self.FACET_NAMES if values.get(name)},
            price_min=low,
            price_max=high,
            currency=self.chosen_currency,
            sort=next(iter(values.get("sort") or ()), DEFAULT_SORT),
        )

    @property
    def chosen_currency(self) -> str:
        """The currency of the price filter and of converted prices."""
        return next(iter(self.form.cleaned_data.get("currency") or ()), DEFAULT_CURRENCY)

    @property
    def price_range_error(self) -> str:
        """Why the two prices cannot be applied together; empty when they can."""
        low = self.form.cleaned_data.get("price_min")
        high = self.form.cleaned_data.get("price_max")
        if low is not None and high is not None and low > high:
            return __("The lowest price is above the highest. No price filter was applied.")
        if (
            low is not None or high is not None
        ) and self.chosen_currency not in self.rates.per_euro:
            return __("No exchange rates are held, so prices cannot be compared.")
        return ""

    @property
    def price_errors(self) -> list[str]:
        """Messages beside the price fields. What they concern was not applied."""
        errors = [
            f"{self.filters[name].label}: {message}"
            for name in ("price_min", "price_max")
            for message in self.form.errors.get(name, [])
        ]
        return errors + ([self.price_range_error] if self.price_range_error else [])

    @cached_property
    def refused(self) -> list[RefusedValue]:
        """What was not applied: values that we do not know, and words beyond the limit."""
        beyond = " ".join(searched_words(self.selection.words)[1])
        too_long = [RefusedValue(str(self.filters["q"].label), beyond[:60])] if beyond else []
        return too_long + refused_values(self)

    @cached_property
    def pairs(self) -> Pairs:
        """The selection as parameters in a fixed order, each value once."""
        chosen = self.selection
        pairs = [("q", chosen.words)] if chosen.words else []
        pairs += [(name, v) for name in self.FACET_NAMES for v in chosen.chosen.get(name, ())]
        pairs += [
            (name, f"{value.normalize():f}")
            for name, value in (("price_min", chosen.price_min), ("price_max", chosen.price_max))
            if value is not None
        ]
        if self.chosen_currency != DEFAULT_CURRENCY:
            pairs.append(("currency", self.chosen_currency))
        if chosen.sort != DEFAULT_SORT:
            pairs.append(("sort", chosen.sort))
        return pairs

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is in force that changes which clinics are listed."""
        return bool(self.applied)

    @property
    def clear_query(self) -> str:
        """The query string without filters: sort and currency stay."""
        return query_string([p for p in self.pairs if p[0] in ("sort", "currency")])

    # --- What came out

    def answer(self, page: int) -> Answer:
        """Total, ids and counts for one page; see `search()` for its cost."""
        return search(self.selection, self.today, page)

    @property
    def qs(self):
        """All clinics that match, unordered; `answer()` gives them in order, by page."""
        return results_of(self.selection, self.today)

    def facets(self, answer: Answer) -> list[Facet]:
        """Every facet with its options, counts and chosen ones."""
        return [self._facet(name, answer.counts.get(name, {})) for name in self.FACET_NAMES]

    def _facet(self, name: str, counts: dict[str, int]) -> Facet:
        chosen = self.selection.chosen.get(name, ())
        labels = self.form.fields[name].choices
        options = [
            Option(value, label, counts.get(value, 0), value in chosen)
            for value, label in labels.items()
        ]
        hint = ""
        if name == "city":
            options, hint = self._towns_to_show(options)
        if name in ("country", "language"):
            options = [o for o in options if o.count or o.is_selected]
        if name in self.BY_COUNT:
            options.sort(key=lambda option: (-option.count, option.label))
        if name == "concern":
            hint = __("Through the treatments that a clinic offers.")
        return Facet(
            name,
            str(self.filters[name].label),
            tuple(options),
            hint=hint,
        )

    def _towns_to_show(self, options: list[Option]) -> tuple[list[Option], str]:
        """Towns of the chosen countries; before one is chosen, the busiest ones."""
        countries = self.selection.chosen.get("country")
        if countries:
            inside = {town.slug for town in self._towns if town.country.slug in countries}
            return [o for o in options if o.is_selected or (o.value in inside and o.count)], ""
        by_count = sorted(options, key=lambda option: -option.count)
        busiest = {option.value for option in by_count[:BUSIEST_TOWNS] if option.count}
        shown = [option for option in options if option.is_selected or option.value in busiest]
        return shown, __("Choose a country to see all its towns.")

    @cached_property
    def applied(self) -> list[AppliedFilter]:
        """Every filter in force, with the link that removes it."""
        chosen = self.selection
        applied = []
        if chosen.words:
            applied.append(self._applied("q", chosen.words, f"“{chosen.words}”"))
        for name in self.FACET_NAMES:
            for value in chosen.chosen.get(name, ()):
                label = self.form.fields[name].choices[value]
                applied.append(self._applied(name, value, label))
        for name, value, words in (
            ("price_min", chosen.price_min, _("from {amount} {currency}")),
            ("price_max", chosen.price_max, _("up to {amount} {currency}")),
        ):
            if value is not None:
                amount = f"{value.normalize():f}"
                label = format_lazy(words, amount=amount, currency=self.chosen_currency)
                applied.append(self._applied(name, amount, str(label)))
        return applied

    def _applied(self, name: str, value: str, label: str) -> AppliedFilter:
        return AppliedFilter(
            key=f"{name}={value}",
            facet_label=str(self.filters[name].label),
            label=label,
            remove_query=query_string(without(self.pairs, (name, value))),
        )

    def ways_out(self) -> list[WayOut]:
        """For each filter in force: how many clinics come back without it, most first.

        Two queries a filter; asked only when nothing was found. Filters whose removal
        alone brings nothing back are left out.
        """
        ways = []
        for applied in self.applied[:12]:
            name, _equals, value = applied.key.partition("=")
            freed = self.selection.dropping(name, value)
            ways.append(WayOut(applied, results_of(freed, self.today).count()))
        return sorted((way for way in ways if way.total), key=lambda way: -way.total)

    # --- In words

    def sentence(self, total: int) -> str:
        """The search in words, such as "14 clinics for Cellulite in Lyon, up to 250 EUR"."""
        clinics = ngettext("%(n)s clinic", "%(n)s clinics", total) % {"n": f"{total:n}"}
        return " ".join([clinics, *self._phrases()]).replace(" ,", ",")

    @property
    def title(self) -> str:
        """The heading of the page: the sentence without its number."""
        return " ".join([__("Clinics"), *self._phrases()]).replace(" ,", ",")

    def _phrases(self) -> list[str]:
        chosen = self.selection
        phrases = []
        for name, pattern in self.PHRASES.items():
            if name == "country" and chosen.chosen.get("city"):
                continue
            if values := chosen.chosen.get(name):
                labels = [self.form.fields[name].choices[value] for value in values]
                if name not in ("country", "city", "language"):
                    labels = [inside_a_sentence(label) for label in labels]
                phrases.append(str(pattern) % {"options": _any_of(labels)})
        if chosen.words:
            phrases.append(__("matching “%(words)s”") % {"words": chosen.words})
        for value, pattern in (
            (chosen.price_min, _(", from %(amount)s %(currency)s a session")),
            (chosen.price_max, _(", up to %(amount)s %(currency)s a session")),
        ):
            if value is not None:
                amount = f"{value.normalize():f}"
                phrases.append(str(pattern) % {"amount": amount, "currency": self.chosen_currency})
        return phrases

    PHRASES = {
        "treatment": pgettext_lazy("clinics ...", "for %(options)s"),
        "concern": pgettext_lazy("clinics ...", "that treat %(options)s"),
        "area": pgettext_lazy("clinics ...", "on the %(options)s"),
        "city": pgettext_lazy("clinics ...", "in %(options)s"),
        "country": pgettext_lazy("clinics ...", "in %(options)s"),
        "profession": pgettext_lazy("clinics ...", "with a %(options)s"),
        "check": pgettext_lazy("clinics ...", ", with a confirmed check: %(options)s"),
        "product": pgettext_lazy("clinics ...", ", %(options)s"),
        "fresh": pgettext_lazy("clinics ...", ", price confirmed %(options)s"),
        "anaesthesia": pgettext_lazy("clinics ...", ", pain relief: %(options)s"),
        "language": pgettext_lazy("clinics ...", ", speaking %(options)s"),
        "facility": pgettext_lazy("clinics ...", ", %(options)s"),
    }


def _any_of(labels: list[str]) -> str:
    if len(labels) == 1:
        return labels[0]
    return __("%(first)s or %(last)s") % {"first": ", ".join(labels[:-1]), "last": labels[-1]}
