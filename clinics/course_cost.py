"""What a whole course costs: price of a session times sessions, and what comes on top.

Pure functions over plain numbers: no model, no request, no conversion. All amounts
of one call are in one currency.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Reason(StrEnum):
    """Why a cost cannot be worked out. Nothing is guessed in its place."""

    NO_PRICE = "no_price"
    PER_ML = "per_ml"
    NO_SESSIONS = "no_sessions"


@dataclass(frozen=True)
class CourseCost:
    """The cost of a course as a range, with the inputs that gave it.

    `low` and `high` are None, and `reason` says why, when it cannot be worked out.
    `consultation_fee` is None when the clinic does not state one; it is then not in
    the sum, and `leaves_out_consultation` is true.
    """

    low: Decimal | None = None
    high: Decimal | None = None
    price_low: Decimal | None = None
    price_high: Decimal | None = None
    sessions_low: int | None = None
    sessions_high: int | None = None
    consultation_fee: Decimal | None = None
    is_for_one_area: bool = False
    is_package: bool = False
    reason: Reason | None = None

    @property
    def is_known(self) -> bool:
        return self.reason is None

    @property
    def sessions_cost_low(self) -> Decimal:
        """The sessions alone, at the lowest."""
        return self.price_low * self.sessions_low

    @property
    def sessions_cost_high(self) -> Decimal:
        """The sessions alone, at the highest."""
        return self.price_high * self.sessions_high

    @property
    def leaves_out_consultation(self) -> bool:
        return self.is_known and self.consultation_fee is None


def course_cost(
    *,
    price_low: Decimal | None,
    price_high: Decimal | None,
    unit: str,
    sessions_low: int | None,
    sessions_high: int | None,
    consultation_fee: Decimal | None = None,
) -> CourseCost:
    """Price x sessions + consultation, lowest with lowest and highest with highest.

    `unit` is "session", "area" (one area, each session) or "ml". A price for a
    millilitre cannot be turned into a course: how much is injected is not known.
    """
    if price_low is None or price_high is None:
        return CourseCost(reason=Reason.NO_PRICE)
    if unit == "ml":
        return CourseCost(price_low=price_low, price_high=price_high, reason=Reason.PER_ML)
    if sessions_low is None or sessions_high is None:
        return CourseCost(price_low=price_low, price_high=price_high, reason=Reason.NO_SESSIONS)
    extra = consultation_fee or Decimal(0)
    return CourseCost(
        low=price_low * sessions_low + extra,
        high=price_high * sessions_high + extra,
        price_low=price_low,
        price_high=price_high,
        sessions_low=sessions_low,
        sessions_high=sessions_high,
        consultation_fee=consultation_fee,
        is_for_one_area=unit == "area",
    )


def package_cost(
    *, course_price: Decimal, course_sessions: int, consultation_fee: Decimal | None = None
) -> CourseCost:
    """A course that the clinic sells at one price, plus the consultation."""
    total = course_price + (consultation_fee or Decimal(0))
    return CourseCost(
        low=total,
        high=total,
        sessions_low=course_sessions,
        sessions_high=course_sessions,
        consultation_fee=consultation_fee,
        is_package=True,
    )
