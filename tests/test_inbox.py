"""Clinic staff read and answer their own requests; nobody else reads a word of them."""

import csv
import io

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core import serializers
from django.db.models import ProtectedError
from django.urls import reverse

from clinics.enquiries import FormToken, add_note, answer, lines_of, send
from clinics.enquiry_admin import cell
from clinics.models import (
    Enquiry,
    EnquiryEntry,
    EnquiryReading,
    OutgoingNotice,
    ReplyTemplate,
)
from tests.factories import (
    ClinicFactory,
    EditorFactory,
    LanguageFactory,
    MembershipFactory,
    StaffFactory,
)

pytestmark = pytest.mark.django_db
CANARY = "canary-of-a-patient"
LIST = "/admin/clinics/enquiry/"
# Session and account (whose number is no matter of the inbox), rights, counts, rows.
MOST_QUERIES_OF_THE_LIST = 14


def request_to(clinic, message="What does it cost?", **changes) -> Enquiry:
    """A stored request of Ana."""
    words = {"name": "Ana", "email": "ana@example.org", "phone": "", "treatment": "Mesolift"}
    words |= {"language": "", "time": "", "message": message, **changes}
    send(clinic, words, FormToken(f"{clinic.pk} {Enquiry.objects.count()}", False, False))
    return Enquiry.objects.latest("pk")


def page_of(enquiry) -> str:
    return reverse("admin:clinics_enquiry_change", args=[enquiry.pk])


@pytest.fixture
def clinic():
    """The clinic whose staff signs in."""
    return ClinicFactory(name="Own clinic")


@pytest.fixture
def staff(clinic, client):
    """Its member of staff, signed in."""
    user = MembershipFactory(clinic=clinic).user
    client.force_login(user)
    return user


@pytest.fixture
def rivals():
    """A request to another clinic, answered and noted, with a canary in every text."""
    member = MembershipFactory(user__username=f"{CANARY}-user")
    enquiry = request_to(member.clinic, CANARY, name=CANARY, email=f"{CANARY}@example.org")
    answer(enquiry, member.user, CANARY)
    add_note(enquiry, member.user, CANARY)
    return enquiry


def stored(*models) -> list[str]:
    """Every row of these models, as text."""
    return [serializers.serialize("json", model.objects.order_by("pk")) for model in models]


ALL = (Enquiry, EnquiryEntry, EnquiryReading, OutgoingNotice, ReplyTemplate)


# --- Reading and answering


def test_staff_see_their_requests_with_the_hours(client, staff, clinic):
    with time_machine.travel("2026-11-22 10:00", tick=False) as clock:
        client.force_login(staff)
        answered, waiting = request_to(clinic), request_to(clinic)
        clock.shift(5 * 3600)
        answer(answered, staff, "Come on Monday.")
        clock.shift(2 * 3600)
        html = client.get(LIST).content.decode()
    for words in (answered.reference, waiting.reference, "answered", "Own clinic"):
        assert words in html
    assert 'class="field-hours_waiting">7<' in html
    assert 'class="field-hours_to_first_answer">5<' in html
    assert "<strong>1</strong> new" in html
    assert "Ana" not in html


def test_opening_one_shows_it_and_writes_down_who_did(client, staff, clinic):
    enquiry = request_to(clinic, "<b>Does it hurt?</b>")
    response = client.get(page_of(enquiry))
    html = response.content.decode()
    assert "&lt;b&gt;Does it hurt?&lt;/b&gt;" in html
    assert "You are the first" in html
    assert "no-store" in response["Cache-Control"]
    enquiry.refresh_from_db()
    assert enquiry.status == "read"
    assert [(r.user, r.way) for r in enquiry.readings.all()] == [(staff, "page")]
    assert f"<li>{staff.username}, " in client.get(page_of(enquiry)).content.decode()
    assert enquiry.readings.count() == 2


def test_the_list_is_no_reading(client, staff, clinic):
    request_to(clinic)
    client.get(LIST)
    assert not EnquiryReading.objects.exists()
    assert Enquiry.objects.get().status == "new"


