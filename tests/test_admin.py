"""The admin: what editors and clinic staff see, and what saving does besides saving."""

import datetime
import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from clinics.models import (
    BulkImport,
    Check,
    ClaimRequest,
    Clinic,
    Correction,
    Country,
    Currency,
    Enquiry,
    Invitation,
    Language,
    Membership,
    Offer,
    OpeningHours,
    Proposal,
)
from clinics.review import approve
from tests import factories
from tests.factories import (
    ClinicFactory,
    CurrencyFactory,
    EditorFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PhotoFactory,
    PractitionerFactory,
    StaffFactory,
    TreatmentFactory,
    UserFactory,
)
from tests.forms_of_pages import form_of
from treatments.models import LoadedContent, ReadersQuestion

pytestmark = pytest.mark.django_db
EDITED_INLINE_ONLY = {
    *("Alias", "TreatmentArea", "TreatmentConcern", "TreatmentSubstance", "SubstanceStatus"),
    *("OpeningHours", "Membership", "CheckEvidence"),
}
# On a page of the clinic that is no list of Django's; see test_clinic_photos.py.
EDITED_ELSEWHERE = {"Photo"}
WRITTEN_BY_THE_SITE = {
    *("DirectoryChange", "DirectoryState", "OutgoingNotice"),
    *("BulkLine", "EnquiryEntry", "EnquiryReading"),
    *("DiscardedPhoto", "PhotosOfDay", "DailyJob", "DailyViews", "PriceReminder"),
}
# Written by programs or by people outside, and decided upon or read here.
READ_ONLY = {LoadedContent, ClaimRequest, Invitation, Proposal}
LONG_AGO = datetime.date(2020, 1, 1)


@pytest.fixture
def editor(db, client):
    """An editor by group alone, signed in."""
    user = StaffFactory()
    user.groups.add(Group.objects.get_or_create(name="Editors")[0])
    client.force_login(user)
    return user


@pytest.fixture
def clinic(db):
    """A clinic of which little is known."""
    return ClinicFactory(name="Own clinic")


@pytest.fixture
def staff(clinic, client):
    """A member of that clinic's staff, signed in."""
    user = MembershipFactory(clinic=clinic).user
    client.force_login(user)
    return user


def clinic_path(clinic) -> str:
    return f"/admin/clinics/clinic/{clinic.pk}/change/"


def rows(prefix, *forms, initial=0) -> dict:
    """The fields of an inline with these rows; the first `initial` ones are stored already."""
    values = {f"{prefix}-TOTAL_FORMS": len(forms), f"{prefix}-INITIAL_FORMS": initial}
    for number, form in enumerate(forms):
        values |= {f"{prefix}-{number}-{name}": value for name, value in form.items()}
    return values


def clinic_form(**values) -> dict:
    """What staff send from the page of a clinic without rows."""
    form = {}
    for prefix in ("opening_hours", "offers", "practitioners", "checks"):
        form |= rows(prefix)
    return form | values


def errors(response) -> list[str]:
    """The messages of a form that was refused."""
    assert response.status_code == 200
    lists = re.findall(r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.DOTALL)
    return [message for found in lists for message in re.findall(r"<li>(.*?)</li>", found)]


# --- Everything is there


def ours() -> list:
    return [
        model
        for model in admin.site._registry
        if model._meta.app_label in ("clinics", "treatments")
    ]


def test_every_model_can_be_edited():
    """Each has pages of its own, or is a row on the page of what it belongs to."""
    every = {
        model.__name__
        for label in ("clinics", "treatments")
        for model in apps.get_app_config(label).get_models()
        # Versions are read on the history page of what they are versions of.
        if not model.__name__.startswith("Historical")
    }
    registered = {model.__name__ for model in ours()}
    inline = {
        inline.model.__name__ for model in ours() for inline in admin.site._registry[model].inlines
    }
    assert every - registered == EDITED_INLINE_ONLY | EDITED_ELSEWHERE | WRITTEN_BY_THE_SITE
    assert inline >= EDITED_INLINE_ONLY


