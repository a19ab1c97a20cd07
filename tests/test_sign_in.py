"""Guessing passwords is slow, tells nobody who has an account, and locks nobody out for long."""

import datetime

import pytest
from axes.models import AccessAttempt
from django.core import mail
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.sign_in_throttle import PERSON, PERSON_AT_A_PLACE, PLACE
from config.visitor_address import visitor_address
from tests.factories import EditorFactory, MembershipFactory, StaffFactory

pytestmark = pytest.mark.django_db
WRONG = "wrong"
LOGIN, FORGOTTEN = "/admin/login/", "/admin/password/"


def try_password(client, username, password=WRONG, address="192.0.2.1"):
    """One try from one address."""
    form = {"username": username, "password": password}
    return client.post(LOGIN, form, REMOTE_ADDR=address)


def failures(username, address, count):
    """That many wrong tries of the last minutes, as one row."""
    return AccessAttempt.objects.create(
        username=username, ip_address=address, user_agent="x", failures_since_start=count
    )


def test_after_five_wrong_passwords_the_right_one_is_not_tried(client):
    user = StaffFactory()
    told = [try_password(client, user.username) for _number in range(PERSON_AT_A_PLACE)]
    assert [answer.status_code for answer in told] == [200] * 4 + [429]
    answer = try_password(client, user.username, "password")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    text = answer.content.decode()
    assert text.count("wait 15 minutes") == 1
    assert user.username not in text
    assert client.get("/admin/").status_code == 302


def test_the_answers_are_the_same_for_a_name_that_nobody_has(client):
    user = StaffFactory()
    for known, unknown in zip(
        [try_password(client, user.username, address="192.0.2.1") for _n in range(6)],
        [try_password(client, "n" * len(user.username), address="192.0.2.2") for _n in range(6)],
        strict=True,
    ):
        assert known.status_code == unknown.status_code
        texts = [
            answer.content.decode().replace(name, "NAME")
            for answer, name in ((known, user.username), (unknown, "n" * len(user.username)))
        ]
        if known.status_code == 429:
            assert texts[0] == texts[1]
        else:
            assert [text.count("Please enter the correct") for text in texts] == [1, 1]


def test_the_owner_gets_in_from_elsewhere_meanwhile(client):
    user = StaffFactory()
    failures(user.username, "192.0.2.1", PERSON_AT_A_PLACE)
    assert try_password(client, user.username, "password", "192.0.2.1").status_code == 429
    assert try_password(client, user.username, "password", "198.51.100.7").status_code == 302


@pytest.mark.parametrize(
    ("username", "address", "count", "expected"),
    [
        ("somebody-else", "192.0.2.1", PLACE, 429),
        ("somebody-else", "192.0.2.1", PLACE - 1, 302),
        ("the-user", "203.0.113.9", PERSON, 429),
        ("the-user", "203.0.113.9", PERSON - 1, 302),
    ],
)
def test_many_names_from_one_place_and_one_name_from_many(
    client, username, address, count, expected
):
    StaffFactory(username="the-user")
    failures(username, address, count)
    assert try_password(client, "the-user", "password").status_code == expected


def test_a_lock_passes_with_time_and_tries_do_not_prolong_it(client):
    user = StaffFactory()
    attempt = failures(user.username, "192.0.2.1", PERSON_AT_A_PLACE)
    since = timezone.now() - datetime.timedelta(minutes=14)
    AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=since)
    assert try_password(client, user.username, "password").status_code == 429
    AccessAttempt.objects.update(attempt_time=since - datetime.timedelta(minutes=2))
    assert try_password(client, user.username, "password").status_code == 302


def test_getting_in_forgets_ones_own_slips_and_nobody_elses(client):
    """Else somebody with an account could guess at others' for ever, signing in now and then."""
    user = StaffFactory()
    failures(user.username, "192.0.2.1", 4)
    kept = failures("victim", "192.0.2.1", 4)
    assert try_password(client, user.username, "password").status_code == 302
    assert list(AccessAttempt.objects.all()) == [kept]


