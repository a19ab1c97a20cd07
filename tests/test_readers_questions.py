"""Readers ask without an account or a cookie; nothing shows before an editor has answered."""

import datetime
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import (
    AnsweredQuestionFactory,
    MembershipFactory,
    ReadersQuestionFactory,
    SourceFactory,
    StaffFactory,
    TreatmentFactory,
)
from treatments.models import ReadersQuestion
from treatments.sealed_form import readable

pytestmark = pytest.mark.django_db
QUESTION = "How long do the bruises on the thighs last?"
Status = ReadersQuestion.Status
ADMIN = "/admin/treatments/readersquestion/"


@pytest.fixture(autouse=True)
def nobody_has_sent_anything():
    """The counts of what visitors sent outlive a test otherwise."""
    cache.clear()


@pytest.fixture
def treatment():
    return TreatmentFactory(slug="cellulite")


@pytest.fixture
def path(treatment) -> str:
    return reverse("ask-question", args=[treatment.slug])


@pytest.fixture
def editor(client):
    """An editor by group alone, signed in."""
    user = StaffFactory()
    user.groups.add(Group.objects.get_or_create(name="Editors")[0])
    client.force_login(user)
    return user


def later(seconds: float):
    """The clock by which seals are judged, that much ahead."""
    now = timezone.now().timestamp()
    return patch("django.core.signing.time.time", lambda: now + seconds)


def fields_of(response) -> dict:
    """What a browser would send back of the form as it stands."""
    html = response.content.decode()
    inputs = dict(re.findall(r'<input[^>]* name="(\w+)"(?:[^>]* value="([^"]*)")?', html))
    text = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", html, re.DOTALL)[1]
    return {name: unescape(value) for name, value in inputs.items()} | {"text": unescape(text)}


def opened(client, path, **words) -> dict:
    """A form that was opened now, with these words in it."""
    return fields_of(client.get(path)) | {"text": QUESTION} | words


def send(client, path, form, *, after=10, **request):
    """Send a form some seconds after it was opened."""
    with later(after):
        return client.post(path, form, **request)


def errors(response) -> list[str]:
    """The messages of the summary on top."""
    html = response.content.decode()
    summary = re.search(r'class="error-summary__list">(.*?)</ul>', html, re.DOTALL)
    found = re.findall(r"<li>(.*?)</li>", summary[1], re.DOTALL) if summary else []
    return [unescape(re.sub(r"<[^>]+>", "", message)).strip() for message in found]


# --- Asking


def test_a_question_is_stored_as_asked_and_waits(client, treatment, path):
    response = send(client, path, opened(client, path, name="Rosa"))
    assert (response.status_code, response["Location"]) == (302, "/treatments/cellulite/asked/")
    question = ReadersQuestion.objects.get()
    assert (question.treatment, question.text_as_asked, question.name_shown, question.status) == (
        treatment,
        QUESTION,
        "Rosa",
        Status.WAITING,
    )
    thanks = client.get(response["Location"]).content.decode()
    assert "Your question has arrived" in thanks
    assert "180 days" in thanks


def test_nothing_that_was_sent_shows_before_it_is_published(client, treatment, path):
    canary = "Does the canary sing?"
    send(client, path, opened(client, path, text=canary, name="Canary"))
    ReadersQuestionFactory(
        treatment=treatment,
        status=Status.DECLINED,
        decided_at=timezone.now(),
        text_as_asked=canary,
        text_published=canary,
        answer=canary,
        signature="Canary",
        answered_on=timezone.localdate(),
    )
    pages = ["", "ask/", "asked/", "questions/"]
    for page in pages:
        response = client.get(f"/treatments/cellulite/{page}")
        assert "canary" not in response.content.decode().lower()


def test_the_form_works_without_any_cookie_and_sets_none():
    """A client that refuses cookies and enforces what a browser's cookie would be for."""
    treatment = TreatmentFactory(slug="cellulite")
    browser = Client(enforce_csrf_checks=True)
    path = reverse("ask-question", args=[treatment.slug])
    response = send(browser, path, opened(browser, path))
    assert (response.status_code, dict(browser.cookies)) == (302, {})
    assert ReadersQuestion.objects.count() == 1


def test_a_page_with_a_seal_is_never_kept_by_a_cache(client, path):
    assert "no-store" in client.get(path)["Cache-Control"]