def make(model):
    """One more row of a model, by its factory."""
    if model is LoadedContent:
        number = LoadedContent.objects.count()
        return LoadedContent.objects.create(
            key=f"file-{number}", file_digest="a", stored_digest="b"
        )
    if model in (Country, Currency, Language):
        number = model.objects.count()
        code = {Country: f"X{number}", Currency: f"XX{number}", Language: f"x{number}"}[model]
        return {Country: factories.CountryFactory, Currency: CurrencyFactory}.get(
            model, LanguageFactory
        )(code=code)
    return getattr(factories, f"{model.__name__}Factory")()


@pytest.mark.usefixtures("editor")
@pytest.mark.parametrize(
    "model",
    [m for m in ours() if m not in (BulkImport, Enquiry)],
    ids=lambda model: model.__name__,
)
def test_editors_open_every_page(client, model):
    """But what patients write, and files of others: tests/test_inbox.py, test_bulk_files.py."""
    row = make(model)
    path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for address in (f"{row.pk}/change/", f"{row.pk}/history/", "?q=a"):
        assert client.get(path + address).status_code == 200
    # Readers alone ask, and what is only recorded is neither added nor deleted by hand.
    may_add = model not in READ_ONLY and model not in (ReadersQuestion, Correction)
    assert client.get(f"{path}add/").status_code == (200 if may_add else 403)
    may_delete = model not in READ_ONLY
    assert client.get(f"{path}{row.pk}/delete/").status_code == (200 if may_delete else 403)


@pytest.mark.usefixtures("editor")
def test_editors_who_are_no_superusers_see_no_accounts(client):
    assert client.get("/admin/accounts/user/").status_code == 403
    assert client.get("/admin/auth/group/").status_code == 403


@pytest.mark.usefixtures("editor")
def test_a_clinics_page_costs_the_same_for_one_row_of_a_kind_and_for_three(
    client, django_assert_max_num_queries
):
    for number in (1, 3):
        clinic = ClinicFactory()
        for weekday in range(number):
            OfferFactory(clinic=clinic)
            OpeningHoursFactory(clinic=clinic, weekday=weekday)
            PractitionerFactory(clinic=clinic)
        # One more than it takes: the first page of a process also asks for kinds of content.
        with django_assert_max_num_queries(28):
            client.get(clinic_path(clinic))


def test_people_who_may_not_sign_in_are_asked_to(client, clinic):
    user = UserFactory()
    MembershipFactory(user=user, clinic=clinic)
    client.force_login(user)
    response = client.get(clinic_path(clinic))
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")


# --- The look


@pytest.mark.usefixtures("staff")
def test_pages_carry_our_name_and_no_inline_style_or_script(client, clinic):
    for path in ("/admin/", "/admin/clinics/clinic/", clinic_path(clinic)):
        html = client.get(path).content.decode()
        assert "Mesoguide" in html
        assert "css/admin.css" in html
        assert " style=" not in html
        assert "<style" not in html
        assert re.findall(r"<script(?![^>]* src=)(?![^>]*json)[^>]*>", html) == []


@pytest.mark.usefixtures("staff")
def test_a_published_clinic_links_to_its_page_and_a_draft_does_not(client, clinic):
    link = f'href="{clinic.get_absolute_url()}"'
    assert link in client.get(clinic_path(clinic)).content.decode()
    Clinic.objects.update(status=Clinic.Status.DRAFT)
    assert link not in client.get(clinic_path(clinic)).content.decode()


# --- A clinic


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+33 1 23 45 67 89", "+33 1 23 45 67 89"),
        (" +33123456789 ", "+33 1 23 45 67 89"),
        ("+90 (212) 555-0123", "+90 212 555 01 23"),
        ("", ""),
    ],
)
def test_a_telephone_number_is_kept_as_dialled_from_abroad(client, clinic, typed, kept):
    assert client.post(clinic_path(clinic), clinic_form(phone=typed)).status_code == 302
    clinic.refresh_from_db()
    assert clinic.phone == kept


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    "typed",
    ["01 23 45 67 89", "+33 1 23", "+999 123456", "call us", "+", "<script>", "+33" + "1" * 20],
)
def test_what_is_no_telephone_number_is_refused_beside_the_field(client, clinic, typed):
    assert errors(client.post(clinic_path(clinic), clinic_form(phone=typed))) == [
        "Write the whole number with + and the country code, such as +33 1 23 45 67 89."
    ]


