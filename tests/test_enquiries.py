"""A patient asks a clinic: stored once and sealed, read by its private link, deleted for good."""

import hashlib
import logging
import re
import sqlite3

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import IntegrityError
from django.test import Client
from django.urls import reverse

from clinics.enquiries import (
    CONSENT_VERSION,
    FormToken,
    answer,
    by_private_link,
    consent_words,
    new_form_token,
    private_secret,
    read_form_token,
    send,
    words_of,
)
from clinics.models import Enquiry, EnquiryEntry, OutgoingNotice
from clinics.sealed_text import UnreadableText, seal, unseal
from config.log_masks import HidePrivateLinks
from tests.factories import (
    ClinicFactory,
    CountryFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    PlaceFactory,
    TreatmentFactory,
)
from tests.parallel import in_threads, on_disk

pytestmark = pytest.mark.django_db
SECRET = "canary-of-a-patient"
HOUR = 3600


@pytest.fixture(autouse=True)
def fresh_limits():
    """No test counts towards the limit of the next one."""
    cache.clear()


@pytest.fixture
def clinic():
    """A published clinic with somebody who reads its inbox."""
    return MembershipFactory().clinic


def address(clinic) -> str:
    return reverse("enquiry-ask", args=[clinic.slug])


def sending(clinic) -> str:
    return reverse("enquiry-send", args=[clinic.slug])


def token_on(page) -> str:
    """The key of the form on a page."""
    return re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]


def filled_in(token, **changes) -> dict:
    """What a browser sends of the form, filled in."""
    return {
        "token": token,
        "name": f"Ana {SECRET}",
        "email": f"{SECRET}@example.org",
        "phone": "",
        "message": f"What does a session cost? {SECRET}",
        "is_adult": "on",
        "consent": "on",
        **changes,
    }


@pytest.fixture
def ask(client, clinic):
    """Return a function that fills in the form a minute after it was shown."""

    def fill_in(to=clinic, **changes):
        with time_machine.travel("2026-11-22 10:00", tick=False) as clock:
            form = filled_in(token_on(client.get(address(to))), **changes)
            clock.shift(60)
            return client.post(sending(to), form)

    return fill_in


def private_page(response) -> str:
    """The address of the private page that an answer leads to, without what it says on arrival."""
    assert response.status_code == 303, response.content.decode()
    return response["Location"].partition("?")[0]


