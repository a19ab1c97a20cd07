"""What waits for an editor or a moderator, in all queues together, the oldest first.

Another queue is one more line in `QUEUES`. A queue says which rows wait, which column says since
when, and how a row reads; who decides, where it is decided and how it is counted follow.
"""

import datetime
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from treatments.models import Film, ReadersQuestion, Source, Treatment
from treatments.permissions import is_editor, is_moderator

from .models import Check, ClaimRequest, Clinic, Correction, OutgoingNotice, Proposal
from .outbox import MANY_ATTEMPTS

# Checks are looked at again this many days before they expire.
CHECK_AHEAD = datetime.timedelta(days=30)
# Of rows that are older than their history.
BEGINNING = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Entry:
    """One thing that waits: of which queue, since when, and what it says of itself."""

    queue: "Queue"
    key: int
    since: datetime.datetime
    row: Model

    @property
    def title(self) -> str:
        """What is to be decided on, in a few words."""
        return str(self.queue.title(self.row))

    @property
    def note(self) -> str:
        """What helps to decide which one to open; may be empty."""
        return str(self.queue.note(self.row))

    @property
    def url(self) -> str:
        """The page on which it is decided."""
        return self.queue.url(self.row)

    @property
    def is_to_come(self) -> bool:
        """Whether its day has not come yet, as of a check that expires soon."""
        return self.since > timezone.now()


@dataclass(frozen=True)
class Queue:
    """Rows of one kind that wait.

    `rows` gives them on a day, without any order; `since` is the column, date or time, that says
    since when; `related` is read along with the rows of a page.
    """

    kind: str
    label: Promise
    rows: Callable[[datetime.date], QuerySet]
    since: str
    title: Callable[[Model], object]
    note: Callable[[Model], object]
    url: Callable[[Model], str]
    related: tuple[str, ...] = ()
    is_for_moderators: bool = False
    # Whether `since` is a day and no time.
    counts_days: bool = False

    def keys(self, today: datetime.date) -> QuerySet:
        """Since when and primary key of each row, the oldest first."""
        return self.rows(today).order_by(self.since, "pk").values_list(self.since, "pk")

    def beside(self, when: datetime.datetime) -> tuple[Q, Q]:
        """Conditions for the rows that have waited since later than `when`, and since just then."""
        if not self.counts_days:
            return Q(**{f"{self.since}__gt": when}), Q(**{self.since: when})
        day = timezone.localdate(when)
        later = Q(**{f"{self.since}__gt": day})
        # In the middle of a day no day begins.
        return later, Q(**{self.since: day}) if moment(day) == when else Q(pk__in=[])

    def entries(self, today: datetime.date, keys: list[int]) -> dict[int, Entry]:
        """The entries with these primary keys. One query; what was decided meanwhile is missing."""
        rows = self.rows(today).filter(pk__in=keys).select_related(*self.related)
        rows = rows.annotate(waits_since=F(self.since))
        return {row.pk: Entry(self, row.pk, moment(row.waits_since), row) for row in rows}


def moment(when: datetime.date | datetime.datetime) -> datetime.datetime:
    """A day as the time at which it begins, so that days and times can be put in one order."""
    if isinstance(when, datetime.datetime):
        return when
    return datetime.datetime.combine(when, datetime.time(), timezone.get_current_timezone())


