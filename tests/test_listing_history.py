"""The history of listings: who changed what, when and why, who may read it, and the way back."""

import datetime
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.management import CommandError, call_command, get_commands
from django.test import override_settings

from clinics import models as listing
from clinics.clinic_lists import Mapping
from clinics.imports import import_clinics
from clinics.management.commands.import_clinics import mapping_path
from clinics.models import (
    Check,
    Clinic,
    Currency,
    OpeningHours,
    Place,
    Practitioner,
    Proposal,
)
from clinics.review import submit, withdraw
from tests.factories import (
    AnsweredQuestionFactory,
    BodyAreaFactory,
    CheckFactory,
    ClinicFactory,
    CurrencyFactory,
    EditorFactory,
    EnquiryFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PhotoFactory,
    PlaceFactory,
    PractitionerFactory,
    ReadersQuestionFactory,
    StaffFactory,
    today,
)
from tests.forms_of_pages import Form
from tests.test_admin import clinic_form, errors, rows
from treatments.checks import nothing_prunes_the_history
from treatments.history import REMOVED, has_versions, one_change
from treatments.models import ReadersQuestion

pytestmark = pytest.mark.django_db
# What nobody outside sees, or what tells of people who are no part of a listing.
NOT_PUBLIC = {
    *("BulkImport", "BulkLine", "ClaimRequest", "DirectoryChange", "DirectoryState"),
    *("Enquiry", "EnquiryEntry"),
    *("EnquiryReading", "Invitation", "Membership", "OutgoingNotice", "Proposal", "ReplyTemplate"),
    *("DiscardedPhoto", "PhotosOfDay", "CheckEvidence", "Correction"),
    *("DailyJob", "DailyViews", "PriceReminder"),
}
LEFT_OUT = {
    "Clinic": {"name_folded", "import_digest", "shuffle_key", "created_at", "updated_at"},
    "Photo": {"width", "height", "state", "due_at", "attempts"},
    "Practitioner": {"name_folded"},
    "Place": {"name_folded"},
    "Country": {"name_folded"},
}


@pytest.fixture
def clinic():
    return ClinicFactory(name="Own clinic", phone="+33 1 11 11 11 11")


@pytest.fixture
def editor(client):
    user = EditorFactory(username="ada")
    client.force_login(user)
    return user


@pytest.fixture
def staff(clinic, client):
    user = MembershipFactory(clinic=clinic, user__username="maria").user
    client.force_login(user)
    return user


def path_of(row, page="change") -> str:
    return f"/admin/clinics/{row._meta.model_name}/{row.pk}/{page}/"


def version_path(row, version, of=None) -> str:
    """The page of a version of `row`, or of its part `of`."""
    return path_of(row, f"history/{(of or row)._meta.model_name}/{version.history_id}")


def send(client, row, **values):
    """Send the row's page back with these values changed."""
    form = Form(client.get(path_of(row)).content.decode()).values
    response = client.post(path_of(row), form | values)
    assert response.status_code == 302, errors(response)


def told(versions) -> list[tuple]:
    """Kind, reason and user name of versions, the newest first."""
    return [
        (v.history_type, v.history_change_reason, v.history_user and v.history_user.username)
        for v in versions.select_related("history_user")
    ]


def forget_history(*rows):
    """Make rows look as if they had been stored before there were versions."""
    for row in rows:
        row.history.all().delete()


def text_of(response) -> str:
    """The words on a page, without marks and double spaces."""
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# --- What is kept


def test_every_model_that_the_public_sees_has_versions_of_every_column():
    ours = {getattr(listing, name) for name in listing.__all__}
    assert {model.__name__ for model in ours if not has_versions(model)} == NOT_PUBLIC
    for model in filter(has_versions, ours):
        columns = {field.name for field in model.history.model.tracked_fields}
        left_out = LEFT_OUT.get(model.__name__, set())
        assert columns == {field.name for field in model._meta.fields} - left_out
        linked = {field.name for field in model.history.model._history_m2m_fields}
        assert linked == {field.name for field in model._meta.many_to_many}


