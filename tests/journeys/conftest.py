"""A running site and a browser that reports whatever a visitor would not want to happen.

The site runs as in production: gunicorn, DEBUG off, hashed static files, the real
catalogue and the sample clinics, in a database of its own beside the one that
DATABASE_URL names.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import psycopg2
import pytest

ROOT = Path(__file__).parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Each worker of the test run has a database of its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
START_SECONDS = 30
# Of a site that lives for one test run.
EDITOR, EDITOR_PASSWORD = "editor", secrets.token_urlsafe(20)

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


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
def own_database(folder: Path, purpose: str):
    """Yield the address of an empty database: SQLite in `folder`, or one on the same server."""
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
        cursor.execute(f"CREATE DATABASE {database}")
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
def base_url(tmp_path_factory, browser_type_launch_args):
    """The address of a site with the catalogue and the sample clinics."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    with own_database(folder, "journeys") as database:
        environment = {
            "PATH": os.environ["PATH"],
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": database,
            "INDEX_SNAPSHOT": str(folder / "directory.npz"),
            "MEDIA_ROOT": str(folder / "media"),
            # Its own, because two workers that collect into one folder delete each other's files.
            "STATIC_ROOT": str(folder / "static"),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "SECURE_SSL_REDIRECT": "false",
        }
        for command in ("collectstatic --noinput", "migrate", "load_catalogue"):
            manage(command, environment)
        manage("load_sample_clinics", environment)
        manage(
            f"createsuperuser --noinput --username={EDITOR} --email=editor@example.org",
            environment | {"DJANGO_SUPERUSER_PASSWORD": EDITOR_PASSWORD},
        )
        gunicorn = [sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=127.0.0.1:{port}"]
        server = subprocess.Popen(
            [*gunicorn, "--threads=4", "--log-level=warning"], cwd=ROOT, env=environment
        )
        try:
            wait_until_ready(server, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def manage(command: str, environment: dict[str, str]):
    """Run a management command quietly; its failure fails the test with its words."""
    process = subprocess.run(
        [sys.executable, "manage.py", *command.split(), "--verbosity=0"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr


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