@pytest.mark.parametrize("priced", ["course_price", "consultation_fee", "price_low"])
@pytest.mark.usefixtures("editor")
def test_a_price_without_currency_is_refused_though_the_row_does_not_show_it(
    client, clinic, priced
):
    prices = {"price_low": 90, "price_high": 90} if priced == "price_low" else {priced: 90}
    if priced == "course_price":
        prices["course_sessions"] = 3
    nothing = {"price_low": None, "price_high": None}
    offer = OfferFactory(clinic=clinic, currency=CurrencyFactory(), **(nothing | prices))
    form = form_of(client, clinic_path(clinic)) | {"offers-0-currency": ""}
    response = client.post(clinic_path(clinic), form)
    assert errors(response) == ["A price needs its currency."]
    rows_of_offers = response.context["inline_admin_formsets"][1].formset
    assert list(rows_of_offers.forms[0].errors) == ["currency"]
    offer.refresh_from_db()
    assert offer.currency


def hours(weekday, opens, closes) -> dict:
    return {"weekday": weekday, "opens": opens, "closes": closes}


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    "spans",
    [
        [(0, "09:00", "12:00"), (0, "11:59", "17:00")],
        [(0, "09:00", "17:00"), (0, "10:00", "11:00")],
        [(3, "14:00", "18:00"), (0, "09:00", "12:00"), (3, "09:00", "14:01")],
    ],
)
def test_hours_that_overlap_are_refused(client, clinic, spans):
    form = clinic_form(**rows("opening_hours", *(hours(*span) for span in spans)))
    assert errors(client.post(clinic_path(clinic), form))[-1:] == [
        "These hours overlap with others on the same day."
    ]
    assert not OpeningHours.objects.exists()


@pytest.mark.usefixtures("staff")
def test_hours_that_touch_or_are_of_other_days_are_kept(client, clinic):
    spans = [(0, "09:00", "12:00"), (0, "12:00", "17:00"), (1, "10:00", "11:00")]
    form = clinic_form(**rows("opening_hours", *(hours(*span) for span in spans)))
    assert client.post(clinic_path(clinic), form).status_code == 302
    assert clinic.opening_hours.count() == 3


@pytest.mark.usefixtures("staff")
def test_a_span_that_is_deleted_overlaps_with_nothing(client, clinic):
    old = OpeningHoursFactory(clinic=clinic)
    form = clinic_form(
        **rows(
            "opening_hours",
            {"id": old.pk, **hours(0, "09:00", "17:00"), "DELETE": "on"},
            hours(0, "10:00", "16:00"),
            initial=1,
        )
    )
    assert client.post(clinic_path(clinic), form).status_code == 302
    assert [str(span) for span in clinic.opening_hours.all()] == ["Monday 10:00-16:00"]


def test_everything_still_correct(client, clinic, staff):
    priced = OfferFactory(clinic=clinic, price_confirmed_on=LONG_AGO)
    course = OfferFactory(
        clinic=clinic,
        price_low=None,
        price_high=None,
        course_price=500,
        course_sessions=5,
        price_confirmed_on=None,
    )
    silent = OfferFactory(clinic=clinic, price_low=None, price_high=None, price_confirmed_on=None)
    others = OfferFactory(price_confirmed_on=LONG_AGO)
    stamp = clinic.updated_at
    form = {"action": "confirm_all_correct", "_selected_action": [clinic.pk, others.clinic.pk]}
    response = client.post("/admin/clinics/clinic/", form, follow=True)
    assert "1 clinic is confirmed as of today" in response.content.decode()
    clinic.refresh_from_db()
    today = timezone.localdate()
    assert (clinic.confirmed_on, clinic.confirmed_by) == (today, staff)
    assert clinic.updated_at > stamp
    assert [Offer.objects.get(pk=offer.pk).price_confirmed_on for offer in (priced, course)] == [
        today,
        today,
    ]
    assert Offer.objects.get(pk=silent.pk).price_confirmed_on is None
    assert Offer.objects.get(pk=others.pk).price_confirmed_on == LONG_AGO
    assert Clinic.objects.get(pk=others.clinic.pk).confirmed_on is None
    history = client.get(f"/admin/clinics/clinic/{clinic.pk}/history/").content.decode()
    assert "Everything still correct." in history


