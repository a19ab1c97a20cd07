"""What clinic staff change waits for review; what must not happen before, at and after it."""

import datetime

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from clinics.models import Clinic, Membership, Offer, Practitioner, Proposal
from clinics.outbox import send_due
from clinics.review import (
    GATHERED,
    REVIEWED,
    CannotBeDone,
    approve,
    differences,
    digest_of,
    give_back,
    open_proposal,
    submit,
    withdraw,
)
from clinics.word_differences import word_differences
from tests.factories import (
    BodyAreaFactory,
    CheckFactory,
    ClinicFactory,
    EditorFactory,
    MembershipFactory,
    OfferFactory,
    PractitionerFactory,
    StaffFactory,
    TreatmentFactory,
)
from tests.forms_of_pages import form_of
from tests.test_permissions import clinic_path, offer_path, send

pytestmark = pytest.mark.django_db
Status = Proposal.Status
LONG_AGO = datetime.date(2020, 1, 1)


@pytest.fixture
def clinic(db):
    return ClinicFactory(name="Own clinic", description="Two rooms.")


@pytest.fixture
def staff(clinic, client):
    """A member of that clinic's staff, signed in."""
    user = MembershipFactory(clinic=clinic, user__username="maria").user
    client.force_login(user)
    return user


@pytest.fixture
def offer(clinic):
    """From 100 to 150 EUR, confirmed long ago."""
    return OfferFactory(clinic=clinic, price_confirmed_on=LONG_AGO)


def moderator(**membership):
    """Somebody who decides on what others send in, and no editor."""
    user = StaffFactory()
    user.groups.add(Group.objects.get_or_create(name="Moderators")[0])
    if membership:
        MembershipFactory(user=user, **membership)
    return user


def proposal_path(proposal) -> str:
    return f"/admin/clinics/proposal/{proposal.pk}/change/"


def texts(client, path) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


# --- Sending in


def test_a_price_that_staff_change_is_not_public_before_it_is_approved(
    client, clinic, offer, staff
):
    path = offer_path(offer)
    changed = {"price_low": "7313", "price_high": "7313"}
    send(client, path, form_of(client, path) | changed)
    offer.refresh_from_db()
    assert (offer.price_low, offer.price_confirmed_on) == (100, LONG_AGO)
    assert "7,313" not in texts(client, clinic.get_absolute_url())

    proposal = Proposal.objects.get()
    Proposal.objects.update(sent_at=timezone.now() - datetime.timedelta(days=3))
    proposal.refresh_from_db()
    approve(proposal, moderator())
    offer.refresh_from_db()
    sent_on = timezone.localdate() - datetime.timedelta(days=3)
    assert (offer.price_low, offer.price_confirmed_on) == (7313, sent_on)
    assert "7,313" in texts(client, clinic.get_absolute_url())


@pytest.mark.usefixtures("staff")
def test_the_form_shows_what_waits_and_what_patients_see(client, offer):
    path = offer_path(offer)
    send(client, path, form_of(client, path) | {"price_low": "80"})
    page = clinic_path(offer.clinic)
    for address, name in ((path, "price_low"), (page, "offers-0-price_low")):
        assert form_of(client, address)[name] == ["80.00"]
        html = texts(client, address)
        assert "Waits for review. Patients still see: 100.00" in html
        assert "Not public yet" in html
        assert proposal_path(Proposal.objects.get()) in html
    # What is opened and saved as it stands sends nothing anew and takes nothing back.
    before = Proposal.objects.values().get()
    for address in (path, page):
        send(client, address, form_of(client, address))
    assert Proposal.objects.values().get() == before


@pytest.mark.usefixtures("staff")
def test_a_second_change_is_added_to_the_first_from_whichever_page(client, offer):
    path, page = offer_path(offer), clinic_path(offer.clinic)
    send(client, path, form_of(client, path) | {"product": "Saline, by hand"})
    send(client, page, form_of(client, page) | {"offers-0-price_high": "160"})
    proposal = Proposal.objects.get()
    assert proposal.proposed == {"product": "Saline, by hand", "price_high": "160.00"}
    assert proposal.based_on == {"product": "", "price_high": "150.00"}
    send(client, page, form_of(client, page) | {"offers-0-price_high": "150"})
    send(client, path, form_of(client, path) | {"product": ""})
    proposal.refresh_from_db()
    assert (proposal.status, open_proposal(offer)) == (Status.WITHDRAWN, None)


