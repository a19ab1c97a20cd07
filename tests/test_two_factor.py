"""The second step of signing in: who needs it, what lets somebody past it, what never does."""

import datetime
import io
import re
import time

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core import mail
from django.core.management import CommandError, call_command
from django.urls import URLResolver
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import two_factor
from accounts.models import User
from tests.factories import EditorFactory, MembershipFactory, StaffFactory
from treatments.permissions import EDITORS, MODERATORS

pytestmark = pytest.mark.django_db
LOGIN, CODE, TURN_ON = "/admin/login/", "/admin/sign-in-code/", "/admin/turn-on-second-step/"


@pytest.fixture(autouse=True)
def required(settings):
    """As on a public site."""
    settings.SECOND_STEP_REQUIRED = True


def code_now(device, steps=0) -> str:
    """What the app shows `steps` times thirty seconds from now."""
    return f"{totp(device.bin_key, drift=steps):06d}"


def wrong_code(device) -> str:
    """Six digits that are no code of now, nor of the steps beside it."""
    right = {code_now(device, steps) for steps in (-2, -1, 0, 1, 2)}
    return next(f"{number:06d}" for number in range(10) if f"{number:06d}" not in right)


@pytest.fixture
def editor(db):
    """An editor with a confirmed app."""
    user = EditorFactory()
    TOTPDevice.objects.create(user=user, name=two_factor.APP, confirmed=True)
    return user


@pytest.fixture
def app(editor):
    """The editor's app."""
    return TOTPDevice.objects.get(user=editor)


def password_step(client, user, next_page="/admin/clinics/clinic/"):
    """Give name and password."""
    form = {"username": user.username, "password": "password", "next": next_page}
    return client.post(LOGIN, form)


def admin_paths() -> list[str]:
    """An address for every route of the admin."""
    found, waiting = [], [("", url) for url in admin.site.get_urls()]
    while waiting:
        prefix, url = waiting.pop(0)
        route = prefix + str(url.pattern)
        if isinstance(url, URLResolver):
            waiting += [(route, inner) for inner in url.url_patterns]
        elif not route.startswith(("^", "(")):
            found.append("/admin/" + re.sub(r"<[^>]+>", "1", route))
    return found


# --- Who needs it


@pytest.mark.once
def test_no_page_of_the_admin_opens_for_an_editor_without_the_second_step(client):
    """Not one, also not the JSON of suggestions nor the words of scripts; each leads on."""
    client.force_login(EditorFactory())
    paths = set(admin_paths()) - {LOGIN, TURN_ON, "/admin/logout/"}
    assert {"/admin/autocomplete/", "/admin/jsi18n/", "/admin/accounts/user/"} <= paths
    for path in paths:
        for answer in (client.get(path), client.post(path)):
            assert (answer.status_code, answer["Location"]) == (302, TURN_ON), path


def test_somebody_with_an_app_is_led_to_the_code(client, editor):
    client.force_login(editor)
    for path in set(admin_paths()) - {LOGIN, CODE, "/admin/logout/"}:
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, CODE), path


@pytest.mark.parametrize("group", [EDITORS, MODERATORS])
def test_groups_that_need_it(client, group):
    user = StaffFactory()
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    assert client.get("/admin/")["Location"] == TURN_ON


def test_clinic_staff_may_do_without_and_may_turn_it_on(client):
    client.force_login(MembershipFactory().user)
    assert client.get("/admin/clinics/clinic/").status_code == 200
    assert client.get(TURN_ON).status_code == 200


def test_while_developing_nobody_needs_it(client, settings):
    settings.SECOND_STEP_REQUIRED = False
    client.force_login(EditorFactory())
    assert client.get("/admin/accounts/user/").status_code == 200


def test_whoever_owes_the_second_step_can_sign_out(client):
    client.force_login(EditorFactory())
    client.post("/admin/logout/")
    assert client.get("/admin/")["Location"].startswith(LOGIN)


# --- Setting up


def shown_secret(client) -> TOTPDevice:
    """The secret on the page, as an app would keep it."""
    secret = client.get(TURN_ON).context["secret"]
    assert "".join(secret.words) in secret.address
    return TOTPDevice(key=secret.key)


def test_an_app_counts_only_after_it_has_shown_a_code(client):
    user = EditorFactory()
    client.force_login(user)
    app = shown_secret(client)
    assert client.get(TURN_ON).context["secret"].key == app.key
    answer = client.post(TURN_ON, {"code": wrong_code(app)})
    assert (answer.status_code, TOTPDevice.objects.count()) == (200, 0)
    assert client.get("/admin/")["Location"] == TURN_ON

    answer = client.post(TURN_ON, {"code": code_now(app)})
    codes = answer.context["codes"]
    assert len(set(codes)) == 10
    assert all(code in answer.content.decode() for code in codes)
    assert "no-store" in answer["Cache-Control"]
    assert client.get("/admin/").status_code == 200
    # Kept as digests: the database alone lets nobody in.
    stored = set(StaticToken.objects.values_list("token", flat=True))
    assert stored == {two_factor.digest(user, code) for code in codes}
    assert not stored & {two_factor.plain(code) for code in codes}