@pytest.mark.usefixtures("editor")
def test_only_editors_publish(client, clinic):
    Clinic.objects.update(status=Clinic.Status.IN_REVIEW)
    form = clinic_form(**rows("memberships"))
    form |= {"name": clinic.name, "slug": clinic.slug}
    form |= {"facility_type": clinic.facility_type, "status": "published"}
    assert client.post(clinic_path(clinic), form).status_code == 200
    form["place"] = clinic.place.pk
    assert client.post(clinic_path(clinic), form).status_code == 302
    clinic.refresh_from_db()
    assert clinic.is_published


@pytest.mark.usefixtures("editor")
def test_a_member_is_named_by_user_name(client, clinic):
    person, visitor = StaffFactory(username="maria"), UserFactory(username="visitor")
    form = clinic_form(name=clinic.name, slug=clinic.slug, status="draft")
    for name in (visitor.username, "nobody", ""):
        refused = form | rows("memberships", {"user": name, "role": "staff"})
        if name:
            assert errors(client.post(clinic_path(clinic), refused)) == [
                "Nobody who may sign in here has this user name."
            ]
    accepted = form | rows("memberships", {"user": "maria", "role": "owner"})
    assert client.post(clinic_path(clinic), accepted).status_code == 302
    assert Membership.objects.get().user == person
    assert 'value="maria"' in client.get(clinic_path(clinic)).content.decode()


# --- Offers


def offer_form(offer, **values) -> dict:
    """What staff send from the page of an offer."""
    form = {
        "treatment": offer.treatment.pk,
        "label": offer.label,
        "price_low": offer.price_low,
        "price_high": offer.price_high,
        "currency": offer.currency.pk,
        "unit": offer.unit,
        "refund_rule": offer.refund_rule,
        "anaesthesia": offer.anaesthesia,
        "price_confirmed_on": "2000-01-01",
    }
    return form | values


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    ("change", "is_dated"),
    [
        ({"price_low": 90}, True),
        ({"unit": "area"}, True),
        ({"course_price": 400, "course_sessions": 4}, True),
        ({"product": "Saline, by hand"}, False),
        ({"consultation_fee": 0}, False),
        ({}, False),
    ],
)
def test_a_changed_price_is_a_confirmed_price(client, clinic, change, is_dated):
    offer = OfferFactory(clinic=clinic, price_confirmed_on=LONG_AGO)
    path = f"/admin/clinics/offer/{offer.pk}/change/"
    assert client.post(path, offer_form(offer, **change)).status_code == 302
    offer.refresh_from_db()
    assert offer.price_confirmed_on == LONG_AGO
    for proposal in Proposal.objects.all():
        approve(proposal, EditorFactory())
    offer.refresh_from_db()
    assert offer.price_confirmed_on == (timezone.localdate() if is_dated else LONG_AGO)


@pytest.mark.usefixtures("staff")
def test_a_price_changed_on_the_clinics_page_is_dated_too(client, clinic):
    offer = OfferFactory(clinic=clinic, price_confirmed_on=LONG_AGO)
    values = offer_form(offer, id=offer.pk, price_low=80)
    form = clinic_form(**rows("offers", values, initial=1))
    assert client.post(clinic_path(clinic), form).status_code == 302
    offer.refresh_from_db()
    assert (offer.price_low, offer.price_confirmed_on) == (100, LONG_AGO)
    approve(Proposal.objects.get(), EditorFactory())
    offer.refresh_from_db()
    assert (offer.price_low, offer.price_confirmed_on) == (80, timezone.localdate())


@pytest.mark.usefixtures("editor")
def test_an_editor_may_write_another_date(client, clinic):
    offer = OfferFactory(clinic=clinic, price_confirmed_on=LONG_AGO)
    path = f"/admin/clinics/offer/{offer.pk}/change/"
    form = offer_form(offer, clinic=clinic.pk, price_low=70, price_confirmed_on="2026-02-03")
    assert client.post(path, form).status_code == 302
    offer.refresh_from_db()
    assert offer.price_confirmed_on == datetime.date(2026, 2, 3)


@pytest.mark.usefixtures("staff")
def test_what_is_only_compared_with_is_not_offered(client, clinic):
    offer = OfferFactory(clinic=clinic)
    liposuction = TreatmentFactory(kind="comparison")
    path = f"/admin/clinics/offer/{offer.pk}/change/"
    response = client.post(path, offer_form(offer, treatment=liposuction.pk))
    assert len(errors(response)) == 1
    offer.refresh_from_db()
    assert offer.treatment != liposuction


