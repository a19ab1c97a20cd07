"""E-mails are sent at least once, whatever fails, and say nothing of what patients write."""

import os
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from clinics.enquiries import FormToken, add_words, answer, send
from clinics.models import Enquiry, OutgoingNotice
from clinics.outbox import send_due, take_next
from tests.factories import ClinicFactory, MembershipFactory
from tests.parallel import in_threads, on_disk

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parent.parent
START = "2026-11-22 10:00"
SECRET = "canary-of-a-patient"


class FailingBackend(EmailBackend):
    """A mail server that is down until told otherwise; it fails for the addresses given."""

    down_for = ()

    def send_messages(self, messages):
        for message in messages:
            if set(message.to) & set(self.down_for):
                raise smtplib.SMTPServerDisconnected(f"about {SECRET}")
        return super().send_messages(messages)


@pytest.fixture
def clock():
    """The time, which stands still."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def server(settings, monkeypatch):
    """Say for whom the mail server is down: `server("a@example.org")`."""
    settings.EMAIL_BACKEND = "tests.test_outbox.FailingBackend"

    def down_for(*addresses):
        monkeypatch.setattr(FailingBackend, "down_for", addresses)

    return down_for


def request_of(clinic, key="key", email="ana@example.org") -> Enquiry:
    """A stored request of a patient."""
    words = {"name": SECRET, "email": email, "phone": "", "treatment": "", "language": ""}
    send(clinic, words | {"time": "", "message": SECRET}, FormToken(key, False, False))
    return Enquiry.objects.latest("pk")


@pytest.fixture
def clinic():
    """A clinic with one reader, whose address is desk@example.org."""
    return MembershipFactory(user__email="desk@example.org").clinic


def test_the_notice_says_where_to_read_and_nothing_else(clock, clinic, settings):
    settings.SITE_URL = "https://guide.example"
    enquiry = request_of(clinic)
    assert mail.outbox == []
    call_command("run_jobs", "--once", verbosity=0)
    [message] = mail.outbox
    assert message.to == ["desk@example.org"]
    assert message.subject == f"New request {enquiry.reference}"
    link = f"https://guide.example/admin/clinics/enquiry/{enquiry.pk}/change/"
    assert link in message.body
    assert SECRET not in str(message.message())
    assert "ana@example.org" not in str(message.message())
    call_command("run_jobs", "--once", verbosity=0)
    assert len(mail.outbox) == 1


def test_only_those_who_can_read_it_are_told(clock, clinic):
    MembershipFactory(clinic=clinic, user__email="")
    MembershipFactory(clinic=clinic, user__is_active=False)
    MembershipFactory(clinic=clinic, user__is_staff=False)
    MembershipFactory(clinic=ClinicFactory())
    request_of(clinic)
    assert [notice.user.email for notice in OutgoingNotice.objects.all()] == ["desk@example.org"]


def test_who_has_left_since_is_not_told(clock, clinic):
    request_of(clinic)
    clinic.memberships.all().delete()
    send_due()
    assert mail.outbox == []
    assert not OutgoingNotice.objects.exists()


def test_the_patient_is_told_of_an_answer_without_the_clinics_name(clock, clinic):
    enquiry = request_of(clinic)
    answer(enquiry, clinic.memberships.get().user, f"Come on Monday, {SECRET}.")
    answer(enquiry, clinic.memberships.get().user, "Or on Tuesday.")
    send_due()
    [message] = [message for message in mail.outbox if message.to == ["ana@example.org"]]
    text = str(message.message())
    assert enquiry.reference in message.subject
    assert [word for word in (SECRET, clinic.name, "Monday", "/admin/") if word in text] == []


def test_a_patient_without_an_e_mail_address_gets_none(clock, clinic):
    enquiry = request_of(clinic, email="")
    answer(enquiry, clinic.memberships.get().user, "Come on Monday.")
    assert not OutgoingNotice.objects.filter(user=None).exists()


def test_a_notice_that_waits_is_not_doubled(clock, clinic):
    enquiry = request_of(clinic)
    add_words(enquiry, "One more thing.")
    assert OutgoingNotice.objects.count() == 1
    send_due()
    add_words(enquiry, "And another.")
    send_due()
    assert [message.subject.split()[0] for message in mail.outbox] == ["New", "Something"]


def test_while_the_server_is_down_nothing_is_lost_and_the_pauses_grow(
    clock, clinic, server, caplog
):
    request_of(clinic)
    server("desk@example.org")
    pauses = []
    for _ in range(7):
        assert send_due().failed == 1
        notice = OutgoingNotice.objects.get()
        pauses.append((notice.due_at - timezone.now()).total_seconds() / 60)
        assert send_due().failed == 0
        clock.move_to(notice.due_at)
    assert pauses == [1, 5, 30, 120, 360, 360, 360]
    assert OutgoingNotice.objects.get().last_error == "SMTPServerDisconnected"
    assert "Notices that cannot be sent" in caplog.text
    assert SECRET not in caplog.text
    server()
    assert send_due().sent == 1
    assert len(mail.outbox) == 1


def test_one_that_fails_holds_back_no_other(clock, clinic, server):
    MembershipFactory(clinic=clinic, user__email="second@example.org")
    request_of(clinic)
    server("desk@example.org")
    result = send_due()
    assert (result.sent, result.failed) == (1, 1)
    assert [message.to for message in mail.outbox] == [["second@example.org"]]


def test_a_worker_that_dies_after_taking_a_notice_loses_nothing(clock, clinic):
    request_of(clinic)
    assert take_next(timezone.now()) is not None
    assert send_due().sent == 0
    clock.shift(301)
    assert send_due().sent == 1


def test_a_request_that_is_rolled_back_sends_nothing(clock, clinic):
    with transaction.atomic():
        request_of(clinic)
        transaction.set_rollback(True)
    assert send_due().sent == 0


@pytest.mark.django_db(transaction=True)
def test_four_workers_send_each_notice_once(clinic, monkeypatch, tmp_path):
    for number in range(12):
        request_of(clinic, key=str(number))
    on_disk(monkeypatch, tmp_path)
    told = in_threads(4, send_due)
    assert sum(result.sent for result in told) == 12
    subjects = [message.subject for message in mail.outbox]
    assert len(subjects) == len(set(subjects)) == 12


@pytest.mark.django_db(transaction=True)
def test_the_loop_ends_when_told(clinic, monkeypatch, tmp_path):
    request_of(clinic)
    path = on_disk(monkeypatch, tmp_path)
    if path is None:
        pytest.skip("Once is enough: the loop does not know the database.")
    process = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "run_jobs", "--every", "60"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DEBUG": "true",
            "DATABASE_URL": f"sqlite:///{path}",
            "INDEX_SNAPSHOT": "",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        # DEBUG shows e-mails in the terminal; the last line tells of the round.
        for line in process.stdout:
            if line.startswith("E-mails sent: 1,"):
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
