"""The home of a clinic: what waits there, for its own people; its preview; one click to confirm."""

import datetime
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinics.models import Clinic, DailyViews, Enquiry
from tests.factories import (
    CheckFactory,
    ClinicFactory,
    CorrectionFactory,
    EditorFactory,
    EnquiryFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PhotoFactory,
    PractitionerFactory,
    StaffFactory,
)

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
CANARY = "Rivalcanary"


def ago(days) -> datetime.date:
    return TODAY - datetime.timedelta(days=days)


def at(clinic, page="home") -> str:
    return f"/admin/clinics/clinic/{clinic if isinstance(clinic, int) else clinic.pk}/{page}/"


@pytest.fixture
def clinic(db):
    """A published clinic."""
    return ClinicFactory(name="Own clinic")


@pytest.fixture
def member(client, clinic):
    """Somebody who works there, signed in."""
    user = MembershipFactory(clinic=clinic).user
    client.force_login(user)
    return user


def words(response) -> str:
    """What the page says, without tags, each run of blanks one blank."""
    main = response.content.decode().split('id="content-main"')[1]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


# --- Whose


@pytest.mark.parametrize(
    ("part", "method"), [("home", "get"), ("confirm", "post"), ("preview", "get")]
)
def test_a_rivals_clinic_is_not_found_like_one_that_never_was(client, clinic, member, part, method):
    rival = ClinicFactory(name=CANARY, status="draft")
    OfferFactory(clinic=rival, price_confirmed_on=ago(300))
    told = [getattr(client, method)(at(key, part)) for key in (rival, 987_654, 10**30)]
    assert [answer.status_code for answer in told] == [404, 404, 404]
    assert CANARY not in "".join(answer.content.decode() for answer in told)
    rival.refresh_from_db()
    assert (rival.confirmed_on, rival.offers.get().price_confirmed_on) == (None, ago(300))
    assert getattr(client, method)(at(clinic, part)).status_code in (200, 302)


@pytest.mark.parametrize("part", ["home", "preview"])
def test_strangers_are_sent_to_sign_in(client, clinic, part):
    for user in (None, StaffFactory(is_staff=False)):
        if user:
            client.force_login(user)
        answer = client.get(at(clinic, part))
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


def test_an_editor_may_open_any_home(client, clinic):
    client.force_login(EditorFactory())
    assert "Own clinic" in client.get(at(clinic)).content.decode()
    assert at(clinic) in client.get(at(clinic, "change")).content.decode()


# --- What waits


def test_an_empty_home_says_that_nothing_waits(client, clinic, member):
    told = words(client.get(at(clinic)))
    assert "Nothing waits. Thank you." in told
    assert "Patients see this listing." in told


def test_each_thing_that_waits_is_a_sentence(client, clinic, member):
    for _number in range(2):
        EnquiryFactory(clinic=clinic)
    EnquiryFactory(clinic=clinic, waiting_since=None)
    CorrectionFactory(clinic=clinic)
    CorrectionFactory(clinic=clinic, status="right", closed_at=timezone.now())
    for days in (149, 150, 180, 181, 240, 241, 999):
        OfferFactory(clinic=clinic, price_confirmed_on=ago(days))
    OfferFactory(clinic=clinic, price_confirmed_on=None)
    OfferFactory(clinic=clinic, price_low=None, price_high=None, price_confirmed_on=None)
    CheckFactory(clinic=clinic, checked_on=ago(99), expires_on=ago(1))
    CheckFactory(clinic=clinic, kind="insurance", expires_on=ago(-30))
    CheckFactory(clinic=clinic, kind="premises", expires_on=ago(-31))
    # Of others.
    EnquiryFactory()
    CorrectionFactory()
    OfferFactory(price_confirmed_on=ago(999))
    told = words(client.get(at(clinic)))
    for sentence in (
        "2 patients wait for an answer, the first since",
        "A reader says that something in your listing is wrong.",
        "2 prices are out of date: they no longer count in the order by price.",
        "2 prices stand in amber: nobody has confirmed them for six months.",
        "1 price was never confirmed, and patients see that.",
        "2 prices get old: they will soon stand in amber.",
        f"The check “Licence on the register” ran out on {ago(1):%-d %b %Y}.",
        f"The check “Insurance” runs out on {ago(-30):%-d %b %Y}.",
    ):
        assert sentence in told
    assert "The check “Premises registered”" not in told


def test_what_the_listing_lacks_is_a_list_with_reasons(client, clinic, member):
    told = words(client.get(at(clinic)))
    gaps = told[told.index("What patients cannot find") : told.index("The last eight weeks")]
    assert gaps.index("Any treatment") < gaps.index("Who injects") < gaps.index("Photos")
    assert "A look at the rooms takes some of the fear away." in gaps
    assert re.search(r"\d+ ?(%|of \d)", gaps) is None

    offer = OfferFactory(
        clinic=clinic,
        product="",
        sessions_low=3,
        sessions_high=3,
        consultation_fee=0,
        anaesthesia="none",
    )
    PractitionerFactory(clinic=clinic, registration_number="")
    OpeningHoursFactory(clinic=clinic)
    PhotoFactory(clinic=clinic)
    clinic.languages.add(LanguageFactory())
    Clinic.objects.update(address="1 Street", phone="+33 1", website="https://x.example")
    response = client.get(at(clinic))
    found = re.findall(r'class="home-gap__what" href="([^"]+)">([^<]+)<', response.content.decode())
    form, offers = at(clinic, "change"), f"/admin/clinics/offer/{offer.pk}/change/"
    assert found == [
        (f"{form}#practitioners-group", "Registration number"),
        (offers, "What is injected"),
        (offers, "Where on the body"),
        (f"{form}#id_description", "A few words about the clinic"),
    ]