def admin_page(row: Model) -> str:
    """The address of a row's own page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


# --- Which rows wait


def first_noted(model: type[Model]) -> Subquery:
    """When the history first heard of a row."""
    versions = model.history.model.objects.filter(id=OuterRef("pk")).order_by("history_date")
    return Subquery(versions.values("history_date")[:1])


def checks_to_renew(today: datetime.date) -> QuerySet:
    """Confirmed checks on published listings that have expired or soon will.

    Not those after which the same thing was looked up again, whatever came of it: when that runs
    out too, it is the one that waits.
    """
    # A check of the premises is of no person, and two empty columns are never equal.
    person = Coalesce("practitioner", 0)
    later = Check.objects.alias(person=person).filter(
        Q(checked_on__gt=OuterRef("checked_on"))
        | Q(checked_on=OuterRef("checked_on"), pk__gt=OuterRef("pk")),
        clinic=OuterRef("clinic"),
        kind=OuterRef("kind"),
        person=OuterRef("person"),
    )
    return Check.objects.alias(person=person).filter(
        ~Exists(later),
        result=Check.Result.CONFIRMED,
        expires_on__lte=today + CHECK_AHEAD,
        clinic__status=Clinic.Status.PUBLISHED,
    )


def reviews_overdue(today: datetime.date) -> QuerySet:
    """Published treatments whose next review should have been."""
    return Treatment.objects.filter(is_published=True, next_review_due__lt=today)


def sources_to_read(_today: datetime.date) -> QuerySet:
    """Sources that we cite from memory: nobody has read them again."""
    unread = Source.objects.filter(reading=Source.Reading.MEMORY)
    return unread.annotate(noted_at=Coalesce(first_noted(Source), Value(BEGINNING)))


def films_to_publish(_today: datetime.date) -> QuerySet:
    """Films that somebody entered and nobody has published."""
    waiting = Film.objects.filter(is_published=False)
    return waiting.annotate(noted_at=Coalesce(first_noted(Film), Value(BEGINNING)))


def mails_that_failed(_today: datetime.date) -> QuerySet:
    """Notices that could not be sent again and again."""
    failed = OutgoingNotice.objects.filter(sent_at__isnull=True, attempts__gte=MANY_ATTEMPTS)
    return failed.annotate(asked_at=Coalesce("enquiry__sent_at", "due_at"))


# --- How a row reads


def person_and_place(check: Check) -> str:
    """Whom or what a check is about."""
    return f"{check.clinic} · {check.practitioner}" if check.practitioner else str(check.clinic)


def page_of_mail(notice: OutgoingNotice) -> str:
    """The list of requests with the one a mail is about; else the page of what it is about."""
    if notice.enquiry_id:
        query = urlencode({"q": notice.enquiry.reference})
        return f"{reverse('admin:clinics_enquiry_changelist')}?{query}"
    return admin_page(notice.about)


QUEUES = (
    Queue(
        kind="claims",
        label=_("Claims of listings"),
        rows=lambda _today: ClaimRequest.objects.filter(status=ClaimRequest.Status.WAITING),
        since="created_at",
        title=lambda claim: claim.clinic,
        note=lambda claim: f"{claim.name}, {claim.position}",
        url=admin_page,
        related=("clinic",),
        is_for_moderators=True,
    ),
    Queue(
        kind="changes",
        label=_("Changes by clinics"),
        rows=lambda _today: Proposal.objects.waiting(),
        since="created_at",
        title=lambda proposal: proposal.clinic,
        note=lambda proposal: f"{proposal.get_kind_display()}: {proposal.name}",
        url=admin_page,
        related=("clinic",),
        is_for_moderators=True,
    ),
    Queue(
        kind="corrections",
        label=_("Corrections by readers"),
        rows=lambda _today: Correction.objects.waiting(),
        since="sent_at",
        title=lambda correction: correction.clinic,
        note=lambda correction: correction.get_what_display(),
        url=admin_page,
        related=("clinic",),
        is_for_moderators=True,
    ),
    Queue(
        kind="clinics",
        label=_("Clinics to review"),
        rows=lambda _today: Clinic.objects.filter(status=Clinic.Status.IN_REVIEW),
        since="updated_at",
        title=lambda clinic: clinic.name,
        note=lambda clinic: clinic.place or "",
        url=admin_page,
        related=("place__country",),
    ),
    Queue(
        kind="questions",
        label=_("Readers’ questions"),
        rows=lambda _today: ReadersQuestion.objects.filter(status=ReadersQuestion.Status.WAITING),
        since="asked_at",
        title=lambda question: question.treatment,
        note=lambda question: Truncator(question.text_as_asked).chars(160),
        url=admin_page,
        related=("treatment",),
    ),
    Queue(
        kind="checks",
        label=_("Checks to renew"),
        rows=checks_to_renew,
        since="expires_on",
        counts_days=True,
        title=person_and_place,
        note=lambda check: f"{check.get_kind_display()} · {check.register}",
        url=admin_page,
        related=("clinic", "practitioner"),
    ),
    Queue(
        kind="reviews",
        label=_("Treatments to review"),
        rows=reviews_overdue,
        since="next_review_due",
        counts_days=True,
        title=lambda treatment: treatment.name,
        note=lambda treatment: treatment.reviewed_by,
        url=admin_page,
    ),
    Queue(
        kind="films",
        label=_("Films to publish"),
        rows=films_to_publish,
        since="noted_at",
        title=lambda film: film.title,
        note=lambda film: film.treatment,
        url=admin_page,
        related=("treatment",),
    ),
    Queue(
        kind="sources",
        label=_("Sources to read again"),
        rows=sources_to_read,
        since="noted_at",
        title=lambda source: source.name,
        note=lambda source: Truncator(source.title).chars(160),
        url=admin_page,
    ),
    Queue(
        kind="mails",
        label=_("Mails that cannot be sent"),
        rows=mails_that_failed,
        since="asked_at",
        title=lambda notice: notice,
        note=lambda notice: notice.last_error,
        url=page_of_mail,
        related=("enquiry", "claim__clinic", "invitation__clinic", "clinic"),
    ),
)


# --- What somebody may decide


def queues_for(user) -> list[Queue]:
    """The queues in which this person decides: all for editors, a few for moderators."""
    if is_editor(user):
        return list(QUEUES)
    if is_moderator(user):
        return [queue for queue in QUEUES if queue.is_for_moderators]
    return []


def desk_of(user, kind: str = "") -> "Desk":
    """The desk of this person today; with a kind that they have, of that queue alone."""
    queues = queues_for(user)
    chosen = [queue for queue in queues if queue.kind == kind]
    return Desk(tuple(chosen or queues), timezone.localdate())


@dataclass(frozen=True)
class Desk:
    """What waits in some queues on one day. Each method says what it costs."""

    queues: tuple[Queue, ...]
    today: datetime.date

    def counts(self) -> list[tuple[Queue, int]]:
        """How many wait in each queue. A query for each."""
        return [(queue, queue.rows(self.today).count()) for queue in self.queues]

    def entries(self, first: int, last: int) -> list[Entry]:
        """Those from number `first` to before `last`, the oldest first.

        Two queries for each queue at most, however many wait.
        """
        keys = [self._keys(number, last) for number in range(len(self.queues))]
        return self._read(list(islice(heapq.merge(*keys), first, last)))

    def oldest(self) -> Entry | None:
        """The one that has waited longest."""
        return next(iter(self.entries(0, 1)), None)

    def after(self, since: datetime.datetime, kind: str, key: int) -> Entry | None:
        """The one that follows an entry, which may be decided by now; None after the last.

        Two queries for each queue at most.
        """
        kinds = [queue.kind for queue in self.queues]
        place = kinds.index(kind) if kind in kinds else -1
        following = []
        for number, queue in enumerate(self.queues):
            later, same = queue.beside(since)
            # Within one moment the queues follow each other in their order.
            if number == place:
                later |= same & Q(pk__gt=key)
            elif number > place:
                later |= same
            rows = queue.keys(self.today).filter(later)[:1]
            following += [(moment(when), number, pk) for when, pk in rows]
        return next(iter(self._read(sorted(following)[:1])), None)

    def _keys(self, number: int, last: int) -> Iterator[tuple]:
        """The places of the first rows of one queue in the order of all."""
        for when, pk in self.queues[number].keys(self.today)[:last]:
            yield moment(when), number, pk

    def _read(self, places: list[tuple]) -> list[Entry]:
        """The entries at these places, a query for each of their queues."""
        found = {}
        for number in {place[1] for place in places}:
            keys = [pk for _when, of, pk in places if of == number]
            for pk, entry in self.queues[number].entries(self.today, keys).items():
                found[number, pk] = entry
        return [found[number, pk] for _when, number, pk in places if (number, pk) in found]
