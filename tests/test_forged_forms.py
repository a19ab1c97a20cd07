"""What no page of the admin ever sends, sent to it: a word beside the field, and nothing done."""

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.forms.models import ModelChoiceField, ModelMultipleChoiceField
from django.http import QueryDict

from clinics.listing_inlines import MOST_ON_THE_PAGE
from clinics.models import Check, Clinic, Offer
from tests.factories import (
    CheckFactory,
    ClaimFactory,
    ClinicFactory,
    CountryFactory,
    EditorFactory,
    MembershipFactory,
    OfferFactory,
    PlaceFactory,
    PractitionerFactory,
    SourceFactory,
    TreatmentFactory,
)
from tests.forms_of_pages import form_of
from treatments.record_fields import RecordField, RecordsField
from treatments.record_pages import MOST_ROWS, RecordPages

pytestmark = pytest.mark.django_db
# Larger than any key of any database, not a number at all, and what PostgreSQL refuses in a text.
NO_KEYS = ["9223372036854775808", "9" * 40, "-9223372036854775809", "x", "1.5", "[]", "\x00"]
ROWS = ("offers", "practitioners", "checks")
OURS = [
    model for model in admin.site._registry if model._meta.app_label in ("clinics", "treatments")
]


@pytest.fixture
def editor(client):
    """An editor, signed in."""
    user = EditorFactory()
    client.force_login(user)
    return user


def page_of(row) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def sent(client, row, **changes):
    """The answer to the page of a row, sent as it stands but for these changes."""
    return client.post(page_of(row), form_of(client, page_of(row)) | changes)


# --- Choices


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_choice_of_a_record_in_a_form_is_one_of_ours(model, rf, editor):
    request = rf.get("/")
    request.user = editor
    own = admin.site.get_model_admin(model)
    forms = [own.get_form(request, None, change=True)]
    forms += [
        inline.get_formset(request, None).form
        for inline in own.inlines and own.get_inline_instances(request)
    ]
    for form in forms:
        for name, field in form.base_fields.items():
            if isinstance(field, ModelMultipleChoiceField):
                assert isinstance(field, RecordsField), (form, name)
            elif isinstance(field, ModelChoiceField):
                assert isinstance(field, RecordField) or field.queryset.model.__name__ == "User"


@pytest.mark.parametrize("value", NO_KEYS)
@pytest.mark.usefixtures("editor")
def test_a_choice_that_can_be_no_record_is_refused_beside_its_field(client, value):
    check = CheckFactory()
    response = sent(client, check, clinic=value, register="What was typed")
    assert response.status_code == 200
    assert set(response.context["adminform"].form.errors) == {"clinic"}
    assert "What was typed" in response.content.decode()
    assert Check.objects.get().clinic_id == check.clinic_id


@pytest.mark.parametrize("value", NO_KEYS)
@pytest.mark.usefixtures("editor")
def test_one_of_several_choices_that_can_be_no_record_is_refused(client, value):
    claim, source = ClaimFactory(treatments=[TreatmentFactory()]), SourceFactory()
    response = sent(client, claim, checked_against=[str(source.pk), value], change_reason="A try.")
    assert response.status_code == 200
    form = response.context["adminform"].form
    assert set(form.errors) == {"checked_against"}
    # What is right stays chosen.
    assert f'<option value="{source.pk}" selected' in response.content.decode()
    assert not claim.checked_against.exists()


@pytest.mark.parametrize("value", ["\x00", "XXX", "F\x00"])
@pytest.mark.usefixtures("editor")
def test_a_key_of_letters_is_no_exception(client, value):
    place = PlaceFactory()
    response = sent(client, place, country=value)
    assert response.status_code == 200
    assert set(response.context["adminform"].form.errors) == {"country"}


# --- Lists


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.usefixtures("editor")
def test_a_list_takes_no_condition_but_those_of_its_filters(client, model):
    """Among others those that fail in the database, or would guess at what is not shown."""
    assert isinstance(admin.site.get_model_admin(model), RecordPages)
    path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    assert client.get(path).status_code == 200
    key = model._meta.pk.name
    for condition in (f"{key}__in", "pk__range", f"{key}__regex", key, f"{key}__exact"):
        for value in ("9223372036854775808", "[", "1"):
            assert client.get(path, {condition: value}).status_code == 400, (condition, value)


@pytest.mark.parametrize("value", ["\x00", "rare\x00"])
@pytest.mark.usefixtures("editor")
def test_a_filter_takes_no_letter_that_a_database_refuses(client, value):
    path = "/admin/treatments/sideeffect/"
    assert client.get(path, {"how_common__exact": "rare"}).status_code == 200
    assert client.get(path, {"how_common__exact": value}).status_code == 400


@pytest.mark.parametrize("value", NO_KEYS)
@pytest.mark.parametrize("ticked_too", [False, True])
@pytest.mark.usefixtures("editor")
def test_a_tick_at_no_row_does_nothing(client, value, ticked_too):
    place = PlaceFactory()
    ticks = [value, str(place.pk)] if ticked_too else [value]
    request = {"action": "delete_selected", "_selected_action": ticks, "index": "0", "post": "yes"}
    response = client.post("/admin/clinics/place/", request)
    assert response.status_code == 302
    said = [str(message) for message in get_messages(response.wsgi_request)]
    assert said == ["Nothing was done. Tick the rows once more."]
    assert place._meta.model.objects.filter(pk=place.pk).exists()