def test_the_numbers_of_eight_weeks(client, clinic, member):
    monday = ago(TODAY.weekday())
    for days, views in ((0, 3), (7, 10), (13, 1), (49, 5), (50, 99)):
        day = monday - datetime.timedelta(days=days)
        DailyViews.objects.create(clinic=clinic, day=day, views=views)
    DailyViews.objects.create(clinic=ClinicFactory(), day=monday, views=77)
    start = datetime.datetime.combine(monday, datetime.time(0), datetime.UTC)
    for hours in (2, 4, 12, None):
        enquiry = EnquiryFactory(clinic=clinic)
        sent = start - datetime.timedelta(days=2)
        answered = hours and sent + datetime.timedelta(hours=hours)
        Enquiry.objects.filter(pk=enquiry.pk).update(sent_at=sent, first_answered_at=answered)
    EnquiryFactory(clinic=clinic, sent_at=start - datetime.timedelta(days=50))
    html = client.get(at(clinic)).content.decode()
    table = html[html.index("home-weeks__table") :]
    rows = [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<td.*?</td>", row, re.S)
        ]
        for row in re.findall(r"<tr>.*?</tr>", table, re.S)[1:]
    ]
    assert [row[:2] for row in rows] == [
        *(["3", "0"], ["10", "4"], ["1", "0"]),
        *(["0", "0"], ["0", "0"], ["0", "0"], ["0", "0"]),
        ["5", "0"],
    ]
    assert [row[2] for row in rows] == ["–", "4", *["–"] * 6]
    assert "19 times your page was opened" in words(client.get(at(clinic)))


# --- The first page of the admin


def test_with_one_clinic_its_home_is_the_first_page(client, clinic, member):
    CorrectionFactory(clinic=clinic)
    told = words(client.get("/admin/"))
    assert "A reader says that something in your listing is wrong." in told
    assert "The last eight weeks" in told


def test_with_several_each_is_there_with_what_waits(client, clinic, member):
    other = MembershipFactory(user=member, clinic__name="Second clinic").clinic
    rival = CorrectionFactory(clinic__name=CANARY).clinic
    CorrectionFactory(clinic=other)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get("/admin/")
        return len(asked)

    told = words(client.get("/admin/"))
    assert told.index("Own clinic") < told.index("Nothing waits.") < told.index("Second clinic")
    assert told.index("Second clinic") < told.index("something in your listing is wrong")
    assert (rival.name in told, "The last eight weeks" in told) == (False, False)
    before = queries()
    for _number in range(3):
        MembershipFactory(user=member)
    assert queries() == before


def test_a_home_asks_no_more_for_more(client, clinic, member):
    def fill():
        OfferFactory(clinic=clinic, price_confirmed_on=ago(999))
        CheckFactory(
            clinic=clinic,
            practitioner=PractitionerFactory(clinic=clinic),
            expires_on=TODAY,
        )
        EnquiryFactory(clinic=clinic)
        CorrectionFactory(clinic=clinic)

    asked = []
    for rows in (1, 3):
        for _row in range(rows):
            fill()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(at(clinic)).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 30


# --- Everything still correct


def test_one_click_confirms_prices_and_says_who(client, clinic, member):
    offer = OfferFactory(clinic=clinic, price_confirmed_on=ago(300))
    silent = OfferFactory(clinic=clinic, price_low=None, price_high=None, price_confirmed_on=None)
    assert client.get(at(clinic, "confirm")).status_code == 405
    answer = client.post(at(clinic, "confirm"), follow=True)
    assert answer.redirect_chain == [(at(clinic), 302)]
    assert "Confirmed today" in words(answer)
    for row in (clinic, offer, silent):
        row.refresh_from_db()
    assert (clinic.confirmed_on, clinic.confirmed_by) == (TODAY, member)
    assert (offer.price_confirmed_on, silent.price_confirmed_on) == (TODAY, None)
    assert LogEntry.objects.get().change_message == "Everything still correct."


def test_it_is_taken_only_from_our_own_page(clinic, member, client):
    forged = type(client)(enforce_csrf_checks=True)
    forged.force_login(member)
    assert forged.post(at(clinic, "confirm")).status_code == 403
    clinic.refresh_from_db()
    assert clinic.confirmed_on is None


# --- Preview


@pytest.mark.parametrize("status", ["draft", "in_review", "published", "suspended"])
def test_the_preview_shows_what_patients_would_see_and_is_kept_nowhere(
    client, clinic, member, status
):
    OfferFactory(clinic=clinic, product="Sample HA 18")
    Clinic.objects.update(status=status)
    page = client.get(at(clinic, "preview"))
    html = page.content.decode()
    assert "Sample HA 18" in html
    assert "Preview." in html
    assert ("Patients do not see this listing" in html) is (status != "published")
    assert 'name="robots" content="noindex' in html
    assert (page["X-Robots-Tag"], "canonical" in html) == ("noindex", False)
    assert "no-store" in page["Cache-Control"]
    assert "application/ld+json" not in html
    public = client.get(clinic.get_absolute_url())
    assert public.status_code == (200 if status == "published" else 404)
    assert "Preview." not in public.content.decode()


def test_a_draft_that_says_nothing_has_a_preview_too(client, clinic, member):
    Clinic.objects.update(status="draft", place=None, facility_type="")
    html = client.get(at(clinic, "preview")).content.decode()
    assert "town not stated" in html
    assert "None" not in html