def test_a_superuser_lets_somebody_try_again(client):
    user = StaffFactory()
    attempt = failures(user.username, "192.0.2.1", PERSON_AT_A_PLACE)
    path = f"/admin/axes/accessattempt/{attempt.pk}/"
    staff = type(client)()
    staff.force_login(MembershipFactory().user)
    assert staff.get(f"{path}change/").status_code == 403
    assert staff.post(f"{path}delete/", {"post": "yes"}).status_code == 403
    client.force_login(EditorFactory())
    assert user.username in client.get("/admin/axes/accessattempt/").content.decode()
    client.post(f"{path}delete/", {"post": "yes"})
    assert try_password(type(client)(), user.username, "password").status_code == 302


def test_no_password_is_kept_of_a_wrong_try(client):
    try_password(client, "somebody", "my-real-password")
    row = AccessAttempt.objects.get()
    assert "my-real-password" not in str(vars(row))


# --- Where a request comes from


@pytest.mark.parametrize(
    ("proxies", "connection", "header", "expected"),
    [
        (0, "192.0.2.1", "203.0.113.5", "192.0.2.1"),
        (1, "10.0.0.1", "203.0.113.5", "203.0.113.5"),
        (1, "10.0.0.1", "6.6.6.6, 203.0.113.5", "203.0.113.5"),
        (2, "10.0.0.1", "6.6.6.6, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        (2, "10.0.0.1", "203.0.113.5", "10.0.0.1"),
        (1, "10.0.0.1", "", "10.0.0.1"),
        (1, "10.0.0.1", "nonsense", "10.0.0.1"),
        (1, "", "", None),
        (0, "2001:db8:1:2:aaaa::1", "", "2001:db8:1:2::"),
        (0, "2001:db8:1:2:bbbb::9", "", "2001:db8:1:2::"),
        (0, "::ffff:192.0.2.1", "", "192.0.2.1"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    settings, proxies, connection, header, expected
):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=connection, HTTP_X_FORWARDED_FOR=header)
    assert visitor_address(request) == expected


def test_a_forged_header_makes_no_fresh_start(client):
    user = StaffFactory()
    for number in range(PERSON_AT_A_PLACE):
        form = {"username": user.username, "password": "wrong"}
        answer = client.post(LOGIN, form, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert answer.status_code == 429


# --- A forgotten password


def ask_for_link(client, email):
    """Ask, and return the answer."""
    return client.post(FORGOTTEN, {"email": email})


def test_a_link_to_choose_a_password_works_once_and_signs_out_everywhere(client, settings):
    settings.SITE_URL = "https://example.org"
    user = StaffFactory()
    elsewhere = type(client)()
    elsewhere.force_login(user)
    known, unknown = ask_for_link(client, user.email), ask_for_link(client, "nobody@example.org")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    (message,) = mail.outbox
    assert "testserver" not in message.body
    link = next(line for line in message.body.splitlines() if "/admin/password/" in line)
    path = link[link.index("/admin/") :]
    page = client.get(path, follow=True)
    form = {"new_password1": "four quiet grey herons", "new_password2": "four quiet grey herons"}
    place = page.redirect_chain[-1][0]
    assert client.post(place, {"new_password1": "x", "new_password2": "x"}).status_code == 200
    assert client.post(place, form)["Location"] == reverse("password_reset_complete")
    user.refresh_from_db()
    assert user.check_password("four quiet grey herons")
    assert elsewhere.get("/admin/").status_code == 302
    again = type(client)().get(path, follow=True)
    assert "was used already" in again.content.decode()


def test_mails_are_not_sent_by_the_thousand(client):
    user = StaffFactory()
    told = [ask_for_link(client, user.email).status_code for _number in range(7)]
    assert told == [302] * 4 + [429] * 3
    assert len(mail.outbox) == 4
