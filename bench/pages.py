"""Whole pages through the real view in this process, beside views that do next to nothing.

Each request passes through WSGI, every middleware, the view and its template, as in
production; what is left out is the web server.
"""

import gc
from datetime import date

import numpy as np
from django.test import RequestFactory
from django.urls import reverse

from clinics.views import PAGES
from treatments.recently_used import RecentlyUsed

from .mix import mixed
from .timing import Row, in_passes, milliseconds, resident_mb, row, settle
from .vocabulary import vocabulary
from .wsgi import application

PASSES = 3
SECONDS = 60
# A cold page is several times dearer; fewer of them say enough.
COLD_PAGES = 100


def visit(address: str) -> bytes:
    """The body of a page. Raises RuntimeError where there is none."""
    request = RequestFactory().get(address, secure=True, headers={"host": "localhost"})
    statuses = []
    response = application(request.environ, lambda status, *_: statuses.append(status))
    body = b"".join(response)
    response.close()
    if statuses != ["200 OK"]:
        raise RuntimeError(f"{address} answered {statuses}")
    return body


def visit_anew(address: str) -> bytes:
    """The body of a page of the directory that nobody has asked for since something changed."""
    PAGES.clear()
    return visit(address)


def milliseconds_again(address: str) -> float:
    """How long a page takes that was asked for just before: the median of some visits."""
    visit(address)
    return float(np.median([milliseconds(lambda: visit(address)) for _ in range(PASSES)]))


def directory_addresses() -> list[str]:
    """The addresses of the usual mix of requests."""
    return [f"{reverse('clinic-list')}?{r.query_string}" for r in mixed(vocabulary())]


def measure(size: int, today: date) -> list[Row]:
    """The directory warm, whole from before and cold, and views of no and one query, in turn."""
    addresses = directory_addresses()
    sizes = [len(visit(address)) for address in addresses]
    # Whatever keeps parts of pages exists by now; frozen, it would not be found.
    gc.unfreeze()
    memories = [thing for thing in gc.get_objects() if type(thing) is RecentlyUsed]
    settle()
    works = {
        "page": visit_anew,
        "empty-view": lambda _address: visit(reverse("empty")),
        "one-query-view": lambda _address: visit(reverse("one-query")),
    }
    times = in_passes(works, addresses, PASSES, SECONDS)
    note = f"{np.median(sizes) / 1000:.0f} kB of HTML"
    memory = round(resident_mb(), 1)
    rows = [
        row(name, size, np.median(taken, axis=0), note=note if name == "page" else "")
        for name, taken in times.items()
    ]
    rows[0].memory_mb = memory
    rows.append(row("page-again", size, map(milliseconds_again, addresses)))
    cold = []
    for address in addresses[:COLD_PAGES]:
        for memory in memories:
            memory.clear()
        cold.append(milliseconds(lambda address=address: visit(address)))
    return [*rows, row("page-cold", size, cold, note="nothing kept from pages before")]
