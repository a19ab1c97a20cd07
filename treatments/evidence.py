"""From claims to what a page says: ranges by source, agreement, strength.

Pure: no HTML, no request, no query. Every function takes claims whose source is
loaded, and nothing else may compute a figure from claims.

Rules
- A figure is a range by source, never an average.
- Two sources disagree when their ranges in the same unit do not overlap. "Up to 6"
  has no lower end and "at least 4" no upper one.
- Units are never converted into one another: "4 to 6 weeks" is not a number of
  sessions. The unit that most sources use is compared and drawn; claims in other
  units, and claims without a number, stand beside it in words.
- Sources that agree in the unit that is drawn may still contradict each other in another
  unit. That counts: each unit is compared by itself.
- Nothing is the same in every unit of time: "no time off" and "2 to 4 weeks off"
  disagree, although neither is converted.
- A figure that is known to be false is no figure: it is printed where claims are corrected,
  and in no range.
- Money is compared only within one currency and for the same thing bought.
- Opinions, and what a seller says about itself, are no evidence and are left out.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

from .models import Claim, Source

_NO_EVIDENCE = (Claim.Verdict.OPINION, Claim.Verdict.DESCRIPTIVE)
# The coded answer of a claim that tells apart what the other answers mix up.
DEPENDS = "depends"
_UNITS_OF_TIME = (
    Claim.Unit.MINUTE,
    Claim.Unit.HOUR,
    Claim.Unit.DAY,
    Claim.Unit.WEEK,
    Claim.Unit.MONTH,
    Claim.Unit.YEAR,
)


class Agreement(StrEnum):
    """What the comparable ranges of a topic say of each other."""

    NONE = "none"  # nobody gives a number
    SINGLE = "single"  # one source does
    AGREE = "agree"
    DISAGREE = "disagree"


@dataclass(frozen=True)
class SourceRange:
    """One claim's number: its ends, either of which may be open (None), never both."""

    claim: Claim
    low: Decimal | None
    high: Decimal | None

    @property
    def source(self) -> Source:
        return self.claim.source

    def overlaps(self, other: "SourceRange") -> bool:
        """Whether some number lies in both ranges."""
        return _below(self.low, other.high) and _below(other.low, self.high)


def _below(low: Decimal | None, high: Decimal | None) -> bool:
    return low is None or high is None or low <= high


def _apart(ranges: tuple[SourceRange, ...]) -> bool:
    """Whether two sources give ranges that share no number."""
    return any(
        not one.overlaps(other)
        for one, other in combinations(ranges, 2)
        if one.source.pk != other.source.pk
    )


@dataclass(frozen=True)
class TopicSummary:
    """What all sources together say of one topic.

    `ranges` are comparable: one unit, and for money one currency and one thing bought.
    `others` are the remaining claims: in another unit, or without a number. Both are in
    order of the strength of their sources. `low` and `high` span every range; None is an
    open end.
    """

    topic: str
    unit: str
    currency: str
    per: str
    ranges: tuple[SourceRange, ...]
    others: tuple[Claim, ...]

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(r.claim for r in self.ranges) + self.others

    @property
    def in_other_units(self) -> tuple["TopicSummary", ...]:
        """The numbers that stand in other units, each unit by itself, nothing converted."""
        measures = dict.fromkeys(_what_is_counted(c) for c in self.others if _is_number(c))
        return tuple(
            _summary(
                self.topic, [c for c in self.others if _what_is_counted(c) == measure], measure
            )
            for measure in measures
        )

    @property
    def source_count(self) -> int:
        """Sources, each counted once, with or without a number."""
        return len({claim.source.pk for claim in self.claims})

    @property
    def words_count(self) -> int:
        """Sources that speak of the topic and give no number in any unit."""
        with_number = {claim.source.pk for claim in self.claims if _is_number(claim)}
        return self.source_count - len(with_number)

    @property
    def low(self) -> Decimal | None:
        if all(r.low is None for r in self.ranges):
            return None
        return min(self._ends)

    @property
    def high(self) -> Decimal | None:
        if all(r.high is None for r in self.ranges):
            return None
        return max(self._ends)

    @property
    def _ends(self) -> list[Decimal]:
        return [end for r in self.ranges for end in (r.low, r.high) if end is not None]

    @property
    def agreement(self) -> Agreement:
        if not self.ranges:
            return Agreement.NONE
        if self._some_say_none_and_some_do_not:
            return Agreement.DISAGREE
        if _apart(self.ranges) or any(_apart(other.ranges) for other in self.in_other_units):
            return Agreement.DISAGREE
        if len({r.source.pk for r in self.ranges}) == 1:
            return Agreement.SINGLE
        return Agreement.AGREE

    @property
    def _some_say_none_and_some_do_not(self) -> bool:
        timed = [c for c in self.claims if _is_number(c) and c.unit in _UNITS_OF_TIME]
        none = {c.source.pk for c in timed if c.low == c.high == 0}
        some = {c.source.pk for c in timed if c.low}
        return any(one != other for one in none for other in some)

    @property
    def disagrees(self) -> bool:
        return self.agreement == Agreement.DISAGREE

    @property
    def only_sellers(self) -> bool:
        """Whether everyone who says anything here gains from a sale or hides who wrote it."""
        return bool(self.claims) and all(claim.source.sells for claim in self.claims)

    @property
    def strongest(self) -> str:
        """The strongest kind of source among those with a number, else among all; "" if none."""
        kinds = [r.source for r in self.ranges] or [claim.source for claim in self.others]
        return min(kinds, key=lambda source: source.rank).kind if kinds else ""


def _by_strength(claim: Claim) -> tuple:
    low = claim.low if claim.low is not None else claim.high
    return (claim.source.rank, low is None, low or 0, claim.reference)