# --- The first change of what was stored before


def test_the_first_change_keeps_what_was_there_before(client, editor, clinic):
    french = LanguageFactory(name="French")
    clinic.languages.set([french])
    forget_history(clinic)
    send(client, clinic, phone="+33 2 22 22 22 22", languages=[], change_reason="They rang")
    assert told(clinic.history) == [("~", "They rang", "ada"), ("=", "", None)]
    after, before = clinic.history.all()
    assert (before.phone, after.phone) == ("+33 1 11 11 11 11", "+33 2 22 22 22 22")
    assert [link.language_id for link in before.languages.all()] == [french.pk]
    assert not after.languages.exists()
    page = text_of(client.get(path_of(clinic, "history")))
    assert "First seen: Clinic: Own clinic" in page
    assert "They rang Clinic: Own clinic" in page
    assert "Phone +33 1 11 11 11 11 +33 2 22 22 22 22" in page


def test_whatever_changes_a_row_first_keeps_its_old_values(clinic):
    """A save, a link, a deletion and a change of many rows, none of them in the admin."""
    area = BodyAreaFactory(name="Thighs")
    offer, hours = OfferFactory(clinic=clinic, body_areas=[area]), OpeningHoursFactory()
    euro, other = offer.currency, OfferFactory(clinic=clinic, price_low=10)
    forget_history(offer, other, hours, euro)
    other.price_low = 20
    other.save()
    offer.body_areas.clear()
    hours.delete()
    with one_change(reason="New rate") as change:
        change.keep_before(Currency, [euro.pk])
        Currency.objects.update(per_euro=2)
        change.note(euro, "~")
    assert [v.price_low for v in other.history.order_by("history_id")] == [10, 20]
    first, second = offer.history.order_by("history_id")
    assert [first.history_type, second.history_type] == ["=", "~"]
    assert [link.bodyarea_id for link in first.body_areas.all()] == [area.pk]
    assert not second.body_areas.exists()
    gone = OpeningHours.history.filter(clinic=hours.clinic).order_by("history_id")
    assert [(v.history_type, v.opens) for v in gone] == [
        ("=", datetime.time(9)),
        ("-", datetime.time(9)),
    ]
    assert [(v.history_type, v.per_euro) for v in euro.history.order_by("history_id")] == [
        ("=", 1),
        ("~", 2),
    ]


def test_what_is_saved_as_it_was_leaves_no_version(client, editor, clinic):
    photo, country = PhotoFactory(clinic=clinic), clinic.place.country
    clinic.languages.set([LanguageFactory()])
    counts = [row.history.count() for row in (clinic, photo, country)]
    send(client, clinic)
    for row in (photo, country, Clinic.objects.get(pk=clinic.pk)):
        row.save()
    assert [row.history.count() for row in (clinic, photo, country)] == counts


def test_many_rows_cost_no_more_queries_than_few(django_assert_num_queries, clinic):
    hours = [OpeningHoursFactory(clinic=clinic, weekday=day) for day in range(6)]
    for some in (hours[:1], hours[1:]):
        forget_history(*some)
        with django_assert_num_queries(7), one_change() as change:
            change.keep_before(OpeningHours, [span.pk for span in some])
            OpeningHours.objects.filter(pk__in=[span.pk for span in some]).update(opens="08:00")
            for span in some:
                change.note(span, "~")
    assert OpeningHours.history.filter(history_type="=", opens="09:00").count() == 6


# --- Ways of writing


def test_one_press_of_the_button_is_one_change_of_the_clinic_and_its_rows(client, editor, clinic):
    offer = OfferFactory(clinic=clinic)
    send(
        client,
        clinic,
        description="Two rooms.",
        change_reason="Visited",
        **{"offers-0-price_low": "90", "opening_hours-0-weekday": "1"},
        **{"opening_hours-0-opens": "09:00", "opening_hours-0-closes": "12:00"},
    )
    hours = OpeningHours.objects.get()
    assert told(clinic.history)[0] == told(offer.history)[0] == ("~", "Visited", "ada")
    assert told(hours.history) == [("+", "Visited", "ada")]
    moments = {row.history.latest().history_date for row in (clinic, offer, hours)}
    assert len(moments) == 1
    assert offer.history.latest().price_confirmed_on == today()


