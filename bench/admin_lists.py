"""The lists of the admin as an editor opens them: plain, by each filter, by search, the last page.

Each request passes through every middleware, the view and its template; what is left out is the
web server.
"""

import re
from datetime import date
from html import unescape

import numpy as np
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from .timing import Row, milliseconds, row

# Those that grow with the number of clinics, and the desk.
LISTS = ("clinic", "offer", "practitioner", "check", "place")
SEARCHES = ("clinic", "zzz", "an")
# Of a filter, those tried.
OPTIONS = 4
TIMES = 3


def addresses(client: Client, name: str) -> list[str]:
    """Of a list: itself, the first options of each filter, some searches, its last page."""
    plain = reverse(f"admin:clinics_{name}_changelist")
    page = client.get(plain, secure=True).content.decode()
    filters = page.partition('id="changelist-filter"')[2].partition("</nav>")[0]
    options = []
    for block in filters.split("<details")[1:]:
        found = re.findall(r'href="(\?[^"]+)"', block)
        options += [unescape(option) for option in found if option != "?"][:OPTIONS]
    pages = [int(number) for number in re.findall(r'href="\?p=(\d+)"', page)]
    queries = [*options, *(f"?q={word}" for word in SEARCHES), f"?p={max(pages, default=1)}"]
    return [plain, *(plain + query for query in queries)]


def visit(client: Client, address: str) -> None:
    """Open a page. Raises RuntimeError where there is none."""
    status = client.get(address, secure=True).status_code
    if status != 200:
        raise RuntimeError(f"{address} answered {status}")


def measure(size: int, today: date) -> list[Row]:
    """The median of each address; the slowest is named."""
    settings.SECOND_STEP_REQUIRED = False
    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.create_superuser("bench"))
    asked = {name: addresses(client, name) for name in LISTS}
    asked["desk"] = [reverse("admin:index"), reverse("desk"), reverse("desk") + "?page=9999"]
    rows = []
    for name, pages in asked.items():
        times = [
            np.median([milliseconds(lambda page=page: visit(client, page)) for _ in range(TIMES)])
            for page in pages
        ]
        slowest = pages[int(np.argmax(times))]
        rows.append(row(f"admin-{name}", size, times, note=f"slowest: {slowest}"))
    return rows