# --- Checks


@pytest.mark.usefixtures("editor")
def test_a_check_is_of_the_clinics_own_people(client, clinic):
    stranger, own = PractitionerFactory(), PractitionerFactory(clinic=clinic)
    check = {
        "kind": "licence",
        "register": "R",
        "link": "https://register.example/1",
        "result": "confirmed",
        "checked_on": "2026-01-01",
    }
    page = clinic_form(name=clinic.name, slug=clinic.slug, status="draft", **rows("memberships"))
    refused = page | rows("checks", check | {"practitioner": stranger.pk})
    assert len(errors(client.post(clinic_path(clinic), refused))) == 1
    form = check | {"clinic": clinic.pk, "practitioner": stranger.pk}
    assert errors(client.post("/admin/clinics/check/add/", form)) == [
        "This person does not work at this clinic."
    ]
    assert not Check.objects.exists()
    accepted = page | rows("checks", check | {"practitioner": own.pk})
    assert client.post(clinic_path(clinic), accepted).status_code == 302
    without_clinic = form | {"clinic": ""}
    assert errors(client.post("/admin/clinics/check/add/", without_clinic)) == [
        "This field is required."
    ]
    form["practitioner"] = own.pk
    assert client.post("/admin/clinics/check/add/", form).status_code == 302
    assert Check.objects.filter(practitioner=own).count() == 2


# --- Photos


@pytest.fixture
def commit(django_capture_on_commit_callbacks):
    """A context in which what waits for the end of the transaction is done at its end."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def stored_files(folder) -> list[str]:
    return sorted(path.name for path in (folder / "clinics").glob("*"))


@pytest.mark.usefixtures("editor")
@pytest.mark.parametrize("by_action", [False, True])
def test_a_deleted_clinic_takes_its_photo_files_along(client, clinic, settings, commit, by_action):
    PhotoFactory(clinic=clinic)
    kept = PhotoFactory()
    path = f"/admin/clinics/clinic/{clinic.pk}/delete/"
    form = {"post": "yes", "change_reason": "Closed"}
    if by_action:
        path = "/admin/clinics/clinic/"
        form |= {"action": "delete_selected", "_selected_action": clinic.pk}
    with commit():
        assert client.post(path, form).status_code == 302
    assert list(Clinic.objects.all()) == [kept.clinic]
    assert stored_files(settings.MEDIA_ROOT) == [kept.image.name.removeprefix("clinics/")]


def test_a_record_of_loading_is_only_read(client):
    record = LoadedContent.objects.create(key="x", file_digest="a", stored_digest="b")
    client.force_login(EditorFactory())
    path = f"/admin/treatments/loadedcontent/{record.pk}/change/"
    assert client.post(path, {"key": "y"}).status_code == 403
    assert client.get(path).status_code == 200


def test_the_sign_in_page_has_one_heading_of_the_first_level(client):
    html = client.get("/admin/login/").content.decode()
    assert html.count("<h1") == 1


def test_hours_are_written_without_seconds(client):
    client.force_login(EditorFactory())
    clinic = ClinicFactory()
    clinic.opening_hours.create(weekday=0, opens="09:00", closes="17:30")
    html = client.get(f"/admin/clinics/clinic/{clinic.pk}/change/").content.decode()
    assert 'value="09:00"' in html
    assert 'value="17:30"' in html
    assert ":00:00" not in html


# --- What belongs together

HALVES = [
    {"price_high": None},
    {"price_low": None},
    {"course_price": 400},
    {"course_sessions": 4},
    {"sessions_low": 3},
    {"sessions_high": 3},
]


@pytest.mark.parametrize("half", HALVES, ids=lambda half: next(iter(half)))
def test_one_of_two_that_belong_together_is_refused_by_form_and_table(client, half):
    client.force_login(EditorFactory())
    offer = OfferFactory()
    path = f"/admin/clinics/offer/{offer.pk}/change/"
    typed = {name: "" if value is None else value for name, value in half.items()}
    assert errors(client.post(path, offer_form(offer, **typed)))
    with pytest.raises(IntegrityError), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(**half)


@pytest.mark.parametrize("half", ["latitude", "longitude"])
def test_half_a_position_is_refused_by_the_table(half):
    clinic = ClinicFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        type(clinic).objects.filter(pk=clinic.pk).update(**{half: 1})
