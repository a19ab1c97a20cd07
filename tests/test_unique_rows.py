"""Rows on a page that are, or become, what another stored row is."""

import pytest

from clinics.models import Offer, OpeningHours, Practitioner, Proposal
from tests.factories import (
    BodyAreaFactory,
    ClinicFactory,
    EditorFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PractitionerFactory,
    SourceFactory,
    TreatmentFactory,
)
from tests.forms_of_pages import form_of
from treatments.models import Alias, TreatmentArea
from treatments.unique_rows import CHANGE_PLACES, TAKEN

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY, WEDNESDAY = 0, 1, 2


@pytest.fixture
def editor(client):
    """An editor, signed in."""
    user = EditorFactory()
    client.force_login(user)
    return user


@pytest.fixture
def clinic():
    """A clinic with two offers of one treatment, two people and two days."""
    clinic, treatment = ClinicFactory(), TreatmentFactory()
    for label, name, day in (("small", "Ada", MONDAY), ("large", "Bea", TUESDAY)):
        OfferFactory(clinic=clinic, treatment=treatment, label=label)
        PractitionerFactory(clinic=clinic, name=name)
        OpeningHoursFactory(clinic=clinic, weekday=day)
    return clinic


def page_of(row) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def words_in(response, prefix) -> list[str]:
    """What is said about the rows of one kind, a line each."""
    assert response.status_code == 200
    rows = response.context["inline_admin_formsets"]
    formset = next(one.formset for one in rows if one.formset.prefix == prefix)
    return [word for form in formset.forms for word in form.non_field_errors()]


def new_hours(form, day, number=2, **values) -> dict:
    """The form with one more span on a day."""
    start = f"opening_hours-{number}"
    assert form[f"{start}-id"] == [""]
    hours = {"weekday": day, "opens": "09:00", "closes": "17:00"} | values
    return form | {f"{start}-{name}": value for name, value in hours.items()}


# --- Somebody else was quicker


@pytest.mark.parametrize("who", ["editor", "member"])
def test_hours_that_a_colleague_added_meanwhile(client, clinic, who):
    user = EditorFactory() if who == "editor" else MembershipFactory(clinic=clinic).user
    client.force_login(user)
    form = form_of(client, page_of(clinic)) | {"address": "1 Rue Neuve"}
    OpeningHoursFactory(clinic=clinic, weekday=WEDNESDAY, closes="12:00")
    response = client.post(page_of(clinic), new_hours(form, WEDNESDAY))
    assert words_in(response, "opening_hours") == [TAKEN]
    # What was typed is still there, and nothing is stored.
    assert "1 Rue Neuve" in response.content.decode()
    clinic.refresh_from_db()
    assert clinic.address != "1 Rue Neuve"
    assert OpeningHours.objects.count() == 3


@pytest.mark.parametrize("who", ["editor", "member"])
def test_pressing_twice_adds_once(client, clinic, who):
    user = EditorFactory() if who == "editor" else MembershipFactory(clinic=clinic).user
    client.force_login(user)
    form = new_hours(form_of(client, page_of(clinic)), WEDNESDAY)
    for _press in range(2):
        assert client.post(page_of(clinic), form).status_code == 302
    assert OpeningHours.objects.filter(weekday=WEDNESDAY).count() == 1


@pytest.mark.usefixtures("editor")
def test_an_offer_and_an_area_that_somebody_added_meanwhile(client, clinic):
    treatment = Offer.objects.first().treatment
    form = form_of(client, page_of(clinic))
    OfferFactory(clinic=clinic, treatment=treatment, label="new")
    response = client.post(page_of(clinic), form | {"offers-0-label": "new"})
    assert words_in(response, "offers") == [TAKEN]
    area, source = BodyAreaFactory(), SourceFactory()
    form = form_of(client, page_of(treatment)) | {"change_reason": "A reason."}
    form |= {"area_links-TOTAL_FORMS": 1, "area_links-0-id": "", "area_links-0-sources": source.pk}
    form |= {"area_links-0-treatment": treatment.pk, "area_links-0-body_area": area.pk}
    TreatmentArea.objects.create(treatment=treatment, body_area=area)
    response = client.post(page_of(treatment), form)
    assert words_in(response, "area_links") == [TAKEN]