def test_pages_of_editors_say_who_and_why(client, editor, clinic):
    check, place = CheckFactory(clinic=clinic), PlaceFactory(name="Bursa")
    language, person = LanguageFactory(), PractitionerFactory(clinic=clinic)
    euro = CurrencyFactory()
    send(client, check, register="GMC", link="https://example.org/", change_reason="Typed wrong")
    send(client, place, name="Nilüfer", change_reason="Renamed")
    send(client, place.country, name="Türkiye", change_reason="Renamed too")
    send(client, language, name="Kurdish")
    send(client, person, name="Ana", change_reason="Married")
    send(client, euro, rate_source="Bank", change_reason="New table")
    assert told(check.history)[0] == ("~", "Typed wrong", "ada")
    assert told(place.history)[0] == ("~", "Renamed", "ada")
    assert told(place.country.history)[0] == ("~", "Renamed too", "ada")
    assert told(language.history)[0] == ("~", "", "ada")
    assert told(person.history)[0] == ("~", "Married", "ada")
    assert told(euro.history)[0] == ("~", "New table", "ada")
    assert "Bank" in text_of(client.get(path_of(euro, "history")))


def test_everything_still_correct_is_a_change_of_clinic_and_prices(client, staff, clinic):
    long_ago = datetime.date(2020, 1, 1)
    priced = OfferFactory(clinic=clinic, price_confirmed_on=long_ago)
    forget_history(clinic, priced)
    form = {"action": "confirm_all_correct", "_selected_action": clinic.pk}
    client.post("/admin/clinics/clinic/", form)
    for row in (clinic, priced):
        assert told(row.history) == [("~", "Everything still correct.", "maria"), ("=", "", None)]
    dates = [v.price_confirmed_on for v in priced.history.order_by("history_id")]
    assert dates == [long_ago, today()]
    page = client.get(path_of(clinic, "history"))
    assert text_of(page).count("Everything still correct.") == 1
    assert page.context["notes"] == []


def test_a_published_clinic_is_not_suspended_without_a_reason(client, editor, clinic):
    form = clinic_form(name=clinic.name, slug=clinic.slug, status="suspended") | rows("memberships")
    form |= {"place": clinic.place.pk, "facility_type": clinic.facility_type}
    refused = client.post(path_of(clinic), form | {"change_reason": "  "})
    assert errors(refused) == ["Patients can see this clinic now. Say why you suspend it."]
    assert Clinic.objects.get().is_published
    assert errors(client.post(path_of(clinic), form | {"change_reason": "a\0b"}))
    assert client.post(path_of(clinic), form | {"change_reason": "Fire"}).status_code == 302
    assert told(clinic.history)[0] == ("~", "Fire", "ada")
    assert client.post(path_of(clinic), form | {"description": "Two."}).status_code == 302


@pytest.mark.parametrize("by_action", [False, True])
def test_a_published_clinic_is_not_deleted_without_a_reason(client, editor, clinic, by_action):
    path, form = path_of(clinic, "delete"), {"post": "yes"}
    if by_action:
        path = "/admin/clinics/clinic/"
        form |= {"action": "delete_selected", "_selected_action": clinic.pk}
    for nothing in ("", "   ", "\0"):
        answer = client.post(path, form | {"change_reason": nothing}, follow=True)
        assert "Say why you delete" in text_of(answer)
        assert Clinic.objects.exists()
    assert 'name="change_reason"' in answer.content.decode()
    client.post(path, form | {"change_reason": "Closed\0 for good"})
    assert not Clinic.objects.exists()
    assert told(Clinic.history.filter(id=clinic.pk))[0] == ("-", "Closed for good", "ada")


