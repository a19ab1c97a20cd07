"""Narrowing the list of treatments by facets.

There are a few dozen treatments, so facets are matched and counted in memory, over
treatments loaded `with_key_facts()`. No HTML.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import django_filters
from django.utils import timezone
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from .evidence import TopicSummary, about, summarise
from .facets import (
    AppliedFilter,
    Facet,
    Option,
    Pairs,
    WayOut,
    inside_a_sentence,
    query_string,
    without,
)
from .models import Claim, Treatment
from .option_filters import Choices, OptionsFilter, RefusedValue, refused_values

NOT_STATED = "not-stated"

# What can be had either way answers both wishes.
NEEDLE_WISHES = {
    Treatment.Needles.YES: {"yes"},
    Treatment.Needles.NO: {"no"},
    Treatment.Needles.EITHER: {"yes", "no"},
}

# Bands by what any source says: a treatment is in each band that some range touches.
# An open end of None reaches as far as it can.
SESSION_BANDS = {
    "1-to-3": (_("1 to 3"), Decimal(1), Decimal(3)),
    "4-to-6": (_("4 to 6"), Decimal(4), Decimal(6)),
    "7-or-more": (_("7 or more"), Decimal(7), None),
}
DAYS_IN = {
    Claim.Unit.HOUR: Decimal(1) / 24,
    Claim.Unit.DAY: Decimal(1),
    Claim.Unit.WEEK: Decimal(7),
    Claim.Unit.MONTH: Decimal(30),
}
DOWNTIME_BANDS = {
    "none": (_("none, says a source"), Decimal(0), Decimal(0)),
    "up-to-a-week": (_("up to a week"), Decimal("0.01"), Decimal(7)),
    "longer": (_("more than a week"), Decimal("7.01"), None),
}


def _bands_touched(bands, ranges) -> set[str]:
    """The bands that some (low, high) range overlaps; "not-stated" without a range."""
    touched = {
        name
        for name, (_label, first, last) in bands.items()
        for low, high in ranges
        if (high is None or high >= first) and (low is None or last is None or low <= last)
    }
    return touched or {NOT_STATED}


def session_bands(summary: TopicSummary) -> set[str]:
    """Bands of the number of sessions, by what each source says."""
    counted = [s for s in (summary, *summary.in_other_units) if s.unit == Claim.Unit.SESSION]
    return _bands_touched(SESSION_BANDS, [(r.low, r.high) for s in counted for r in s.ranges])


def downtime_bands(claims) -> set[str]:
    """Bands of time off, by what each source says, in days whatever its unit.

    Days, weeks and months are lengths of time, so they can be put in one order here;
    the page still prints each as its source gives it.
    """
    ranges = []
    for claim in about(claims, Claim.Topic.DOWNTIME):
        days, low, high = DAYS_IN.get(claim.unit), claim.low, claim.high
        # A unit without a number is a claim in words: "a couple of days".
        if days is not None and (low is not None or high is not None):
            ranges.append((low and low * days, high and high * days))
    return _bands_touched(DOWNTIME_BANDS, ranges)


@dataclass(frozen=True)
class TreatmentRow:
    """A treatment of the list with the key facts that stand side by side."""

    treatment: Treatment
    sessions: TopicSummary
    interval: TopicSummary
    session_length: TopicSummary
    downtime: TopicSummary
    summary_text: str
    warning_text: str
    clinic_count: int
    is_overdue: bool
    values: dict[str, frozenset[str]]


def treatment_row(treatment: Treatment, clinic_count: int) -> TreatmentRow:
    """Work out one row of a treatment loaded `with_key_facts()`, as of today. No query."""
    claims = list(treatment.claims.all())
    sessions = summarise(claims, Claim.Topic.SESSIONS)
    values = {
        "concern": {concern.slug for concern in treatment.concerns.all()},
        "area": {area.slug for area in treatment.body_areas.all()},
        "evidence": {treatment.evidence_level},
        "downtime": downtime_bands(claims),
        "sessions": session_bands(sessions),
        "needles": NEEDLE_WISHES[treatment.needles],
    }
    return TreatmentRow(
        treatment=treatment,
        sessions=sessions,
        interval=summarise(claims, Claim.Topic.INTERVAL),
        session_length=summarise(claims, Claim.Topic.SESSION_LENGTH),
        downtime=summarise(claims, Claim.Topic.DOWNTIME),
        summary_text=treatment.summary_text,
        warning_text=treatment.warning_text,
        clinic_count=clinic_count,
        is_overdue=treatment.is_review_overdue(timezone.localdate()),
        values={name: frozenset(found) for name, found in values.items()},
    )


class TreatmentFilterSet(django_filters.FilterSet):
    """The parameters of the list of treatments: any of these inside a facet, all across."""

    concern = OptionsFilter(label=_("Concern"))
    area = OptionsFilter(label=_("Body area"))
    evidence = OptionsFilter(label=_("Strength of evidence"))
    sessions = OptionsFilter(label=_("Number of sessions"))
    downtime = OptionsFilter(label=_("Time off"))
    needles = OptionsFilter(label=_("Needles"))

    FACET_NAMES = ("concern", "area", "evidence", "sessions", "downtime", "needles")

    class Meta:
        model = Treatment
        fields: list[str] = []

    def __init__(self, data, rows: list[TreatmentRow]):
        super().__init__(data, queryset=Treatment.objects.none())
        self.all_rows = rows
        for name, choices in self._choices().items():
            self.form.fields[name].choices = choices
        self.is_valid()

    def _choices(self) -> dict[str, Choices]:
        concerns, areas = {}, {}
        for row in self.all_rows:
            concerns |= {concern.slug: concern for concern in row.treatment.concerns.all()}
            areas |= {area.slug: area for area in row.treatment.body_areas.all()}
        return {
            "concern": _in_order(concerns),
            "area": _in_order(areas),
            "evidence": _labels(Treatment.EvidenceLevel.choices),
            "needles": _labels((n, n.label) for n in (Treatment.Needles.YES, Treatment.Needles.NO)),
            "sessions": _band_labels(SESSION_BANDS),
            "downtime": _band_labels(DOWNTIME_BANDS),
        }

    @cached_property
    def chosen(self) -> dict[str, tuple[str, ...]]:
        """The chosen options of each facet that has any."""
        values = self.form.cleaned_data
        return {name: values[name] for name in self.FACET_NAMES if values.get(name)}

    def _matches(self, row: TreatmentRow, chosen: dict[str, tuple[str, ...]]) -> bool:
        return all(row.values[name] & set(values) for name, values in chosen.items())

    def _matching(self, chosen: dict[str, tuple[str, ...]]) -> list[TreatmentRow]:
        return [row for row in self.all_rows if self._matches(row, chosen)]

    @cached_property
    def rows(self) -> list[TreatmentRow]:
        """The treatments that match, in the catalogue's order."""
        return self._matching(self.chosen)

    @cached_property
    def facets(self) -> list[Facet]:
        """Every facet; each count leaves out the facet's own choice."""
        return [self._facet(name) for name in self.FACET_NAMES]

    def _facet(self, name: str) -> Facet:
        others = {facet: values for facet, values in self.chosen.items() if facet != name}
        rows = self._matching(others)
        options = tuple(
            Option(
                value,
                label,
                sum(value in row.values[name] for row in rows),
                value in self.chosen.get(name, ()),
            )
            for value, label in self.form.fields[name].choices.items()
        )
        return Facet(name, str(self.filters[name].label), options)

    @cached_property
    def pairs(self) -> Pairs:
        """The choices as parameters in a fixed order."""
        return [(name, v) for name in self.FACET_NAMES for v in self.chosen.get(name, ())]

    @cached_property
    def applied(self) -> list[AppliedFilter]:
        """Every filter in force, with the link that removes it."""
        return [
            AppliedFilter(
                key=f"{name}={value}",
                facet_label=str(self.filters[name].label),
                label=self._label(name, value),
                remove_query=query_string(without(self.pairs, (name, value))),
            )
            for name, value in self.pairs
        ]

    def _label(self, name: str, value: str) -> str:
        label = self.form.fields[name].choices[value]
        if name in ("concern", "area", "needles"):
            return label
        return f"{self.filters[name].label}: {label}"

    @property
    def refused(self) -> list[RefusedValue]:
        """Values that were not applied because we do not know them."""
        return refused_values(self)

    @property
    def ways_out(self) -> list[WayOut]:
        """With no results: each filter whose removal alone brings treatments back."""
        if self.rows:
            return []
        ways = []
        for applied, (name, value) in zip(self.applied, self.pairs, strict=True):
            kept = tuple(v for v in self.chosen[name] if v != value)
            freed = {facet: values for facet, values in self.chosen.items() if facet != name}
            if kept:
                freed[name] = kept
            ways.append(WayOut(applied, len(self._matching(freed))))
        return sorted((way for way in ways if way.total), key=lambda way: -way.total)

    @property
    def title(self) -> str:
        """The search in words: the heading of the page."""
        if not self.applied:
            return __("Treatments")
        return __("Treatments: %(choices)s") % {
            "choices": ", ".join(inside_a_sentence(applied.label) for applied in self.applied)
        }


def _labels(choices) -> Choices:
    return {str(value): str(label) for value, label in choices}


def _in_order(terms: dict) -> Choices:
    ordered = sorted(terms.values(), key=lambda term: (term.position, term.name))
    return {term.slug: term.name for term in ordered}


def _band_labels(bands) -> Choices:
    return {name: str(label) for name, (label, _first, _last) in bands.items()} | {
        NOT_STATED: __("not stated")
    }
