"""A running site and a browser that reports whatever a visitor would not want to happen.

The site runs as in production: gunicorn, DEBUG off, hashed static files, the real
catalogue and the sample clinics, in a database of its own beside the one that
DATABASE_URL names.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from base64 import b32decode
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import psycopg2
import pytest
from cryptography.fernet import Fernet
from django_otp.oath import totp

ROOT = Path(__file__).parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Each worker of the test run has a database of its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
START_SECONDS = 30
MAKE_EDITOR = """
from accounts.models import User
User.objects.create_superuser("{name}", "{name}@example.org", "{password}")
"""

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
NARROWEST = {"width": 320, "height": 640}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Use the machine's own chromium. Without one, skip, or fail where CI=true."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        reason = f"SKIPPED: no browser on PATH. Looked for {', '.join(BROWSERS)}."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return {
        **browser_type_launch_args,
        "executable_path": browser,
        # Containers lack what chromium's sandbox needs; it visits our own pages only.
        "args": ["--no-sandbox", "--disable-background-networking"],
    }


@contextlib.contextmanager
def own_database(folder: Path, purpose: str, template: str = "template1"):
    """Yield the address of an empty database: SQLite in `folder`, or one on the same server.

    On the server it may be the copy of a `template` that nobody is connected to.
    """
    database = f"mesoguide_{purpose}_{WORKER}"
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith(("postgres://", "postgresql://")):
        yield f"sqlite:///{folder / 'own.sqlite3'}"
        return
    parts = dj_database_url.parse(server)
    connection = psycopg2.connect(
        host=parts["HOST"],
        port=parts["PORT"] or None,
        user=parts["USER"],
        password=parts["PASSWORD"] or None,
        dbname=parts["NAME"],
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {database}")
        cursor.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
        yield urlsplit(server)._replace(path=f"/{database}").geturl()
        cursor.execute(f"DROP DATABASE {database} WITH (FORCE)")
    connection.close()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(server: subprocess.Popen, port: int):
    """Return when the server accepts connections."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "The site ended before it answered; its words are above."
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    pytest.fail(f"The site did not answer within {START_SECONDS} seconds.")


@pytest.fixture(scope="session")
def site_environment(tmp_path_factory, browser_type_launch_args):
    """The variables of a site as in production, with an empty database of its own."""
    folder = tmp_path_factory.mktemp("site")
    with own_database(folder, "journeys") as database:
        yield {
            "PATH": os.environ["PATH"],
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": database,
            "INDEX_SNAPSHOT": str(folder / "directory.npz"),
            "MEDIA_ROOT": str(folder / "media"),
            "PRIVATE_ROOT": str(folder / "private"),
            # Its own, because two workers that collect into one folder delete each other's files.
            "STATIC_ROOT": str(folder / "static"),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "SECURE_SSL_REDIRECT": "false",
            "ENQUIRY_KEYS": Fernet.generate_key().decode(),
        }


@pytest.fixture(scope="session")
def manage(site_environment):
    """Return a function that runs a management command of the site: `manage("run_jobs", "--once")`.

    A command that fails fails the test with its words. All run in one process, because each would
    take seconds to start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.commands"],
        cwd=ROOT,
        env=site_environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(*words: str):
        process.stdin.write(f"{json.dumps(words)}\n")
        process.stdin.flush()
        problem = json.loads(process.stdout.readline())
        assert not problem, problem

    yield run
    process.stdin.close()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="session")
def base_url(site_environment, manage):
    """The address of a site with the catalogue and the sample clinics."""
    port = free_port()
    for command in ("migrate", "load_catalogue", "load_sample_clinics"):
        manage(command)
    manage("collectstatic", "--noinput")
    gunicorn = [sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=127.0.0.1:{port}"]
    server = subprocess.Popen(
        [*gunicorn, "--threads=4", "--log-level=warning"], cwd=ROOT, env=site_environment
    )
    try:
        wait_until_ready(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def editor_account(base_url, manage) -> tuple[str, str]:
    """The name and password of a new superuser of the running site, without a second step."""
    name, password = f"editor-{secrets.token_hex(4)}", secrets.token_urlsafe(20)
    manage("shell", "--command", MAKE_EDITOR.format(name=name, password=password))
    return name, password


@pytest.fixture
def editors_tab(visit, editor_account):
    """A browser tab in which an editor has signed in, with a second step."""
    tab = visit()
    sign_in_with_password(tab, *editor_account)
    turn_on_second_step(tab)
    tab.get_by_role("link", name="go on").click()
    return tab


def sign_in_with_password(tab, name: str, password: str):
    """Fill in the first page of signing in, from wherever the tab is."""
    tab.goto("/admin/login/")
    tab.get_by_label("Username").fill(name)
    tab.get_by_label("Password").fill(password)
    tab.get_by_label("Password").press("Enter")


def turn_on_second_step(tab) -> bytes:
    """On the page where an authenticator app is set up: give its code, return its secret."""
    secret = b32decode(re.sub(r"\s", "", tab.locator("code").inner_text()))
    tab.get_by_label("The six digits").fill(f"{totp(secret):06d}")
    tab.get_by_role("button", name="Turn on").click()
    return secret


@pytest.fixture
def visit(new_context, base_url):
    """Return a function that opens a browser tab, on a desktop screen unless told: `visit()`.

    When the test ends, it fails if any of its tabs printed an error, broke the
    content security policy, failed to load something or asked another origin.
    """
    complaints = []

    def open_tab(**options):
        tab = new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options}).new_page()
        tab.on("console", lambda message: note(message.type, message.text))
        tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        tab.on("request", lambda request: check_origin(request.url))
        tab.on("response", check_status)
        return tab

    def note(kind, text):
        # Chromium repeats a missing page here; check_status decides whether it was meant.
        if kind in ("error", "warning") and "status of 404" not in text:
            complaints.append(f"console {kind}: {text}")

    def check_origin(url):
        if not url.startswith((f"{base_url}/", "data:")):
            complaints.append(f"asked another origin: {url}")

    def check_status(response):
        is_page = response.request.resource_type == "document"
        if response.status >= 500 or (response.status >= 400 and not is_page):
            complaints.append(f"{response.status}: {response.url}")

    yield open_tab
    assert complaints == []
