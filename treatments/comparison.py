"""Treatments side by side: the same facts of each, in the same order, with who says them.

No HTML, no request. Built from treatments loaded with `DETAILS`, it asks no query.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from functools import cached_property

from django.utils.translation import gettext_lazy as _

from .evidence import OpenQuestion, SourceRange, TopicSummary, about, questions, summarise
from .facets import query_string
from .models import (
    Claim,
    Contraindication,
    RegulatorPosition,
    SideEffect,
    Statement,
    Treatment,
)
from .treatment_page import TreatmentPage

Topic, Section = Claim.Topic, Statement.Section

# What a treatment is loaded with: eleven queries, however many treatments.
DETAILS = (
    "statements__sources",
    "side_effects__sources",
    "contraindications__sources",
    "regulator_positions__sources",
    "claims__source",
    "claims__checked_against",
)
MOST = 4
PARAMETER = "treatment"
# Of names that we do not know, so many are repeated to the visitor, and so much of each.
MOST_REPEATED = 5
LONGEST_REPEATED = 60
# Beyond the largest number, so that "at least 4" is not drawn as exactly 4.
_ROOM_ABOVE = Decimal("1.25")
# The coded question of claims that a row of the table answers.
IS_PERMANENT = "is-permanent"


@dataclass(frozen=True)
class Choice:
    """What an address asks to compare, parted into what can be shown and what cannot.

    Every name that was asked for is in one of the parts; a name given twice counts once.
    `beyond` are treatments over the limit, in the order in which they were asked for;
    `shown` are in the order of the catalogue, so that one set has one page.
    """

    shown: tuple[Treatment, ...]
    beyond: tuple[Treatment, ...]
    unknown: tuple[str, ...]

    @property
    def query(self) -> str:
        """The query string that asks for exactly what is shown."""
        return query_of(self.shown)

    @property
    def repeated(self) -> tuple[str, ...]:
        """The first of the unknown names, cut to a length that can be printed."""
        return tuple(name[:LONGEST_REPEATED] for name in self.unknown[:MOST_REPEATED])

    @property
    def not_repeated(self) -> int:
        """How many more names are unknown."""
        return max(0, len(self.unknown) - MOST_REPEATED)


def query_of(treatments: Iterable[Treatment]) -> str:
    """The query string that compares these treatments; "?" for none."""
    return query_string([(PARAMETER, treatment.slug) for treatment in treatments])


def choose(asked: Sequence[str], every: Sequence[Treatment]) -> Choice:
    """Look up the names asked for among the published treatments. Pure."""
    by_slug = {treatment.slug: treatment for treatment in every}
    names = list(dict.fromkeys(name for name in asked if name))
    known = [by_slug[name] for name in names if name in by_slug]
    shown = {treatment.slug for treatment in known[:MOST]}
    return Choice(
        shown=tuple(treatment for treatment in every if treatment.slug in shown),
        beyond=tuple(known[MOST:]),
        unknown=tuple(name for name in names if name not in by_slug),
    )


class Form(StrEnum):
    """How the cells of a row are filled, and so how they are printed."""

    LEVEL = "level"  # statements on why the evidence is rated so
    FIGURE = "figure"  # Figure
    SAID = "said"  # Said
    GIVEN = "given"  # Said, beside the treatment's own word on needles
    EFFECTS = "effects"  # side effects
    REASONS = "reasons"  # Reasons
    POSITIONS = "positions"  # positions of regulators
    COSTS = "costs"  # summaries of cost, one for each currency and what it buys
    REVIEW = "review"  # whether the review of the page is overdue


@dataclass(frozen=True)
class Bar:
    """One source's range on the scale of its row, in per cent of the width."""

    claim: Claim
    x: Decimal
    width: Decimal
    is_open: bool

    @property
    def is_point(self) -> bool:
        return self.width == 0


@dataclass(frozen=True)
class Scale:
    """A scale from zero that the cells of one row share: its unit, its end, a claim in it."""

    end: Decimal
    example: Claim


@dataclass(frozen=True)
class Figure:
    """What sources say of a numeric topic: summary, statements, and bars where a number is."""

    summary: TopicSummary
    statements: tuple[Statement, ...]
    bars: tuple[Bar, ...]
    scale: Scale | None

    @property
    def is_stated(self) -> bool:
        return bool(self.summary.claims or self.statements)


@dataclass(frozen=True)
class Said:
    """What is said of a topic in words; `question` has the coded answers where sources differ."""

    statements: tuple[Statement, ...]
    claims: tuple[Claim, ...]
    question: OpenQuestion | None = None

    @property
    def is_stated(self) -> bool:
        return bool(self.statements or self.claims)


