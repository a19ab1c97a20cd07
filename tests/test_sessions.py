"""Where one is signed in: listed truly, ended at once, written seldom."""

import datetime

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import SignedInSession
from tests.factories import ClinicFactory, MembershipFactory, StaffFactory

pytestmark = pytest.mark.django_db
ACCOUNT, END = "/admin/account/", "/admin/end-sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0"
)


def signed_in(client, user, user_agent=FIREFOX):
    """A browser of its own in which the person has signed in."""
    browser = type(client)()
    form = {"username": user.username, "password": "password"}
    answer = browser.post("/admin/login/", form, HTTP_USER_AGENT=user_agent)
    assert answer.status_code == 302
    return browser


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (FIREFOX, ("Firefox", "Linux")),
        (SAFARI, ("Safari", "iPhone")),
        (CHROME, ("Chrome", "Android")),
        (EDGE, ("Edge", "Windows")),
        ("", ("", "")),
        ("<script>alert(1)</script>\x00" + "x" * 99_999 + " Chrome Linux", ("", "")),
    ],
    ids=["Firefox", "Safari", "Chrome", "Edge", "nothing", "hostile"],
)
def test_a_browser_is_named_by_its_family(client, user_agent, expected):
    user = StaffFactory()
    browser = signed_in(client, user, user_agent)
    row = SignedInSession.objects.get(user=user)
    assert (row.browser, row.system) == expected
    page = browser.get(ACCOUNT).content.decode()
    assert ("Unknown browser" if expected == ("", "") else " on ".join(expected)) in page
    assert "<script>alert" not in page


def test_ending_one_session_or_all_others(client):
    user = StaffFactory()
    here, second, third = (signed_in(client, user) for _number in range(3))
    own = here.session.session_key
    chosen = SignedInSession.objects.get(pk=second.session.session_key)
    here.post(END, {"session": chosen.reference})
    assert second.get("/admin/").status_code == 302
    assert third.get("/admin/").status_code == 200
    here.post(END, {"session": "others"})
    assert third.get("/admin/").status_code == 302
    assert here.get("/admin/").status_code == 200
    assert list(SignedInSession.objects.values_list("pk", flat=True)) == [own]


def test_nobody_ends_or_sees_the_session_of_somebody_else(client):
    mine, theirs = StaffFactory(), StaffFactory()
    here, there = signed_in(client, mine, SAFARI), signed_in(client, theirs, EDGE)
    row = SignedInSession.objects.get(user=theirs)
    for value in (row.reference, row.session_key, "others", "", "\x00", "%"):
        here.post(END, {"session": value})
    here.get(END, {"session": row.reference})
    assert there.get("/admin/").status_code == 200
    page = here.get(ACCOUNT).content.decode()
    assert "Edge" not in page
    # Not even one's own key, which would open the session to whoever reads the page.
    keys = SignedInSession.objects.values_list("session_key", flat=True)
    assert not [key for key in keys if key in page]


def test_last_use_is_written_once_in_ten_minutes(client, django_assert_num_queries):
    user = StaffFactory()
    browser = signed_in(client, user)
    before = SignedInSession.objects.get(user=user)
    with django_assert_num_queries(3):
        # The session, the person and their app; nothing is written.
        browser.get("/admin/jsi18n/")
    session = browser.session
    session["last_seen_at"] = (timezone.now() - datetime.timedelta(minutes=11)).isoformat()
    session.save()
    browser.get("/admin/jsi18n/")
    after = SignedInSession.objects.get(user=user)
    assert after.last_seen_at >= before.last_seen_at
    assert after.signed_in_at == before.signed_in_at
    assert after.expire_date >= before.expire_date


def test_a_session_ends_after_a_week_however_often_it_is_used(client):
    user = StaffFactory()
    browser = signed_in(client, user)
    session = browser.session
    since = timezone.now() - datetime.timedelta(days=6, hours=23)
    session["signed_in_at"] = since.isoformat()
    session["last_seen_at"] = since.isoformat()
    session.save()
    browser.get("/admin/")
    row = SignedInSession.objects.get(user=user)
    assert row.expire_date == since + datetime.timedelta(days=7)


def test_an_unused_session_ends_after_twelve_hours(client):
    signed_in(client, StaffFactory())
    row = SignedInSession.objects.get()
    length = row.expire_date - row.signed_in_at
    assert abs(length - datetime.timedelta(hours=12)) < datetime.timedelta(minutes=1)


def test_signing_in_gives_a_new_key(client):
    user = StaffFactory()
    client.get("/admin/login/")
    session = client.session
    session["planted"] = "x"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    client.post("/admin/login/", {"username": user.username, "password": "password"})
    assert client.session.session_key != planted
    assert not SignedInSession.objects.filter(pk=planted).exists()


def test_a_new_password_signs_the_others_out(client):
    user = StaffFactory()
    here, there = signed_in(client, user), signed_in(client, user)
    new = "four quiet grey herons"
    form = {"old_password": "password", "new_password1": new, "new_password2": new}
    assert here.post("/admin/password_change/", form).status_code == 302
    assert there.get("/admin/").status_code == 302
    assert here.get("/admin/").status_code == 200
    assert SignedInSession.objects.filter(user=user).count() == 1


def test_cookies_are_for_this_site_and_not_for_scripts(client):
    user = StaffFactory()
    answer = client.post("/admin/login/", {"username": user.username, "password": "password"})
    cookie = answer.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert abs(int(cookie["max-age"]) - 12 * 3600) < 60


def test_a_public_page_reads_no_session_even_of_somebody_signed_in(client):
    clinic = ClinicFactory()
    browser = signed_in(client, MembershipFactory(clinic=clinic).user)
    for path in ("/", "/clinics/", clinic.get_absolute_url()):
        answer = browser.get(path)
        assert dict(answer.cookies) == {}
        assert "Cookie" not in answer.get("Vary", "")


def test_sessions_that_have_expired_are_cleared(client):
    signed_in(client, StaffFactory())
    SignedInSession.objects.update(expire_date=timezone.now() - datetime.timedelta(days=1))
    call_command("clearsessions")
    assert not SignedInSession.objects.exists()