def test_an_answer_a_note_and_the_end(client, staff, clinic):
    enquiry = request_to(clinic)
    page = page_of(enquiry)
    assert client.post(page, {"text": "Come on Monday.", "_answer": "1"})["Location"] == page
    assert client.post(page, {"note": "Regular.", "_note": "1"})["Location"] == page
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.waiting_since) == ("answered", None)
    assert enquiry.first_answered_at is not None
    kinds = EnquiryEntry.Kind.values
    assert [(line.kind, line.text, line.author) for line in lines_of(enquiry, kinds)] == [
        ("answer", "Come on Monday.", staff.username),
        ("note", "Regular.", staff.username),
    ]
    client.post(page, {"_close": "1"})
    enquiry.refresh_from_db()
    assert enquiry.status == "closed"


@pytest.mark.parametrize("button", ["_answer", "_note"])
def test_an_empty_answer_is_refused_beside_its_field(client, staff, clinic, button):
    enquiry = request_to(clinic)
    response = client.post(page_of(enquiry), {"text": " ", "note": " ", button: "1"})
    assert "There is nothing written yet." in response.content.decode()
    assert not EnquiryEntry.objects.exists()


def test_no_word_gets_into_the_log_of_changes(client, staff, clinic):
    enquiry = request_to(clinic, CANARY, name=CANARY)
    page = page_of(enquiry)
    client.post(page, {"text": CANARY, "_answer": "1"})
    client.post(page, {"note": CANARY, "_note": "1"})
    client.post(page, {"_close": "1"})
    client.post(LIST, {"action": "export", "_selected_action": enquiry.pk})
    client.post(reverse("admin:clinics_enquiry_delete", args=[enquiry.pk]), {"post": "yes"})
    entries = list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))
    assert [name for name, _message in entries] == [enquiry.reference] * 5
    assert CANARY not in repr(entries)


def test_the_log_of_one_request_is_read_by_its_clinic_only(client, staff, clinic, rivals):
    enquiry = request_to(clinic)
    client.post(page_of(enquiry), {"_close": "1"})
    own = client.get(reverse("admin:clinics_enquiry_history", args=[enquiry.pk]))
    assert "Closed." in own.content.decode()
    assert client.get(reverse("admin:clinics_enquiry_history", args=[rivals.pk])).status_code == 302


def test_staff_delete_one_with_everything(client, staff, clinic):
    enquiry = request_to(clinic)
    answer(enquiry, staff, "Come on Monday.")
    path = reverse("admin:clinics_enquiry_delete", args=[enquiry.pk])
    assert "Come on Monday." not in client.get(path).content.decode()
    assert client.post(path, {"post": "yes"}).status_code == 302
    assert [model.objects.count() for model in ALL] == [0] * 5


def test_prepared_answers_begin_an_answer_in_the_patients_language(client, staff, clinic):
    french, breton = LanguageFactory(name="French"), LanguageFactory(name="Breton")
    for language, title in ((french, "Prix"), (breton, "Priz")):
        ReplyTemplate.objects.create(
            clinic=clinic, language=language, title=title, text=f"Text of {title}"
        )
    other = ReplyTemplate.objects.create(
        clinic=ClinicFactory(), language=breton, title="Rival", text=f"Text of {CANARY}"
    )
    enquiry = request_to(clinic, language=breton.pk)
    html = client.get(page_of(enquiry)).content.decode()
    assert html.index("Priz (") < html.index("Prix (")
    assert "Rival" not in html
    chosen = ReplyTemplate.objects.get(title="Priz")
    html = client.get(page_of(enquiry), {"prepared": chosen.pk}).content.decode()
    assert "Text of Priz</textarea>" in html
    for wrong in (other.pk, "x", ""):
        page = client.get(page_of(enquiry), {"prepared": wrong})
        assert CANARY not in page.content.decode()


