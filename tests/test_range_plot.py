"""Where bars stand: a drawing must not say what the numbers do not."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.claim_strategies import PRICES, claim, claim_lists
from tests.factories import SourceFactory
from treatments.evidence import summarise, summarise_costs
from treatments.models import Claim, Source
from treatments.range_plot import range_plot

Topic, Unit, Kind = Claim.Topic, Claim.Unit, Source.Kind

ONE, TWO = (SourceFactory.build(pk=200 + n, kind=Kind.TRIAL) for n in range(2))
GUIDE = SourceFactory.build(pk=210, kind=Kind.GUIDE)


def plot_of(*claims):
    return range_plot(summarise(claims, Topic.SESSIONS))


def bars(plot) -> list[tuple]:
    return [(row.references, row.x, row.width) for row in plot.rows if row.is_drawn]


plots = st.one_of(
    claim_lists().map(lambda claims: range_plot(summarise(claims, Topic.SESSIONS))),
    claim_lists(PRICES, Topic.COST).map(
        lambda claims: next((p for p in map(range_plot, summarise_costs(claims)) if p), None)
    ),
).filter(bool)


@given(plots)
def test_every_bar_and_tick_lies_on_the_scale(plot):
    for row in plot.rows:
        if row.is_drawn:
            assert row.x >= 0
            assert row.width >= 0
            assert row.x + row.width <= 100
    assert plot.ticks[0].value == plot.ticks[0].x == 0
    assert plot.ticks[-1].x == 100
    assert 2 <= len(plot.ticks) <= 5
    steps = [after.value - before.value for before, after in pairwise(plot.ticks)]
    assert set(steps) == {plot.ticks[1].value}


@given(plots)
def test_the_scale_ends_at_or_just_above_the_highest_number(plot):
    known = [end for r in plot.summary.ranges for end in (r.low, r.high) if end is not None]
    top, step = plot.ticks[-1].value, plot.ticks[1].value
    assert max(known) <= top
    assert top <= max(known) * Decimal("1.25") + step


@given(plots)
def test_bars_keep_the_proportions_of_their_numbers(plot):
    full = plot.ticks[-1].value
    for row in plot.rows:
        if row.is_drawn:
            low = row.claim.low if row.claim.low is not None else Decimal(0)
            high = row.claim.high if row.claim.high is not None else full
            assert abs(row.x - 100 * low / full) <= Decimal("0.01")
            assert abs(row.x + row.width - 100 * high / full) <= Decimal("0.01")


@given(plots)
def test_every_claim_of_the_summary_has_its_row_and_only_compared_ones_a_bar(plot):
    told = [claim.reference for row in plot.rows for claim in row.claims]
    assert sorted(told) == sorted(claim.reference for claim in plot.summary.claims)
    drawn = {claim.reference for row in plot.rows if row.is_drawn for claim in row.claims}
    assert drawn == {r.claim.reference for r in plot.summary.ranges}


def test_without_a_number_there_is_nothing_to_draw():
    assert plot_of() is None
    assert plot_of(claim("a", ONE), claim("b", TWO)) is None


def test_cellulite_is_drawn_over_a_scale_from_nought_to_fifteen():
    plot = plot_of(
        claim("a", ONE, 3, 4),
        claim("b", GUIDE, 10, 15),
        claim("c", GUIDE, 4, 6, unit=Unit.WEEK),
        claim("d", TWO),
    )
    assert [(tick.value, tick.x) for tick in plot.ticks] == [
        (0, 0),
        (5, Decimal("33.33")),
        (10, Decimal("66.67")),
        (15, 100),
    ]
    assert bars(plot) == [
        ("a", 20, Decimal("6.67")),
        ("b", Decimal("66.67"), Decimal("33.33")),
    ]
    assert [(row.references, row.x, row.width) for row in plot.rows[2:]] == [
        ("d", None, None),
        ("c", None, None),
    ]
    assert plot.kinds == ["trial", "seller"]


def test_claims_of_one_source_with_one_range_share_a_row_with_all_references():
    plot = plot_of(claim("a", ONE, 3, 4), claim("b", ONE, 3, 4), claim("c", TWO, 3, 4))
    assert [row.references for row in plot.rows] == ["a b", "c"]
    assert plot.rows[0].claim.reference == "a"


def test_claims_with_different_qualifiers_keep_their_own_rows():
    plot = plot_of(claim("a", ONE, 3, 4), claim("b", ONE, 3, 4, qualifier="about"))
    assert [row.references for row in plot.rows] == ["a", "b"]


def test_an_open_end_reaches_the_edge_of_the_scale():
    plot = plot_of(claim("a", ONE, None, 5), claim("b", TWO, 10, None), claim("c", GUIDE, 20, 20))
    assert bars(plot) == [("a", 0, 25), ("b", 50, 50), ("c", 100, 0)]


def test_one_number_is_a_point():
    plot = plot_of(claim("a", ONE, 4, 4), claim("b", TWO, 3, 4))
    points = {row.references: row.is_point for row in plot.rows}
    assert points == {"a": True, "b": False}


def test_an_open_end_is_never_a_point():
    plot = plot_of(claim("a", ONE, 10, None), claim("b", TWO, 4, 4))
    assert [(row.references, row.is_point) for row in plot.rows] == [("b", True), ("a", False)]
    assert [tick.value for tick in plot.ticks] == [0, 5, 10, 15]


def test_a_bar_that_reaches_the_edge_for_want_of_an_end_is_told_apart():
    plot = plot_of(claim("a", ONE, 10, None), claim("b", TWO, 10, 15), claim("c", GUIDE))
    assert [(row.references, row.is_open) for row in plot.rows] == [
        ("a", True),
        ("b", False),
        ("c", False),
    ]


def test_none_at_all_stands_at_the_start():
    plot = plot_of(claim("a", ONE, 0, 0))
    assert bars(plot) == [("a", 0, 0)]
    assert len(plot.ticks) == 2


def test_large_amounts_get_few_round_ticks():
    prices = {"topic": Topic.COST, "unit": Unit.MONEY, "currency": "USD", "per": "course"}
    plot = range_plot(summarise_costs([claim("a", ONE, 2000, 8500, **prices)])[0])
    assert [tick.value for tick in plot.ticks] == [0, 2500, 5000, 7500, 10000]
