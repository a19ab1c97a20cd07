"""Facet work of a page in four ways: total, one page of ids, and the counts of every facet.

The index is what the site uses; how it is asked stands in `index_answer` alone. Its answers
are held against `BruteForce` before anything is timed.
"""

import sys
import tempfile
from datetime import date
from itertools import chain
from pathlib import Path

import numpy as np

from clinics.facet_index import FacetIndex
from clinics.live_index import build_index
from clinics.narrowing import Narrowing
from clinics.selection import Answer

from . import mix, plain_django_filter
from .brute_force import BruteForce
from .limit import Limit, packed
from .mix import Request
from .tantivy_case import TantivyIndex
from .timing import Row, in_passes, milliseconds, row, settle
from .world import generate

PASSES = 5
LIMIT_PASSES = 20
# How long a slower way may take altogether, for each size.
TANTIVY_SECONDS = 60
PLAIN_SECONDS = 30
CHECKING_SECONDS = 60


def index_answer(index: FacetIndex, request: Request) -> Answer:
    """What the site does for the facets of a page, but for asking whether anything changed."""
    return Narrowing(index, request.selection).answer(request.page)


def measure(size: int, today: date) -> list[Row]:
    """Every way with the mixes that it can answer, and how many answers were wrong."""
    world = generate(size, today)
    right = BruteForce(world)
    index = build_index(today)
    usual, words = mix.mixed(world.vocabulary), mix.with_words(world.vocabulary)
    near, hardest = mix.with_distance(world.vocabulary), mix.hardest(world.vocabulary)
    some_of_each = chain(hardest, chain.from_iterable(zip(usual, words, near, strict=True)))
    rows = [compared(right, index, some_of_each)]
    with tempfile.TemporaryDirectory() as folder:
        rows += side_by_side(right, index, usual, Path(folder))
    for name, requests in (("index-words", words), ("index-near", near)):
        times = in_passes({name: lambda r: index_answer(index, r)}, requests, PASSES, 60)
        rows.append(row(name, size, np.median(times[name], axis=0)))
    rows += [prices(index, usual, size), the_hardest(index, hardest, size)]
    return [*rows, plain(usual, size, today)]


def compared(right: BruteForce, index: FacetIndex, requests) -> Row:
    """How many answers of the index are not right; what is wrong with them goes to stderr."""
    answers = mismatches = 0
    left = CHECKING_SECONDS * 1000
    for request in requests:
        if left < 0:
            break
        answer = index_answer(index, request)
        wrong: list[str] = []
        left -= milliseconds(
            lambda wrong=wrong, asked=request, given=answer: wrong.extend(
                right.mismatches(asked, given)
            )
        )
        answers += 1
        mismatches += bool(wrong)
        if wrong:
            print("MISMATCH in", ", ".join(wrong), request, file=sys.stderr)
    return Row("mismatches", right.world.size, calls=answers, figures={"mismatches": mismatches})


def side_by_side(
    right: BruteForce, index: FacetIndex, requests: list[Request], folder: Path
) -> list[Row]:
    """The limit, the index and tantivy with the same requests, pass by pass in turn."""
    size = right.world.size
    limit = Limit(options_of(right))
    mask = packed(right.world.is_published)
    engine = TantivyIndex(right, folder)
    works = {
        "limit": lambda _request: limit.count(mask),
        "index": lambda request: index_answer(index, request),
        "tantivy": engine.answer,
    }
    for work in works.values():
        work(requests[0])
    settle()
    times = in_passes(works, requests, PASSES, TANTIVY_SECONDS)
    more = in_passes({"limit": works["limit"]}, requests, LIMIT_PASSES, TANTIVY_SECONDS)
    files = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    return [
        row(
            "limit",
            size,
            np.concatenate([times["limit"], more["limit"]]).min(axis=0),
            memory_mb=round(limit.megabytes, 1),
            note=f"{len(limit.options)} options, in {limit.written_in}, best of all passes",
        ),
        row("index", size, np.median(times["index"], axis=0)),
        row(
            "tantivy",
            size,
            np.median(times["tantivy"], axis=0),
            memory_mb=round(files, 1),
            note=f"memory: the size of its files; {len(times['tantivy'])} passes",
        ),
    ]


def options_of(right: BruteForce) -> np.ndarray:
    """Which clinics have each option, a row an option: all facets but the towns."""
    names = [name for name in right.options if name != "city"]
    tables = [right.held_by_clinics(name).T for name in names]
    return np.concatenate(tables) & right.world.is_published


def prices(index: FacetIndex, requests: list[Request], size: int) -> Row:
    """What the histogram of prices costs when the answer has been given."""
    times = []
    for request in requests:
        narrowing = Narrowing(index, request.selection)
        narrowing.answer(request.page)
        times.append(milliseconds(narrowing.prices))
    return row("index-prices", size, times)


def the_hardest(index: FacetIndex, requests: list[Request], size: int) -> Row:
    """Requests made to be slow; the slowest of them is named in the note."""
    times = in_passes({"hardest": lambda r: index_answer(index, r)}, requests, PASSES, 60)
    typical = np.median(times["hardest"], axis=0)
    slowest = int(typical.argmax())
    note = f"slowest: {requests[slowest].kind}, {typical[slowest]:.2f} ms"
    return row("index-hardest", size, typical, note=note)


def plain(requests: list[Request], size: int, today: date) -> Row:
    """Each request once, as many as there is time for."""
    work = {"plain": lambda request: plain_django_filter.answer(request, today)}
    times = in_passes(work, requests, 1, PLAIN_SECONDS)["plain"]
    return row(
        "plain-django-filter", size, times[0], note="does not ask for one and the same offer"
    )