def test_what_no_key_opens_says_so_and_is_no_reading(client, staff, clinic):
    enquiry = request_to(clinic)
    Enquiry.objects.update(sealed="damaged")
    response = client.get(page_of(enquiry))
    assert response.status_code == 500
    assert "cannot be opened" in response.content.decode()
    assert not EnquiryReading.objects.exists()


def test_a_clinic_with_requests_is_not_deleted(clinic):
    request_to(clinic)
    with pytest.raises(ProtectedError):
        clinic.delete()


# --- Export


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "==", "=1+1"])
def test_no_cell_is_a_formula(start):
    assert cell(f"{start}1") == f"'{start}1"


def test_other_cells_stay_as_they_are():
    assert [cell(value) for value in ("a=1", "", None, 5)] == ["a=1", "", "", "5"]
    # Else nobody could tell it from the sign that we put before a formula.
    assert cell("'=1") == "''=1"


def test_export_of_own_requests_counts_as_reading_each(client, staff, clinic, rivals):
    first = request_to(clinic, '=HYPERLINK("https://x.example")', phone="+33 1 23 45 67 89")
    second = request_to(clinic, "Two\nlines, and “quotes”")
    selected = [first.pk, second.pk, rivals.pk]
    response = client.post(LIST, {"action": "export", "_selected_action": selected})
    assert "no-store" in response["Cache-Control"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert [(row["reference"], row["phone"], row["message"]) for row in rows] == [
        (first.reference, "'+33 1 23 45 67 89", '\'=HYPERLINK("https://x.example")'),
        (second.reference, "", "Two\nlines, and “quotes”"),
    ]
    assert list(EnquiryReading.objects.values_list("enquiry", "user", "way").order_by("pk")) == [
        (first.pk, staff.pk, "export"),
        (second.pk, staff.pk, "export"),
    ]


# --- Staff of another clinic


def test_the_rivals_request_looks_as_if_it_did_not_exist(client, staff, clinic, rivals):
    request_to(clinic)
    before = stored(*ALL)
    forms = [
        {"_close": "1"},
        {"text": "x", "_answer": "1"},
        {"note": "x", "_note": "1"},
        {"post": "yes"},
        {"_save": "1", "clinic": clinic.pk, "status": "closed"},
    ]
    for name in ("change", "delete", "history"):
        path = reverse(f"admin:clinics_enquiry_{name}", args=[rivals.pk])
        missing = reverse(f"admin:clinics_enquiry_{name}", args=[987_654])
        for query in ("", "?_popup=1", "?_to_field=id", "?_to_field=sealed", "?prepared=1"):
            told, expected = client.get(path + query), client.get(missing + query)
            assert (told.status_code, told.get("Location")) == (
                expected.status_code,
                expected.get("Location"),
            )
            assert CANARY not in told.content.decode()
        for form in forms:
            assert client.post(path, form).status_code == client.post(missing, form).status_code
    assert stored(*ALL) == before


@pytest.mark.parametrize("action", ["export", "delete_selected", "_close", "no_such_action"])
@pytest.mark.parametrize("more", [{}, {"select_across": "1"}, {"post": "yes"}], ids=str)
def test_no_action_reaches_the_rivals(client, staff, clinic, rivals, action, more):
    own = request_to(clinic)
    before = stored(Enquiry, EnquiryEntry)
    form = {"action": action, "_selected_action": [rivals.pk], "index": 0, **more}
    response = client.post(LIST, form, follow=True)
    assert CANARY not in response.content.decode()
    assert rivals.reference not in response.content.decode()
    assert not EnquiryReading.objects.exclude(enquiry=own).exists()
    after = stored(Enquiry, EnquiryEntry)
    # An export of "all" reads one's own, which were new.
    assert after == [text.replace('"new"', '"read"') for text in before] or after == before
    assert Enquiry.objects.count() == 2


def test_the_list_finds_and_guesses_nothing_of_the_rivals(client, staff, rivals):
    queries = [
        {"q": rivals.reference},
        {"status__exact": "answered"},
        {"clinic__id__exact": rivals.clinic_id},
        {"sealed__startswith": "g"},
        {"link_hash__startswith": rivals.link_hash[:8]},
        {"entries__sealed__startswith": "g"},
        {"clinic__memberships__user__password__startswith": "m"},
        {"_to_field": "link_hash"},
        {"o": "1.-2.3"},
    ]
    for query in queries:
        response = client.get(LIST, query, follow=True)
        assert response.status_code in (200, 400)
        assert f"{rivals.reference}</a>" not in response.content.decode()
        assert CANARY not in response.content.decode()


def test_nothing_can_be_added_or_changed_by_a_forged_form(client, staff, clinic):
    enquiry = request_to(clinic)
    columns = {field.name for field in Enquiry._meta.concrete_fields}
    other = MembershipFactory().clinic
    values = dict.fromkeys(columns, "1") | {"clinic": other.pk, "status": "closed", "_save": "1"}
    before = Enquiry.objects.values().get()
    client.post(page_of(enquiry), values)
    client.post(LIST, values)
    after = Enquiry.objects.values().get()
    # The page was shown again, which is a reading.
    assert after == before | {"status": "read"}
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}add/", values).status_code == 403
    assert Enquiry.objects.count() == 1