def dump() -> str:
    """Every value of every table, as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows += cursor.fetchall()
    return repr(rows)


# --- Sending


def test_a_request_is_stored_and_leads_to_its_private_page(client, ask, clinic):
    language = LanguageFactory(name="Breton")
    clinic.languages.add(language)
    treatment = OfferFactory(clinic=clinic).treatment
    response = ask(treatment=treatment.pk, language=language.pk, time="evening")
    assert response["Location"].endswith("?sent")
    enquiry = Enquiry.objects.get()
    assert (enquiry.clinic, enquiry.status, enquiry.consent_version) == (
        clinic,
        "new",
        CONSENT_VERSION,
    )
    assert words_of(enquiry) == {
        "name": f"Ana {SECRET}",
        "email": f"{SECRET}@example.org",
        "phone": "",
        "treatment": treatment.name,
        "language": language.pk,
        "time": "evening",
        "message": f"What does a session cost? {SECRET}",
    }
    with time_machine.travel("2026-11-22 11:00"):
        html = client.get(private_page(response)).content.decode()
    assert f"What does a session cost? {SECRET}" in html
    assert treatment.name in html
    assert enquiry.reference in html


def test_nothing_of_it_stands_in_the_database_as_text_nor_the_link(ask):
    response = ask()
    secret = private_page(response).split("/")[2]
    everything = dump()
    assert Enquiry.objects.get().reference in everything
    assert SECRET not in everything
    assert secret not in everything


def test_the_clinics_page_sets_no_cookie_and_links_to_the_form(client, clinic):
    page = client.get(clinic.get_absolute_url())
    assert address(clinic) in page.content.decode()
    assert dict(page.cookies) == {}


def test_where_nobody_would_read_it_no_form_is_shown_and_none_is_taken(client):
    clinic = ClinicFactory(phone="+33 1 23 45 67 89")
    MembershipFactory(clinic=clinic, user__is_active=False)
    MembershipFactory(clinic=clinic, user__is_staff=False)
    assert address(clinic) not in client.get(clinic.get_absolute_url()).content.decode()
    page = client.get(address(clinic))
    assert "<form" not in page.content.decode()
    assert "+33 1 23 45 67 89" in page.content.decode()
    form = filled_in(new_form_token(clinic))
    assert client.post(sending(clinic), form).status_code == 409
    assert not Enquiry.objects.exists()


def test_an_unpublished_clinic_cannot_be_asked(client, clinic):
    clinic.status = "suspended"
    clinic.save()
    assert client.get(address(clinic)).status_code == 404
    assert client.post(sending(clinic), filled_in(new_form_token(clinic))).status_code == 404


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Write a name"),
        ({"email": ""}, "Write an e-mail address or a telephone number"),
        ({"email": "ana"}, "This is no e-mail address"),
        ({"email": "", "phone": "12"}, "This is no whole telephone number"),
        ({"message": " "}, "Write what you would like to know"),
        ({"message": "a" * 1501}, "at most 1500"),
        ({"message": "a\0b"}, "Null characters"),
        ({"consent": ""}, "Without this we may not pass on"),
        ({"is_adult": ""}, "18 or older"),
        ({"language": "x"}, "Select a valid choice"),
        ({"time": "midnight"}, "Select a valid choice"),
    ],
    ids=str,
)
def test_what_is_missing_is_said_and_nothing_is_lost_or_stored(ask, changes, words):
    response = ask(**changes)
    html = response.content.decode()
    assert response.status_code == 200
    assert words in html
    assert 'role="alert"' in html
    if "message" not in changes:
        assert f"What does a session cost? {SECRET}" in html
    assert response["Cache-Control"] == "no-store"
    assert not Enquiry.objects.exists()


def test_what_no_telephone_has_is_refused_in_every_country(ask):
    place = PlaceFactory(country=CountryFactory(code="DE"))
    berlin = MembershipFactory(clinic=ClinicFactory(place=place)).clinic
    answer = ask(berlin, email="", phone="123")
    assert "This is no whole telephone number" in answer.content.decode()
    assert ask(berlin, email="", phone="030 123456").status_code == 303


def test_only_treatments_that_this_clinic_shows_can_be_named(ask, clinic):
    hidden = OfferFactory(clinic=clinic, treatment=TreatmentFactory(is_published=False)).treatment
    others = OfferFactory().treatment
    for treatment in (hidden, others):
        assert ask(treatment=treatment.pk).status_code == 200
    assert not Enquiry.objects.exists()


def test_a_telephone_number_is_enough_and_kept_as_dialled_from_abroad(ask, clinic, paris):
    clinic.place = paris
    clinic.save()
    ask(email="", phone="01 23 45 67 89")
    assert words_of(Enquiry.objects.get())["phone"] == "+33 1 23 45 67 89"


def test_consent_is_stored_with_the_words_that_were_shown(client, ask, clinic):
    assert consent_words(clinic) in client.get(address(clinic)).content.decode()
    ask()
    digest = hashlib.sha256(consent_words(clinic).encode()).hexdigest()
    assert Enquiry.objects.get().consent_digest == digest


def test_a_version_of_the_consent_has_one_wording():
    """Whoever changes the words gives them a new version, and adds a line here."""
    digests = {
        "2026-11": "e0e290311b26e6e44677c0c62cc2b0dec88abaa349aaecfa3b2d4901806c30d1",
    }
    words = consent_words(ClinicFactory.build(name="X"))
    assert hashlib.sha256(words.encode()).hexdigest() == digests[CONSENT_VERSION]


# --- Once


def test_pressing_twice_going_back_and_trying_again_make_one_request(client, clinic):
    with time_machine.travel("2026-11-22 10:00", tick=False) as clock:
        form = filled_in(token_on(client.get(address(clinic))))
        clock.shift(60)
        first = client.post(sending(clinic), form)
        again = client.post(sending(clinic), form)
        clock.shift(26 * HOUR)
        changed = client.post(sending(clinic), form | {"message": "Other words", "name": ""})
    assert Enquiry.objects.count() == 1
    assert len({private_page(response) for response in (first, again, changed)}) == 1
    assert again["Location"].endswith("?again")
    assert changed["Location"].endswith("?again")
    with time_machine.travel("2026-11-23"):
        assert "There is one request, not two" in client.get(again["Location"]).content.decode()


def test_back_shows_the_same_form(client, clinic):
    """With "no-store" a browser would ask for a new one, with a new key."""
    assert client.get(address(clinic))["Cache-Control"] == "private, no-cache"


@pytest.mark.django_db(transaction=True)
def test_eight_at_the_same_moment_make_one_request_and_one_notice(clinic, monkeypatch, tmp_path):
    on_disk(monkeypatch, tmp_path)
    token = FormToken("key", is_hasty=False, is_old=False)
    told = in_threads(8, lambda: send(clinic, {"email": ""}, token))
    assert sorted(told) == [False] * 7 + [True]
    counted = in_threads(1, lambda: (Enquiry.objects.count(), OutgoingNotice.objects.count()))
    assert counted == [(1, 1)]


def test_a_request_and_its_notice_are_stored_together_or_not_at_all(clinic, monkeypatch):
    def fail(**columns):
        raise IntegrityError

    monkeypatch.setattr(OutgoingNotice.objects, "create", fail)
    with pytest.raises(IntegrityError):
        send(clinic, {}, FormToken("key", is_hasty=False, is_old=False))
    assert not Enquiry.objects.exists()


# --- Programs


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\0", "é" * 500])
def test_a_key_that_is_not_ours_is_replaced_by_one_that_works(client, clinic, token):
    response = client.post(sending(clinic), filled_in(token))
    assert "press Send once more" in response.content.decode()
    assert not Enquiry.objects.exists()
    assert read_form_token(token_on(response), clinic)


def test_a_key_of_another_clinic_is_not_taken(client, clinic):
    other = MembershipFactory().clinic
    client.post(sending(clinic), filled_in(new_form_token(other)))
    assert not Enquiry.objects.exists()


def test_a_page_that_was_open_for_a_day_keeps_what_was_written(client, clinic):
    with time_machine.travel("2026-11-22 10:00", tick=False) as clock:
        form = filled_in(token_on(client.get(address(clinic))))
        clock.shift(25 * HOUR)
        refused = client.post(sending(clinic), form)
        assert SECRET in refused.content.decode()
        clock.shift(60)
        client.post(sending(clinic), form | {"token": token_on(refused)})
    assert Enquiry.objects.count() == 1


def test_a_form_sent_within_a_second_is_sent_again_by_hand(client, clinic):
    with time_machine.travel("2026-11-22 10:00", tick=False) as clock:
        form = filled_in(token_on(client.get(address(clinic))))
        clock.shift(1)
        refused = client.post(sending(clinic), form)
        assert "press Send again" in refused.content.decode()
        assert not Enquiry.objects.exists()
        clock.shift(5)
        client.post(sending(clinic), form | {"token": token_on(refused)})
    assert Enquiry.objects.count() == 1


def test_the_field_that_people_do_not_see_stops_a_program_and_no_person(client, ask):
    refused = ask(website="https://spam.example")
    html = refused.content.decode()
    assert "A field that people do not see was filled in" in html
    assert "spam.example" not in html
    assert not Enquiry.objects.exists()
    ask()
    assert Enquiry.objects.count() == 1


def test_too_many_of_one_network_wait_and_lose_nothing(ask, client, clinic):
    for _ in range(10):
        assert ask().status_code == 303
    refused = ask()
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    assert SECRET in refused.content.decode()
    assert Enquiry.objects.count() == 10
    with time_machine.travel("2026-11-22 10:00", tick=False) as clock:
        form = filled_in(new_form_token(clinic))
        clock.shift(60)
        elsewhere = client.post(sending(clinic), form, REMOTE_ADDR="198.51.100.7")
    assert elsewhere.status_code == 303


def test_no_address_is_kept_to_count_by(ask):
    ask()
    assert "127.0.0.1" not in repr(list(cache._cache))


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({}, True),
        ({"origin": "http://testserver", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://trusted.example"}, True),
        ({"origin": "https://testserver"}, False),
        ({"origin": "https://elsewhere.example"}, False),
        ({"origin": "http://testserver.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
    ],
    ids=str,
)
def test_a_form_is_taken_from_our_own_page_only(client, clinic, settings, headers, is_taken):
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example"]
    with time_machine.travel("2026-11-22 10:00", tick=False) as clock:
        form = filled_in(new_form_token(clinic))
        clock.shift(60)
        response = client.post(sending(clinic), form, headers=headers)
        assert Enquiry.objects.count() == is_taken
        if is_taken:
            # Nor does a forged repetition learn the private link.
            other = {"origin": "https://elsewhere.example"}
            assert client.post(sending(clinic), form, headers=other).status_code == 200
        else:
            assert "press Send. If not, close" in response.content.decode()


def test_no_page_of_a_patient_sets_a_cookie(client, ask, clinic):
    response = ask()
    link = private_page(response)
    with time_machine.travel("2026-11-22 11:00"):
        pages = [client.get(address(clinic)), response, client.get(link), ask(name="")]
        pages += [client.get(f"{link}delete/"), client.post(f"{link}delete/")]
        pages.append(client.get(reverse("enquiry-deleted")))
    assert [dict(page.cookies) for page in pages] == [{}] * 7
    assert "Cookie" not in pages[0].get("Vary", "")


def test_the_address_that_takes_the_form_leads_back_to_it(client, clinic):
    assert client.get(sending(clinic))["Location"] == address(clinic)


# --- The private page


@pytest.fixture
def link(ask):
    """The address of a private page."""
    return private_page(ask())


@pytest.fixture
def today():
    """The day after the request was sent."""
    with time_machine.travel("2026-11-23 10:00", tick=False) as clock:
        yield clock


def test_the_private_page_is_kept_and_told_nowhere(client, link, today):
    client.cookies.clear()
    for path in (link, f"{link}delete/", "/your-request/nonsense/"):
        response = client.get(path)
        headers = ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")
        assert [response[name] for name in headers] == [
            "no-store, private",
            "no-referrer",
            "noindex, nofollow, noarchive",
        ]
        assert dict(response.cookies) == {}
        assert 'content="noindex,nofollow"' in response.content.decode()


def test_the_patient_reads_the_answer_but_no_note(client, link, today):
    enquiry = Enquiry.objects.get()
    user = enquiry.clinic.memberships.get().user
    answer(enquiry, user, "Come on Monday. <b>We</b> explain.")
    EnquiryEntry.objects.create(
        enquiry=enquiry, kind="note", sealed=seal("Pays late", f"{enquiry.reference}/note")
    )
    html = client.get(link).content.decode()
    assert "Come on Monday. &lt;b&gt;We&lt;/b&gt; explain." in html
    assert "Pays late" not in html
    # Who of the clinic wrote it is the clinic's own affair.
    assert user.username not in html


def test_what_the_patient_adds_makes_the_request_new_again(client, link, today):
    enquiry = Enquiry.objects.get()
    answer(enquiry, enquiry.clinic.memberships.get().user, "Come on Monday.")
    # As a browser sends it from a page that tells no Referer.
    visitor = Client(enforce_csrf_checks=True)
    response = visitor.post(link, {"text": f"Tuesday? {SECRET}"}, headers={"origin": "null"})
    assert response["Location"] == f"{link}?added"
    enquiry.refresh_from_db()
    assert enquiry.status == "new"
    assert enquiry.waiting_since is not None
    assert f"Tuesday? {SECRET}" in client.get(link).content.decode()
    assert SECRET not in dump()
    assert "There is nothing written yet" in client.post(link, {"text": " "}).content.decode()


def test_twenty_additions_are_enough(client, link, today):
    enquiry = Enquiry.objects.get()
    for number in range(21):
        response = client.post(link, {"text": f"Word {number}"})
    assert "Nothing more fits" in response.content.decode()
    assert enquiry.entries.count() == 20


def test_looking_changes_nothing(client, link, today):
    before = dump()
    client.get(link)
    client.get(f"{link}delete/")
    client.head(link)
    assert dump() == before


def test_the_patient_deletes_everything(client, link, today):
    enquiry = Enquiry.objects.get()
    answer(enquiry, enquiry.clinic.memberships.get().user, "Come on Monday.")
    reference = enquiry.reference
    assert "Delete everything?" in client.get(f"{link}delete/").content.decode()
    response = Client(enforce_csrf_checks=True).post(f"{link}delete/")
    assert response["Location"] == reverse("enquiry-deleted")
    assert client.get(response["Location"]).status_code == 200
    assert reference not in dump()
    assert client.get(link).status_code == 404
    assert not OutgoingNotice.objects.exists()


def test_a_wrong_or_old_link_leads_to_the_same_nothing(client, link, today):
    secret = link.split("/")[2]
    wrong = client.get(f"/your-request/{secret[:-1]}x/")
    today.shift(180 * 24 * HOUR)
    old = client.get(link)
    assert (wrong.status_code, old.status_code) == (404, 404)
    assert wrong.content == old.content
    assert client.post(f"{link}delete/").status_code == 404


def test_a_private_link_in_a_log_line_is_cut(caplog, client):
    client.get("/your-request/abcDEF-_123/")
    record = next(record for record in caplog.records if "your-request" in record.getMessage())
    assert HidePrivateLinks().filter(record)
    assert record.getMessage() == "Not Found: /your-request/.../"
    plain = logging.makeLogRecord({"msg": "%s of %s", "args": (1, 2)})
    assert HidePrivateLinks().filter(plain)
    assert plain.getMessage() == "1 of 2"


# --- Sealing


def test_a_sealed_text_opens_for_its_own_row_only():
    sealed = seal(["words", "Zoë"], "A")
    assert unseal(sealed, "A") == ["words", "Zoë"]
    for text, owner in ((sealed, "B"), (sealed[:-2] + "xx", "A"), ("", "A"), ("é", "A")):
        with pytest.raises(UnreadableText):
            unseal(text, owner)


def test_keys_are_changed_while_everything_stays_readable(ask, client, settings, capsys):
    old, new = settings.ENQUIRY_KEYS[0], Fernet.generate_key().decode()
    link = private_page(ask())
    enquiry = Enquiry.objects.get()
    answer(enquiry, enquiry.clinic.memberships.get().user, "Come on Monday.")
    settings.ENQUIRY_KEYS = [new, old]
    enquiry.refresh_from_db()
    assert words_of(enquiry)["name"] == f"Ana {SECRET}"
    call_command("rotate_enquiry_keys")
    assert capsys.readouterr().out == "Sealed again with the first key: 2.\n"
    settings.ENQUIRY_KEYS = [new]
    with time_machine.travel("2026-11-23"):
        assert "Come on Monday." in client.get(link).content.decode()
    settings.ENQUIRY_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="No key of ENQUIRY_KEYS opens: enquiry"):
        call_command("rotate_enquiry_keys", verbosity=0)


def test_keys_of_development_are_warned_of(settings):
    settings.ENQUIRY_KEYS_ARE_FOR_DEVELOPMENT = True
    assert "clinics.W001" in [warning.id for warning in run_checks()]
    settings.ENQUIRY_KEYS_ARE_FOR_DEVELOPMENT = False
    assert "clinics.W001" not in [warning.id for warning in run_checks()]


# --- The end


def test_after_180_days_run_jobs_deletes_it(link, today):
    today.shift((180 * 24 - 25) * HOUR)
    call_command("run_jobs", "--once", verbosity=0)
    assert Enquiry.objects.count() == 1
    today.shift(2 * HOUR)
    call_command("run_jobs", "--once", verbosity=0)
    assert not Enquiry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_byte_of_what_was_deleted_is_left_in_the_files(clinic, monkeypatch, tmp_path):
    """Of the sealed text, that is, for nothing else was ever there."""
    send(clinic, {"email": SECRET}, FormToken("key", is_hasty=False, is_old=False))
    path = on_disk(monkeypatch, tmp_path)
    if path is None:
        pytest.skip("PostgreSQL frees space by VACUUM; docs/operations.md says so.")
    # As other workers do: it keeps the journal of new pages open beside the file.
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode=WAL")
    (sealed,) = other.execute("SELECT sealed FROM clinics_enquiry").fetchone()
    other.execute("UPDATE clinics_enquiry SET sealed = sealed, delete_after = '2026-01-01'")
    other.execute("UPDATE clinics_enquiry SET consent_version = 'x'")

    def copies(text):
        files = [path, path.with_name(f"{path.name}-wal")]
        return [file.read_bytes().count(text.encode()) for file in files]

    assert min(copies(sealed)) > 0
    assert copies(SECRET) == [0, 0]
    in_threads(1, lambda: call_command("run_jobs", "--once", verbosity=0))
    assert other.execute("SELECT COUNT(*) FROM clinics_enquiry").fetchone() == (0,)
    assert copies(sealed) == [0, 0]
    other.close()


def test_private_secret_is_long_and_follows_from_the_key():
    assert private_secret("a") == private_secret("a") != private_secret("b")
    assert len(private_secret("a")) == 43
    assert by_private_link(private_secret("a")) is None


def test_hostile_words_come_back_as_they_were(ask, client):
    words = "\u202e<script>alert(1)</script> {{ x }} 💉 \r\nBcc: a@example.org %s \ud800".encode(
        "utf-8", "replace"
    ).decode()
    link = private_page(ask(message=words))
    assert words_of(Enquiry.objects.get())["message"] == words
    with time_machine.travel("2026-11-23"):
        assert "<script>alert" not in client.get(link).content.decode()
