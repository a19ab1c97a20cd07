"""Claiming a listing: what an address proves, who decides, and what no form can take."""

import datetime
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core import mail, signing
from django.core.cache import cache
from django.urls import reverse

from accounts.models import User
from clinics import claims
from clinics.claim_forms import FORM_SALT
from clinics.models import Check, ClaimRequest, Clinic, Membership, OutgoingNotice
from clinics.outbox import send_due
from tests.factories import (
    CheckFactory,
    ClaimRequestFactory,
    ClinicFactory,
    EditorFactory,
    MembershipFactory,
    PractitionerFactory,
    StaffFactory,
)
from treatments.permissions import MODERATORS

pytestmark = pytest.mark.django_db
WEBSITE = "https://www.clinic-example.org/contact"


@pytest.fixture(autouse=True)
def no_limit_left_over():
    """The cache outlives a test."""
    cache.clear()


@pytest.fixture
def clinic(db):
    """A clinic with a website of its own."""
    return ClinicFactory(website=WEBSITE)


def address(clinic) -> str:
    return reverse("claim", args=[clinic.slug])


def answers(clinic, /, key="a" * 32, age=60, **changed) -> dict:
    """What a person sends, a minute after opening the page."""
    at = datetime.datetime.now(tz=datetime.UTC) - datetime.timedelta(seconds=age)
    signer = signing.TimestampSigner(salt=FORM_SALT)
    signer.timestamp = lambda: signing.b62_encode(int(at.timestamp()))
    return {
        "registration_number": "GMC 1234567",
        "name": "Ada Owner",
        "position": "Owner",
        "email": "ada@clinic-example.org",
        "evidence": "",
        "fax_number": "",
        "stamp": signer.sign_object({"clinic": clinic.pk, "key": key}),
    } | changed


@pytest.fixture
def make_claim(client, clinic):
    """Return a function that sends the form and follows what becomes of it."""

    def send(**changed):
        answer = client.post(address(clinic), answers(clinic, **changed))
        send_due()
        return answer

    return send


def link_in(message) -> str:
    """The path of the link in a mail."""
    return re.search(r"https?://[^/]+(/\S+)", message.body)[1]


# --- What an address proves


@pytest.mark.parametrize(
    ("email", "website", "expected"),
    [
        ("a@clinic-example.org", WEBSITE, True),
        ("a@CLINIC-example.org", WEBSITE, True),
        ("a@www.clinic-example.org", WEBSITE, True),
        ("a@mail.clinic-example.org", WEBSITE, False),
        ("a@example.org", "https://clinic.example.org/", False),
        ("a@evil-clinic-example.org", WEBSITE, False),
        ("a@clinic-example.org.evil.com", WEBSITE, False),
        ("a@clinic-example.org@evil.com", WEBSITE, False),
        ("a@gmail.com", "https://gmail.com/", False),
        ("a@163.com", "https://163.com/", False),
        ("a@facebook.com", "https://www.facebook.com/clinic", False),
        ("a@wixsite.com", "https://wixsite.com/clinic", False),
        ("a@clinic-example.org", "https://clinic-example.org@evil.com/", False),
        ("a@evil.com", "https://clinic-example.org#@evil.com/", False),
        ("a@praxis-müller.de", "https://xn--praxis-mller-klb.de/", True),
        ("a@localhost", "https://localhost/", False),
        ("a@clinic-example.org", "", False),
        ("a@", "https:///", False),
        ("a@b", "https://[::1", False),
        ("", "", False),
    ],
)
def test_only_an_address_at_the_clinics_own_host_counts(email, website, expected):
    assert claims.is_at_own_website(email, website) is expected


# --- Making a claim


def test_an_address_at_the_website_gets_a_link_and_no_rights(client, clinic, make_claim):
    assert make_claim().status_code == 302
    (message,) = mail.outbox
    assert message.to == ["ada@clinic-example.org"]
    path = link_in(message)
    # Programs follow links in mails: looking confirms nothing.
    assert client.get(path).status_code == 200
    assert ClaimRequest.objects.get().email_confirmed_at is None
    assert "is confirmed" in client.post(path).content.decode()
    assert ClaimRequest.objects.get().email_confirmed_at is not None
    assert [client.get(path).status_code, client.post(path).status_code] == [410, 410]
    assert not Membership.objects.exists()
    assert not User.objects.exists()


def test_any_other_address_needs_evidence_and_gets_no_link(client, make_claim):
    answer = make_claim(email="ada@gmail.com")
    assert answer.status_code == 200
    assert "Tell us how else" in answer.content.decode()
    assert make_claim(email="ada@gmail.com", evidence="See the register.").status_code == 302
    assert ClaimRequest.objects.get().is_email_at_clinic is False
    assert mail.outbox == []


def test_a_form_sent_twice_makes_one_claim_and_one_mail(make_claim):
    assert [make_claim().status_code, make_claim().status_code] == [302, 302]
    assert ClaimRequest.objects.count() == len(mail.outbox) == 1


