"""The people of a clinic hear by mail that a reader says something is wrong, once a day at most."""

import datetime

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.utils import timezone

from clinics.corrections import close, store
from clinics.models import Correction, OutgoingNotice
from clinics.outbox import send_due
from tests.factories import ClinicFactory, EditorFactory, MembershipFactory
from tests.parallel import in_threads, on_disk

pytestmark = pytest.mark.django_db
WORDS = "canary-of-a-reader"


@pytest.fixture
def clock():
    """The time, which stands still."""
    with time_machine.travel("2026-11-22 10:00", tick=False) as traveller:
        yield traveller


@pytest.fixture
def clinic():
    """A clinic with one reader, whose address is desk@example.org."""
    return MembershipFactory(user__email="desk@example.org").clinic


def tell(clinic, number=1) -> bool:
    """A reader tells that the hours are wrong."""
    return store(clinic, Correction.What.HOURS, WORDS, f"{clinic.pk}-{number}")


def test_the_mail_says_where_to_look_and_nothing_of_what_was_written(clock, clinic, settings):
    settings.SITE_URL = "https://guide.example"
    tell(clinic)
    assert mail.outbox == []
    assert send_due().sent == 1
    [message] = mail.outbox
    assert message.to == ["desk@example.org"]
    link = "https://guide.example/admin/clinics/correction/?status__exact=waiting"
    assert link in message.body.split()
    assert clinic.name in message.body
    for word in (WORDS, "hours"):
        assert word not in str(message.message())


def test_the_link_leads_a_member_to_what_waits(client, clinic):
    tell(clinic)
    send_due()
    client.force_login(clinic.memberships.get().user)
    path = mail.outbox[0].body.split("http://127.0.0.1:8000")[1].split()[0]
    html = client.get(path).content.decode()
    assert f"/admin/clinics/correction/{Correction.objects.get().pk}/change/" in html


def test_only_the_people_of_this_clinic_are_told(clock, clinic):
    MembershipFactory(clinic=clinic, user__email="")
    MembershipFactory(clinic=clinic, user__is_active=False)
    MembershipFactory(clinic=clinic, user__is_staff=False)
    MembershipFactory(clinic=ClinicFactory(), user__email="rival@example.org")
    EditorFactory(email="editor@example.org")
    tell(clinic)
    send_due()
    assert [message.to for message in mail.outbox] == [["desk@example.org"]]


def test_a_flood_is_one_mail_a_day_for_each_clinic(clock, clinic):
    other = MembershipFactory(user__email="other@example.org").clinic
    for number in range(10):
        assert tell(clinic, number)
        send_due()
    tell(other)
    send_due()
    told = [message.to for message in mail.outbox]
    assert told == [["desk@example.org"], ["other@example.org"]]
    clock.shift(datetime.timedelta(hours=23, minutes=59))
    tell(clinic, 11)
    assert send_due().sent == 0
    # What came after the mail of one day is told on the next, without anybody's doing.
    clock.shift(datetime.timedelta(minutes=1))
    assert send_due().sent == 1
    clock.shift(datetime.timedelta(days=3))
    assert send_due().sent == 0
    tell(clinic, 12)
    assert send_due().sent == 1


def test_what_is_settled_before_the_mail_leaves_is_not_told(clock, clinic):
    tell(clinic)
    close(Correction.objects.get(), clinic.memberships.get().user, Correction.Status.RIGHT)
    assert send_due().sent == 0
    assert mail.outbox == []
    assert not OutgoingNotice.objects.exists()
    tell(clinic, 2)
    clinic.memberships.all().delete()
    assert send_due().sent == 0
    assert not OutgoingNotice.objects.exists()


def test_who_joins_after_the_mail_of_the_day_is_told_too(clock, clinic):
    tell(clinic)
    send_due()
    MembershipFactory(clinic=clinic, user__email="new@example.org")
    tell(clinic, 2)
    send_due()
    assert [message.to for message in mail.outbox] == [["desk@example.org"], ["new@example.org"]]


def test_correction_and_mail_are_stored_together_or_not_at_all(clock, clinic, monkeypatch):
    with transaction.atomic():
        tell(clinic)
        transaction.set_rollback(True)
    assert not OutgoingNotice.objects.exists()

    def fails(*args, **named):
        raise RuntimeError

    monkeypatch.setattr(OutgoingNotice.objects, "create", fails)
    with pytest.raises(RuntimeError):
        tell(clinic)
    assert not Correction.objects.exists()


def test_a_form_sent_twice_is_told_once(clock, clinic):
    assert tell(clinic)
    assert tell(clinic)
    assert OutgoingNotice.objects.count() == Correction.objects.count() == 1
    send_due()
    clock.shift(datetime.timedelta(days=2))
    assert tell(clinic)
    assert send_due().sent == 0


@pytest.mark.django_db(transaction=True)
def test_many_at_the_same_moment_are_one_notice(clinic, monkeypatch, tmp_path):
    on_disk(monkeypatch, tmp_path)
    numbers = iter(range(5))
    assert in_threads(5, lambda: tell(clinic, next(numbers))) == [True] * 5
    counts = in_threads(1, lambda: (Correction.objects.count(), OutgoingNotice.objects.count()))
    assert counts == [(5, 1)]
    told = in_threads(1, lambda: OutgoingNotice.objects.get().due_at <= timezone.now())
    assert told == [True]