def test_two_forms_carry_different_seals(client, path):
    assert opened(client, path)["seal"] != opened(client, path)["seal"]


@pytest.mark.parametrize("address", ["ask-question", "question-sent", "readers-questions"])
def test_a_treatment_that_is_not_published_cannot_be_asked_about(client, address):
    TreatmentFactory(slug="hidden", is_published=False)
    assert client.get(reverse(address, args=["hidden"])).status_code == 404
    assert client.post(reverse("ask-question", args=["hidden"]), {"text": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"text": ""}, "Write your question here."),
        ({"text": " \n\t "}, "Write your question here."),
        ({"text": "\x00\x01\u202e"}, "Write your question here."),
        ({"text": "Hurts?"}, "Write a little more"),
        ({"text": "a" * 601}, "Make it shorter: 601 letters, and 600 fit."),
        ({"name": "b" * 41}, "Make it shorter: 41 letters, and 40 fit."),
        ({"name": "me@example.org"}, "Write a name here, not an address or a number."),
        ({"text": f"{QUESTION} Write to me@example.org"}, "Take out the e-mail address"),
        ({"text": f"{QUESTION} +33 1 23 45 67 89"}, "Take out the e-mail address"),
        ({"text": f"{QUESTION} 0123 456 789"}, "Take out the e-mail address"),
        ({"text": f"{QUESTION} https://example.org"}, "Take out the link."),
    ],
)
def test_a_wrong_field_is_named_and_everything_written_is_kept(client, path, words, message):
    form = opened(client, path, name="Rosa") | words
    response = send(client, path, form)
    assert response.status_code == 200
    assert [error.startswith(message) for error in errors(response)] == [True]
    field = "name" if "name" in words else "text"
    html = response.content.decode()
    assert f'href="#id_{field}"' in html
    assert re.search(rf'id="id_{field}"[^>]*|aria-invalid="true"[^>]*id="id_{field}"', html)
    assert f'id="id_{field}_error"' in html
    kept = fields_of(response)
    assert [kept["text"], kept["name"]] == [form["text"], form["name"]]
    assert ReadersQuestion.objects.count() == 0


@pytest.mark.parametrize(
    "text",
    [
        "Is 2 000 to 3 000 euros usual for 10 sessions?",
        "Was it banned in 2011-2012 in France?",
        "Do I need 0.05 ml or 0.10 ml at each point?",
    ],
)
def test_numbers_that_belong_to_a_question_are_no_telephone_numbers(client, path, text):
    assert send(client, path, opened(client, path, text=text)).status_code == 302


def test_lines_are_counted_once_whatever_ends_them(client, path):
    """A browser sends two signs for the end of a line that its user typed as one."""
    text = "\r\n".join(["aaaa"] * 120)
    assert len(text) > 600
    assert send(client, path, opened(client, path, text=text)).status_code == 302
    assert ReadersQuestion.objects.get().text_as_asked == text.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Does \x00it\x07 hurt\x1b[31m much?", "Does it hurt[31m much?"),
        ("Does \u202eit hurt\u2069 much?", "Does it hurt much?"),
        ("Fait-il mal \U0001f489, هل يؤلم؟", "Fait-il mal \U0001f489, هل يؤلم؟"),
        ("One\n\n\n\n\nor two sessions?", "One\n\nor two sessions?"),
        ("<script>alert(1)</script> hurts?", "<script>alert(1)</script> hurts?"),
    ],
)
def test_what_nobody_can_see_is_taken_out_and_the_rest_stays(client, path, sent, stored):
    assert send(client, path, opened(client, path, text=sent)).status_code == 302
    assert ReadersQuestion.objects.get().text_as_asked == stored


@given(st.text(st.characters(codec=None), max_size=80))
def test_readable_text_can_be_stored_and_is_its_own_readable_form(text):
    found = readable(text)
    assert found.encode("utf-8", "strict") is not None
    assert readable(found) == found
    assert not set(found) & set("\x00\r\u202e\u2066")


@given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_sent_is_answered(text, name, seal):
    treatment, _ = ReadersQuestion._meta.get_field("treatment").related_model.objects.get_or_create(
        slug="anything", defaults={"name": "Any", "short_name": "Any", "evidence_level": "low"}
    )
    path = reverse("ask-question", args=[treatment.slug])
    form = {"text": text, "name": name, "seal": seal, "website": ""}
    assert Client().post(path, form).status_code == 200