@pytest.mark.parametrize(
    "changed",
    [{"fax_number": "12345"}, {"age": 0}],
    ids=["a hidden field filled in", "sent at once"],
)
def test_programs_are_told_what_people_are_told_and_leave_nothing(make_claim, changed):
    people, program = make_claim(key="b" * 32), make_claim(**changed)
    assert (program.status_code, program["Location"]) == (302, people["Location"])
    assert ClaimRequest.objects.count() == 1


@pytest.mark.parametrize("stamp", ["", "x", "a:b:c", "\x00", "9" * 5000])
def test_a_form_without_our_stamp_is_shown_again_with_a_new_one(client, clinic, make_claim, stamp):
    answer = make_claim(stamp=stamp)
    assert answer.status_code == 200
    assert not ClaimRequest.objects.exists()
    fresh = re.search(r'name="stamp" value="([^"]+)"', answer.content.decode())[1]
    assert signing.loads(fresh, salt=FORM_SALT)["clinic"] == clinic.pk


def test_a_stamp_of_another_clinic_or_of_yesterday_is_refused(make_claim):
    other = answers(ClinicFactory())["stamp"]
    for changed in ({"stamp": other}, {"age": 25 * 3600}):
        assert make_claim(**changed).status_code == 200
    assert not ClaimRequest.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a\r\nBcc: victim@example.org",
        "<script>alert(1)</script>",
        "\u202e",
        "x" * 9000,
        "=1+1",
    ],
)
@pytest.mark.parametrize("field", ["name", "email", "registration_number", "evidence"])
def test_hostile_text_neither_breaks_a_page_nor_adds_a_recipient(client, make_claim, field, text):
    answer = make_claim(**{field: text})
    assert answer.status_code in {200, 302}
    assert all(message.recipients() == ["ada@clinic-example.org"] for message in mail.outbox)
    assert "<script>alert" not in answer.content.decode()
    if claim := ClaimRequest.objects.first():
        client.force_login(EditorFactory())
        page = client.get(f"/admin/clinics/claimrequest/{claim.pk}/change/")
        assert "<script>alert" not in page.content.decode()


def test_no_field_decides_a_claim(client, make_claim):
    """Every column of the table is sent along."""
    editor = EditorFactory()
    columns = {field.name: "approved" for field in ClaimRequest._meta.concrete_fields}
    forged = columns | {"email_confirmed_at": "2026-01-01", "decided_by": editor.pk, "clinic": 1}
    kept = {"name", "position", "email", "registration_number", "evidence"}
    make_claim(**{name: value for name, value in forged.items() if name not in kept})
    claim = ClaimRequest.objects.get()
    assert (claim.status, claim.email_confirmed_at, claim.decided_by) == ("waiting", None, None)
    assert claim.clinic.slug in client.get(address(claim.clinic)).content.decode()


def test_claims_of_one_visitor_are_few(make_claim):
    told = [make_claim(key=f"{number:032d}").status_code for number in range(7)]
    assert told == [302] * 5 + [429] * 2
    assert ClaimRequest.objects.count() == len(mail.outbox) == 5


@pytest.mark.parametrize("status", ["draft", "in_review", "suspended"])
def test_what_is_not_published_cannot_be_claimed_nor_found_out(client, clinic, status):
    Clinic.objects.update(status=status)
    missing = client.get("/clinics/no-such-clinic/claim/")
    for answer in (client.get(address(clinic)), client.post(address(clinic), answers(clinic))):
        assert (answer.status_code, answer.content) == (404, missing.content)


def test_links_end_and_cannot_be_made_up(client, clinic, monkeypatch):
    claim = ClaimRequestFactory(clinic=clinic, email="ada@clinic-example.org")
    token = claims.claim_link(claim).split("/")[-2]
    swapped = signing.dumps({"claim": claim.pk, "email": claim.email}, salt="clinics.invitation")
    for wrong in (token[:-1], token + "x", swapped, "x", "\u202e", "a" * 5000):
        assert client.get(f"/your-claim/{wrong}/").status_code == 410
    assert claims.claim_of(token) == claim
    monkeypatch.setattr(claims, "CONFIRM_WITHIN", datetime.timedelta(seconds=-1))
    assert client.post(f"/your-claim/{token}/").status_code == 410
    assert ClaimRequest.objects.get().email_confirmed_at is None


def test_pages_of_claims_are_not_for_search_engines_nor_for_keeping(client, clinic):
    page = client.get(address(clinic))
    assert page["X-Robots-Tag"] == "noindex"
    # With "no-referrer" browsers send "Origin: null", and no form would be taken.
    assert page["Referrer-Policy"] == "same-origin"
    assert "no-store" in page["Cache-Control"]
    assert address(clinic) in client.get(clinic.get_absolute_url()).content.decode()


# --- Deciding


@pytest.fixture
def moderator(client):
    """Somebody who decides on claims, and is no editor; signed in."""
    user = StaffFactory()
    user.groups.add(Group.objects.get(name=MODERATORS))
    client.force_login(user)
    return user


