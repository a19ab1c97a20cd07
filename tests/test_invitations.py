"""People of a clinic: who invites and removes whom, and what an owner of another clinic cannot."""

import datetime
import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from clinics import claims
from clinics.models import Invitation, Membership
from clinics.outbox import send_due
from clinics.permissions import clinics_owned_by
from tests.factories import (
    ClinicFactory,
    EditorFactory,
    InvitationFactory,
    MembershipFactory,
    StaffFactory,
)

pytestmark = pytest.mark.django_db
PASSWORD = {"password": "four quiet grey herons", "repeated": "four quiet grey herons"}
CANARY = "rivalcanary"


@pytest.fixture(autouse=True)
def no_limit_left_over():
    """The cache outlives a test."""
    cache.clear()


@pytest.fixture
def clinic(db):
    return ClinicFactory(name="Own clinic")


@pytest.fixture
def owner(client, clinic):
    """The only owner, signed in."""
    user = MembershipFactory(clinic=clinic, role="owner").user
    client.force_login(user)
    return user


def people(clinic) -> str:
    return reverse("clinic-people", args=[clinic.slug])


def path_of(invitation) -> str:
    """The address in the mail."""
    return re.sub(r"https?://[^/]+", "", claims.invitation_link(invitation))


# --- Inviting


def test_an_owner_invites_and_the_guest_makes_an_account(client, clinic, owner):
    client.post(people(clinic), {"email": "guest@example.org", "role": "staff"})
    send_due()
    (message,) = mail.outbox
    assert message.to == ["guest@example.org"]
    path = re.search(r"https?://[^/]+(/your-invitation/\S+)", message.body)[1]
    guest = type(client)()
    assert "Own clinic" in guest.get(path).content.decode()
    assert guest.post(path, {"password": "short", "repeated": "short"}).status_code == 200
    assert guest.post(path, PASSWORD | {"repeated": "x"}).status_code == 200
    assert not User.objects.filter(email="guest@example.org").exists()
    assert guest.post(path, PASSWORD)["Location"] == "/admin/"
    user = User.objects.get(email="guest@example.org")
    assert user.check_password(PASSWORD["password"])
    assert (user.is_superuser, user.groups.count()) == (False, 0)
    assert Membership.objects.get(user=user).role == "staff"
    assert guest.get(f"/admin/clinics/clinic/{clinic.pk}/change/").status_code == 200
    # Once.
    assert [guest.get(path).status_code, guest.post(path, PASSWORD).status_code] == [410, 410]


def test_somebody_with_an_account_signs_in_with_that_address(client):
    user = StaffFactory(email="Guest@Example.org")
    invitation = InvitationFactory(email="guest@example.org", role="owner")
    path = path_of(invitation)
    page = client.get(path).content.decode()
    assert 'name="password"' not in page
    assert client.post(path, PASSWORD)["Location"].startswith(
        "/admin/login/?next=/your-invitation/"
    )
    assert User.objects.count() == 1
    client.force_login(StaffFactory())
    assert "is for another address" in client.post(path).content.decode()
    assert not Membership.objects.exists()
    client.force_login(user)
    client.post(path)
    assert Membership.objects.get().role == "owner"


def test_an_editor_accepts_only_past_the_second_step(client, settings):
    settings.SECOND_STEP_REQUIRED = True
    user = EditorFactory()
    path = path_of(InvitationFactory(email=user.email))
    client.force_login(user)
    assert client.post(path)["Location"].startswith("/admin/login/")
    assert not Membership.objects.exists()


@pytest.mark.parametrize(
    "end",
    [
        {"expires_at": timezone.now() - datetime.timedelta(days=1)},
        {"revoked_at": timezone.now()},
        {"accepted_at": timezone.now()},
        {"email": "somebody-else@example.org"},
    ],
    ids=["expired", "taken back", "used", "of another address"],
)
def test_a_link_that_is_over_opens_nothing(client, end):
    invitation = InvitationFactory()
    path = path_of(invitation)
    Invitation.objects.update(**end)
    for answer in (client.get(path), client.post(path, PASSWORD)):
        assert answer.status_code == 410
        assert invitation.clinic.name not in answer.content.decode()
    assert not User.objects.exists()


def test_made_up_links_open_nothing(client):
    invitation = InvitationFactory()
    token = path_of(invitation).split("/")[-2]
    for wrong in (token[:-1], token + "x", "x", "%00", "a" * 5000, str(invitation.pk)):
        assert client.get(f"/your-invitation/{wrong}/").status_code == 410


def test_a_new_invitation_to_an_address_ends_the_old_one(client, clinic, owner):
    for role in ("staff", "owner"):
        client.post(people(clinic), {"email": "guest@example.org", "role": role})
    assert [row.role for row in Invitation.objects.open()] == ["owner"]
    client.post(people(clinic), {"email": owner.email, "role": "owner"})
    assert Invitation.objects.count() == 2