def test_a_megabyte_is_refused_with_a_message_and_three_without_a_page(client, path):
    response = send(client, path, opened(client, path, text="a " * 500_000))
    assert (response.status_code, len(errors(response))) == (200, 1)
    huge = {"text": "a" * 3_000_000}
    assert client.post(path, huge).status_code == 400
    encoded = "text=" + "a" * 3_000_000
    kind = "application/x-www-form-urlencoded"
    assert client.post(path, encoded, content_type=kind).status_code == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", "application/json"),
        ("{}", "application/json"),
        ("text=%00%ff%fe", "application/x-www-form-urlencoded"),
        ("text=a&" * 900 + "text=b", "application/x-www-form-urlencoded"),
        ("--x\r\nno form", "multipart/form-data; boundary=x"),
        ("text=abc", "application/x-www-form-urlencoded; charset=utf-16"),
        ("text=abc", "text/plain"),
    ],
)
def test_bodies_that_no_browser_sends_are_never_an_error_of_the_server(client, path, body, kind):
    assert client.post(path, body, content_type=kind).status_code in (200, 400)
    assert ReadersQuestion.objects.count() == 0


def test_of_a_field_that_is_sent_twice_the_last_counts(client, path):
    form = opened(client, path) | {"text": ["Is it the first one?", QUESTION]}
    assert send(client, path, form).status_code == 302
    assert ReadersQuestion.objects.get().text_as_asked == QUESTION


# --- Programs, other sites, and people who press twice


def test_pressing_twice_going_back_or_trying_again_makes_one_question(client, path):
    form = opened(client, path)
    places = [send(client, path, form, after=after)["Location"] for after in (5, 6, 3600)]
    assert places == ["/treatments/cellulite/asked/"] * 3
    assert ReadersQuestion.objects.count() == 1


def test_another_question_from_the_same_page_is_another_question(client, path):
    form = opened(client, path)
    send(client, path, form)
    send(client, path, form | {"text": "And how long does the swelling last?"})
    assert ReadersQuestion.objects.count() == 2


def test_a_form_sent_at_once_is_asked_again_and_can_be_sent_a_moment_later(client, path):
    response = send(client, path, opened(client, path), after=1)
    assert [error.startswith("That was very quick.") for error in errors(response)] == [True]
    assert ReadersQuestion.objects.count() == 0
    kept = fields_of(response)
    assert kept["text"] == QUESTION
    assert send(client, path, kept, after=4).status_code == 302


def test_a_form_that_was_open_too_long_gets_a_new_seal_and_keeps_its_text(client, path):
    form = opened(client, path)
    day = 24 * 60 * 60
    assert send(client, path, form | {"text": "Just within the day?"}, after=day - 60)["Location"]
    response = send(client, path, form, after=day + 60)
    assert [error.startswith("This page was open") for error in errors(response)] == [True]
    kept = fields_of(response)
    assert (kept["text"], kept["seal"] == form["seal"]) == (QUESTION, False)
    assert send(client, path, kept, after=day + 90).status_code == 302


@pytest.mark.parametrize("forgery", ["", "abc", "a:b:c", "\x00", "other treatment", "changed"])
def test_a_seal_that_is_not_ours_stores_nothing(client, path, forgery):
    form = opened(client, path)
    if forgery == "other treatment":
        other = reverse("ask-question", args=[TreatmentFactory().slug])
        form["seal"] = opened(client, other)["seal"]
    elif forgery == "changed":
        form["seal"] = "A" + form["seal"]
    else:
        form["seal"] = forgery
    response = send(client, path, form)
    assert len(errors(response)) == 1
    assert ReadersQuestion.objects.count() == 0


def test_a_program_that_fills_in_everything_is_asked_again_with_the_box_emptied(client, path):
    response = send(client, path, opened(client, path, website="https://spam.example"))
    assert [error.startswith("A hidden box") for error in errors(response)] == [True]
    assert ReadersQuestion.objects.count() == 0
    kept = fields_of(response)
    assert (kept["website"], kept["text"]) == ("", QUESTION)
    assert send(client, path, kept).status_code == 302


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 302),
        ({"Origin": "http://testserver"}, 302),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 302),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_a_form_on_another_site_cannot_ask_in_a_visitors_name(client, path, headers, status):
    response = send(client, path, opened(client, path), headers=headers)
    assert response.status_code == status
    assert ReadersQuestion.objects.count() == (1 if status == 302 else 0)