def change(claim) -> str:
    return f"/admin/clinics/claimrequest/{claim.pk}/change/"


@pytest.fixture
def decide(client, moderator):
    """Return a function that sends a decision."""

    def send(claim, decision, reason=""):
        answer = client.post(change(claim), {"decision": decision, "reason": reason})
        send_due()
        return answer

    return send


def test_approving_makes_an_owner_with_a_way_in(client, decide, moderator):
    claim = ClaimRequestFactory()
    assert decide(claim, "approve").status_code == 302
    membership = Membership.objects.get()
    assert (membership.clinic, membership.role) == (claim.clinic, "owner")
    owner = membership.user
    assert (owner.email, owner.is_staff, owner.is_superuser) == (claim.email, True, False)
    claim.refresh_from_db()
    assert (claim.status, claim.decided_by) == ("approved", moderator)
    logged = LogEntry.objects.values_list("content_type__model", "change_message")
    assert set(logged) == {
        ("claimrequest", "Approved."),
        ("clinic", f"{owner.username} became an owner by claim {claim.pk}."),
    }
    (message,) = mail.outbox
    page = type(client)().get(link_in(message), follow=True)
    assert "Choose a new password" in page.content.decode()


def test_approving_somebody_who_has_an_account_makes_no_second_one(decide):
    member = MembershipFactory(role="staff")
    claim = ClaimRequestFactory(clinic=member.clinic, email=member.user.email.upper())
    decide(claim, "approve")
    member.refresh_from_db()
    assert member.role == "owner"
    assert Membership.objects.count() == 1


def test_declining_needs_a_reason_and_tells_it(decide):
    claim = ClaimRequestFactory()
    assert decide(claim, "decline", "  ").status_code == 200
    assert decide(claim, "decline", "The number is another clinic’s.").status_code == 302
    claim.refresh_from_db()
    assert (claim.status, claim.reason) == ("declined", "The number is another clinic’s.")
    assert "another clinic’s" in mail.outbox[0].body
    assert not Membership.objects.exists()


def test_a_claim_without_proof_is_not_approved(decide):
    claim = ClaimRequestFactory(evidence="", is_email_at_clinic=True)
    answer = decide(claim, "approve")
    assert answer.status_code == 200
    assert "not confirmed yet" in answer.content.decode()
    assert not Membership.objects.exists()


@pytest.mark.parametrize("first", ["approve", "decline"])
def test_a_claim_is_decided_once(decide, first):
    claim = ClaimRequestFactory()
    decide(claim, first, "Because.")
    before = (ClaimRequest.objects.values().get(), list(Membership.objects.values()))
    assert decide(claim, "decline" if first == "approve" else "approve", "x").status_code == 403
    with pytest.raises(claims.Refused):
        claims.approve(ClaimRequest.objects.get(), User.objects.first())
    assert (ClaimRequest.objects.values().get(), list(Membership.objects.values())) == before


def test_all_or_nothing(decide, monkeypatch):
    claim = ClaimRequestFactory()

    def fail(*args, **kwargs):
        raise claims.Refused("no")

    # The last step: the mail that tells of it.
    monkeypatch.setattr(OutgoingNotice, "save", fail)
    decide(claim, "approve")
    claim.refresh_from_db()
    assert claim.status == "waiting"
    assert not Membership.objects.exists()
    assert not User.objects.filter(email=claim.email).exists()


def test_the_page_shows_what_we_hold_beside_what_was_claimed(client, moderator):
    clinic = ClinicFactory(website=WEBSITE)
    CheckFactory(clinic=clinic, register="Register of tests", number="R-77")
    PractitionerFactory(clinic=clinic, registration_body="GMC", registration_number="7654321")
    page = client.get(change(ClaimRequestFactory(clinic=clinic))).content.decode()
    for held in ("Register of tests R-77", "GMC 7654321", WEBSITE):
        assert held in page


def test_moderators_decide_on_claims_and_on_nothing_else(client, moderator):
    check = CheckFactory()
    for path in (
        "/admin/accounts/user/",
        "/admin/auth/group/",
        "/admin/treatments/claim/",
        f"/admin/clinics/check/{check.pk}/delete/",
    ):
        assert client.get(path).status_code == 403, path
        assert client.post(path, {"post": "yes"}).status_code == 403, path
    assert client.get("/admin/clinics/claimrequest/").status_code == 200
    assert Check.objects.exists()


def test_staff_neither_see_nor_decide_claims(client):
    """Not even of their own clinic: an owner would keep others out."""
    member = MembershipFactory(role="owner")
    claim = ClaimRequestFactory(clinic=member.clinic, name="canary")
    client.force_login(member.user)
    for path in (change(claim), "/admin/clinics/claimrequest/", change(claim)[:-7] + "history/"):
        for answer in (client.get(path), client.post(path, {"decision": "approve"})):
            assert answer.status_code == 403
            assert b"canary" not in answer.content
    assert ClaimRequest.objects.get().status == "waiting"