def _is_number(claim: Claim) -> bool:
    return bool(claim.unit) and (claim.low is not None or claim.high is not None)


def _what_is_counted(claim: Claim) -> tuple[str, str, str]:
    return (claim.unit, claim.currency, claim.per)


def _main_measure(claims: list[Claim]) -> tuple[str, str, str]:
    """The measure that most sources use; at a tie the one of the strongest source."""
    sources = {(_what_is_counted(c), c.source.pk) for c in claims if _is_number(c)}
    if not sources:
        return ("", "", "")
    votes = Counter(measure for measure, _source in sources)
    best = max(votes.values())
    leaders = [c for c in claims if _is_number(c) and votes[_what_is_counted(c)] == best]
    return min(
        ((c.source.rank, _what_is_counted(c)) for c in leaders),
        key=lambda pair: pair,
    )[1]


def _summary(topic: str, claims: list[Claim], measure: tuple[str, str, str]) -> TopicSummary:
    unit, currency, per = measure
    ordered = sorted(claims, key=_by_strength)
    comparable = [c for c in ordered if _is_number(c) and _what_is_counted(c) == measure]
    return TopicSummary(
        topic=topic,
        unit=unit,
        currency=currency,
        per=per,
        ranges=tuple(SourceRange(c, c.low, c.high) for c in comparable),
        others=tuple(c for c in ordered if c not in comparable),
    )


def about(claims: Iterable[Claim], topic: str) -> list[Claim]:
    """The claims on a topic that count as evidence."""
    return [c for c in claims if c.topic == topic and c.verdict not in _NO_EVIDENCE]


def _figures(claims: Iterable[Claim], topic: str) -> list[Claim]:
    return [c for c in about(claims, topic) if c.verdict != Claim.Verdict.FALSE]


def summarise(claims: Iterable[Claim], topic: str) -> TopicSummary:
    """What the claims say of one topic, in the measure that most of its sources use."""
    chosen = _figures(claims, topic)
    return _summary(topic, chosen, _main_measure(chosen))


def summarise_costs(claims: Iterable[Claim]) -> list[TopicSummary]:
    """Costs by currency and what they buy, the most often stated first.

    Claims on cost without an amount stand with the first summary, or alone.
    """
    chosen = _figures(claims, Claim.Topic.COST)
    amounts = [c for c in chosen if _is_number(c)]
    words = [c for c in chosen if not _is_number(c)]
    votes = Counter(_what_is_counted(c) for c in amounts)
    measures = sorted(votes, key=lambda measure: (-votes[measure], measure))
    if not measures:
        return [_summary(Claim.Topic.COST, words, ("", "", ""))] if words else []
    return [
        _summary(
            Claim.Topic.COST,
            [c for c in amounts if _what_is_counted(c) == measure] + (words if not place else []),
            measure,
        )
        for place, measure in enumerate(measures)
    ]


@dataclass(frozen=True)
class Answer:
    """One answer to a question, and the claims that give it, strongest source first."""

    answer: str
    claims: tuple[Claim, ...]

    @property
    def only_sellers(self) -> bool:
        """Whether everyone who answers so gains from a sale or hides who wrote it."""
        return all(claim.source.sells for claim in self.claims)


@dataclass(frozen=True)
class OpenQuestion:
    """A question that claims answer, with the different answers."""

    question: str
    answers: tuple[Answer, ...]

    @property
    def explained_by(self) -> tuple[Claim, ...]:
        """Claims that say why the others differ: two different things behind one word."""
        return next((a.claims for a in self.answers if a.answer == DEPENDS), ())

    @property
    def disagrees(self) -> bool:
        """Coded answers disagree when they differ."""
        return len(self.answers) > 1


def questions(claims: Iterable[Claim]) -> list[OpenQuestion]:
    """Every question that the claims answer; the answer of the strongest source first."""
    asked: dict[str, dict[str, list[Claim]]] = {}
    for claim in sorted(claims, key=_by_strength):
        if claim.question and claim.verdict not in _NO_EVIDENCE:
            asked.setdefault(claim.question, {}).setdefault(claim.answer, []).append(claim)
    return [
        OpenQuestion(
            question, tuple(Answer(answer, tuple(given)) for answer, given in answers.items())
        )
        for question, answers in sorted(asked.items())
    ]


@dataclass(frozen=True)
class TwoSides:
    """Claims on one topic, parted into who gains from a sale and who does not."""

    sellers: tuple[Claim, ...]
    others: tuple[Claim, ...]


def two_sides(claims: Iterable[Claim], topic: str) -> TwoSides:
    """Part the claims on a topic, each side in order of strength."""
    ordered = sorted(about(claims, topic), key=_by_strength)
    return TwoSides(
        sellers=tuple(c for c in ordered if c.source.sells),
        others=tuple(c for c in ordered if not c.source.sells),
    )


def by_topic(claims: Iterable[Claim]) -> list[tuple[str, list[Claim]]]:
    """All claims, whatever their verdict, under the label of their topic, in topic order."""
    found: dict[str, list[Claim]] = {}
    for claim in sorted(claims, key=_by_strength):
        found.setdefault(claim.topic, []).append(claim)
    return [
        (str(Claim.Topic(topic).label), found[topic])
        for topic in Claim.Topic.values
        if topic in found
    ]


def corrected(claims: Iterable[Claim]) -> list[Claim]:
    """Claims that do not hold: false first, then misleading, then without support."""
    order = list(Claim.CORRECTED_VERDICTS)
    chosen = [claim for claim in claims if claim.is_corrected]
    return sorted(chosen, key=lambda claim: (order.index(claim.verdict), claim.reference))