def ask_many(client, path, number, **request) -> list[int]:
    return [
        send(client, path, opened(client, path, text=f"{QUESTION} ({n})"), **request).status_code
        for n in range(number)
    ]


def test_one_connection_asks_five_questions_an_hour_and_keeps_the_text_of_the_sixth(client, path):
    assert ask_many(client, path, 5) == [302] * 5
    response = send(client, path, opened(client, path))
    assert (response.status_code, fields_of(response)["text"]) == (429, QUESTION)
    assert [error.startswith("Several questions") for error in errors(response)] == [True]
    assert ReadersQuestion.objects.count() == 5
    elsewhere = send(client, path, opened(client, path), REMOTE_ADDR="203.0.113.9")
    assert elsewhere.status_code == 302


def test_a_household_has_many_ipv6_addresses_and_one_limit(client, path):
    for number in range(5):
        ask_many(client, path, 1, REMOTE_ADDR=f"2001:db8::{number}")
        ReadersQuestion.objects.update(text_as_asked="another")
        ReadersQuestion.objects.all().delete()
    assert ask_many(client, path, 1, REMOTE_ADDR="2001:db8::ffff") == [429]
    assert ask_many(client, path, 1, REMOTE_ADDR="2001:db8:0:1::1") == [302]


def test_behind_a_proxy_what_the_visitor_says_of_the_address_does_not_count(client, path, settings):
    settings.TRUSTED_PROXIES = 1
    forwarded = [f"198.51.100.{n}, 203.0.113.5" for n in range(6)]
    found = [ask_many(client, path, 1, headers={"X-Forwarded-For": f})[0] for f in forwarded[:1]]
    for number, header in enumerate(forwarded[1:]):
        form = opened(client, path, text=f"{QUESTION} [{number}]")
        found.append(send(client, path, form, headers={"X-Forwarded-For": header}).status_code)
    assert found == [302] * 5 + [429]


def test_refused_forms_do_not_use_up_the_hour(client, path):
    for _ in range(7):
        send(client, path, opened(client, path, text="short"))
    assert send(client, path, opened(client, path)).status_code == 302


def test_the_address_of_a_visitor_is_stored_nowhere(client, path):
    address = "203.0.113.77"
    send(client, path, opened(client, path), REMOTE_ADDR=address)
    question = ReadersQuestion.objects.get()
    stored = [str(value) for value in vars(question).values()]
    assert not [value for value in stored if address in value]
    assert not [key for key in cache._cache if address in key]


def test_a_flood_of_waiting_questions_stops_before_it_buries_the_editors(client, path, treatment):
    ReadersQuestion.objects.bulk_create(
        ReadersQuestion(treatment=treatment, text_as_asked="x", sending=f"{n}") for n in range(500)
    )
    response = send(client, path, opened(client, path))
    assert (response.status_code, fields_of(response)["text"]) == (429, QUESTION)
    ReadersQuestion.objects.first().delete()
    assert send(client, path, opened(client, path)).status_code == 302


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a database in memory has one writer")
@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_make_one_question():
    treatment = TreatmentFactory(slug="cellulite")
    path = reverse("ask-question", args=[treatment.slug])
    form = opened(Client(), path)

    def press(_number):
        try:
            return Client().post(path, form).status_code
        finally:
            connection.close()

    with later(10), ThreadPoolExecutor(4) as browsers:
        found = list(browsers.map(press, range(4)))
    assert (found, ReadersQuestion.objects.count()) == ([302] * 4, 1)


# --- What readers see


def test_an_answered_question_stands_on_the_page_with_who_when_and_sources(client, treatment):
    source = SourceFactory(publisher="Institute of Bruises")
    AnsweredQuestionFactory(
        treatment=treatment,
        name_shown="Rosa",
        text_as_asked="Does it bruise? I live in Lyon.",
        text_published="Does it bruise?",
        answer="Often, says one trial.\n\nNobody counted <b>how</b> often.",
        signature="Ana Example, editor",
        answered_on=datetime.date(2026, 11, 3),
        sources=[source],
    )
    for page in ("/treatments/cellulite/", "/treatments/cellulite/questions/"):
        html = client.get(page).content.decode()
        section = html[html.index('class="answered"') :]
        section = section[: section.index("</article>")]
        text = " ".join(unescape(re.sub(r"<[^>]+>", " ", section)).split())
        assert "Rosa asked on" in text
        assert "Does it bruise?" in text
        assert "Answered by Ana Example, editor, 3 Nov 2026" in text
        assert "Institute of Bruises" in text
        assert "edited by us" in text
        assert section.count("<p>") == 2
        assert "&lt;b&gt;how" in section
        assert "Lyon" not in html