@pytest.mark.usefixtures("editor")
def test_a_tick_at_a_key_of_letters(client):
    country = CountryFactory()
    request = {
        "action": "delete_selected",
        "_selected_action": ["F\x00", country.pk],
        "post": "yes",
    }
    assert client.post("/admin/clinics/country/", request | {"index": "0"}).status_code == 302
    country.refresh_from_db()


@pytest.mark.usefixtures("editor")
def test_an_empty_name_of_a_column_is_none(client):
    place = PlaceFactory()
    assert client.get(page_of(place), {"_to_field": ""}).status_code == 200
    assert client.get(page_of(place), {"_to_field": "slug"}).status_code == 400


# --- Rows


@pytest.mark.parametrize("count", ["TOTAL_FORMS", "INITIAL_FORMS"])
@pytest.mark.usefixtures("editor")
def test_a_form_that_says_it_has_billions_of_rows_is_not_gone_through(client, count, monkeypatch):
    clinic = OfferFactory().clinic
    looks = []
    plain_get = QueryDict.get

    def counted(self, key, default=None):
        looks.append(key)
        assert len(looks) < 50_000
        return plain_get(self, key, default)

    monkeypatch.setattr(QueryDict, "get", counted)
    response = sent(client, clinic, **{f"offers-{count}": str(2**31)})
    assert response.status_code in (200, 302)
    if count == "TOTAL_FORMS":
        assert f"Please submit at most {MOST_ROWS} forms." in response.content.decode()
    assert Offer.objects.count() == 1


@pytest.mark.usefixtures("editor")
def test_rows_that_are_only_listed_cannot_be_added(client):
    source = SourceFactory()
    claim = ClaimFactory(source=source, treatments=[TreatmentFactory()])
    changes = {"claims-INITIAL_FORMS": "0", "change_reason": "A try."}
    assert sent(client, source, **changes).status_code in (200, 302)
    assert list(type(claim).objects.all()) == [claim]


# --- More rows than a page holds


@pytest.fixture
def large_clinic():
    """A clinic with one offer more than its page holds, and somebody who works there."""
    clinic, treatment = ClinicFactory(), TreatmentFactory()
    for number in range(MOST_ON_THE_PAGE + 1):
        OfferFactory(clinic=clinic, treatment=treatment, label=f"Size {number}")
    PractitionerFactory(clinic=clinic, name="Dr Ada Person")
    MembershipFactory(clinic=clinic)
    return clinic


@pytest.mark.parametrize("who", ["editor", "member"])
def test_a_clinic_of_many_offers_has_a_link_to_their_list(client, large_clinic, who):
    user = EditorFactory() if who == "editor" else large_clinic.memberships.get().user
    client.force_login(user)
    html = client.get(page_of(large_clinic)).content.decode()
    assert 'name="offers-TOTAL_FORMS"' not in html
    assert f"There are {MOST_ON_THE_PAGE + 1}, more than this page can hold." in html
    path = f"/admin/clinics/offer/?clinic={large_clinic.pk}"
    assert f'<a href="{path}">Offers: the list of this clinic</a>' in html
    assert len(client.get(path).context["cl"].result_list) == MOST_ON_THE_PAGE
    # The rest of the page is as ever, and can be saved.
    assert "Dr Ada Person" in html
    response = sent(client, large_clinic, phone="+33 1 42 68 53 00")
    assert response.status_code == 302
    assert Clinic.objects.get().phone == "+33 1 42 68 53 00"
    assert Offer.objects.count() == MOST_ON_THE_PAGE + 1


@pytest.mark.usefixtures("editor")
def test_offers_that_were_sent_are_stored_though_there_are_too_many_since(client, large_clinic):
    Offer.objects.filter(label="Size 0").delete()
    fields = form_of(client, page_of(large_clinic))
    assert fields["offers-TOTAL_FORMS"] == [str(MOST_ON_THE_PAGE)]
    number = fields["offers-0-id"][0]
    OfferFactory(clinic=large_clinic, label="One more")
    response = client.post(page_of(large_clinic), fields | {"offers-0-label": "Another size"})
    assert response.status_code == 302
    assert Offer.objects.get(pk=number).label == "Another size"


def test_staff_see_all_checks_of_their_clinic_however_many(client, large_clinic):
    for _number in range(MOST_ON_THE_PAGE + 1):
        CheckFactory(clinic=large_clinic)
    client.force_login(large_clinic.memberships.get().user)
    html = client.get(page_of(large_clinic)).content.decode()
    # They may not open the list of checks.
    assert "checks-TOTAL_FORMS" in html
    client.force_login(EditorFactory())
    html = client.get(page_of(large_clinic)).content.decode()
    path = f"/admin/clinics/check/?clinic={large_clinic.pk}"
    assert path in html
    assert len(client.get(path).context["cl"].queryset) == MOST_ON_THE_PAGE + 1


@pytest.mark.usefixtures("editor")
def test_the_longest_page_can_be_sent(client, settings):
    """As many rows of each kind as are shown: the request has a number of fields at most."""
    clinic, treatment = ClinicFactory(), TreatmentFactory()
    for number in range(MOST_ON_THE_PAGE):
        OfferFactory(clinic=clinic, treatment=treatment, label=f"Size {number}")
        PractitionerFactory(clinic=clinic)
        CheckFactory(clinic=clinic)
    form = form_of(client, page_of(clinic))
    assert client.post(page_of(clinic), form).status_code == 302
    # And as many new ones as can be added in one go.
    a_row = [sum(name.startswith(f"{rows}-0-") for name in form) for rows in ROWS]
    more = len(form) + sum(a_row) * (MOST_ROWS - MOST_ON_THE_PAGE)
    assert more < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
