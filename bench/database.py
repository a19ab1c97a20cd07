"""A PostgreSQL of our own while the measurements last, with a database for each size."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2

from tests.with_postgres import account, temporary_server, wait_until_ready

# What somebody who cares sets on a machine that PostgreSQL shares with the site.
SETTINGS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
    # It would start in the middle of a measurement; loading ends with VACUUM ANALYZE.
    "autovacuum": "off",
}
POLL_SECONDS = 0.05


@contextmanager
def server() -> Iterator[str]:
    """Start a PostgreSQL and yield its address; gone afterwards with all it holds."""
    with temporary_server() as address:
        home = Path(socket_folder(address))
        with maintenance(address) as cursor:
            for name, value in SETTINGS.items():
                cursor.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        restarted = restart(home)
        try:
            yield address
        finally:
            restarted.send_signal(signal.SIGQUIT)
            restarted.wait()


def socket_folder(address: str) -> str:
    """The folder in which the server of this address listens."""
    return unquote(urlsplit(address).netloc.rpartition("@")[2])


def restart(home: Path) -> subprocess.Popen:
    """Stop the server that lives in `home` and start it again: shared memory is taken then only."""
    lock = home / "data" / "postmaster.pid"
    pid = int(lock.read_text().split()[0])
    command = Path(f"/proc/{pid}/cmdline").read_text().strip("\0").split("\0")
    os.kill(pid, signal.SIGINT)
    while lock.exists():
        time.sleep(POLL_SECONDS)
    with (home / "log").open("ab") as log:
        started = subprocess.Popen(command, cwd=home, stdout=log, stderr=log, **account())
    wait_until_ready(started, home)
    return started


@contextmanager
def maintenance(address: str):
    """A cursor for commands that no transaction may hold."""
    folder = socket_folder(address)
    with closing(psycopg2.connect(host=folder, user="postgres", dbname="postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


@contextmanager
def database(address: str, name: str) -> Iterator[str]:
    """Create an empty database and yield its address; dropped afterwards."""
    with maintenance(address) as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(address)._replace(path=f"/{name}").geturl()
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def version(address: str) -> str:
    """Such as "15.20"."""
    with maintenance(address) as cursor:
        cursor.execute("SHOW server_version")
        return cursor.fetchone()[0].split()[0]
