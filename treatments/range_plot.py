"""Where the bars of a range plot stand. Numbers in per cent of the width, nothing else."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from .evidence import TopicSummary
from .models import Claim

_STEPS = [Decimal(step) for step in ("0.5", 1, 2, 5, 10, 15, 20, 25, 50)]
_MOST_TICKS = 5
_ROOM_ABOVE = Decimal("1.25")


@dataclass(frozen=True)
class Tick:
    """A mark on the scale: its number, and where it stands in per cent."""

    value: Decimal
    x: Decimal


@dataclass(frozen=True)
class PlotRow:
    """What one source says, as a bar, a point, or words.

    Claims of one source with one and the same range share a row; `claims` are all of
    them and `claim` the first. `x` and `width` are None where there is no number in the
    plotted unit.
    """

    claims: tuple[Claim, ...]
    x: Decimal | None = None
    width: Decimal | None = None

    @property
    def claim(self) -> Claim:
        return self.claims[0]

    @property
    def references(self) -> str:
        """The references of all claims of the row, with blanks between."""
        return " ".join(claim.reference for claim in self.claims)

    @property
    def is_drawn(self) -> bool:
        return self.x is not None

    @property
    def is_open(self) -> bool:
        """Whether the bar runs to the edge for want of an end, as for "more than 10"."""
        return self.is_drawn and (self.claim.low is None or self.claim.high is None)

    @property
    def is_point(self) -> bool:
        return self.width == 0


@dataclass(frozen=True)
class RangePlot:
    """A topic drawn: one row a claim, strongest source first, over a scale from zero."""

    summary: TopicSummary
    rows: tuple[PlotRow, ...]
    ticks: tuple[Tick, ...]

    @property
    def kinds(self) -> list[str]:
        """The groups of sources that take part, strongest first, for the legend."""
        return list(dict.fromkeys(row.claim.source.group for row in self.rows))


def _step(top: Decimal) -> Decimal:
    scale = Decimal(1)
    while True:
        for step in _STEPS:
            if step * scale * (_MOST_TICKS - 1) >= top:
                return step * scale
        scale *= 100


def _alike(claims: list[Claim]) -> list[tuple[Claim, ...]]:
    """Claims of one source with the same range and the same qualifier, put together."""
    groups: dict[tuple, tuple[Claim, ...]] = {}
    for claim in claims:
        key = (claim.source.pk, claim.low, claim.high, claim.qualifier)
        groups[key] = (*groups.get(key, ()), claim)
    return list(groups.values())


def range_plot(summary: TopicSummary) -> RangePlot | None:
    """Lay out a summary. None when nobody gives a number, for then nothing can be drawn."""
    if not summary.ranges:
        return None
    top = max(end for r in summary.ranges for end in (r.low, r.high) if end is not None)
    if any(r.high is None and r.low == top for r in summary.ranges):
        # "At least 4" needs room above the 4, or it would be drawn as exactly 4.
        top *= _ROOM_ABOVE
    step = _step(max(top, Decimal("0.5")))
    steps = max(1, int((top / step).to_integral_value(ROUND_CEILING)))
    ticks = [step * n for n in range(steps + 1)]
    full = ticks[-1]

    def per_cent(value: Decimal) -> Decimal:
        return round(value * 100 / full, 2)

    drawn = []
    for claims in _alike([r.claim for r in summary.ranges]):
        # An open end reaches the edge of the scale: "up to 6" starts at zero.
        low = per_cent(claims[0].low if claims[0].low is not None else Decimal(0))
        high = per_cent(claims[0].high if claims[0].high is not None else full)
        drawn.append(PlotRow(claims, low, high - low))
    return RangePlot(
        summary=summary,
        rows=tuple(drawn) + tuple(PlotRow((claim,)) for claim in summary.others),
        ticks=tuple(Tick(value, per_cent(value)) for value in ticks),
    )
