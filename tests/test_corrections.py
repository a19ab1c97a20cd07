"""Readers say what is wrong with a listing: without a trace of who, read by few, closed once."""

import datetime

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic, Correction
from tests.factories import (
    ClinicFactory,
    CorrectionFactory,
    EditorFactory,
    MembershipFactory,
    StaffFactory,
)
from treatments.permissions import MODERATORS
from treatments.sealed_form import new_seal

pytestmark = pytest.mark.django_db
LIST = "/admin/clinics/correction/"
WORDS = "On Friday the door is closed at noon."


@pytest.fixture(autouse=True)
def no_limit_left_over():
    """The cache outlives a test."""
    cache.clear()


@pytest.fixture
def clinic(db):
    """A published clinic."""
    return ClinicFactory()


def address(clinic) -> str:
    return reverse("correction", args=[clinic.slug])


def answers(clinic, /, age=60, **changed) -> dict:
    """What a person sends, a minute after opening the page."""
    at = timezone.now() - datetime.timedelta(seconds=age)
    with time_machine.travel(at, tick=False):
        seal = new_seal(f"clinics.correction.{clinic.pk}")
    return {"what": "hours", "words": WORDS, "website": "", "seal": seal} | changed


def test_a_reader_tells_it_once_without_cookie_or_account(client, clinic):
    assert address(clinic) in client.get(clinic.get_absolute_url()).content.decode()
    page = client.get(address(clinic))
    assert "write nothing about your health" in page.content.decode()
    form = answers(clinic)
    for _time in range(2):
        sent = client.post(address(clinic), form)
        assert sent["Location"] == f"{address(clinic)}sent/"
    assert (page.cookies, sent.cookies) == ({}, {})
    stored = Correction.objects.get()
    assert (stored.clinic, stored.what, stored.words) == (clinic, "hours", WORDS)
    assert client.get(sent["Location"]).status_code == 200


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"what": ""}, "Choose what is wrong."),
        ({"what": "price'--"}, "Choose one of these."),
        ({"words": "\x00\u202e  "}, "Say in a few words what is wrong."),
        ({"words": "x" * 601}, "Make it shorter: 601 letters"),
        ({"words": "Write to me: ana@example.org"}, "Take out the e-mail address"),
        ({"words": "Call me: +33 1 23 45 67 89"}, "Take out the e-mail address"),
        ({"website": "https://example.org"}, "A hidden box was filled in"),
        ({"age": 1}, "That was very quick."),
        ({"seal": "x"}, "This page was open for a long time."),
    ],
)
def test_what_is_refused_says_why_and_keeps_the_words(client, clinic, changed, told):
    answer = client.post(address(clinic), answers(clinic, **changed))
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert (WORDS in answer.content.decode()) is ("words" not in changed)
    assert not Correction.objects.exists()


def test_the_clinics_own_number_may_be_told(client, clinic):
    words = "The number is +33 1 23 45 67 89 now."
    client.post(address(clinic), answers(clinic, what="contact", words=words))
    assert Correction.objects.get().words == words


def test_a_form_of_another_site_or_of_another_clinic_is_not_taken(client, clinic):
    foreign = client.post(
        address(clinic), answers(clinic), headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403
    client.post(address(clinic), answers(ClinicFactory()))
    assert not Correction.objects.exists()


def test_a_flood_is_stopped_by_connection_and_by_clinic(client, clinic):
    told = [client.post(address(clinic), answers(clinic)).status_code for _time in range(11)]
    assert told == [302] * 10 + [429]
    cache.clear()
    CorrectionFactory.create_batch(40, clinic=clinic)
    full = client.post(address(clinic), answers(clinic))
    assert full.status_code == 429
    assert WORDS in full.content.decode()
    assert clinic.corrections.count() == 50
    assert client.post(address(other := ClinicFactory()), answers(other)).status_code == 302


def test_what_is_not_published_has_no_form(client, clinic):
    Clinic.objects.update(status="draft")
    missing = client.get("/clinics/no-such-clinic/wrong/")
    for answer in (client.get(address(clinic)), client.post(address(clinic), answers(clinic))):
        assert (answer.status_code, answer.content) == (404, missing.content)


def page(correction) -> str:
    return f"{LIST}{correction.pk}/change/"


def test_members_see_their_own_and_a_rivals_does_not_exist(client, clinic):
    own = CorrectionFactory(clinic=clinic)
    rival = CorrectionFactory(words="rivalcanary")
    client.force_login(MembershipFactory(clinic=clinic).user)
    listed = client.get(LIST).content.decode()
    assert page(own) in listed
    assert rival.clinic.name not in listed
    assert WORDS in client.get(page(own)).content.decode()
    told = [
        [
            (a.status_code, a.headers.get("Location"))
            for a in (client.get(path), client.post(path, {"status": "right"}))
        ]
        for path in (page(rival), f"{LIST}987654/change/")
    ]
    assert told[0] == told[1]
    history = [client.get(f"{LIST}{pk}/history/").status_code for pk in (rival.pk, 987654)]
    assert history == [403, 403]
    for query in ("clinic__name__startswith=C", "words__startswith=r", "id__exact=1"):
        assert client.get(f"{LIST}?{query}").status_code in (302, 400)
    rival.refresh_from_db()
    assert rival.status == "waiting"


def test_it_is_closed_once_and_by_whom_is_kept(client, clinic):
    found = CorrectionFactory(clinic=clinic)
    member = MembershipFactory(clinic=clinic).user
    client.force_login(member)
    assert client.post(page(found), {"status": "waiting"}).status_code == 200
    assert client.post(page(found), {"status": "right"}).status_code == 302
    found.refresh_from_db()
    assert (found.status, found.closed_by) == ("right", member)
    moderator = StaffFactory()
    moderator.groups.add(Group.objects.get(name=MODERATORS))
    client.force_login(moderator)
    assert WORDS in client.get(page(found)).content.decode()
    assert client.post(page(found), {"status": "corrected"}).status_code == 403
    found.refresh_from_db()
    assert found.status == "right"
    assert WORDS not in "".join(LogEntry.objects.values_list("change_message", flat=True))


def test_a_clinic_cannot_make_it_disappear(client, clinic):
    found = CorrectionFactory(clinic=clinic)
    client.force_login(MembershipFactory(clinic=clinic).user)
    assert client.post(f"{LIST}{found.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [found.pk], "post": "yes"}
    client.post(LIST, form)
    assert Correction.objects.exists()
    client.force_login(EditorFactory())
    assert client.post(f"{LIST}{found.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Correction.objects.exists()


def test_after_180_days_it_is_deleted():
    now = timezone.now()
    CorrectionFactory(sent_at=now - datetime.timedelta(days=181))
    kept = CorrectionFactory(sent_at=now - datetime.timedelta(days=179))
    call_command("run_jobs", "--once", verbosity=0)
    assert list(Correction.objects.all()) == [kept]