def test_who_loses_a_deleted_language_has_a_version_of_it(client, editor, clinic):
    language = LanguageFactory(name="Kurdish")
    clinic.languages.set([language])
    forget_history(clinic)
    path = path_of(language, "delete")
    client.post(path, {"post": "yes", "change_reason": "Twice in the list"})
    after, before = clinic.history.all()
    assert after.history_change_reason == "Twice in the list"
    assert (before.languages.count(), after.languages.count()) == (1, 0)
    assert "<del>Kurdish (deleted)</del>" in client.get(path_of(clinic, "history")).content.decode()


def test_an_import_names_its_file_as_the_reason(tmp_path, django_assert_max_num_queries):
    mapping = Mapping.read(mapping_path("neutral"))
    head = "source,source_id,name,category,country,region,city,street,postcode,lat,lon,phone,"
    head += "email,website,specialities,services,hours,ownership\n"

    def load(name, street, hours, number):
        lines = [
            f"list,{n},Clinic {n},Clinic,FR,,,{street},,,,,,,,,{hours},\n" for n in range(number)
        ]
        path = tmp_path / name
        path.write_text(head + "".join(lines), encoding="utf-8")
        return [outcome.result for outcome in import_clinics(path, mapping)]

    assert load("may.csv", "1 Road", "Mo 09:00-12:00", 40) == ["created"] * 40
    first = Clinic.objects.get(name="Clinic 0")
    assert told(first.history) == [("+", "Imported from may.csv", None)]
    assert told(first.opening_hours.get().history) == [("+", "Imported from may.csv", None)]
    # One that was imported before there were versions, and one that stays as it is.
    forget_history(first, first.opening_hours.get())
    with django_assert_max_num_queries(12 * 40):
        assert load("june.csv", "2 Road", "Mo 09:00-12:00", 40) == ["updated"] * 40
    assert told(first.history) == [("~", "Imported from june.csv", None), ("=", "", None)]
    assert [v.address for v in first.history.all()] == ["2 Road", "1 Road"]
    assert first.opening_hours.get().history.count() == 1
    load("july.csv", "2 Road", "Tu 09:00-12:00", 40)
    assert sorted(told(OpeningHours.history.filter(clinic=first))) == [
        ("+", "Imported from july.csv", None),
        ("-", "Imported from july.csv", None),
        ("=", "", None),
    ]
    before = Clinic.history.count()
    assert load("again.csv", "2 Road", "Tu 09:00-12:00", 40) == ["unchanged"] * 40
    assert Clinic.history.count() == before


def test_a_newer_rate_of_the_samples_is_a_change_of_the_currency():
    call_command("load_sample_clinics", clinics=0, verbosity=0)
    assert not Place.history.exists()
    dollar = Currency.objects.get(code="USD")
    Currency.objects.filter(code="USD").update(per_euro=9, rate_date="2001-01-01")
    call_command("load_sample_clinics", clinics=0, verbosity=0)
    after, before = dollar.history.all()
    assert [before.history_type, before.per_euro, after.per_euro] == ["=", 9, dollar.per_euro]
    assert after.history_change_reason == "Newer rates, loaded with the sample clinics"


# --- Who may read it


def test_staff_read_the_history_of_their_clinic_with_names_they_may_know(client, staff, clinic):
    colleague, gone = MembershipFactory(clinic=clinic, user__username="paul").user, StaffFactory()
    for user, street in (
        (EditorFactory(username="ada"), "1 Road"),
        (colleague, "2 Road"),
        (gone, "3 Road"),
        (staff, "4 Road"),
    ):
        with one_change(user, "Moved"):
            clinic.address = street
            clinic.confirmed_by = user
            clinic.save()
    page = text_of(client.get(path_of(clinic, "history")))
    for who in ("an editor", "paul", "somebody who has left", "maria"):
        assert f"{who} · Moved" in page
    assert "ada" not in page
    assert gone.username not in page
    assert "Confirmed by an editor paul" in page
    shown = client.get(version_path(clinic, clinic.history.filter(address="1 Road").get()))
    assert "ada" not in text_of(shown)


