"""Take the pictures of the staff guide anew: `make guide`.

Starts the site on a database of its own with sample clinics and demonstration accounts, opens each
page of PICTURES, and writes docs/staff-guide/*.png. Ends with an error that names the page when one
is missing, and when the guide and PICTURES do not name the same pictures.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "staff-guide.md"
FOLDER = ROOT / "docs" / "staff-guide"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PASSWORD = "mesoguide-demo"  # noqa: S105  (of the demonstration accounts, printed by their command)
# Narrow enough for the buttons to stand at the end of a form and not above the picture.
SIZE = {"width": 880, "height": 700}
MOST_BYTES = 150_000
COLOURS = 128
START_SECONDS = 60
# What waits on the desk and in the inbox, beside the sample clinics. Everybody in it is made up.
ROWS = """
import datetime
from django.utils import timezone
from clinics.models import ClaimRequest, Membership
from tests.factories import ClaimRequestFactory, EnquiryFactory, ReadersQuestionFactory
from treatments.models import Treatment

clinic = Membership.objects.get(user__username="staff").clinic
EnquiryFactory(clinic=clinic, reference="SAMPLE-1")
first = Treatment.objects.filter(is_published=True).order_by("pk").first()
ReadersQuestionFactory(
    treatment=first,
    text_as_asked="How long should I wait before I go swimming?",
    asked_at=timezone.now() - datetime.timedelta(days=3),
)
ClaimRequestFactory(clinic=clinic, name="Lena Sample", position="Practice manager")
"""


@dataclass(frozen=True)
class Picture:
    """One picture: the page as somebody sees it, from the element `top` down.

    `address` may be that of a list, of which the row `row` is opened.
    """

    name: str
    address: str
    account: str = ""
    top: str = "#content"
    row: str = ""


PICTURES = (
    Picture("sign-in", "/admin/login/", top="#container"),
    Picture("home", "/admin/", account="staff", top=".start-home"),
    Picture("listing", "/admin/clinics/clinic/", account="staff", row="tbody th a"),
    Picture("offer", "/admin/clinics/offer/", account="staff", row="tbody th a"),
    Picture("requests", "/admin/clinics/enquiry/", account="staff"),
    Picture("desk", "/admin/desk/", account="editor"),
    Picture("claim", "/admin/clinics/claimrequest/", account="editor", row="tbody th a"),
)


def named_in_guide() -> set[str]:
    """The names of the pictures that the guide shows."""
    return set(re.findall(r"\(staff-guide/([\w-]+)\.png\)", GUIDE.read_text(encoding="utf-8")))


@contextlib.contextmanager
def site():
    """Yield the address of a site with sample data, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        within = {
            "PATH": os.environ["PATH"],
            "DEBUG": "true",
            "DATABASE_URL": f"sqlite:///{folder}/guide.sqlite3",
            "INDEX_SNAPSHOT": "",
            "MEDIA_ROOT": f"{folder}/media",
        }
        manage = [sys.executable, "manage.py"]
        rows = ["shell", "--no-imports", "-c", ROWS]
        for command in (["load_demonstration", "--verbosity=0"], rows):
            subprocess.run([*manage, *command], cwd=ROOT, env=within, check=True)  # noqa: S603
        served = [*manage, "runserver", "--noreload", f"127.0.0.1:{port}"]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(  # noqa: S603
                served, cwd=ROOT, env=within, stdout=log, stderr=log
            )
            try:
                wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()
                server.wait()


def wait_for(port: int):
    """Return when somebody listens on the port; end with an error when nobody does in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    sys.exit("The site did not start.")


def tab_of(browser: Browser, address: str, account: str) -> Page:
    """A tab in which this account is signed in; without an account, nobody."""
    tab = browser.new_context(viewport=SIZE, base_url=address, locale="en-GB").new_page()
    if account:
        tab.goto("/admin/login/")
        tab.get_by_label("Username").fill(account)
        tab.get_by_label("Password").fill(PASSWORD)
        tab.get_by_label("Password").press("Enter")
    return tab


def take(tab: Page, picture: Picture) -> bytes:
    """The picture as a small PNG. Ends with an error that names what is missing."""
    response = tab.goto(picture.address)
    if response.status != 200:
        sys.exit(f"{picture.name}: {picture.address} answered {response.status}.")
    if picture.row:
        rows = tab.locator(f"#result_list {picture.row}")
        if not rows.count():
            sys.exit(f"{picture.name}: there is nothing to open at {picture.address}.")
        with tab.expect_navigation():
            rows.first.click()
    tab.wait_for_load_state()
    part = tab.locator(picture.top)
    if part.count() != 1:
        sys.exit(f"{picture.name}: {tab.url} has no {picture.top}.")
    box = part.bounding_box()
    shot = tab.screenshot(
        clip={**box, "height": min(box["height"], SIZE["height"])}, full_page=True
    )
    small = Image.open(BytesIO(shot)).convert("RGB").quantize(COLOURS)
    written = BytesIO()
    small.save(written, "PNG", optimize=True)
    if written.tell() > MOST_BYTES:
        sys.exit(f"{picture.name}: {written.tell()} bytes are too many.")
    return written.getvalue()


def main():
    """Take all of them, then write all of them."""
    odd = named_in_guide() ^ {picture.name for picture in PICTURES}
    if odd:
        sys.exit(f"In the guide or in PICTURES, but not in both: {', '.join(sorted(odd))}.")
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"No browser on PATH. Looked for {', '.join(BROWSERS)}.")
    with site() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        accounts = {picture.account for picture in PICTURES}
        tabs = {account: tab_of(browser, address, account) for account in accounts}
        taken = {picture.name: take(tabs[picture.account], picture) for picture in PICTURES}
        browser.close()
    FOLDER.mkdir(exist_ok=True)
    for name, content in taken.items():
        (FOLDER / f"{name}.png").write_bytes(content)


if __name__ == "__main__":
    main()
