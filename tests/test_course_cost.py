"""What a course costs, and when that cannot be said."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinics.course_cost import Reason, course_cost, package_cost

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