def test_staff_read_and_do_not_go_back(client, staff, clinic):
    offer = OfferFactory(clinic=clinic, label="Small")
    first = offer.history.last()
    with one_change(EditorFactory(), "Clearer"):
        offer.label = "Large"
        offer.save()
    page = version_path(offer, first)
    shown = text_of(client.get(page))
    assert "Label Large Small" in shown
    assert "Only an editor can go back" in shown
    for row, of in ((offer, None), (clinic, offer)):
        answer = client.post(version_path(row, first, of), {"change_reason": "Back"})
        assert answer.status_code == 403
    offer.refresh_from_db()
    assert offer.label == "Large"


def test_what_a_rival_has_or_had_looks_like_what_never_was(client, staff, clinic):
    rival = ClinicFactory(name="Rival")
    offer, person = OfferFactory(clinic=rival), PractitionerFactory(clinic=rival)
    dead = ClinicFactory(name="Dead rival")
    dead_offer = OfferFactory(clinic=dead)
    numbers = {
        "clinic": [rival, dead],
        "offer": [offer, dead_offer],
        "practitioner": [person],
    }
    asked = {
        model: [(row.pk, row.history.first().history_id) for row in found]
        for model, found in numbers.items()
    }
    dead.delete()

    def answers(model, key, number):
        base = f"/admin/clinics/{model}/{key}/history/"
        pages = [base, f"{base}{model}/{number}/"]
        found = [client.get(page) for page in pages]
        found.append(client.post(pages[1], {"change_reason": "x"}))
        return [(answer.status_code, answer.content) for answer in found]

    for model, rows_of_rivals in asked.items():
        missing = answers(model, 987_654, 1)
        assert [status for status, _ in missing] == [404, 404, 404]
        for key, number in rows_of_rivals:
            assert answers(model, key, number) == missing
    # Nor under an address of their own.
    own = version_path(clinic, offer.history.first(), offer)
    assert client.get(own).status_code == 404


def test_a_row_that_came_from_a_rival_shows_nothing_of_that_time(client, staff, clinic):
    offer = OfferFactory(clinic=ClinicFactory(name="Rival"), product="Rival product")
    offer.clinic, offer.product = clinic, "Own product"
    offer.save()
    page = text_of(client.get(path_of(offer, "history")))
    assert "Own product" in page
    assert "Rival" not in page
    old = offer.history.last()
    assert client.get(version_path(offer, old)).status_code == 404


def test_staff_see_no_history_of_what_editors_keep(client, staff, clinic):
    check = CheckFactory(clinic=clinic, register="Register of the town")
    for row in (check, clinic.place, clinic.place.country, CurrencyFactory(), LanguageFactory()):
        number = row.history.first()
        assert client.get(path_of(row, "history")).status_code == 403
        assert client.get(version_path(row, number)).status_code == 403
        assert client.post(version_path(row, number), {"change_reason": "x"}).status_code == 403
    # Of their own clinic's checks they read what was changed, with the clinic.
    check.register = "Another register"
    check.save()
    assert "Another register" in text_of(client.get(path_of(clinic, "history")))


def test_a_lost_membership_closes_the_history(client, staff, clinic):
    assert client.get(path_of(clinic, "history")).status_code == 200
    staff.memberships.all().delete()
    assert client.get(path_of(clinic, "history")).status_code == 404


def test_the_history_says_what_happened_to_people(client, editor, clinic):
    send(
        client,
        clinic,
        **{
            "memberships-TOTAL_FORMS": 1,
            "memberships-0-user": StaffFactory(username="maria").username,
            "memberships-0-role": "owner",
        },
    )
    page = client.get(path_of(clinic, "history"))
    assert "People and claims" in text_of(page)
    assert "Added membership “maria" in text_of(page)
    client.force_login(MembershipFactory().user)
    assert client.get(path_of(clinic, "history")).status_code == 404


