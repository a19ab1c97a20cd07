"""How soon a new process gives its first answer, with the index that another one left in a file,
and whether its answers are those of an index that is built anew."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection

from clinics.live_index import LIVE, build_index

from .cases import index_answer
from .mix import mixed
from .timing import Row, milliseconds, resident_mb, row, settle
from .vocabulary import vocabulary

STARTS = 5
COMPARED = 50


def start(today: date) -> float:
    """Start a process and return the milliseconds that it took from its imports to its answer."""
    command = [sys.executable, "-m", "bench.first_answer", today.isoformat()]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def measure(size: int, today: date) -> list[Row]:
    """Start anew a few times; then hold the answers from the file against those without it."""
    file = Path(settings.INDEX_SNAPSHOT)
    times: list[float] = []
    whole = [milliseconds(lambda: times.append(start(today))) for _ in range(STARTS)]
    requests = mixed(vocabulary())
    connection.ensure_connection()
    settle()
    before = resident_mb()
    LIVE.prepare(today, file)
    with LIVE.on(today) as index:
        for request in requests:
            index_answer(index, request)
    settle()
    in_use = resident_mb() - before
    built = build_index(today)
    mismatches = 0
    with LIVE.on(today) as index:
        for request in requests[:COMPARED]:
            found, right = (index_answer(held, request) for held in (index, built))
            mismatches += (found.total, found.ids, found.counts) != (
                right.total,
                right.ids,
                right.counts,
            )
    note = (
        f"{np.median(whole):.0f} ms with starting Python and importing everything;"
        f" the file has {file.stat().st_size / 1e6:.0f} MB"
    )
    figures = {"mismatches": mismatches}
    return [row("restart", size, times, memory_mb=round(in_use, 1), note=note, figures=figures)]