@pytest.mark.usefixtures("staff")
def test_hours_and_contact_are_public_at_once_and_the_description_is_not(client, clinic):
    page = clinic_path(clinic)
    changes = {"phone": "+33 1 23 45 67 89", "description": "Three rooms."}
    send(client, page, form_of(client, page) | changes)
    clinic.refresh_from_db()
    assert (clinic.phone, clinic.description) == ("+33 1 23 45 67 89", "Two rooms.")
    # Saving again what is shown must not publish it.
    send(client, page, form_of(client, page) | {"phone": "+33 1 23 45 67 80"})
    clinic.refresh_from_db()
    assert (clinic.phone, clinic.description) == ("+33 1 23 45 67 80", "Two rooms.")
    assert Proposal.objects.get().proposed == {"description": "Three rooms."}


@pytest.mark.parametrize("model", [Offer, Practitioner])
def test_every_field_that_staff_may_change_of_a_row_is_reviewed(rf, staff, model):
    request = rf.get("/")
    request.user = staff
    form = admin.site.get_model_admin(model).get_form(request)
    assert set(form.base_fields) - {"clinic", "change_reason"} == set(REVIEWED[model])


@pytest.mark.usefixtures("staff")
def test_body_areas_are_not_stored_by_the_way(client, offer):
    area = BodyAreaFactory()
    path = offer_path(offer)
    send(client, path, form_of(client, path) | {"body_areas": [area.pk]})
    assert list(offer.body_areas.all()) == []
    assert form_of(client, path)["body_areas"] == [str(area.pk)]
    approve(Proposal.objects.get(), EditorFactory())
    assert list(offer.body_areas.all()) == [area]


def test_a_new_row_is_none_before_it_is_approved_and_can_be_changed_until_then(
    client, clinic, staff
):
    page = clinic_path(clinic)
    row = {"practitioners-0-name": "Nora New", "practitioners-0-profession": "nurse"}
    send(client, page, form_of(client, page) | row)
    proposal = Proposal.objects.get()
    assert not Practitioner.objects.exists()
    # The same person again, in a form of somebody who did not look: nothing is overwritten.
    response = client.post(
        page, form_of(client, page) | row | {"practitioners-0-profession": "dentist"}
    )
    assert "The same waits for review already." in response.content.decode()
    assert Proposal.objects.get().proposed["profession"] == "nurse"

    add = f"/admin/clinics/practitioner/add/?addition={proposal.pk}"
    assert add in texts(client, proposal_path(proposal))
    form = form_of(client, add)
    assert (form["name"], form["profession"]) == (["Nora New"], ["nurse"])
    send(client, add, form | {"name": "Nora Newer"})
    approve(Proposal.objects.get(), EditorFactory())
    assert [str(person) for person in clinic.practitioners.all()] == ["Nora Newer"]


def test_an_addition_of_another_clinic_is_as_none(client, staff):
    other = MembershipFactory(user=StaffFactory())
    proposal = submit(
        user=other.user,
        clinic=other.clinic,
        model=Practitioner,
        values={"name": "Rival Person", "profession": "nurse"},
    )
    for key in (proposal.pk, 987_654, "x", "9" * 30):
        html = texts(client, f"/admin/clinics/practitioner/add/?addition={key}")
        assert "Rival Person" not in html
    assert client.get(proposal_path(proposal)).status_code == 302
    assert client.post(proposal_path(proposal), {"_withdraw": "1"}).status_code == 302
    proposal.refresh_from_db()
    assert proposal.is_waiting


@pytest.mark.usefixtures("staff")
def test_a_removal_waits_and_can_be_taken_back(client, offer):
    page = clinic_path(offer.clinic)
    send(client, page, form_of(client, page) | {"offers-0-DELETE": "on"})
    proposal = Proposal.objects.get()
    assert (proposal.kind, Offer.objects.count()) == ("remove", 1)
    assert client.post(proposal_path(proposal), {"_withdraw": "1"})["Location"] == page
    with pytest.raises(CannotBeDone):
        approve(Proposal.objects.get(), EditorFactory())
    assert Offer.objects.count() == 1

    assert "Ask to remove" in texts(client, f"/admin/clinics/offer/{offer.pk}/delete/")
    client.post(f"/admin/clinics/offer/{offer.pk}/delete/", {"post": "yes"})
    approve(Proposal.objects.get(kind="remove", status=Status.WAITING), EditorFactory())
    assert Offer.objects.count() == 0