def test_what_patients_write_has_no_history():
    enquiry = EnquiryFactory()
    assert not hasattr(enquiry, "history")


def test_the_history_costs_the_same_for_one_version_and_for_three(
    client, staff, clinic, django_assert_max_num_queries
):
    offer = OfferFactory(clinic=clinic)
    for user in (None, EditorFactory(), StaffFactory()):
        with one_change(user):
            offer.label += "x"
            offer.save()
        with django_assert_max_num_queries(50):
            client.get(path_of(clinic, "history"))


# --- Going back


def test_an_editor_goes_back_to_a_version_with_its_links(client, editor, clinic):
    area, other = BodyAreaFactory(), BodyAreaFactory()
    offer = OfferFactory(clinic=clinic, label="Right", body_areas=[area])
    good = offer.history.first()
    send(client, offer, label="Wrong", body_areas=[other.pk])
    page = version_path(clinic, good, offer)
    assert "Say why you go back" in " ".join(errors(client.post(page, {"change_reason": "\0"})))
    assert client.post(page, {"change_reason": "It was right"}).status_code == 302
    offer.refresh_from_db()
    assert (offer.label, list(offer.body_areas.all())) == ("Right", [area])
    assert told(offer.history)[0] == ("~", "It was right", "ada")


def test_a_deleted_clinic_comes_back_with_its_parts(client, editor, clinic):
    area, french = BodyAreaFactory(), LanguageFactory()
    clinic.languages.set([french])
    person = PractitionerFactory(clinic=clinic, name="Ana")
    CheckFactory(clinic=clinic, practitioner=person)
    OfferFactory(clinic=clinic, body_areas=[area])
    OpeningHoursFactory(clinic=clinic)
    PhotoFactory(clinic=clinic, alt_text="A room")
    # Deleted before, and for another reason: it stays deleted.
    OfferFactory(clinic=clinic, label="Old").delete()
    forget_history(clinic, person)
    key = clinic.pk
    asked = text_of(client.get(path_of(clinic, "delete")))
    assert "1 photo: its file is deleted" in asked
    client.post(path_of(clinic, "delete"), {"post": "yes", "change_reason": "By mistake"})
    history = client.get(f"/admin/clinics/clinic/{key}/history/")
    assert "This was deleted." in text_of(history)
    assert "By mistake" in text_of(history)
    last = Clinic.history.filter(id=key).exclude(history_type="-").first()
    page = f"/admin/clinics/clinic/{key}/history/clinic/{last.history_id}/"
    assert f'href="clinic/{last.history_id}/">Open its last version' in history.content.decode()
    assert "Photos do not: their files are gone." in text_of(client.get(page))
    answer = text_of(client.post(page, {"change_reason": "It is open"}, follow=True))
    assert "4 parts of it came back too." in answer
    assert "This did not come back. Photo: A room: Its file was deleted with it." in answer
    back = Clinic.objects.get()
    assert (back.pk, back.phone, back.is_published) == (key, "+33 1 11 11 11 11", True)
    assert list(back.languages.all()) == [french]
    assert [list(offer.body_areas.all()) for offer in back.offers.all()] == [[area]]
    assert back.checks.get().practitioner == back.practitioners.get() == person
    assert (back.opening_hours.count(), back.photos.count()) == (1, 0)
    assert (
        told(back.history)[0][1:]
        == told(back.offers.get().history)[0][1:]
        == (
            "It is open",
            "ada",
        )
    )


def test_what_cannot_come_back_says_why_and_leaves_all_as_it_was(client, editor, clinic):
    clinic.import_key = "list:1"
    clinic.save()
    last, key = clinic.history.first(), clinic.pk
    clinic.delete()
    ClinicFactory(import_key="list:1")
    page = f"/admin/clinics/clinic/{key}/history/clinic/{last.history_id}/"
    answer = client.post(page, {"change_reason": "Back"})
    assert len(errors(answer)) == 1
    assert 'value="Back"' in answer.content.decode()
    assert not Clinic.objects.filter(pk=key).exists()


