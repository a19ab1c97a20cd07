"""What a clinic's own page says beside its offers: checks made and not made, hours, gaps."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from django.utils.translation import gettext as _

from .models import Check, Clinic, Offer, OpeningHours


@dataclass(frozen=True)
class LedgerLine:
    """One thing we check, and what came of it; `check` is None when nobody has looked."""

    kind_label: str
    check: Check | None
    state: str

    @property
    def was_made(self) -> bool:
        return self.check is not None


def check_ledger(clinic: Clinic, today: date) -> list[LedgerLine]:
    """Every check of the clinic, and a line for each kind that was never made. No query."""
    lines = []
    for kind, label in Check.Kind.choices:
        made = [check for check in clinic.checks.all() if check.kind == kind]
        lines += [LedgerLine(str(label), check, check.state(today)) for check in made]
        if not made:
            lines.append(LedgerLine(str(label), None, "not-checked"))
    return lines


@dataclass(frozen=True)
class DayHours:
    """One weekday with its spans of opening; no span means closed."""

    label: str
    spans: tuple[OpeningHours, ...]
    is_today: bool


@dataclass(frozen=True)
class OpeningState:
    """Whether it is open at the clinic's own time `now`, and until when or from when."""

    now: datetime
    is_open: bool
    closes: time | None
    next_label: str
    next_opens: time | None


def weekly_hours(clinic: Clinic, now: datetime | None) -> list[DayHours]:
    """Seven days from Monday; empty when the clinic states no hours. No query."""
    spans = list(clinic.opening_hours.all())
    if not spans:
        return []
    return [
        DayHours(
            str(label),
            tuple(span for span in spans if span.weekday == day),
            now is not None and now.weekday() == day,
        )
        for day, label in OpeningHours.Weekday.choices
    ]


def opening_state(clinic: Clinic, now: datetime | None) -> OpeningState | None:
    """Open now or not, or None when the hours or the time zone are unknown. No query."""
    spans = list(clinic.opening_hours.all())
    if now is None or not spans:
        return None
    clock = now.time()
    for span in spans:
        if span.weekday == now.weekday() and span.opens <= clock < span.closes:
            return OpeningState(now, True, span.closes, "", None)
    for ahead in range(8):
        day = (now.weekday() + ahead) % 7
        for span in spans:
            if span.weekday == day and (ahead > 0 or span.opens > clock):
                label = _("today") if ahead == 0 else str(span.get_weekday_display())
                return OpeningState(now, False, None, label, span.opens)
    return None


@dataclass(frozen=True)
class MapPosition:
    """Where to draw a point on a plate carrée map of 360 by 180 units.

    The window is `span` units wide and half as high, and never leaves the map.
    `is_exact` is false when only the centre of the town is known.
    """

    latitude: Decimal
    longitude: Decimal
    is_exact: bool
    span: int = 60

    @property
    def x(self) -> float:
        return round(float(self.longitude) + 180, 2)

    @property
    def y(self) -> float:
        return round(90 - float(self.latitude), 2)

    @property
    def window_x(self) -> float:
        return min(max(self.x - self.span / 2, 0), 360 - self.span)

    @property
    def window_y(self) -> float:
        return min(max(self.y - self.span / 4, 0), 180 - self.span / 2)


def map_position(clinic: Clinic) -> MapPosition | None:
    """The clinic's own coordinates, or the centre of its town. No query when loaded."""
    if clinic.latitude is not None and clinic.longitude is not None:
        return MapPosition(clinic.latitude, clinic.longitude, is_exact=True)
    if clinic.place:
        return MapPosition(clinic.place.latitude, clinic.place.longitude, is_exact=False)
    return None


def what_is_not_said(clinic: Clinic, offers: list[Offer]) -> list[str]:
    """Plain lines on what a patient would want to know and the clinic has not stated."""
    missing = []
    if not clinic.practitioners.all():
        missing.append(_("Who injects"))
    elif any(not person.registration_number for person in clinic.practitioners.all()):
        missing.append(_("A registration number for everyone who injects"))
    for words, is_missing in (
        (_("What is injected: %(names)s"), lambda offer: not offer.names_product),
        (_("Prices: %(names)s"), lambda offer: not offer.has_price),
        (_("How many sessions: %(names)s"), lambda offer: offer.sessions_low is None),
    ):
        names = dict.fromkeys(o.treatment.short_name for o in offers if is_missing(o))
        if names:
            missing.append(words % {"names": ", ".join(names)})
    if offers and all(offer.consultation_fee is None for offer in offers):
        missing.append(_("Whether the first consultation costs anything"))
    sold = [offer for offer in offers if offer.course_price is not None]
    if any(offer.refund_rule == Offer.RefundRule.NOT_SAID for offer in sold):
        missing.append(_("Whether unused sessions of a paid course are refunded"))
    if not clinic.opening_hours.all():
        missing.append(_("Opening hours"))
    if not clinic.languages.all():
        missing.append(_("Languages spoken"))
    if not (clinic.phone or clinic.email or clinic.website):
        missing.append(_("How to get in touch"))
    return missing