def test_a_short_form_is_checked_with_the_fields_that_it_leaves_out(client, clinic, staff):
    """The currency of a course price is not on the clinic's page with it."""
    offer = OfferFactory(
        clinic=clinic, price_low=None, price_high=None, course_price=500, course_sessions=5
    )
    page = clinic_path(clinic)
    response = client.post(page, form_of(client, page) | {"offers-0-currency": ""})
    assert "A price needs its currency." in response.content.decode()
    assert not Proposal.objects.exists()
    assert offer.currency


def test_editors_publish_at_once(client, offer):
    client.force_login(EditorFactory())
    path = offer_path(offer)
    send(client, path, form_of(client, path) | {"price_low": "80"})
    offer.refresh_from_db()
    assert (offer.price_low, Proposal.objects.count()) == (80, 0)


def test_words_that_sell_are_refused_before_they_are_sent_in(client, clinic, offer, staff):
    page, path = clinic_path(clinic), offer_path(offer)
    refused = client.post(page, form_of(client, page) | {"description": "Painless."})
    assert "“Painless”" in refused.content.decode()
    refused = client.post(path, form_of(client, path) | {"product": "Guaranteed gel"})
    assert "“Guaranteed”" in refused.content.decode()
    assert not Proposal.objects.exists()
    # The name of a medicine is a fact for patients; whoever decides sees it flagged.
    send(client, path, form_of(client, path) | {"product": "Belkyra"})
    (difference,) = differences(Proposal.objects.get())
    assert difference.flags[0].startswith("“Belkyra”")


def test_everything_still_correct_does_not_date_a_price_of_which_a_change_waits(
    client, clinic, offer, staff
):
    other = OfferFactory(clinic=clinic, price_confirmed_on=LONG_AGO)
    submit(user=staff, clinic=clinic, model=Offer, row=offer, values={"price_low": 90})
    form = {"action": "confirm_all_correct", "_selected_action": clinic.pk}
    client.post("/admin/clinics/clinic/", form)
    dates = [Offer.objects.get(pk=one.pk).price_confirmed_on for one in (offer, other)]
    assert dates == [LONG_AGO, timezone.localdate()]


def test_what_was_only_sent_in_is_not_in_the_log_of_changes(client, clinic, staff):
    page = clinic_path(clinic)
    changes = {"phone": "+33 1 23 45 67 89", "description": "Three rooms."}
    send(client, page, form_of(client, page) | changes)
    told = LogEntry.objects.get().get_change_message()
    assert told == "Changed Phone."


def test_a_clinic_is_deleted_with_what_waits(client, clinic, offer, staff):
    submit(user=staff, clinic=clinic, model=Offer, row=offer, values={"price_low": 90})
    client.force_login(EditorFactory())
    client.post(
        f"/admin/clinics/clinic/{clinic.pk}/delete/", {"post": "yes", "change_reason": "Closed"}
    )
    assert not Proposal.objects.exists()
    assert not Clinic.objects.exists()


# --- submit, as programs call it


def test_submit_refuses_what_is_not_the_clinics_and_what_cannot_be(clinic, offer, staff):
    stranger = OfferFactory()

    def sent(**changes):
        arguments = {"user": staff, "clinic": clinic, "model": Offer, "row": offer}
        return submit(**(arguments | {"values": {"price_low": 90}} | changes))

    for wrong in ({"row": stranger}, {"clinic": stranger.clinic}, {"user": StaffFactory()}):
        with pytest.raises(CannotBeDone):
            sent(**wrong)
    for values in (
        {"price_low": 200},
        {"price_low": "a"},
        {"product": "\x00"},
        {"product": "x" * 151},
        {"treatment": 987_654},
        {"body_areas": [987_654]},
        {"label": None, "currency": None},
    ):
        with pytest.raises(ValidationError):
            sent(values=values)
    with pytest.raises(ValueError, match="not reviewed"):
        sent(values={"price_confirmed_on": LONG_AGO})
    assert not Proposal.objects.exists()


