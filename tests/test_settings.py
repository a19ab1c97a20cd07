"""Settings that would be unsafe stop the site from starting, with one line that says why."""

import os
import runpy
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).parent.parent
KEY = "k3y-" + "0123456789abcdef" * 4
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "example.org",
    "ENQUIRY_KEYS": urlsafe_b64encode(b"k" * 32).decode(),
}
OURS = (
    *("ALLOWED_HOSTS", "BEHIND_TLS_PROXY", "CONTACT_EMAIL", "CSRF_TRUSTED_ORIGINS"),
    *("DATABASE_URL", "DEBUG", "DJANGO_SETTINGS_MODULE", "MEDIA_ROOT", "SECRET_KEY"),
    *("ENQUIRY_KEYS", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"),
    *("DEFAULT_FROM_EMAIL", "SITE_URL", "TRUSTED_PROXIES"),
    *("SECRET_KEY_FALLBACKS", "SECURE_SSL_REDIRECT"),
)


def manage(*arguments, **variables):
    """Run manage.py with these variables and none other of ours; return the finished process."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing."),
        ({"SECRET_KEY": "   "}, "SECRET_KEY is missing."),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be at least 50 random characters."),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY must be at least 50 random characters."),
        (
            {"SECRET_KEY": "only-for-development-" + "x" * 40},
            "SECRET_KEY must be at least 50 random characters.",
        ),
        (
            {"SECRET_KEY": "django-insecure-" + KEY},
            "SECRET_KEY must be at least 50 random characters.",
        ),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": " , "}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "example.org,*"}, "ALLOWED_HOSTS must name"),
        ({"ENQUIRY_KEYS": ""}, "ENQUIRY_KEYS is missing."),
        ({"ENQUIRY_KEYS": "short"}, "Each of ENQUIRY_KEYS must be a key"),
        (
            {"ENQUIRY_KEYS": f"{PRODUCTION['ENQUIRY_KEYS']},x"},
            "Each of ENQUIRY_KEYS must be a key",
        ),
        ({"DEBUG": "yes"}, "DEBUG must be true or false, not 'yes'."),
        ({"DEBUG": "1"}, "DEBUG must be true or false, not '1'."),
        ({"DEBUG": "ture"}, "DEBUG must be true or false, not 'ture'."),
        ({"SECURE_SSL_REDIRECT": "off"}, "SECURE_SSL_REDIRECT must be true or false, not 'off'."),
        ({"TRUSTED_PROXIES": "all"}, "TRUSTED_PROXIES must be a number from 0 to 9, not 'all'."),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES must be a number from 0 to 9, not '-1'."),
        ({"BEHIND_TLS_PROXY": "0"}, "BEHIND_TLS_PROXY must be true or false, not '0'."),
    ],
    ids=str,
)
def test_unsafe_setting_is_refused_in_one_line(monkeypatch, changed, expected):
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**PRODUCTION, **changed}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        runpy.run_path(str(ROOT / "config" / "settings.py"))
    assert str(refusal.value).startswith(expected)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (True, 0, True)),
        ({"BEHIND_TLS_PROXY": "true"}, (True, 1, True)),
        ({"BEHIND_TLS_PROXY": "true", "TRUSTED_PROXIES": "2"}, (True, 2, True)),
        ({"DEBUG": "true"}, (False, 0, False)),
    ],
    ids=str,
)
def test_a_public_site_asks_for_the_second_step_and_sends_cookies_over_tls_only(
    monkeypatch, changed, expected
):
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**PRODUCTION, **changed}.items():
        monkeypatch.setenv(name, value)
    found = runpy.run_path(str(ROOT / "config" / "settings.py"))
    secure = found.get("SESSION_COOKIE_SECURE", False)
    assert (found["SECOND_STEP_REQUIRED"], found["TRUSTED_PROXIES"], secure) == expected
    assert (found["SESSION_COOKIE_HTTPONLY"], found["SESSION_COOKIE_SAMESITE"]) == (True, "Lax")


def test_without_any_variable_refuses_to_start():
    process = manage("check")
    assert process.returncode != 0
    assert "ImproperlyConfigured: SECRET_KEY is missing." in process.stderr.splitlines()[-1]


def test_production_passes_the_deployment_checks():
    process = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == "System check identified no issues (0 silenced).\n"


def test_development_needs_debug_only():
    assert manage("check", DEBUG="true").returncode == 0


def test_example_environment_lists_every_variable():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = {line.lstrip("# ").partition("=")[0] for line in example.splitlines() if "=" in line}
    assert set(OURS) - {"DJANGO_SETTINGS_MODULE"} <= listed