@dataclass(frozen=True)
class Reasons:
    """Reasons not to have a treatment, and reasons to ask a doctor first."""

    absolute: tuple[Contraindication, ...]
    relative: tuple[Contraindication, ...]

    @property
    def every(self) -> tuple[Contraindication, ...]:
        return self.absolute + self.relative


@dataclass(frozen=True)
class Cell:
    """What one treatment has in one row; `content` is what the row's form says."""

    treatment: Treatment
    content: object


@dataclass(frozen=True)
class Row:
    """One fact of all treatments."""

    anchor: str
    label: str
    form: Form
    cells: tuple[Cell, ...]

    @property
    def has_several_units(self) -> bool:
        """Whether the figures stand in units that cannot be compared with one another."""
        if self.form != Form.FIGURE:
            return False
        units = {cell.content.summary.unit for cell in self.cells if cell.content.summary.ranges}
        return len(units) > 1

    @property
    def has_bars(self) -> bool:
        return self.form == Form.FIGURE and any(cell.content.bars for cell in self.cells)


@dataclass(frozen=True)
class Column:
    """The head of one treatment's column; `query_without` compares only the others."""

    treatment: Treatment
    is_overdue: bool
    query_without: str


def _ends(ranges: Iterable[SourceRange]) -> list[Decimal]:
    return [end for r in ranges for end in (r.low, r.high) if end is not None]


def _scales(summaries: Iterable[TopicSummary]) -> dict[str, Scale]:
    """One scale for each unit, as long as the longest range of any treatment."""
    by_unit: dict[str, list[SourceRange]] = {}
    for summary in summaries:
        by_unit.setdefault(summary.unit, []).extend(summary.ranges)
    scales = {}
    for unit, ranges in by_unit.items():
        end = max(_ends(ranges), default=Decimal(0))
        if any(r.high is None and r.low == end for r in ranges):
            end = (end * _ROOM_ABOVE).to_integral_value(ROUND_CEILING)
        if end:
            scales[unit] = Scale(end, ranges[0].claim)
    return scales


def _bars(ranges: Iterable[SourceRange], scale: Scale) -> tuple[Bar, ...]:
    """A bar for each source; several only if it gives several ranges."""
    alike = {(r.source.pk, r.low, r.high): r for r in reversed(list(ranges))}
    return tuple(_bar(r, scale) for r in reversed(alike.values()))


def _bar(source_range: SourceRange, scale: Scale) -> Bar:
    low = source_range.low if source_range.low is not None else Decimal(0)
    high = source_range.high if source_range.high is not None else scale.end
    return Bar(
        claim=source_range.claim,
        x=round(low * 100 / scale.end, 2),
        width=round((high - low) * 100 / scale.end, 2),
        is_open=source_range.low is None or source_range.high is None,
    )


# Numeric topics with the section of statements that speaks of the same.
FIGURES = (
    (Topic.SESSIONS, _("Number of sessions"), None),
    (Topic.INTERVAL, _("Time between sessions"), None),
    (Topic.SESSION_LENGTH, _("Length of a session"), None),
    (Topic.TIME_TO_RESULT, _("Time to a result"), Section.TIME_TO_RESULT),
    (Topic.DOWNTIME, _("Time off"), Section.DOWNTIME),
    (Topic.MAINTENANCE, _("Repeat treatment"), Section.MAINTENANCE),
)


# The topics whose claims are printed in words, and the sections that are printed.
IN_WORDS = (Topic.TECHNIQUE, Topic.ANAESTHESIA, Topic.PERMANENCE)
SECTIONS = (
    *(section for _topic, _label, section in FIGURES if section),
    *(Section.EVIDENCE, Section.DURING, Section.ANAESTHESIA, Section.PERMANENCE),
)


