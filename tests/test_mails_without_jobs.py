"""While developing, nobody runs `run_jobs`: then the site sends the mails that wait by itself."""

import runpy
import threading
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from django.core import mail
from django.db import transaction

from clinics.claims import invite
from clinics.models import Membership, OutgoingNotice
from tests.factories import MembershipFactory
from tests.parallel import in_threads, on_disk

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parent.parent


@pytest.fixture
def owner(settings, monkeypatch, tmp_path):
    """Who invites: the owner of a clinic, on a site whose database several threads share."""
    settings.SENDS_MAILS_ITSELF = True
    membership = MembershipFactory(role=Membership.Role.OWNER)
    on_disk(monkeypatch, tmp_path)
    return membership


def invite_guest(owner, commits=True):
    """Invite somebody, as a request does: in a transaction that is committed, or is not."""

    def request():
        with transaction.atomic():
            invite(owner.clinic, owner.user, "guest@example.org", Membership.Role.STAFF)
            assert mail.outbox == []
            transaction.set_rollback(not commits)

    # Those that run the tests are there before, and for good.
    before = set(threading.enumerate())
    in_threads(1, request)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)


def count_of_unsent() -> int:
    [count] = in_threads(1, OutgoingNotice.objects.filter(sent_at=None).count)
    return count


def test_an_invitation_is_mailed_once_it_is_stored(owner):
    invite_guest(owner)
    [message] = mail.outbox
    assert message.to == ["guest@example.org"]
    assert "/your-invitation/" in message.body
    assert count_of_unsent() == 0


def test_one_that_is_not_stored_is_not_mailed(owner):
    invite_guest(owner, commits=False)
    assert mail.outbox == []


def test_a_public_site_leaves_it_to_run_jobs(owner, settings):
    settings.SENDS_MAILS_ITSELF = False
    invite_guest(owner)
    assert mail.outbox == []
    assert count_of_unsent() == 1


@pytest.mark.parametrize("debug", ["true", "false"])
def test_only_a_site_that_is_developed_does_so(monkeypatch, debug):
    monkeypatch.setenv("DEBUG", debug)
    monkeypatch.setenv("ALLOWED_HOSTS", "example.org")
    monkeypatch.setenv("SECRET_KEY", "k3y-" + "0123456789abcdef" * 4)
    monkeypatch.setenv("ENQUIRY_KEYS", urlsafe_b64encode(b"k" * 32).decode())
    found = runpy.run_path(str(ROOT / "config" / "settings.py"))
    assert found["SENDS_MAILS_ITSELF"] is (debug == "true")
