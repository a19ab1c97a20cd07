"""What a course costs, and when that cannot be said."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinics.course_cost import (
    NOTHING,
    Buys,
    Plan,
    Reason,
    Span,
    course_cost,
    package_cost,
    planned_cost,
)

amounts = st.decimals(min_value=0, max_value=10**6, places=2)
counts = st.integers(1, 30)


def cost(**changes):
    stated = {
        "price_low": Decimal(250),
        "price_high": Decimal(400),
        "unit": "session",
        "sessions_low": 4,
        "sessions_high": 15,
        "consultation_fee": None,
    }
    return course_cost(**{**stated, **changes})


def test_lowest_goes_with_lowest_and_highest_with_highest():
    course = cost(consultation_fee=Decimal(50))
    assert (course.low, course.high) == (Decimal(1050), Decimal(6050))
    assert (course.sessions_cost_low, course.sessions_cost_high) == (Decimal(1000), Decimal(6000))


def test_an_unstated_consultation_is_left_out_and_said_to_be():
    assert cost().leaves_out_consultation
    assert not cost(consultation_fee=Decimal(0)).leaves_out_consultation
    assert cost().low == cost(consultation_fee=Decimal(0)).low


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price_low": None, "price_high": None}, Reason.NO_PRICE),
        ({"sessions_low": None, "sessions_high": None}, Reason.NO_SESSIONS),
        ({"unit": "ml"}, Reason.PER_ML),
        ({"unit": "ml", "sessions_low": None}, Reason.PER_ML),
    ],
)
def test_what_cannot_be_worked_out_says_why_and_gives_no_number(changes, reason):
    course = cost(**changes)
    assert (course.low, course.high, course.reason) == (None, None, reason)


def test_a_price_for_an_area_is_said_to_be_for_one_area():
    assert cost(unit="area").is_for_one_area
    assert not cost().is_for_one_area


@given(amounts, amounts, counts, counts, amounts)
def test_a_course_is_never_cheaper_at_its_high_end(price, more, sessions, further, fee):
    course = cost(
        price_low=price,
        price_high=price + more,
        sessions_low=sessions,
        sessions_high=sessions + further,
        consultation_fee=fee,
    )
    assert price + fee <= course.low <= course.high


def test_a_package_is_its_price_and_the_consultation():
    package = package_cost(
        course_price=Decimal(900), course_sessions=3, consultation_fee=Decimal(40)
    )
    assert (package.low, package.high, package.sessions_high) == (Decimal(940), Decimal(940), 3)


# --- a plan: course and first year

spans = st.tuples(amounts, amounts).map(lambda ends: Span(min(ends), max(ends)))
numbers = st.integers(0, 30).map(Decimal)
some_sessions = st.tuples(counts, counts).map(
    lambda ends: Span(Decimal(min(ends)), Decimal(max(ends)))
)
some_repeats = st.tuples(numbers, numbers).map(lambda ends: Span(min(ends), max(ends)))
plans = st.builds(
    Plan,
    price=st.none() | spans,
    buys=st.sampled_from(Buys),
    sessions=st.none() | some_sessions,
    areas=st.integers(1, 20),
    consultation=st.none() | spans,
    anaesthesia=st.none() | spans,
    repeats=st.none() | some_repeats,
)


def span(low, high=None):
    """Everything from `low` to `high`, or one fixed number."""
    return Span(Decimal(low), Decimal(low if high is None else high))


def plan(**changes):
    """Three to fifteen sessions at 200 to 600, and nothing else known."""
    stated = {"price": span(200, 600), "buys": Buys.SESSION, "sessions": span(3, 15)}
    return Plan(**{**stated, **changes})


@given(plans)
def test_every_sum_is_a_range_or_has_a_reason(asked):
    cost = planned_cost(asked)
    assert (cost.course is None) == (cost.why_no_course is not None)
    assert (cost.first_year is None) == (cost.why_no_first_year is not None)
    for total in (cost.course, cost.repeats, cost.first_year):
        assert total is None or 0 <= total.low <= total.high


@given(plans)
def test_the_lines_of_a_sum_add_up_to_it(asked):
    cost = planned_cost(asked)
    if cost.course:
        lines = [asked.treatment_cost, asked.anaesthesia_cost, asked.consultation]
        known = [line for line in lines if line]
        assert cost.course.low == sum(line.low for line in known)
        assert cost.course.high == sum(line.high for line in known)
    if cost.first_year:
        assert cost.first_year == cost.course + cost.repeats


@given(plans, st.integers(1, 9).map(Decimal))
def test_prices_times_a_number_are_sums_times_that_number(asked, factor):
    def times(amount):
        return None if amount is None else Span(amount.low * factor, amount.high * factor)

    dearer = replace(
        asked,
        price=times(asked.price),
        consultation=times(asked.consultation),
        anaesthesia=times(asked.anaesthesia),
    )
    before, after = planned_cost(asked), planned_cost(dearer)
    assert (after.course, after.first_year) == (times(before.course), times(before.first_year))


@given(plans, st.integers(1, 20))
def test_areas_count_only_where_the_price_is_for_one(asked, areas):
    one, more = (planned_cost(replace(asked, areas=n)) for n in (1, areas))
    if asked.buys != Buys.AREA:
        assert (one.course, one.first_year) == (more.course, more.first_year)
    elif one.course:
        assert more.plan.treatment_cost.low == one.plan.treatment_cost.low * areas


@given(plans)
def test_what_is_left_out_is_said_and_costs_nothing(asked):
    cost = planned_cost(asked)
    assert cost.leaves_out_consultation == (asked.consultation is None)
    assert cost.leaves_out_anaesthesia == (asked.anaesthesia is None)
    free = planned_cost(replace(asked, consultation=asked.consultation or NOTHING))
    assert free.course == cost.course


def test_a_plan_adds_up_line_by_line():
    cost = planned_cost(
        plan(
            buys=Buys.AREA,
            areas=2,
            consultation=span(50),
            anaesthesia=span(0, 20),
            repeats=span(1, 2),
        )
    )
    assert cost.plan.treatment_cost == span(1200, 18_000)
    assert cost.plan.anaesthesia_cost == span(0, 300)
    assert cost.course == span(1250, 18_350)
    assert cost.repeats == span(400, 2440)
    assert cost.first_year == span(1650, 20_790)


def test_a_price_of_a_course_is_taken_as_it_stands():
    cost = planned_cost(plan(price=span(900, 1200), buys=Buys.COURSE, sessions=None, areas=3))
    assert cost.course == span(900, 1200)
    never = planned_cost(plan(price=span(900), buys=Buys.COURSE, repeats=span(0)))
    assert never.first_year == span(900)


@pytest.mark.parametrize(
    ("changes", "course", "first_year"),
    [
        ({"price": None}, Reason.NO_PRICE, Reason.NO_PRICE),
        ({"sessions": None}, Reason.NO_SESSIONS, Reason.NO_SESSIONS),
        ({"price": None, "sessions": None}, Reason.NO_PRICE, Reason.NO_PRICE),
        ({}, None, Reason.NO_REPEATS),
        ({"buys": Buys.COURSE, "repeats": span(1)}, None, Reason.NO_SESSION_PRICE),
        (
            {"buys": Buys.COURSE, "sessions": None, "anaesthesia": span(10)},
            Reason.NO_SESSIONS,
            Reason.NO_SESSIONS,
        ),
        ({"repeats": span(0)}, None, None),
    ],
)
def test_a_plan_that_lacks_something_says_what(changes, course, first_year):
    cost = planned_cost(plan(**changes))
    assert (cost.why_no_course, cost.why_no_first_year) == (course, first_year)
