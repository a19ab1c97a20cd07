"""What a treatment's page says, worked out once from the treatment and its claims.

No HTML and no request. Built from a treatment loaded `with_page_details()`, it asks
no query of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext_lazy as _

from .course_timeline import CourseTimeline, course_timeline
from .effects_picture import EffectsPicture, effects_picture
from .evidence import (
    OpenQuestion,
    TopicSummary,
    TwoSides,
    by_topic,
    corrected,
    questions,
    summarise,
    summarise_costs,
    two_sides,
)
from .models import (
    Alias,
    Claim,
    Contraindication,
    Film,
    ReadersQuestion,
    RegulatorPosition,
    SideEffect,
    Source,
    Statement,
    SubstanceStatus,
    Treatment,
    TreatmentArea,
    TreatmentConcern,
    TreatmentSubstance,
)
from .range_plot import RangePlot, range_plot

Topic, Section = Claim.Topic, Statement.Section

# How the coded questions of claims read on a page; see Claim.question.
QUESTION_TITLES = {
    "destroys-fat-cells": _("Does it destroy fat cells?"),
    "is-permanent": _("Is the result permanent?"),
    "needs-preparation": _("Is there anything to prepare?"),
    "is-approved": _("Is it approved?"),
    "works-for-cellulite": _("Does it work for cellulite?"),
    "overweight-candidates": _("Is it for people who are overweight?"),
    "which-layer": _("Into which layer does it go?"),
}
# Questions whose "depends" tells apart what the other answers mix up, and how that reads.
WHY_ANSWERS_DIFFER = {
    "destroys-fat-cells": _("Two different methods hide behind one word:"),
}
ANSWER_TITLES = {
    "yes": _("Yes"),
    "no": _("No"),
    "depends": _("It depends"),
    "unproven": _("Not proven"),
    "weak": _("Only a little"),
    "skin": _("Into the skin"),
    "under-the-skin": _("Under the skin"),
}

# The numeric topics that are drawn, in this order, each with its question.
PLOT_TITLES = {
    Topic.SESSIONS: _("How many sessions?"),
    Topic.INTERVAL: _("How long between sessions?"),
    Topic.SESSION_LENGTH: _("How long is a session?"),
    Topic.COURSE_LENGTH: _("How long is a course?"),
    Topic.TIME_TO_RESULT: _("When do results show?"),
    Topic.MAINTENANCE: _("When is it repeated?"),
    Topic.DOWNTIME: _("How much time off?"),
}


@dataclass(frozen=True)
class KeyFact:
    """One fact at the head of the page: what the sources span, and how they agree."""

    label: str
    summary: TopicSummary
    statements: tuple[Statement, ...] = ()

    @property
    def has_number(self) -> bool:
        return bool(self.summary.ranges)

    @property
    def has_words(self) -> bool:
        return bool(self.statements or self.summary.others)


@dataclass(frozen=True)
class PlotSection:
    """A numeric topic with its drawing, or without one when there is no number to draw."""

    anchor: str
    title: str
    summary: TopicSummary
    plot: RangePlot | None
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class TitledAnswer:
    """One answer to an open question, in words, with the claims that give it.

    `only_sellers`: nobody answers so who does not gain from a sale.
    """

    title: str
    claims: tuple[Claim, ...]
    only_sellers: bool


@dataclass(frozen=True)
class TitledQuestion:
    """A question on which sources differ, in words.

    `why` and the claims `explained_by` say why they do; "" and none where nobody does.
    """

    title: str
    answers: tuple[TitledAnswer, ...]
    why: str
    explained_by: tuple[Claim, ...]


def _titled(question: OpenQuestion) -> TitledQuestion:
    why = str(WHY_ANSWERS_DIFFER.get(question.question, ""))
    explained_by = question.explained_by if why else ()
    return TitledQuestion(
        title=str(QUESTION_TITLES.get(question.question, question.question)),
        answers=tuple(
            TitledAnswer(str(ANSWER_TITLES.get(a.answer, a.answer)), a.claims, a.only_sellers)
            for a in question.answers
            if a.claims != explained_by
        ),
        why=why if explained_by else "",
        explained_by=explained_by,
    )


def open_questions(claims: list[Claim]) -> list[TitledQuestion]:
    """Coded questions on which the claims differ, in words."""
    return [_titled(question) for question in questions(claims) if question.disagrees]


def _statements_by_section(statements) -> dict[str, list[Statement]]:
    found: dict[str, list[Statement]] = {section: [] for section in Section.values}
    for statement in statements:
        found[statement.section].append(statement)
    return found


class TreatmentPage:
    """Everything the page of one treatment prints."""

    def __init__(
        self,
        treatment: Treatment,
        answers: Sequence[ReadersQuestion] = (),
        films: Sequence[Film] = (),
    ):
        """`answers` come with their sources loaded, `films` each with its source."""
        self.treatment = treatment
        self.answers = answers
        self.films = films
        self.claims = list(treatment.claims.all())
        self.statements = _statements_by_section(treatment.statements.all())

    @cached_property
    def key_facts(self) -> list[KeyFact]:
        """The facts at the head, numbers first where somebody gives one."""
        topics = (
            (_("Sessions"), Topic.SESSIONS, ()),
            (_("Time between"), Topic.INTERVAL, ()),
            (_("Each session"), Topic.SESSION_LENGTH, ()),
            (_("First results"), Topic.TIME_TO_RESULT, self.statements[Section.TIME_TO_RESULT]),
            (_("Repeat"), Topic.MAINTENANCE, self.statements[Section.MAINTENANCE]),
            (_("Time off"), Topic.DOWNTIME, self.statements[Section.DOWNTIME]),
        )
        return [
            KeyFact(str(label), summarise(self.claims, topic), tuple(statements))
            for label, topic, statements in topics
        ]

    @cached_property
    def costs(self) -> list[TopicSummary]:
        """What sources say of prices, by currency and what they buy."""
        return summarise_costs(self.claims)

    @cached_property
    def first_cost(self) -> TopicSummary | None:
        """The price that most sources state, for the head of the page."""
        return self.costs[0] if self.costs and self.costs[0].ranges else None

    @cached_property
    def cost_plots(self) -> list[RangePlot]:
        """Prices by source, one drawing for each currency and what it buys."""
        return [plot for plot in map(range_plot, self.costs) if plot]

    @cached_property
    def plot_sections(self) -> list[PlotSection]:
        """Numeric topics on which anybody says anything, drawn where there is a number."""
        sections = []
        for topic, title in PLOT_TITLES.items():
            summary = summarise(self.claims, topic)
            statements = tuple(self.statements.get(topic.value, ()))
            if summary.claims or statements:
                plot = range_plot(summary)
                sections.append(PlotSection(topic.value, str(title), summary, plot, statements))
        return sections

    @cached_property
    def timeline(self) -> CourseTimeline:
        """A course over time, by source."""
        return course_timeline(self.claims)

    @property
    def serious_risks(self) -> list[SideEffect]:
        """Lasting or dangerous effects, in the editor's order."""
        return [effect for effect in self.treatment.side_effects.all() if effect.is_serious]

    @property
    def usual_effects(self) -> list[SideEffect]:
        """The other unwanted effects."""
        return [effect for effect in self.treatment.side_effects.all() if not effect.is_serious]

    @cached_property
    def serious_picture(self) -> EffectsPicture:
        """Serious risks by how common they are."""
        return effects_picture(self.serious_risks)

    @cached_property
    def usual_picture(self) -> EffectsPicture:
        """The other unwanted effects by how common they are."""
        return effects_picture(self.usual_effects)

    def _contraindications(self, strength: str) -> list[Contraindication]:
        every = self.treatment.contraindications.all()
        return [reason for reason in every if reason.strength == strength]

    @property
    def absolute_contraindications(self) -> list[Contraindication]:
        """Reasons not to have it at all."""
        return self._contraindications(Contraindication.Strength.ABSOLUTE)

    @property
    def relative_contraindications(self) -> list[Contraindication]:
        """Reasons to ask a doctor first."""
        return self._contraindications(Contraindication.Strength.RELATIVE)

    @cached_property
    def evidence(self) -> TwoSides:
        """How well it works, by those who sell it and by those who do not."""
        return two_sides(self.claims, Topic.EVIDENCE)

    @cached_property
    def open_questions(self) -> list[TitledQuestion]:
        """Questions on which sources differ."""
        return open_questions(self.claims)

    @cached_property
    def corrected(self) -> list[Claim]:
        """Claims that do not hold, with what is known."""
        return corrected(self.claims)

    @cached_property
    def everything(self) -> list[tuple[str, list[Claim]]]:
        """Every claim on this treatment, under the label of its topic."""
        return by_topic(self.claims)

    @cached_property
    def sources(self) -> list[Source]:
        """Every source that the page draws on, strongest kind first."""
        treatment = self.treatment
        sourced = [
            *treatment.statements.all(),
            *treatment.side_effects.all(),
            *treatment.contraindications.all(),
            *treatment.regulator_positions.all(),
            *treatment.aliases.all(),
            *treatment.area_links.all(),
            *treatment.concern_links.all(),
            *treatment.substance_links.all(),
            *self.answers,
        ]
        for link in treatment.substance_links.all():
            sourced += link.substance.statuses.all()
        found = {source.pk: source for thing in sourced for source in thing.sources.all()}
        found |= {film.source.pk: film.source for film in self.films}
        for claim in self.claims:
            found[claim.source.pk] = claim.source
            found |= {source.pk: source for source in claim.checked_against.all()}
        return sorted(found.values(), key=lambda source: (source.rank, source.name))


