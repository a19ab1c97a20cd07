"""The home of a clinic: what waits there, what the listing holds, and how it is looked at.

Another thing that waits is one more function in `WAITING`. It gets the primary keys of some
clinics, is asked once for all of them, and says for each what waits there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .confirmation import REMINDED_AT, STATES_A_PRICE
from .desk import checks_to_renew
from .lists_of_a_clinic import list_of
from .models import Check, Clinic, Correction, Enquiry, Offer, Proposal
from .view_counts import views_by_day

WEEKS = 8
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Thing:
    """Something that waits for the people of a clinic: a plain sentence, and where to do it."""

    sentence: str
    action: str
    url: str
    # Patients are affected already.
    is_urgent: bool = False


Waiting = Callable[[list[int], date], Iterable[tuple[int, Thing]]]


def requests_without_answer(ids: list[int], _today: date) -> Iterator[tuple[int, Thing]]:
    """Patients whose turn it is not. One query."""
    waiting = Enquiry.objects.filter(clinic__in=ids, waiting_since__isnull=False)
    found = waiting.order_by().values_list("clinic").annotate(Count("pk"), Min("waiting_since"))
    for clinic, count, since in found:
        sentence = ngettext(
            "A patient waits for an answer, since %(day)s.",
            "%(count)d patients wait for an answer, the first since %(day)s.",
            count,
        ) % {"count": count, "day": day_in_words(since)}
        url = list_of("admin:clinics_enquiry_changelist", clinic)
        yield clinic, Thing(sentence, _("Open the inbox"), url, is_urgent=True)


def changes_sent_in(ids: list[int], _today: date) -> Iterator[tuple[int, Thing]]:
    """What a reviewer gave back, and what still waits for one. One query."""
    found = Proposal.objects.open().filter(clinic__in=ids).order_by()
    for clinic, status, count in found.values_list("clinic", "status").annotate(Count("pk")):
        is_returned = status == Proposal.Status.RETURNED
        sentence = (
            ngettext(
                "%(count)d change was returned to you with a reason.",
                "%(count)d changes were returned to you with a reason.",
                count,
            )
            if is_returned
            else ngettext(
                "%(count)d change of yours waits for a reviewer. Patients see what was approved.",
                "%(count)d changes of yours wait for a reviewer. Patients see what was approved.",
                count,
            )
        ) % {"count": count}
        url = list_of("admin:clinics_proposal_changelist", clinic, status=status)
        yield clinic, Thing(sentence, _("See your changes"), url, is_urgent=is_returned)


def corrections_to_look_at(ids: list[int], _today: date) -> Iterator[tuple[int, Thing]]:
    """What readers say is wrong. One query."""
    waiting = Correction.objects.waiting().filter(clinic__in=ids)
    for clinic, count in waiting.order_by().values_list("clinic").annotate(Count("pk")):
        sentence = ngettext(
            "A reader says that something in your listing is wrong.",
            "%(count)d readers say that something in your listing is wrong.",
            count,
        ) % {"count": count}
        url = list_of("admin:clinics_correction_changelist", clinic, status__exact="waiting")
        yield clinic, Thing(sentence, _("Read it and close it"), url)


def prices_that_get_old(ids: list[int], today: date) -> Iterator[tuple[int, Thing]]:
    """Prices that patients see in amber or as out of date, or soon will. One query."""
    soon, amber, stale = (today - timedelta(days=days) for days in REMINDED_AT)
    priced = Offer.objects.filter(STATES_A_PRICE, clinic__in=ids, treatment__is_published=True)
    ages: dict[int, list[date | None]] = {}
    for clinic, day in priced.values_list("clinic", "price_confirmed_on"):
        ages.setdefault(clinic, []).append(day)
    for clinic, days in ages.items():
        url = f"{reverse('admin:clinics_clinic_change', args=[clinic])}#offers-group"
        for count, sentence, is_urgent in _price_sentences(days, soon, amber, stale):
            yield (
                clinic,
                Thing(sentence % {"count": count}, _("Look at your prices"), url, is_urgent),
            )


def _price_sentences(days, soon, amber, stale) -> Iterator[tuple[int, str, bool]]:
    """How many prices, what is to be said of them, and whether it harms already."""
    undated = sum(day is None for day in days)
    dated = [day for day in days if day is not None]
    out_of_date = sum(day < stale for day in dated)
    ageing = sum(stale <= day < amber for day in dated)
    next_ones = sum(amber <= day <= soon for day in dated)
    if out_of_date:
        yield (
            out_of_date,
            ngettext(
                "%(count)d price is out of date: it no longer counts in the order by price.",
                "%(count)d prices are out of date: they no longer count in the order by price.",
                out_of_date,
            ),
            True,
        )
    if ageing:
        yield (
            ageing,
            ngettext(
                "%(count)d price stands in amber: nobody has confirmed it for six months.",
                "%(count)d prices stand in amber: nobody has confirmed them for six months.",
                ageing,
            ),
            True,
        )
    if undated:
        yield (
            undated,
            ngettext(
                "%(count)d price was never confirmed, and patients see that.",
                "%(count)d prices were never confirmed, and patients see that.",
                undated,
            ),
            False,
        )
    if next_ones:
        yield (
            next_ones,
            ngettext(
                "%(count)d price gets old: it will soon stand in amber.",
                "%(count)d prices get old: they will soon stand in amber.",
                next_ones,
            ),
            False,
        )


def checks_that_expire(ids: list[int], today: date) -> Iterator[tuple[int, Thing]]:
    """Checks that have run out or soon will, and were not made again. One query."""
    due = checks_to_renew(today).filter(clinic__in=ids).select_related("practitioner")
    for check in due.order_by("expires_on", "pk"):
        values = {"check": thing_checked(check), "day": day_in_words(check.expires_on)}
        has_run_out = check.expires_on < today
        if has_run_out:
            sentence = _("The check “%(check)s” ran out on %(day)s.") % values
        else:
            sentence = _("The check “%(check)s” runs out on %(day)s.") % values
        sentence += " " + _("An editor looks it up again. Make sure that the number is right.")
        url = f"{reverse('clinic-preview', args=[check.clinic_id])}#checks"
        yield check.clinic_id, Thing(sentence, _("See what patients see"), url, has_run_out)


WAITING: tuple[Waiting, ...] = (
    requests_without_answer,
    changes_sent_in,
    corrections_to_look_at,
    prices_that_get_old,
    checks_that_expire,
)


def what_waits(ids: list[int], today: date) -> dict[int, list[Thing]]:
    """What waits at each of these clinics, what harms already first. A query for each function."""
    found: dict[int, list[Thing]] = {pk: [] for pk in ids}
    for function in WAITING if ids else ():
        for clinic, thing in function(ids, today):
            found[clinic].append(thing)
    return {
        pk: sorted(things, key=lambda thing: not thing.is_urgent) for pk, things in found.items()
    }


def day_in_words(moment) -> str:
    """A day, or the day of a time, as visitors read it."""
    return date_format(moment, "j M Y")


def thing_checked(check: Check) -> str:
    """What a check is about, and whom."""
    kind = str(check.get_kind_display())
    return f"{kind}, {check.practitioner}" if check.practitioner else kind


# --- What the listing holds


@dataclass(frozen=True)
class Line:
    """One line of what the listing holds: a name, how much of it, where to change it."""

    label: str
    value: str
    url: str
    is_empty: bool = False


def what_it_holds(clinic: Clinic) -> list[Line]:
    """The parts of the listing with how much there is. No query when loaded."""
    form = reverse("admin:clinics_clinic_change", args=[clinic.pk])
    offers = list(clinic.offers.all())
    priced = sum(offer.has_price or offer.course_price is not None for offer in offers)
    parts = (
        (
            _("Treatments"),
            len(offers),
            _("%(count)d, with a price: %(priced)d") % {"count": len(offers), "priced": priced},
            "offers-group",
        ),
        (_("People"), len(clinic.practitioners.all()), "", "practitioners-group"),
        (
            _("Days with opening hours"),
            len({span.weekday for span in clinic.opening_hours.all()}),
            "",
            "opening_hours-group",
        ),
        (_("Languages"), len(clinic.languages.all()), "", "id_languages"),
        (_("Photos"), len(clinic.photos.all()), "", "photos-group"),
    )
    return [
        Line(label, words or str(count), f"{form}#{part}", not count)
        if count
        else Line(label, _("none yet"), f"{form}#{part}", True)
        for label, count, words, part in parts
    ]


@dataclass(frozen=True)
class CheckLine:
    """A check with its end; `is_soon` within thirty days, `is_over` after it."""

    name: str
    state: str
    expires_on: date | None
    is_soon: bool
    is_over: bool


def checks_of(clinic: Clinic, today: date) -> list[CheckLine]:
    """The checks of a listing, those that end first on top. No query when loaded."""
    checks = sorted(clinic.checks.all(), key=lambda check: (check.expires_on or date.max, check.pk))
    return [
        CheckLine(
            capfirst(thing_checked(check)),
            str(check.state(today).label),
            check.expires_on,
            bool(check.expires_on and today <= check.expires_on <= today + SOON),
            bool(check.expires_on and check.expires_on < today),
        )
        for check in checks
    ]


# --- How it is looked at


@dataclass(frozen=True)
class Week:
    """Seven days from `monday`: views, requests sent, and the median hours to the first answer.

    `hours` is None when none of those requests was answered. `bar` is how long to draw the
    views, from 0 to 100, the busiest week 100.
    """

    monday: date
    views: int
    requests: int
    hours: float | None
    bar: int
    is_running: bool


@dataclass(frozen=True)
class Weeks:
    """The last weeks, the latest first, and the same of all of them together."""

    weeks: list[Week]
    views: int
    requests: int
    hours: float | None


def last_weeks(clinic: Clinic, today: date) -> Weeks:
    """Views and requests of the last eight weeks, this one among them. Two queries.

    Requests that were deleted are not counted. Days are in UTC.
    """
    first = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    views, requests = [0] * WEEKS, [0] * WEEKS
    hours: list[list[float]] = [[] for _week in range(WEEKS)]
    for day, count in views_by_day(clinic.pk, first):
        if day <= today:
            views[(day - first).days // 7] += count
    sent = Enquiry.objects.filter(clinic=clinic.pk, sent_at__date__gte=first)
    for sent_at, answered_at in sent.values_list("sent_at", "first_answered_at"):
        week = min((timezone.localdate(sent_at) - first).days // 7, WEEKS - 1)
        requests[week] += 1
        if answered_at:
            hours[week].append((answered_at - sent_at).total_seconds() / 3600)
    most = max(views)
    weeks = [
        Week(
            monday=first + timedelta(weeks=number),
            views=views[number],
            requests=requests[number],
            hours=_middle(hours[number]),
            bar=_bar(views[number], most),
            is_running=number == WEEKS - 1,
        )
        for number in reversed(range(WEEKS))
    ]
    every_hour = [hour for week in hours for hour in week]
    return Weeks(weeks, sum(views), sum(requests), _middle(every_hour))


def _middle(hours: list[float]) -> float | None:
    return round(median(hours), 1) if hours else None


def _bar(views: int, most: int) -> int:
    """The length of a bar; of a week with any views, something is always seen."""
    return max(2, round(views / most * 100)) if views else 0