def test_the_page_shows_the_latest_six_and_links_to_all(client, treatment):
    for day in range(1, 9):
        AnsweredQuestionFactory(
            treatment=treatment,
            text_published=f"Question of day {day}?",
            answered_on=datetime.date(2026, 11, day),
        )
    pattern = r"Question of day (\d)"
    html = client.get("/treatments/cellulite/").content.decode()
    assert re.findall(pattern, html) == ["8", "7", "6", "5", "4", "3"]
    assert 'href="/treatments/cellulite/questions/"' in html
    everything = client.get("/treatments/cellulite/questions/").content.decode()
    body = everything[everything.index("<body") :]
    assert re.findall(pattern, body) == list("87654321")


def test_old_pages_of_answers_have_addresses_of_their_own(client, treatment):
    AnsweredQuestionFactory.create_batch(21, treatment=treatment)
    path = "/treatments/cellulite/questions/"
    counts = []
    for query in ("", "?page=2", "?page=99", "?page=x", "?question=x", "?question=0"):
        html = client.get(path + query).content.decode()
        counts.append(html.count('class="answered"'))
    assert counts == [20, 1, 1, 20, 20, 20]
    oldest = ReadersQuestion.objects.published().last()
    html = client.get(oldest.get_absolute_url()).content.decode()
    assert f'id="question-{oldest.pk}"' in html
    assert 'rel="next" href="?page=2"' in client.get(path).content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_all_answers_cost_four_queries(client, treatment, number, django_assert_num_queries):
    for _ in range(number):
        AnsweredQuestionFactory(treatment=treatment, sources=[SourceFactory(), SourceFactory()])
    with django_assert_num_queries(4):
        client.get("/treatments/cellulite/questions/")


def test_search_engines_are_told_of_questions_only_where_there_are_answers(client, treatment):
    path = "/treatments/cellulite/questions/"
    ReadersQuestionFactory(treatment=treatment)
    html = client.get(path).content.decode()
    assert ("noindex" in html, "application/ld+json" in html) == (True, False)
    AnsweredQuestionFactory(treatment=treatment, text_published="Is it so?", answer="It is </b>.")
    html = client.get(path).content.decode()
    assert 'content="index,follow"' in html
    told = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)[1]
    described = json.loads(told)
    assert described["@type"] == "FAQPage"
    assert [
        (entry["name"], entry["acceptedAnswer"]["text"]) for entry in described["mainEntity"]
    ] == [("Is it so?", "It is </b>.")]


def test_sources_of_an_answer_are_among_the_sources_of_the_page(client, treatment):
    source = SourceFactory(title="The book of bruises")
    AnsweredQuestionFactory(treatment=treatment, sources=[source])
    html = client.get("/treatments/cellulite/").content.decode()
    assert "The book of bruises" in html[html.index('id="sources"') :]


def test_a_source_says_which_answers_rest_on_it(client, treatment):
    source = SourceFactory(slug="bruises")
    question = AnsweredQuestionFactory(
        treatment=treatment, text_published="Does it bruise?", sources=[source]
    )
    ReadersQuestionFactory(treatment=treatment, text_published="Canary?", sources=[source])
    hidden = TreatmentFactory(is_published=False)
    AnsweredQuestionFactory(treatment=hidden, text_published="Canary?", sources=[source])
    html = client.get("/sources/bruises/").content.decode()
    link = f'<a href="{question.get_absolute_url()}">Does it bruise?</a>'
    assert (link in html, "Canary" in html) == (True, False)


# --- The editors' side


@pytest.mark.parametrize("missing", ["text_published", "answer", "signature"])
def test_the_database_refuses_a_published_question_without_a_signed_answer(missing):
    with pytest.raises(IntegrityError), transaction.atomic():
        AnsweredQuestionFactory(**{missing: ""})
    with pytest.raises(IntegrityError), transaction.atomic():
        AnsweredQuestionFactory(answered_on=None)


def test_a_decided_question_has_the_moment_of_the_decision():
    with pytest.raises(IntegrityError), transaction.atomic():
        ReadersQuestionFactory(status=Status.DECLINED)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReadersQuestionFactory(decided_at=timezone.now())