def test_the_picture_holds_the_secret_as_dark_squares(client):
    client.force_login(EditorFactory())
    page = client.get(TURN_ON)
    picture = page.context["secret"].picture
    squares = re.findall(r"M(\d+) (\d+)h1v1h-1z", picture.path)
    assert len(squares) == picture.path.count("M") > 300
    # The corners of a QR code's first eye, after a quiet zone of four.
    assert {("4", "4"), ("10", "4"), ("4", "10")} <= set(squares)
    assert ("0", "0") not in squares
    assert picture.path in page.content.decode()


def test_turning_it_on_signs_out_elsewhere_and_tells_the_owner(
    client, django_capture_on_commit_callbacks
):
    user = EditorFactory()
    elsewhere = type(client)()
    elsewhere.force_login(user)
    client.force_login(user)
    app = shown_secret(client)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(TURN_ON, {"code": code_now(app)})
    assert elsewhere.get("/admin/")["Location"].startswith(LOGIN)
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert app.key not in mail.outbox[0].body


def test_a_second_app_cannot_be_set_up_from_a_session_that_somebody_left_open(client, editor, app):
    client.force_login(editor)
    for answer in (client.get(TURN_ON), client.post(TURN_ON, {"code": "000000"})):
        assert answer["Location"] == CODE
    assert TOTPDevice.objects.get() == app


# --- Signing in


def test_password_then_code(client, editor, app):
    answer = password_step(client, editor)
    assert answer["Location"] == CODE
    assert "_auth_user_id" not in client.session
    assert client.get("/admin/")["Location"].startswith(LOGIN)
    before = client.session.session_key
    answer = client.post(CODE, {"code": code_now(app)})
    assert answer["Location"] == "/admin/clinics/clinic/"
    assert client.session.session_key != before
    assert client.get("/admin/accounts/user/").status_code == 200


def test_a_code_works_once(client, editor, app):
    code = code_now(app)
    password_step(client, editor)
    client.post(CODE, {"code": code})
    other = type(client)()
    password_step(other, editor)
    answer = other.post(CODE, {"code": code})
    assert answer.status_code == 200
    assert "was used already" in answer.content.decode()
    assert other.get("/admin/")["Location"].startswith(LOGIN)


def test_a_recovery_code_works_once_however_it_is_typed(client, editor):
    code = two_factor.new_recovery_codes(editor)[0]
    password_step(client, editor)
    assert client.post(CODE, {"code": f" {code.upper().replace('-', ' ')} "}).status_code == 302
    assert client.get("/admin/accounts/user/").status_code == 200
    assert two_factor.recovery_codes_left(editor) == 9
    other = type(client)()
    password_step(other, editor)
    assert other.post(CODE, {"code": code}).status_code == 200


def test_new_recovery_codes_end_the_old_ones(editor):
    old = two_factor.new_recovery_codes(editor)
    new = two_factor.new_recovery_codes(editor)
    assert not set(old) & set(new)
    assert two_factor.check(editor, old[0]).device is None
    StaticDevice.objects.update(throttling_failure_count=0)
    assert two_factor.check(editor, new[0]).device


def test_a_recovery_code_of_somebody_else_opens_nothing(editor):
    other = EditorFactory()
    two_factor.new_recovery_codes(editor)
    code = two_factor.new_recovery_codes(other)[0]
    assert two_factor.check(editor, code).device is None


def test_a_half_sign_in_lasts_minutes(client, editor, app, monkeypatch):
    password_step(client, editor)
    now = time.time()
    monkeypatch.setattr("accounts.sign_in.time.time", lambda: now + 301)
    answer = client.post(CODE, {"code": code_now(app)})
    assert answer["Location"].startswith(LOGIN)
    assert client.get("/admin/")["Location"].startswith(LOGIN)


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "changed"}])
def test_a_half_sign_in_ends_with_the_account_or_its_password(client, editor, app, change):
    password_step(client, editor)
    User.objects.filter(pk=editor.pk).update(**change)
    answer = client.post(CODE, {"code": code_now(app)})
    assert answer["Location"].startswith(LOGIN)


def test_the_page_for_codes_asks_for_the_password_first(client):
    for answer in (client.get(CODE), client.post(CODE, {"code": "000000"})):
        assert answer["Location"].startswith(LOGIN)