class Comparison:
    """The table of a few treatments."""

    def __init__(self, treatments: Sequence[Treatment], today: date):
        """`treatments` are loaded with `DETAILS`; `today` decides which reviews are overdue."""
        self.treatments = treatments
        self.today = today
        self.pages = [TreatmentPage(treatment) for treatment in treatments]

    @cached_property
    def rows(self) -> list[Row]:
        """Every fact, the one that matters most first."""
        figures = {topic: self._figures(topic, label, section) for topic, label, section in FIGURES}
        return [
            self._row("evidence", _("Evidence that it works"), Form.LEVEL, _evidence),
            self._row("serious", _("Serious risks"), Form.EFFECTS, _serious),
            self._row("reasons", _("Who should not have it"), Form.REASONS, _reasons),
            self._row("usual", _("Usual side effects"), Form.EFFECTS, _usual),
            self._row("needles", _("Needles, and how it is done"), Form.GIVEN, _given),
            self._row("anaesthesia", _("Pain relief"), Form.SAID, _anaesthesia),
            figures[Topic.SESSIONS],
            figures[Topic.INTERVAL],
            figures[Topic.SESSION_LENGTH],
            figures[Topic.TIME_TO_RESULT],
            self._row("permanence", _("Does it last?"), Form.SAID, _permanence),
            figures[Topic.MAINTENANCE],
            figures[Topic.DOWNTIME],
            self._row("cost", _("Cost"), Form.COSTS, _costs),
            self._row("regulators", _("What regulators say"), Form.POSITIONS, _positions),
            self._row("review", _("Reviewed by us"), Form.REVIEW, self._is_overdue),
        ]

    def _row(self, anchor, label, form, content_of) -> Row:
        cells = tuple(Cell(page.treatment, content_of(page)) for page in self.pages)
        return Row(anchor, str(label), form, cells)

    def _figures(self, topic, label, section) -> Row:
        summaries = [summarise(page.claims, topic) for page in self.pages]
        scales = _scales(summaries)
        cells = []
        for page, summary in zip(self.pages, summaries, strict=True):
            scale = scales.get(summary.unit) if summary.ranges else None
            figure = Figure(
                summary=summary,
                statements=tuple(page.statements[section]) if section else (),
                bars=_bars(summary.ranges, scale) if scale else (),
                scale=scale,
            )
            cells.append(Cell(page.treatment, figure))
        return Row(str(topic), str(label), Form.FIGURE, tuple(cells))

    def _is_overdue(self, page: TreatmentPage) -> bool:
        return page.treatment.is_review_overdue(self.today)

    @property
    def columns(self) -> list[Column]:
        """The head of each column."""
        return [
            Column(
                treatment=treatment,
                is_overdue=treatment.is_review_overdue(self.today),
                query_without=query_of(other for other in self.treatments if other != treatment),
            )
            for treatment in self.treatments
        ]

    @property
    def source_count(self) -> int:
        """Different sources behind what the table prints."""
        found = set()
        for page in self.pages:
            treatment = page.treatment
            shown = [s for section in SECTIONS for s in page.statements[section]]
            shown += [*treatment.side_effects.all(), *treatment.contraindications.all()]
            shown += treatment.regulator_positions.all()
            found |= {source.pk for thing in shown for source in thing.sources.all()}
            claims = [claim for topic in IN_WORDS for claim in about(page.claims, topic)]
            figures = [summarise(page.claims, topic) for topic, _label, _section in FIGURES]
            claims += [claim for summary in (*figures, *page.costs) for claim in summary.claims]
            found |= {claim.source.pk for claim in claims}
        return len(found)


def _evidence(page: TreatmentPage) -> tuple[Statement, ...]:
    return tuple(page.statements[Section.EVIDENCE])


def _serious(page: TreatmentPage) -> tuple[SideEffect, ...]:
    return tuple(page.serious_risks)


def _usual(page: TreatmentPage) -> tuple[SideEffect, ...]:
    return tuple(page.usual_effects)


def _reasons(page: TreatmentPage) -> Reasons:
    return Reasons(
        absolute=tuple(page.absolute_contraindications),
        relative=tuple(page.relative_contraindications),
    )


def _given(page: TreatmentPage) -> Said:
    return Said(
        statements=tuple(page.statements[Section.DURING]),
        claims=tuple(about(page.claims, Topic.TECHNIQUE)),
    )


def _anaesthesia(page: TreatmentPage) -> Said:
    return Said(
        statements=tuple(page.statements[Section.ANAESTHESIA]),
        claims=tuple(about(page.claims, Topic.ANAESTHESIA)),
    )


def _permanence(page: TreatmentPage) -> Said:
    asked = [question for question in questions(page.claims) if question.question == IS_PERMANENT]
    return Said(
        statements=tuple(page.statements[Section.PERMANENCE]),
        claims=tuple(about(page.claims, Topic.PERMANENCE)),
        question=next((question for question in asked if question.disagrees), None),
    )


def _costs(page: TreatmentPage) -> tuple[TopicSummary, ...]:
    return tuple(page.costs)


def _positions(page: TreatmentPage) -> tuple[RegulatorPosition, ...]:
    return tuple(page.treatment.regulator_positions.all())