def test_submit_finds_what_waits_again_and_returns_none_for_no_difference(clinic, offer, staff):
    treatment = TreatmentFactory()
    values = {"treatment": treatment, "label": "small", "price_low": None, "price_high": None}
    first, second = (
        submit(user=staff, clinic=clinic, model=Offer, values=values, origin="list.csv")
        for _ in range(2)
    )
    assert (first.pk, second.origin, Offer.objects.count()) == (second.pk, "list.csv", 1)
    same = {"price_low": "100", "currency": offer.currency_id, "body_areas": []}
    assert submit(user=staff, clinic=clinic, model=Offer, row=offer, values=same) is None
    assert Proposal.objects.count() == 1


@pytest.mark.usefixtures("staff")
def test_what_staff_say_about_a_change_is_read_by_the_reviewer_and_kept(client, clinic, offer):
    path = offer_path(offer)
    why = {"price_low": "90", "change_reason": "The lab is dearer"}
    send(client, path, form_of(client, path) | why)
    form = form_of(client, clinic_path(clinic)) | {"offers-0-price_low": "95"}
    send(client, clinic_path(clinic), form)
    proposal = Proposal.objects.get()
    assert (proposal.why, proposal.proposed["price_low"]) == ("The lab is dearer", "95.00")
    reviewer = moderator()
    client.force_login(reviewer)
    assert "The lab is dearer" in texts(client, proposal_path(proposal))
    approve(proposal, reviewer)
    assert "The lab is dearer" in offer.history.latest().history_change_reason


@pytest.mark.usefixtures("staff")
def test_a_reason_alone_is_no_change(client, offer):
    path = offer_path(offer)
    send(client, path, form_of(client, path) | {"change_reason": "Just so"})
    assert not Proposal.objects.exists()
    client.post(f"/admin/clinics/offer/{offer.pk}/delete/", {"change_reason": "Given up"})
    assert (Proposal.objects.get().kind, Proposal.objects.get().why) == ("remove", "Given up")


# --- Deciding


@pytest.fixture
def proposal(clinic, offer, staff):
    """A lower price that waits."""
    return submit(user=staff, clinic=clinic, model=Offer, row=offer, values={"price_low": 80})


def test_nobody_of_the_clinic_decides_not_even_a_moderator(client, clinic, offer, staff, proposal):
    insider = moderator(clinic=clinic)
    for user in (staff, insider, StaffFactory()):
        with pytest.raises(CannotBeDone):
            approve(proposal, user)
        with pytest.raises(CannotBeDone):
            give_back(proposal, user, "Because.")
        client.force_login(user)
        page = client.get(proposal_path(proposal))
        assert b'name="_approve"' not in page.content
        client.post(proposal_path(proposal), {"_approve": "1", "seen": digest_of(proposal)})
    offer.refresh_from_db()
    proposal.refresh_from_db()
    assert (offer.price_low, proposal.status) == (100, Status.WAITING)


def test_only_the_clinics_people_take_it_back(proposal):
    for user in (EditorFactory(), moderator(), MembershipFactory().user):
        with pytest.raises(CannotBeDone):
            withdraw(proposal, user)
    proposal.refresh_from_db()
    assert proposal.is_waiting


def test_the_reviewer_sees_the_difference_and_goes_on_to_the_next(client, clinic, offer, proposal):
    member = Membership.objects.get().user
    next_one = submit(
        user=member,
        clinic=clinic,
        model=Clinic,
        row=clinic,
        values={"description": "Two big rooms."},
    )
    reviewer = moderator()
    client.force_login(reviewer)
    html = texts(client, proposal_path(proposal))
    assert "100.00" in html
    assert "80.00" in html
    form = form_of(client, proposal_path(proposal)) | {"_approve": "Approve"}
    response = client.post(proposal_path(proposal), form)
    assert response["Location"] == proposal_path(next_one)
    assert "<ins>big </ins>" in texts(client, proposal_path(next_one))
    offer.refresh_from_db()
    proposal.refresh_from_db()
    assert (offer.price_low, proposal.decided_by) == (80, reviewer)
    # A second press decides nothing more.
    assert b"Somebody has decided on it" in client.post(proposal_path(proposal), form).content


