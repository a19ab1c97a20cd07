"""What a whole course costs, and a first year: price times sessions, and what comes on top.

Pure functions over plain numbers: no model, no request, no conversion. All amounts
of one call are in one currency.

`course_cost` and `package_cost` are for an offer as a clinic states it, `planned_cost` for
a plan with everything that a patient may pay. The lowest end goes with the lowest of
everything and the highest with the highest: the range holds every sum in between.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Reason(StrEnum):
    """Why a cost cannot be worked out. Nothing is guessed in its place."""

    NO_PRICE = "no_price"
    PER_ML = "per_ml"
    NO_SESSIONS = "no_sessions"
    NO_REPEATS = "no_repeats"
    NO_SESSION_PRICE = "no_session_price"


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


@dataclass(frozen=True)
class Span:
    """Everything from `low` to `high`, neither below 0; both the same for a fixed number."""

    low: Decimal
    high: Decimal

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.high + other.high)

    def __mul__(self, other: "Span") -> "Span":
        return Span(self.low * other.low, self.high * other.high)

    @property
    def is_fixed(self) -> bool:
        return self.low == self.high


NOTHING = Span(Decimal(0), Decimal(0))


class Buys(StrEnum):
    """What one price pays for. The names are those of `Claim.Per` and `Offer.Unit`."""

    SESSION = "session"  # all areas, one visit
    AREA = "area"  # one area, one visit
    COURSE = "course"


@dataclass(frozen=True)
class Plan:
    """What somebody would have done in a first year, and at what prices.

    None is "not known". `anaesthesia` is the price of pain relief at one session,
    `repeats` the number of sessions after the course and within the first year.
    """

    price: Span | None
    buys: Buys
    sessions: Span | None
    areas: int = 1
    consultation: Span | None = None
    anaesthesia: Span | None = None
    repeats: Span | None = None

    @property
    def one_session(self) -> Span | None:
        """One session with its pain relief, None when its price is not known."""
        if self.price is None or self.buys == Buys.COURSE:
            return None
        return self._priced_areas + (self.anaesthesia or NOTHING)

    @property
    def counts_areas(self) -> bool:
        """Whether the number of areas changes the sum."""
        return self.buys == Buys.AREA

    @property
    def _priced_areas(self) -> Span:
        areas = Decimal(self.areas if self.counts_areas else 1)
        return self.price * Span(areas, areas)

    @property
    def treatment_cost(self) -> Span | None:
        """All sessions of the course, without what comes on top."""
        if self.price is None or self.buys == Buys.COURSE:
            return self.price
        return None if self.sessions is None else self._priced_areas * self.sessions

    @property
    def anaesthesia_cost(self) -> Span | None:
        """Pain relief at all sessions of the course; None when it has no price."""
        if self.anaesthesia is None or self.sessions is None:
            return None
        return self.anaesthesia * self.sessions


@dataclass(frozen=True)
class PlannedCost:
    """The cost of a plan: of the course, of the repeats, of the first year.

    A sum that cannot be worked out is None, and a reason says why. Consultation and pain
    relief without a price are in no sum, and `leaves_out_...` is true.
    """

    plan: Plan
    course: Span | None
    why_no_course: Reason | None
    repeats: Span | None
    first_year: Span | None
    why_no_first_year: Reason | None

    @property
    def leaves_out_consultation(self) -> bool:
        return self.plan.consultation is None

    @property
    def leaves_out_anaesthesia(self) -> bool:
        return self.plan.anaesthesia is None


def planned_cost(plan: Plan) -> PlannedCost:
    """Course = price x areas x sessions + pain relief x sessions + consultation.

    First year = course + repeats x (price x areas + pain relief). The areas count only
    when the price is for one area. A price of a whole course is taken as it stands, and
    tells nothing of the price of one session more.
    """
    why = _why_no_course(plan)
    if why is not None:
        return PlannedCost(plan, None, why, None, None, why)
    course = (
        plan.treatment_cost + (plan.anaesthesia_cost or NOTHING) + (plan.consultation or NOTHING)
    )
    if plan.repeats is None:
        return PlannedCost(plan, course, None, None, None, Reason.NO_REPEATS)
    if plan.repeats == NOTHING:
        return PlannedCost(plan, course, None, NOTHING, course, None)
    if plan.one_session is None:
        return PlannedCost(plan, course, None, None, None, Reason.NO_SESSION_PRICE)
    repeats = plan.one_session * plan.repeats
    return PlannedCost(plan, course, None, repeats, course + repeats, None)


def _why_no_course(plan: Plan) -> Reason | None:
    if plan.price is None:
        return Reason.NO_PRICE
    needs_sessions = plan.buys != Buys.COURSE or plan.anaesthesia is not None
    return Reason.NO_SESSIONS if needs_sessions and plan.sessions is None else None