def test_an_owner_takes_an_invitation_back(client, clinic, owner):
    invitation = InvitationFactory(clinic=clinic)
    form = {"invitation": invitation.pk}
    client.post(reverse("invitation-revoke", args=[clinic.slug]), form)
    assert client.get(path_of(invitation)).status_code == 410


@pytest.mark.parametrize(
    "email", ["", "x", "a@b", "a@b.c\r\nBcc: v@example.org", "\x00@example.org"]
)
def test_what_is_no_address_is_not_written_to(client, clinic, owner, email):
    assert client.post(people(clinic), {"email": email, "role": "staff"}).status_code == 200
    assert client.post(people(clinic), {"email": "a@example.org", "role": "x"}).status_code == 200
    assert not Invitation.objects.exists()


# --- Removing


def test_the_last_owner_stays(client, clinic, owner):
    remove = reverse("member-remove", args=[clinic.slug])
    staff = MembershipFactory(clinic=clinic)
    own = clinic.memberships.get(user=owner)
    client.post(remove, {"member": own.pk})
    assert clinic.memberships.count() == 2
    client.post(remove, {"member": staff.pk})
    assert list(clinic.memberships.all()) == [own]
    second = MembershipFactory(clinic=clinic, role="owner")
    client.post(remove, {"member": own.pk})
    assert list(clinic.memberships.all()) == [second]
    # From the next request on the clinic is somebody else's.
    assert client.get(people(clinic)).status_code == 404
    assert client.get(f"/admin/clinics/clinic/{clinic.pk}/change/").status_code == 302


# --- Staff of one clinic against another


@pytest.fixture
def rival(db):
    """Another clinic with an owner, staff and an invitation."""
    clinic = ClinicFactory(name=CANARY, slug=CANARY)
    owner = MembershipFactory(clinic=clinic, role="owner", user__email=f"o@{CANARY}.org")
    MembershipFactory(clinic=clinic, user__email=f"s@{CANARY}.org")
    return owner, InvitationFactory(clinic=clinic, email=f"guest@{CANARY}.org")


def state():
    """All that these pages could change."""
    return [list(model.objects.order_by("pk").values()) for model in (Membership, Invitation)]


@pytest.mark.parametrize("role", ["owner", "staff"])
def test_nothing_of_another_clinic_is_read_or_changed(client, clinic, rival, role):
    """Every address with the rival's name, and one's own with the rival's numbers in its fields."""
    member, invitation = rival
    client.force_login(MembershipFactory(clinic=clinic, role=role).user)
    before = state()
    numbers = [member.pk, invitation.pk, "", "x", "\x00", "9" * 40, "-1", "１"]
    for slug in (CANARY, clinic.slug, "no-such-clinic"):
        for name, field in (("member-remove", "member"), ("invitation-revoke", "invitation")):
            path = reverse(name, args=[slug])
            answers = [client.post(path, {field: number}) for number in numbers]
            assert {answer.status_code for answer in answers} == {404}
            assert client.get(path).status_code in {404, 405}
    for method in (client.get, client.post):
        answers = [
            method(people_at, {"email": "x@example.org", "role": "owner"})
            for people_at in (f"/clinics/{CANARY}/people/", "/clinics/no-such-clinic/people/")
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert state() == before


def test_an_owner_cannot_invite_for_another_clinic_by_a_hidden_field(client, clinic, owner, rival):
    form = {"email": "x@example.org", "role": "staff", "clinic": rival[0].clinic.pk, "id": 1}
    client.post(people(clinic), form)
    assert Invitation.objects.get(email="x@example.org").clinic == clinic


def test_staff_and_editors_are_no_owners(client, clinic):
    staff, editor = MembershipFactory(clinic=clinic).user, EditorFactory()
    for user in (staff, editor):
        assert list(clinics_owned_by(user)) == []
        client.force_login(user)
        assert client.get(people(clinic)).status_code == 404


def test_whoever_is_not_signed_in_is_asked_to(client, clinic, rival):
    for path in (people(clinic), people(rival[0].clinic), "/clinics/no-such-clinic/people/"):
        for answer in (client.get(path), client.post(path)):
            assert answer["Location"].startswith("/admin/login/?next=")


def test_the_page_costs_the_same_for_one_person_and_for_three(
    client, clinic, owner, django_assert_num_queries
):
    for number in (1, 3):
        while Invitation.objects.count() < number:
            InvitationFactory(clinic=clinic)
            MembershipFactory(clinic=clinic)
        with django_assert_num_queries(6):
            client.get(people(clinic))


def test_the_page_of_a_listing_leads_its_owner_to_the_people(client, clinic, owner):
    client.force_login(owner)
    page = client.get(f"/admin/clinics/clinic/{clinic.pk}/change/").content.decode()
    assert f'href="{reverse("clinic-people", args=[clinic.slug])}"' in page
