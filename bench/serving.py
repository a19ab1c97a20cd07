"""Requests a second and memory under gunicorn with two workers, forked after loading.

The visitors are threads of this process, on the same machine: what they cost weighs more on
the empty view, which is the quicker of the two.
"""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from threading import Thread

from django.urls import reverse

from .pages import directory_addresses
from .timing import Row, memory_of

WORKERS, VISITORS = 2, 4
WARM_SECONDS, SECONDS, ROUNDS = 6, 4, 3
# More pages than two workers can make in that time.
LAPS = 20
START_SECONDS = 300
RECEIVED = 1 << 16


@contextmanager
def gunicorn():
    """Serve the site on a port of its own; yields the port and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "bench.wsgi", "--preload"]
    command += ["--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    server = subprocess.Popen(command, env={**os.environ, "SECURE_SSL_REDIRECT": "false"})
    try:
        yield port, server
    finally:
        server.terminate()
        server.wait()


def ask(port: int, address: str) -> bytes:
    """The whole answer to one request on a connection of its own, head and all."""
    head = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode())
        parts = []
        while part := connection.recv(RECEIVED):
            parts.append(part)
    return b"".join(parts)


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            ask(port, reverse("empty"))
        except ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn did not start")


def served_a_second(port: int, addresses: list[str], seconds: float) -> float:
    """Pages that visitors get in a second, each asking for the next when it has one.

    Raises RuntimeError when an answer is not a page.
    """
    served, failures = [0] * VISITORS, []
    deadline = time.monotonic() + seconds

    def browse(visitor: int) -> None:
        # Each begins elsewhere, so that they do not ask for the same at once.
        for address in islice(cycle(addresses), visitor * len(addresses) // VISITORS, None):
            if time.monotonic() > deadline:
                return
            answer = ask(port, address)
            if not answer.startswith(b"HTTP/1.1 200"):
                failures.append(answer[:200])
                return
            served[visitor] += 1

    visitors = [Thread(target=browse, args=[number]) for number in range(VISITORS)]
    start = time.monotonic()
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    if failures:
        raise RuntimeError(f"Not a page: {failures[0]!r}")
    return sum(served) / (time.monotonic() - start)


def workers_of(server: subprocess.Popen) -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def measure(size: int, today: date) -> list[Row]:
    """The directory and the empty view in turn, and what each worker holds afterwards."""
    pages, empty = directory_addresses(), [reverse("empty")]
    rates: dict[str, list[float]] = {
        "page-served": [],
        "page-again-served": [],
        "empty-view-served": [],
    }
    with gunicorn() as (port, server):
        wait_until_ready(port)
        # Until both workers have kept what they keep of these pages.
        served_a_second(port, pages, WARM_SECONDS)
        for number in range(ROUNDS):
            # A parameter that the site does not know makes it a page that nobody asked for yet.
            unseen = [f"{page}&round={number}-{lap}" for lap in range(LAPS) for page in pages]
            rates["page-served"].append(served_a_second(port, unseen, SECONDS))
            rates["empty-view-served"].append(served_a_second(port, empty, SECONDS))
        served_a_second(port, pages, WARM_SECONDS)
        for _round in range(ROUNDS):
            rates["page-again-served"].append(served_a_second(port, pages, SECONDS))
        held = [memory_of(worker) for worker in workers_of(server)]
    rows = [
        Row(case, size, figures={"requests_a_second": round(sorted(found)[ROUNDS // 2], 1)})
        for case, found in rates.items()
    ]
    private = sum(worker["Private"] for worker in held) / len(held)
    shared = sum(worker["Shared"] for worker in held) / len(held)
    rows[0].memory_mb = round(private, 1)
    rows[0].figures["shared_mb"] = round(shared, 1)
    rows[0].note = "memory: a worker's own"
    return rows