# --- One takes what another gives up


@pytest.mark.parametrize("who", ["editor", "member"])
def test_hours_move_down_the_page_in_one_press(client, clinic, who):
    """The first row becomes what the second was: it is stored after it."""
    user = EditorFactory() if who == "editor" else MembershipFactory(clinic=clinic).user
    client.force_login(user)
    first, second = OpeningHours.objects.order_by("weekday")
    days = {"opening_hours-0-weekday": TUESDAY, "opening_hours-1-weekday": WEDNESDAY}
    response = client.post(page_of(clinic), form_of(client, page_of(clinic)) | days)
    assert response.status_code == 302
    days = dict(OpeningHours.objects.values_list("pk", "weekday"))
    assert days == {first.pk: TUESDAY, second.pk: WEDNESDAY}


@pytest.mark.parametrize("removed", [0, 1])
@pytest.mark.usefixtures("editor")
def test_a_row_takes_the_place_of_one_that_is_removed(client, clinic, removed):
    stays = 1 - removed
    name = Practitioner.objects.order_by("pk")[removed].name
    form = form_of(client, page_of(clinic))
    assert form[f"practitioners-{removed}-name"] == [name]
    form |= {f"practitioners-{removed}-DELETE": "on", f"practitioners-{stays}-name": name}
    assert client.post(page_of(clinic), form).status_code == 302
    assert Practitioner.objects.get().name == name


@pytest.mark.usefixtures("editor")
def test_a_new_row_takes_the_place_of_one_that_is_removed(client, clinic):
    form = form_of(client, page_of(clinic)) | {"opening_hours-0-DELETE": "on"}
    response = client.post(page_of(clinic), new_hours(form, MONDAY, closes="12:00"))
    assert response.status_code == 302
    assert OpeningHours.objects.get(weekday=MONDAY).closes.hour == 12


@pytest.mark.parametrize(
    ("prefix", "field"),
    [("opening_hours", "weekday"), ("offers", "label"), ("practitioners", "name")],
)
@pytest.mark.usefixtures("editor")
def test_rows_that_change_places_are_refused_beside_both(client, clinic, prefix, field):
    form = form_of(client, page_of(clinic))
    first, second = f"{prefix}-0-{field}", f"{prefix}-1-{field}"
    form[first], form[second] = form[second], form[first]
    response = client.post(page_of(clinic), form)
    assert words_in(response, prefix) == [CHANGE_PLACES] * 2


@pytest.mark.usefixtures("editor")
def test_a_row_sent_under_the_key_of_another_is_refused(client):
    treatment = TreatmentFactory()
    for name in ("one", "two", "three"):
        Alias.objects.create(treatment=treatment, name=name)
    form = form_of(client, page_of(treatment)) | {"change_reason": "A reason."}
    form["aliases-2-id"] = form["aliases-1-id"]
    response = client.post(page_of(treatment), form)
    assert TAKEN in words_in(response, "aliases")
    assert set(Alias.objects.values_list("name", flat=True)) == {"one", "two", "three"}


def test_pressing_twice_sends_one_offer_in(client, clinic):
    client.force_login(MembershipFactory(clinic=clinic).user)
    form = form_of(client, page_of(clinic))
    offer = Offer.objects.first()
    values = {"treatment": offer.treatment_id, "label": "new", "price_low": 100, "price_high": 100}
    values |= {"currency": offer.currency_id, "unit": offer.unit, "id": "", "clinic": clinic.pk}
    form |= {"offers-TOTAL_FORMS": 3} | {f"offers-2-{name}": v for name, v in values.items()}
    for _press in range(2):
        client.post(page_of(clinic), form)
    assert Proposal.objects.filter(subject="offer").count() == 1
