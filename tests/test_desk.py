"""The moderation desk: what waits, the oldest first, for those who decide on it and nobody else."""

import datetime
import re

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from clinics.desk import CHECK_AHEAD, QUEUES, desk_of
from clinics.models import Check, ClaimRequest, Clinic, Correction, OutgoingNotice, Proposal
from clinics.outbox import MANY_ATTEMPTS
from tests.factories import (
    AnsweredQuestionFactory,
    CheckFactory,
    ClaimRequestFactory,
    ClinicFactory,
    CorrectionFactory,
    EditorFactory,
    EnquiryFactory,
    FilmFactory,
    MembershipFactory,
    PractitionerFactory,
    ProposalFactory,
    ReadersQuestionFactory,
    SourceFactory,
    StaffFactory,
    TreatmentFactory,
)
from treatments.history import CREATED, one_change
from treatments.models import ReadersQuestion, Source

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def ago(days) -> datetime.datetime:
    return timezone.now() - days * DAY


def dated(row, **columns):
    """Write columns that `save` would fill itself; return the row."""
    type(row).objects.filter(pk=row.pk).update(**columns)
    return row


def old_check(**about):
    """A check that expired yesterday, on a published listing unless told."""
    return CheckFactory(
        checked_on=timezone.localdate() - 100 * DAY,
        **({"expires_on": timezone.localdate() - DAY} | about),
    )


def waiting(user, kind="") -> list:
    """The rows that wait for somebody, in the desk's order."""
    return [entry.row for entry in desk_of(user, kind).entries(0, 100)]


@pytest.fixture
def editor(db):
    return EditorFactory()


@pytest.fixture
def moderator(db):
    user = StaffFactory()
    user.groups.add(Group.objects.get(name="Moderators"))
    return user


@pytest.fixture
def one_of_each(db) -> list:
    """A row for each queue, the oldest first."""
    treatment = TreatmentFactory(
        last_reviewed=timezone.localdate() - 400 * DAY,
        next_review_due=timezone.localdate() - 35 * DAY,
        reviewed_by="Ana",
    )
    notice = OutgoingNotice.objects.create(
        enquiry=EnquiryFactory(sent_at=ago(5)), kind="new", attempts=MANY_ATTEMPTS
    )
    rows = [
        dated(ClinicFactory(status=Clinic.Status.IN_REVIEW), updated_at=ago(40)),
        treatment,
        dated(ClaimRequestFactory(), created_at=ago(30)),
        ProposalFactory(created_at=ago(25)),
        ReadersQuestionFactory(treatment=treatment, asked_at=ago(20)),
        old_check(expires_on=timezone.localdate() - 10 * DAY),
        notice,
        SourceFactory(reading=Source.Reading.MEMORY),
        old_check(expires_on=timezone.localdate() + 10 * DAY),
    ]
    dated_film = FilmFactory(is_published=False, treatment=treatment)
    for row, days in ((rows[7], 4), (dated_film, 3)):
        with one_change() as change:
            change.note(row, CREATED)
        row.history.update(history_date=ago(days))
    return [*rows[:8], dated_film, CorrectionFactory(sent_at=ago(2)), rows[8]]


@pytest.mark.usefixtures("one_of_each")
def test_what_waits_stands_in_one_order_the_oldest_first(editor, one_of_each):
    assert waiting(editor) == one_of_each
    counts = {queue.kind: count for queue, count in desk_of(editor).counts()}
    assert counts.pop("checks") == 2
    assert counts == dict.fromkeys(counts, 1)
    assert len(counts) == len(QUEUES) - 1