def test_what_changed_since_must_be_looked_at_first(client, offer, proposal):
    client.force_login(moderator())
    form = form_of(client, proposal_path(proposal)) | {"_approve": "Approve"}
    Offer.objects.update(price_low=70)
    with pytest.raises(CannotBeDone):
        approve(proposal, EditorFactory())
    html = client.post(proposal_path(proposal), form).content.decode()
    assert "It has changed since you opened it." in html
    assert "When the clinic sent this, patients saw: 100.00" in html
    offer.refresh_from_db()
    assert offer.price_low == 70
    form = form_of(client, proposal_path(proposal)) | {"_approve": "Approve"}
    send(client, proposal_path(proposal), form)
    offer.refresh_from_db()
    assert offer.price_low == 80


def test_a_price_that_the_clinic_changes_under_the_reviewers_eyes_is_not_approved_unseen(
    client, clinic, offer, staff, proposal
):
    client.force_login(moderator())
    form = form_of(client, proposal_path(proposal)) | {"_approve": "Approve"}
    submit(user=staff, clinic=clinic, model=Offer, row=offer, values={"price_low": 1})
    for sent in (form, form | {"seen": ""}):
        client.post(proposal_path(proposal), sent)
        offer.refresh_from_db()
        assert offer.price_low == 100


def test_what_cannot_be_any_more_is_told_and_changes_nothing(clinic, offer, staff, proposal):
    editor = EditorFactory()
    person = PractitionerFactory(clinic=clinic)
    renamed = submit(
        user=staff, clinic=clinic, model=Practitioner, row=person, values={"name": "Other"}
    )
    CheckFactory(clinic=clinic, practitioner=person)
    Offer.objects.filter(pk=offer.pk).update(price_high=50, price_low=50)
    for waiting, seen in ((proposal, digest_of(proposal)), (renamed, "")):
        with pytest.raises(CannotBeDone):
            approve(waiting, editor, seen)
    with pytest.raises(CannotBeDone):
        submit(user=staff, clinic=clinic, model=Practitioner, row=person, values=None)
    offer.delete()
    with pytest.raises(CannotBeDone):
        approve(proposal, editor, digest_of(proposal))
    assert Proposal.objects.waiting().count() == 2
    person.refresh_from_db()
    assert person.name != "Other"
    give_back(proposal, editor, "It is gone.")


def test_a_returned_change_shows_its_reason_until_it_is_sent_anew(client, offer, proposal):
    with pytest.raises(CannotBeDone):
        give_back(proposal, EditorFactory(), "  ")
    give_back(proposal, EditorFactory(), "Which price list is this from?")
    for page in (clinic_path(offer.clinic), offer_path(offer)):
        assert "Which price list is this from?" in texts(client, page)
    path = offer_path(offer)
    form = form_of(client, path)
    assert form["price_low"] == ["80.00"]
    send(client, path, form | {"price_low": "85"})
    proposal.refresh_from_db()
    assert (proposal.status, proposal.reason) == (
        Status.REPLACED,
        "Which price list is this from?",
    )
    assert open_proposal(offer).proposed == {"price_low": "85.00"}
    assert "Which price list" not in texts(client, path)


def test_a_decision_is_mailed_to_the_clinics_people_without_its_content(
    proposal, clinic, offer, staff
):
    MembershipFactory(clinic=clinic, user__email="ana@example.org")
    MembershipFactory(clinic=clinic, user__email="gone@example.org", user__is_active=False)
    MembershipFactory(user__email="rival@example.org")
    other = submit(user=staff, clinic=clinic, model=Clinic, row=clinic, values={"description": "A"})
    give_back(proposal, EditorFactory(), "Secret reason.")
    approve(other, EditorFactory())
    assert send_due().sent == 0
    assert send_due(timezone.now() + GATHERED).sent == 2
    sent = [address for message in mail.outbox for address in message.to]
    assert sorted(sent) == sorted(["ana@example.org", staff.email])
    for message in mail.outbox:
        assert "1 change came back to you" in message.body
        assert "Secret reason" not in message.body
        assert "80" not in message.body.split("://")[0]
        assert "/admin/clinics/proposal/" in message.body


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("One lift.", "One lift.", [("same", "One lift.")]),
        ("", "New", [("new", "New")]),
        (
            "Two rooms, one lift.",
            "Two rooms, no lift.",
            [("same", "Two rooms, "), ("old", "one "), ("new", "no "), ("same", "lift.")],
        ),
    ],
)
def test_words_that_go_and_come_are_told_apart(before, after, pieces):
    assert [(piece.kind, piece.text) for piece in word_differences(before, after)] == pieces