@pytest.mark.parametrize(
    "text", ["", " ", "12345", "１２３４５６", "\x00", "9" * 400, "' OR 1", "-1"]
)
def test_what_is_no_code_is_refused(client, editor, text):
    password_step(client, editor)
    assert client.post(CODE, {"code": text}).status_code == 200
    assert client.get("/admin/")["Location"].startswith(LOGIN)


def test_after_a_wrong_code_even_the_right_one_must_wait(client, editor, app):
    """Who sends it makes no difference, so that many machines are no quicker than one."""
    password_step(client, editor)
    client.post(CODE, {"code": wrong_code(app)})
    app.refresh_from_db()
    app.throttling_failure_timestamp = timezone.now() + datetime.timedelta(seconds=30)
    app.save()
    answer = client.post(CODE, {"code": code_now(app)})
    assert re.search(r"Wait \d+ seconds", answer.content.decode())
    app.throttling_failure_timestamp = timezone.now() - datetime.timedelta(minutes=1)
    app.save()
    assert client.post(CODE, {"code": code_now(app)}).status_code == 302


def test_a_thousand_guesses_are_stopped_by_the_fifth(client, editor, app):
    password_step(client, editor)
    told = []
    for _number in range(6):
        told.append(client.post(CODE, {"code": wrong_code(app)}).status_code)
        TOTPDevice.objects.update(throttling_failure_timestamp=None)
    assert told[:4] == [200] * 4
    assert told[4] == 429
    # Neither the next code nor the right password is looked at for a while.
    assert password_step(client, editor).status_code == 429
    assert client.get("/admin/")["Location"].startswith(LOGIN)


def test_next_leads_nowhere_else(client, editor, app):
    password_step(client, editor, next_page="https://evil.example/")
    assert client.post(CODE, {"code": code_now(app)})["Location"] == "/admin/"


# --- Turning it off


@pytest.fixture
def signed_in(client, editor, app):
    """The editor past both steps."""
    password_step(client, editor)
    client.post(CODE, {"code": code_now(app)})
    app.refresh_from_db()
    return client


@pytest.mark.parametrize("address", ["turn-off-second-step", "new-recovery-codes"])
def test_what_weakens_the_account_needs_password_and_code(signed_in, editor, app, address):
    two_factor.new_recovery_codes(editor)
    before = set(StaticToken.objects.values_list("token", flat=True))
    path, code = f"/admin/{address}/", code_now(app, 1)
    for form in ({}, {"code": code}, {"password": "password"}, {"password": "x", "code": code}):
        assert signed_in.post(path, form).status_code == 200
        assert TOTPDevice.objects.filter(user=editor).exists()
        assert set(StaticToken.objects.values_list("token", flat=True)) == before
    # A wrong password has not used the code up.
    signed_in.post(path, {"password": "password", "code": code})
    assert set(StaticToken.objects.values_list("token", flat=True)) != before
    assert TOTPDevice.objects.filter(user=editor).exists() == (address == "new-recovery-codes")


def test_an_editor_who_turned_it_off_sets_it_up_again_before_anything_else(signed_in, app):
    signed_in.post(
        "/admin/turn-off-second-step/", {"password": "password", "code": code_now(app, 1)}
    )
    assert signed_in.get("/admin/accounts/user/")["Location"] == TURN_ON


def test_a_superuser_removes_the_second_step_of_somebody_who_lost_it(signed_in, editor):
    lost = StaffFactory()
    TOTPDevice.objects.create(user=lost, name=two_factor.APP)
    elsewhere = type(signed_in)()
    elsewhere.force_login(lost)
    form = {"action": "remove_second_step", "_selected_action": [lost.pk]}
    signed_in.post("/admin/accounts/user/", form)
    assert two_factor.app_of(lost) is None
    assert two_factor.app_of(editor)
    assert elsewhere.get("/admin/")["Location"].startswith(LOGIN)
    history = signed_in.get(f"/admin/accounts/user/{lost.pk}/history/").content.decode()
    assert "Second step removed." in history


def test_a_command_removes_the_second_step_of_the_last_superuser(signed_in, editor):
    two_factor.new_recovery_codes(editor)
    with pytest.raises(CommandError, match="There is no account"):
        call_command("remove_second_step", "nobody")
    call_command("remove_second_step", editor.username, stdout=io.StringIO())
    assert (two_factor.app_of(editor), StaticToken.objects.count()) == (None, 0)
    assert signed_in.get("/admin/")["Location"].startswith(LOGIN)


def test_nobody_sees_the_secrets_of_others(signed_in, app):
    assert (
        app.key not in signed_in.get(f"/admin/accounts/user/{app.user_id}/change/").content.decode()
    )
    registered = {model.__name__ for model in admin.site._registry}
    assert not registered & {"TOTPDevice", "StaticDevice", "StaticToken", "SignedInSession"}