def test_the_queue_has_waiting_questions_first_and_the_oldest_of_them_on_top(client, editor):
    now = timezone.now()
    day = datetime.timedelta(days=1)
    ReadersQuestionFactory(
        text_as_asked="declined?", status=Status.DECLINED, decided_at=now, asked_at=now - 9 * day
    )
    AnsweredQuestionFactory(text_as_asked="published?", asked_at=now - 8 * day)
    ReadersQuestionFactory(text_as_asked="waits one day?", asked_at=now - day)
    ReadersQuestionFactory(text_as_asked="waits two days?", asked_at=now - 2 * day)
    response = client.get(ADMIN)
    asked = [question.text_as_asked for question in response.context["cl"].result_list]
    assert asked == ["waits two days?", "waits one day?", "published?", "declined?"]
    html = response.content.decode()
    assert "Readers’ questions: 2 are waiting" in html
    for label in ("waiting (2)", "published (1)", "declined (1)"):
        assert label in html
    chosen = client.get(f"{ADMIN}?status=waiting").context["cl"].result_list
    assert len(chosen) == 2
    assert client.get(f"{ADMIN}?status=nonsense").status_code in (200, 302)


def answer_form(**values) -> dict:
    """What an editor sends from the page of a question."""
    return {
        "text_published": "Does it bruise?",
        "name_shown": "",
        "answer": "Often, says one trial.",
        "signature": "Ana Example, editor",
        "answered_on": "2026-11-03",
        "decision": "published",
        "reason_declined": "",
    } | values


def admin_errors(response) -> list[str]:
    lists = re.findall(r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.DOTALL)
    return [
        unescape(message) for found in lists for message in re.findall(r"<li>(.*?)</li>", found)
    ]


def test_an_editor_answers_and_publishes_in_one_step(client, editor, treatment):
    question = ReadersQuestionFactory(treatment=treatment)
    source = SourceFactory()
    page = client.get(f"{ADMIN}{question.pk}/change/").content.decode()
    assert question.text_as_asked in page
    form = answer_form(sources=[source.pk])
    assert client.post(f"{ADMIN}{question.pk}/change/", form).status_code == 302
    question.refresh_from_db()
    assert (question.status, question.answered_by, list(question.sources.all())) == (
        Status.PUBLISHED,
        editor,
        [source],
    )
    assert question.text_as_asked != question.text_published
    assert "Does it bruise?" in Client().get("/treatments/cellulite/").content.decode()


@pytest.mark.parametrize("missing", ["text_published", "answer", "signature", "answered_on"])
def test_publishing_without_all_that_is_needed_names_the_field(client, editor, missing):
    question = ReadersQuestionFactory()
    response = client.post(f"{ADMIN}{question.pk}/change/", answer_form(**{missing: ""}))
    assert "Needed to publish the question." in admin_errors(response)
    question.refresh_from_db()
    assert question.status == Status.WAITING


def test_an_answer_cannot_be_dated_ahead(client, editor):
    question = ReadersQuestionFactory()
    form = answer_form(answered_on="2999-01-01")
    response = client.post(f"{ADMIN}{question.pk}/change/", form)
    assert "This day has not come yet." in admin_errors(response)


def test_an_answer_with_words_that_sell_needs_a_source(client, editor):
    question = ReadersQuestionFactory()
    path = f"{ADMIN}{question.pk}/change/"
    words = {"answer": "It is painless, a clinic says.", "text_published": "Is it painless?"}
    assert client.post(path, answer_form(**words)).status_code == 200
    form = answer_form(**words, sources=[SourceFactory().pk])
    assert client.post(path, form).status_code == 302


def test_an_answer_can_be_kept_for_later(client, editor):
    question = ReadersQuestionFactory()
    form = answer_form(decision="waiting", signature="")
    assert client.post(f"{ADMIN}{question.pk}/change/", form).status_code == 302
    question.refresh_from_db()
    assert (question.status, question.answer) == (Status.WAITING, "Often, says one trial.")


def test_a_published_question_can_be_taken_off_the_page(client, editor, treatment):
    question = AnsweredQuestionFactory(treatment=treatment, text_published="Does it bruise?")
    form = answer_form(decision="declined")
    response = client.post(f"{ADMIN}{question.pk}/change/", form)
    assert "Say why, in a few words. Only editors read it." in admin_errors(response)
    form["reason_declined"] = "It names a clinic."
    assert client.post(f"{ADMIN}{question.pk}/change/", form).status_code == 302
    html = Client().get("/treatments/cellulite/").content.decode()
    assert ("Does it bruise?" in html, "It names a clinic." in html) == (False, False)