class GeneralPage:
    """What the page on mesotherapy as a method prints.

    Built from the statements without a treatment and the claims on the method in general,
    both with their sources loaded.
    """

    def __init__(self, statements: list[Statement], claims: list[Claim]):
        self.statements = _statements_by_section(statements)
        self.claims = claims
        self.open_questions = open_questions(claims)
        self.corrected = corrected(claims)
        self.everything = by_topic(claims)


@dataclass(frozen=True)
class TakenFrom:
    """Everything that public pages take from one source: for its own page.

    `checked_count` is how many claims of other sources were checked against it.
    """

    claims: list[tuple[str, list[Claim]]]
    statements: list[Statement]
    effects: list[SideEffect]
    contraindications: list[Contraindication]
    positions: list[RegulatorPosition]
    areas: list[TreatmentArea]
    concerns: list[TreatmentConcern]
    substances: list[TreatmentSubstance]
    statuses: list[SubstanceStatus]
    aliases: list[Alias]
    answers: list[ReadersQuestion]
    films: list[Film]
    checked_count: int

    @property
    def has_wording(self) -> bool:
        """Whether anything that we write ourselves rests on it."""
        return any(
            (
                self.statements,
                self.effects,
                self.contraindications,
                self.positions,
                self.areas,
                self.concerns,
                self.substances,
                self.statuses,
                self.aliases,
                self.answers,
                self.films,
            )
        )

    @property
    def is_empty(self) -> bool:
        return not (self.claims or self.has_wording)