def test_a_check_does_not_come_back_as_one_of_the_premises(client, editor, clinic):
    """Without its person it would say something that nobody looked up."""
    person = PractitionerFactory(clinic=clinic)
    check = CheckFactory(clinic=clinic, practitioner=person)
    number, key = check.history.first().history_id, check.pk
    person.delete()
    page = f"/admin/clinics/check/{key}/history/check/{number}/"
    assert errors(client.post(page, {"change_reason": "Back"}))
    assert not Check.objects.exists()


def test_a_photo_goes_back_to_its_words_and_keeps_its_picture(client, editor, clinic):
    photo = PhotoFactory(clinic=clinic, alt_text="Right")
    good, first_file = photo.history.last(), photo.image.name
    photo.image, photo.alt_text = PhotoFactory().image.name, "Wrong"
    photo.save()
    new_file = photo.image.name
    assert new_file != first_file
    assert photo.history.first().image == new_file
    page = version_path(clinic, good, photo)
    assert first_file in text_of(client.get(page))
    assert client.post(page, {"change_reason": "Back"}).status_code == 302
    photo.refresh_from_db()
    assert (photo.alt_text, photo.image.name) == ("Right", new_file)


def test_the_account_that_confirmed_may_be_gone_when_a_clinic_comes_back(client, editor, clinic):
    person = StaffFactory()
    clinic.confirmed_by = person
    clinic.save()
    last = clinic.history.first()
    person.delete()
    clinic.delete()
    page = f"/admin/clinics/clinic/{last.id}/history/clinic/{last.history_id}/"
    assert client.post(page, {"change_reason": "Back"}).status_code == 302
    assert Clinic.objects.get().confirmed_by is None


# --- Questions of readers


def test_a_question_has_versions_from_its_publication_on_and_nothing_of_its_sender(client, editor):
    question = ReadersQuestionFactory(text_as_asked="Canary of mine", name_shown="Canary")
    question.text_published = "Canary of mine, unread"
    question.save()
    question.decline("Canary of a reason")
    assert not question.history.exists()
    shown = AnsweredQuestionFactory(text_as_asked="Canary", text_published="Does it hurt?")
    shown.answer = "For a moment."
    shown.save()
    assert [v.history_type for v in shown.history.all()] == ["~", "+"]
    key = shown.pk
    page = text_of(client.get(f"/admin/treatments/readersquestion/{key}/history/"))
    assert "For a moment." in page
    assert "Canary" not in page
    shown.delete()
    versions = ReadersQuestion.history.filter(id=key)
    assert [(v.history_type, v.text_published) for v in versions] == [
        ("-", REMOVED),
        ("~", REMOVED),
        ("+", REMOVED),
    ]
    assert versions.first().answer == "For a moment."
    number = versions.last().history_id
    path = f"/admin/treatments/readersquestion/{key}/history/readersquestion/{number}/"
    client.post(path, {"change_reason": "Back"})
    assert not ReadersQuestion.objects.filter(pk=key).exists()


# --- Erasure on request, and nothing pruned otherwise