def test_several_are_published_only_after_a_page_that_asks(client, editor):
    ready = ReadersQuestionFactory(
        text_published="Does it bruise?",
        answer="Often.",
        signature="Ana Example, editor",
        answered_on=timezone.localdate(),
    )
    unready = ReadersQuestionFactory()
    form = {"action": "publish", "_selected_action": [ready.pk, unready.pk]}
    page = client.post(ADMIN, form).content.decode()
    assert "Publish these questions?" in page
    assert "missing: question as published, answer, signed, answered on" in page
    assert ReadersQuestion.objects.filter(status=Status.PUBLISHED).count() == 0
    client.post(ADMIN, form | {"confirmed": "yes"})
    assert list(ReadersQuestion.objects.filter(status=Status.PUBLISHED)) == [ready]
    ready.refresh_from_db()
    assert ready.answered_by == editor


def test_several_are_declined_only_with_a_reason(client, editor):
    questions = ReadersQuestionFactory.create_batch(2)
    form = {"action": "decline", "_selected_action": [question.pk for question in questions]}
    assert "Decline these questions?" in client.post(ADMIN, form).content.decode()
    response = client.post(ADMIN, form | {"confirmed": "yes", "reason": " "})
    assert admin_errors(response) == ["Say why, in a few words."]
    assert ReadersQuestion.objects.waiting().count() == 2
    client.post(ADMIN, form | {"confirmed": "yes", "reason": "Two adverts.\x00"})
    found = ReadersQuestion.objects.values_list("status", "reason_declined")
    assert list(found) == [(Status.DECLINED, "Two adverts.")] * 2


def test_clinic_staff_see_nothing_of_the_queue(client):
    client.force_login(MembershipFactory().user)
    question = ReadersQuestionFactory(text_as_asked="Does the canary sing?")
    form = {"action": "decline", "_selected_action": [question.pk], "confirmed": "yes"}
    answers = [
        client.get("/admin/"),
        client.get(ADMIN),
        client.get(f"{ADMIN}{question.pk}/change/"),
        client.get(f"{ADMIN}{question.pk}/history/"),
        client.post(ADMIN, form | {"reason": "x"}),
        client.post(f"{ADMIN}{question.pk}/change/", answer_form()),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 403, 403, 403, 403]
    assert not [answer for answer in answers if b"canary" in answer.content]
    assert "readersquestion" not in answers[0].content.decode()
    question.refresh_from_db()
    assert question.status == Status.WAITING


# --- Forgetting


def test_questions_are_forgotten_when_their_time_is_over_and_not_before(capsys):
    now, day = timezone.now(), datetime.timedelta(days=1)
    kept = [
        ReadersQuestionFactory(asked_at=now - 179 * day),
        ReadersQuestionFactory(
            status=Status.DECLINED, asked_at=now - 400 * day, decided_at=now - 29 * day
        ),
        AnsweredQuestionFactory(asked_at=now - 4000 * day, decided_at=now - 4000 * day),
    ]
    ReadersQuestionFactory(asked_at=now - 181 * day)
    ReadersQuestionFactory(
        status=Status.DECLINED,
        asked_at=now - 40 * day,
        decided_at=now - 31 * day,
        sources=[SourceFactory()],
    )
    call_command("forget_questions")
    assert set(ReadersQuestion.objects.all()) == set(kept)
    assert capsys.readouterr().out.startswith("Deleted questions: ")
    call_command("forget_questions", verbosity=0)
    assert (ReadersQuestion.objects.count(), capsys.readouterr().out) == (3, "")


def test_the_log_of_the_admin_does_not_keep_what_is_forgotten(client, editor):
    question = ReadersQuestionFactory(text_as_asked="Does the canary sing?")
    client.post(f"{ADMIN}{question.pk}/change/", answer_form(text_published="Canary?"))
    client.post(f"{ADMIN}{question.pk}/delete/", {"post": "yes"})
    assert ReadersQuestion.objects.count() == 0
    entries = list(LogEntry.objects.values_list("object_repr", "change_message"))
    assert len(entries) == 2
    assert not [entry for entry in entries if "canary" in "".join(entry).lower()]