def test_what_was_decided_or_hidden_does_not_wait(editor):
    decided = {"decided_at": timezone.now(), "reason": "No."}
    ClaimRequestFactory(status=ClaimRequest.Status.DECLINED, **decided)
    for status in (Clinic.Status.DRAFT, Clinic.Status.PUBLISHED, Clinic.Status.SUSPENDED):
        ClinicFactory(status=status)
    AnsweredQuestionFactory()
    ReadersQuestionFactory(
        status=ReadersQuestion.Status.DECLINED, decided_at=timezone.now(), reason_declined="No."
    )
    FilmFactory()
    SourceFactory()
    old_check(clinic=ClinicFactory(status=Clinic.Status.SUSPENDED))
    old_check(result=Check.Result.FAILED)
    old_check(expires_on=timezone.localdate() + CHECK_AHEAD + DAY)
    TreatmentFactory(is_published=False, next_review_due=timezone.localdate() - DAY)
    TreatmentFactory(next_review_due=timezone.localdate())
    enquiry = EnquiryFactory()
    OutgoingNotice.objects.create(enquiry=enquiry, kind="new", attempts=MANY_ATTEMPTS - 1)
    OutgoingNotice.objects.create(
        enquiry=enquiry, kind="new", attempts=MANY_ATTEMPTS, sent_at=timezone.now()
    )
    assert waiting(editor) == []


def test_a_check_no_longer_waits_once_the_same_thing_was_looked_up_again(editor):
    clinic = ClinicFactory()
    person = PractitionerFactory(clinic=clinic)
    of_person, of_premises = old_check(clinic=clinic, practitioner=person), old_check(clinic=clinic)
    # Another kind, another person, another clinic: each is something else.
    CheckFactory(clinic=clinic, practitioner=person, kind=Check.Kind.INSURANCE)
    CheckFactory(clinic=clinic, practitioner=PractitionerFactory(clinic=clinic))
    CheckFactory()
    assert waiting(editor) == [of_person, of_premises]
    CheckFactory(clinic=clinic, practitioner=person)
    assert waiting(editor) == [of_premises]
    CheckFactory(clinic=clinic, result=Check.Result.FAILED)
    assert waiting(editor) == []


# --- Who


@pytest.mark.usefixtures("one_of_each")
def test_a_moderator_sees_and_opens_what_a_moderator_decides_and_nothing_else(client, moderator):
    decides = [ClaimRequest, Proposal, Correction]
    assert [type(row) for row in waiting(moderator)] == decides
    assert [type(row) for row in waiting(moderator, "questions")] == decides
    client.force_login(moderator)
    html = client.get("/admin/desk/?kind=questions").content.decode()
    assert re.findall(r'data-entry="(\w+)-\d+"', html) == ["claims", "changes", "corrections"]
    question = ReadersQuestion.objects.get()
    told = [client.get(f"/admin/desk/questions/{pk}/").status_code for pk in (question.pk, 987_654)]
    assert told == [404, 404]
    assert question.text_as_asked not in client.get("/admin/").content.decode()


@pytest.mark.usefixtures("one_of_each")
def test_clinic_staff_have_no_desk(client):
    client.force_login(MembershipFactory().user)
    for path in ("", "next/", "claims/1/", "claims/987654/"):
        assert client.get(f"/admin/desk/{path}").status_code == 403
    assert client.post("/admin/desk/leave/").status_code == 403
    assert "desk" not in client.get("/admin/").content.decode().replace("admin-desk.css", "")


def test_strangers_are_sent_to_sign_in(client):
    for path in ("desk/", "desk/next/", "desk/claims/1/", "guide/"):
        answer = client.get(f"/admin/{path}")
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


# --- The pages


@pytest.mark.usefixtures("one_of_each")
def test_one_goes_from_entry_to_entry_and_past_what_others_decided(client, editor, one_of_each):
    client.force_login(editor)
    seen = [client.get(f"/admin/desk/clinics/{one_of_each[0].pk}/")["Location"]]
    # Decided by this person, and by somebody else before it was opened.
    Clinic.objects.update(status=Clinic.Status.PUBLISHED)
    ClaimRequest.objects.update(status="approved", decided_at=timezone.now())
    while (answer := client.get("/admin/desk/next/"))["Location"] != "/admin/desk/":
        seen.append(answer["Location"])
    kinds = [re.search(r"/admin/\w+/(\w+)/", address)[1] for address in seen]
    assert kinds == [
        *("clinic", "treatment", "proposal", "readersquestion", "check"),
        *("enquiry", "source", "film", "correction", "check"),
    ]
    assert "You left 9 for later." in client.get("/admin/desk/").content.decode()