def test_prepared_answers_belong_to_a_clinic(client, staff, clinic, rivals):
    language = LanguageFactory()
    foreign = ReplyTemplate.objects.create(
        clinic=rivals.clinic, language=language, title=CANARY, text=CANARY
    )
    listed = client.get("/admin/clinics/replytemplate/")
    assert CANARY not in listed.content.decode()
    path = f"/admin/clinics/replytemplate/{foreign.pk}/change/"
    assert client.get(path).status_code == 302
    form = {"clinic": rivals.clinic_id, "language": language.pk, "title": "x", "text": "x"}
    client.post(path, form)
    client.post("/admin/clinics/replytemplate/add/", form)
    assert [template.title for template in ReplyTemplate.objects.all()] == [CANARY]


def test_a_lost_membership_counts_from_the_next_request(client, staff, clinic):
    enquiry = request_to(clinic)
    assert client.get(page_of(enquiry)).status_code == 200
    staff.memberships.all().delete()
    assert client.get(page_of(enquiry)).status_code == 302


# --- Editors


def editor_in_group():
    """An editor who is no superuser."""
    user = StaffFactory()
    user.groups.add(Group.objects.get(name="Editors"))
    return user


@pytest.mark.parametrize("make", [EditorFactory, editor_in_group])
def test_editors_see_references_and_no_word(client, rivals, make):
    client.force_login(make())
    before = stored(*ALL)
    html = client.get(LIST).content.decode()
    assert rivals.reference in html
    assert f"{rivals.pk}/change/" not in html
    assert "<strong>1</strong> answered" in html
    assert CANARY not in html
    for name in ("change", "delete", "history"):
        path = reverse(f"admin:clinics_enquiry_{name}", args=[rivals.pk])
        assert client.get(path).status_code == 403
        assert client.post(path, {"post": "yes", "_close": "1"}).status_code == 403
    form = {"action": "export", "_selected_action": rivals.pk}
    exported = client.post(LIST, form)
    assert rivals.reference not in exported.content.decode()
    assert CANARY not in exported.content.decode()
    assert stored(*ALL) == before


def test_an_editor_who_is_a_member_reads_that_clinics_and_no_other(client, rivals, clinic):
    editor = EditorFactory()
    MembershipFactory(clinic=clinic, user=editor)
    client.force_login(editor)
    assert client.get(page_of(request_to(clinic))).status_code == 200
    assert client.get(page_of(rivals)).status_code == 403


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(
    client, staff, clinic, number, django_assert_max_num_queries
):
    for _ in range(number):
        request_to(clinic)
    client.get(LIST)
    with django_assert_max_num_queries(MOST_QUERIES_OF_THE_LIST):
        client.get(LIST)
