"""Several connections at once, on either database.

SQLite in memory, where tests run, has one file for no one: threads would see "table is locked",
which no real site says. `on_disk` gives them a copy in a file, with the settings of the site.
"""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from django.db import connection, connections


def on_disk(monkeypatch, folder: Path) -> Path | None:
    """Send the connections of new threads to a copy of the database as it stands; its file.

    None on PostgreSQL, where nothing needs to be done. Only in tests with `transaction=True`.
    """
    if connection.vendor != "sqlite":
        return None
    path = folder / "copy.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    # As the database of a site is from its start. Connections that are opened at one moment and
    # change it all do not wait for each other.
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA journal_mode=WAL")
    monkeypatch.setitem(connections.settings["default"], "NAME", str(path))
    return path


def in_threads(count: int, function) -> list:
    """Call `function` in `count` threads at the same moment; what they returned.

    Each has a connection of its own. What one raises fails the test.
    """
    told, barrier = [], threading.Barrier(count)

    def run():
        barrier.wait()
        try:
            told.append(function())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told