def test_those_of_one_moment_follow_each_other_and_none_comes_twice(client, editor):
    rows = [old_check() for _ in range(3)]
    # A time in the middle of the day on which the checks ran out, and one before.
    day = timezone.now() - DAY
    questions = [ReadersQuestionFactory(asked_at=moment) for moment in (day, day, day - 3 * DAY)]
    client.force_login(editor)
    expected = [questions[2], *rows, *questions[:2]]
    assert waiting(editor) == expected
    client.get(f"/admin/desk/questions/{questions[2].pk}/")
    seen = [client.get("/admin/desk/next/")["Location"] for _ in expected[1:]]
    assert [int(re.search(r"/(\d+)/", address)[1]) for address in seen] == [
        row.pk for row in expected[1:]
    ]
    assert client.get("/admin/desk/next/")["Location"] == "/admin/desk/"


def test_going_through_one_kind_stays_within_it(client, editor):
    first, second = (ClaimRequestFactory() for _ in range(2))
    dated(first, created_at=ago(9))
    ReadersQuestionFactory(asked_at=ago(5))
    client.force_login(editor)
    client.get(f"/admin/desk/claims/{first.pk}/?in=kind")
    page = client.get("/admin/desk/next/")["Location"]
    assert page == f"/admin/clinics/claimrequest/{second.pk}/change/"
    assert "/admin/desk/?kind=claims" in client.get(page).content.decode()
    assert client.get("/admin/desk/next/")["Location"] == "/admin/desk/?kind=claims"


def test_the_bar_stays_after_saving_until_one_leaves_the_desk(client, editor):
    question = ReadersQuestionFactory()
    client.force_login(editor)
    page = f"/admin/treatments/readersquestion/{question.pk}/change/"
    bar = 'href="/admin/desk/next/"'
    assert bar not in client.get(page).content.decode()
    client.get(f"/admin/desk/questions/{question.pk}/")
    form = {"decision": "declined", "reason_declined": "Not about a treatment."}
    saved = client.post(page, form, follow=True)
    assert ReadersQuestion.objects.get().status == "declined"
    assert bar in saved.content.decode()
    assert bar not in client.post("/admin/desk/leave/", follow=True).content.decode()


@pytest.mark.parametrize(
    "query",
    ["kind=nothing", "kind=%00", "page=0", "page=x", "page=99999999999", "kind=claims&in=x"],
)
def test_odd_addresses_show_a_page(client, editor, query):
    ClaimRequestFactory()
    client.force_login(editor)
    assert client.get(f"/admin/desk/?{query}").status_code == 200


def test_what_is_gone_and_what_never_was_look_the_same(client, editor):
    claim = ClaimRequestFactory(status="approved", decided_at=timezone.now())
    client.force_login(editor)
    answers = [client.get(f"/admin/desk/claims/{pk}/") for pk in (claim.pk, 987_654)]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [
        (302, "/admin/desk/"),
        (302, "/admin/desk/"),
    ]
    assert client.get("/admin/desk/nothing/1/").status_code == 404
    assert client.get("/admin/desk/next/")["Location"] == "/admin/desk/"
    assert client.get("/admin/desk/claims/99999999999999999999/").status_code in (302, 404)


def test_the_desk_asks_as_much_for_thirty_as_for_one_of_each(
    client, editor, one_of_each, django_assert_num_queries
):
    client.force_login(editor)

    def ask():
        return client.get("/admin/desk/")

    # The session, the person, and a write of when; counts, keys and rows of ten queues.
    with django_assert_num_queries(33):
        assert ask().content.count(b"data-entry") == len(one_of_each)
    clinic = ClinicFactory()
    for _ in range(30):
        old_check(
            clinic=clinic,
            kind=Check.Kind.INSURANCE,
            practitioner=PractitionerFactory(clinic=clinic),
        )
    with django_assert_num_queries(33):
        html = ask().content.decode()
    assert html.count("data-entry") == 25
    second = client.get("/admin/desk/?page=2").content.decode()
    keys = [re.findall(r'data-entry="([\w-]+)"', page) for page in (html, second)]
    assert len({*keys[0], *keys[1]}) == len(one_of_each) + 30