def test_a_person_is_taken_out_of_the_history_on_request(client, editor, clinic, capsys):
    name = "Ana Örnek"
    person = PractitionerFactory(clinic=clinic, name=name, registration_number="N-77")
    namesake = PractitionerFactory(name=name, registration_number="N-78")
    CheckFactory(clinic=clinic, practitioner=person, number="N-77", link="https://example.org/77")
    key = person.pk
    send(client, person, profession="nurse", change_reason=f"{name} rang")
    send(client, clinic, **{"practitioners-0-practising_since": "1999"})
    with pytest.raises(CommandError, match="shown under that name now"):
        call_command("erase_practitioner", name, number=key, reason="Letter")
    client.post(path_of(person, "delete"), {"post": "yes"}, follow=True)
    call_command("erase_practitioner", name.replace("A", "a"))
    assert f"number {key}: {name}, Own clinic" in capsys.readouterr().out
    for reason in ("", f"{name} asked"):
        with pytest.raises(CommandError):
            call_command("erase_practitioner", name, number=key, reason=reason)
    with pytest.raises(CommandError, match="No version"):
        call_command("erase_practitioner", "Somebody Else", number=key, reason="Letter")
    assert Practitioner.history.filter(id=key, name=name).exists()
    call_command("erase_practitioner", name, number=key, reason="Letter of 3 May")
    page = text_of(client.get(path_of(clinic, "history")))
    assert "Words taken out: Practitioner: [removed]" in page
    assert "Letter of 3 May" in page
    assert f"{REMOVED} rang" in page
    kept = [
        *Practitioner.history.filter(id=key).values_list("name", "registration_number"),
        *Check.history.filter(clinic=clinic).values_list("number", "link"),
        *LogEntry.objects.filter(
            content_type__in=map(get_content_type_for_model, (Practitioner, Clinic)),
            object_id__in=[str(key), str(clinic.pk)],
        ).values_list("object_repr", "change_message"),
    ]
    for text in (name, "\\u00d6rnek", "N-77", "example.org"):
        assert text not in f"{page} {kept}"
    assert Practitioner.objects.get() == namesake
    assert Practitioner.history.get(id=namesake.pk).registration_number == "N-78"
    number = Practitioner.history.filter(id=key).last().history_id
    path = f"/admin/clinics/practitioner/{key}/history/practitioner/{number}/"
    assert client.post(path, {"change_reason": "Back"}).status_code == 200
    assert not Practitioner.objects.filter(pk=key).exists()


def test_a_row_that_became_somebody_else_keeps_that_persons_versions(clinic):
    person = PractitionerFactory(clinic=clinic, name="Ana", registration_number="A-1")
    CheckFactory(clinic=clinic, practitioner=person, number="B-2")
    person.name, person.registration_number = "Berta", "B-2"
    person.save()
    call_command("erase_practitioner", "Ana", number=person.pk, reason="Letter")
    named = person.history.order_by("history_id").values_list("name", "history_type")
    assert list(named) == [(REMOVED, "+"), ("Berta", "~"), ("Berta", "!")]
    assert Check.history.get().number == "B-2"
    person.refresh_from_db()
    assert person.name == "Berta"


def test_what_staff_had_sent_in_about_a_person_goes_too(clinic):
    user = MembershipFactory(clinic=clinic).user
    person, other = (PractitionerFactory(clinic=clinic, name=name) for name in ("Ana", "Berta"))
    for row in (person, other):
        values = {"registration_number": f"N-{row.name}"}
        submit(user=user, clinic=clinic, model=Practitioner, row=row, values=values, why="Ana rang")
    key = person.pk
    person.delete()
    new = {"name": "Ana", "profession": "nurse"}
    submit(user=user, clinic=clinic, model=Practitioner, values=new)
    with pytest.raises(CommandError, match="waits"):
        call_command("erase_practitioner", "Ana", number=key, reason="Letter")
    for proposal in Proposal.objects.all():
        withdraw(proposal, user)
    call_command("erase_practitioner", "Ana", number=key, reason="Letter")
    rows = list(Proposal.objects.order_by("pk").values())
    assert "Ana" not in str([{**row, "clinic": None} for row in rows])
    assert [row["name"] for row in rows] == [REMOVED, "Berta", REMOVED]
    assert rows[1]["proposed"] == {"registration_number": "N-Berta"}


def test_no_command_prunes_the_history():
    assert not {"clean_old_history", "clean_duplicate_history"} & set(get_commands())
    assert nothing_prunes_the_history(None) == []
    with override_settings(INSTALLED_APPS=["simple_history"]):
        assert [error.id for error in nothing_prunes_the_history(None)] == ["treatments.E001"]
