"""What one process commits, every worker process shows with its next answer."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import dj_database_url
import psycopg2
import pytest
from django.db import connection

from tests.journeys.conftest import own_database

# One worker makes them all, so that the processes are started once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("workers")]

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 60

COUNTRY = (
    "INSERT INTO clinics_country (code, slug, name, name_folded)"
    " VALUES ('FR', 'france', 'France', ' france')"
)
PLACE = (
    "INSERT INTO clinics_place (slug, name, name_folded, country_id, latitude, longitude, timezone)"
    " VALUES ('paris', 'Paris', ' paris', 'FR', 48.85, 2.35, 'Europe/Paris')"
)
CLINIC = (
    "INSERT INTO clinics_clinic (slug, name, name_folded, facility_type, place_id, address,"
    " postcode, phone, email, website, description, status, is_sample, import_digest, shuffle_key,"
    " created_at, updated_at) SELECT '{0}', '{0}', '', 'medical-clinic', id, '', '', '', '', '',"
    " '', 'published', {1}, '', 1, '2026-01-01', '2026-01-01' FROM clinics_place"
)


class Worker:
    """A process of the site that keeps an index of its own."""

    def __init__(self, environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.index_worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def finds(self, words: str = "") -> tuple[int, int]:
        """How many clinics the words find, and the count beside the country they are in."""
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()
        total, count = self.process.stdout.readline().split()
        return int(total), int(count)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()


class Writer:
    """Somebody who writes to the database with plain SQL and has never heard of the site."""

    def __init__(self, address: str):
        parts = dj_database_url.parse(address)
        self.is_postgresql = "postgresql" in parts["ENGINE"]
        if self.is_postgresql:
            self.connection = psycopg2.connect(
                host=parts["HOST"],
                port=parts["PORT"] or None,
                user=parts["USER"],
                password=parts["PASSWORD"] or None,
                dbname=parts["NAME"],
            )
        else:
            self.connection = sqlite3.connect(
                parts["NAME"], timeout=PATIENCE_SECONDS, check_same_thread=False
            )

    def run(self, sql: str) -> None:
        """Run a statement in the open transaction, or in a new one."""
        cursor = self.connection.cursor()
        cursor.execute(sql)
        cursor.close()

    def add_clinic(self, name: str) -> None:
        self.run(CLINIC.format(name, "false" if self.is_postgresql else "0"))

    def commit(self) -> None:
        self.connection.commit()


@contextlib.contextmanager
def copy_of_tables(folder: Path):
    """Yield the address of a database that processes can share, with the tables of this one."""
    source = connection.settings_dict["NAME"]
    connection.close()
    with own_database(folder, "workers", template=source) as address:
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            with contextlib.closing(
                sqlite3.connect(dj_database_url.parse(address)["NAME"])
            ) as file:
                connection.connection.backup(file)
        yield address


@pytest.fixture(scope="module")
def processes(tmp_path_factory, django_db_setup, django_db_blocker):
    """Two workers and two writers of one database with a town in it."""
    folder = tmp_path_factory.mktemp("workers")
    with contextlib.ExitStack() as afterwards:
        with django_db_blocker.unblock():
            address = afterwards.enter_context(copy_of_tables(folder))
        environment = {
            "PATH": os.environ["PATH"],
            "DEBUG": "true",
            "INDEX_SNAPSHOT": "",
            "DATABASE_URL": address,
        }
        writers = Writer(address), Writer(address)
        workers = Worker(environment), Worker(environment)
        for ending in (*(writer.connection.close for writer in writers), *(w.end for w in workers)):
            afterwards.callback(ending)
        for statement in (COUNTRY, PLACE):
            writers[0].run(statement)
        writers[0].commit()
        yield workers, writers


@pytest.fixture
def site(processes):
    """The same without a clinic."""
    yield processes
    _workers, (writer, _other) = processes
    writer.run("DELETE FROM clinics_clinic")
    writer.commit()


def test_every_worker_shows_a_commit_of_another_process_with_its_next_answer(site):
    (one, two), (writer, _other) = site
    assert one.finds() == two.finds() == (0, 0)
    for number in range(1, 6):
        writer.add_clinic(f"rive-{number}")
        assert one.finds() == two.finds() == (number - 1, number - 1)
        writer.commit()
        assert one.finds() == two.finds() == (number, number)
    writer.run("UPDATE clinics_clinic SET name = 'Renamed' WHERE slug = 'rive-3'")
    writer.commit()
    assert one.finds("rive") == two.finds("rive") == (4, 4)
    assert one.finds("renamed") == two.finds("renamed") == (1, 1)
    writer.run("UPDATE clinics_clinic SET status = 'suspended'")
    assert one.finds() == (5, 5)
    writer.connection.rollback()
    assert one.finds() == two.finds() == (5, 5)
    writer.run("DELETE FROM clinics_clinic")
    writer.commit()
    assert one.finds() == two.finds() == (0, 0)


def test_transactions_that_overlap_are_all_seen_whichever_commits_first(site):
    (one, two), (early, late) = site
    if not early.is_postgresql:
        pytest.skip("SQLite has one writer at a time: transactions that write cannot overlap.")
    for number in range(5):
        # Both have begun and read; the second one writes and commits while the first is open.
        early.run("SELECT count(*) FROM clinics_clinic")
        late.run("SELECT count(*) FROM clinics_clinic")
        early.add_clinic(f"early-{number}")
        second = threading.Thread(
            target=lambda number=number: (late.add_clinic(f"late-{number}"), late.commit())
        )
        second.start()
        assert one.finds("early") == (number, number)
        assert two.finds("late") == (number, number)
        early.commit()
        assert one.finds("early") == (number + 1, number + 1)
        second.join(PATIENCE_SECONDS)
        for worker in (one, two):
            assert worker.finds("late") == (number + 1, number + 1)
            assert worker.finds() == (2 * number + 2, 2 * number + 2)


def test_a_worker_asked_all_the_while_never_misses_a_change(site):
    (one, two), writers = site
    each = 25

    def write(writer, name):
        for number in range(each):
            writer.add_clinic(f"{name}-{number}")
            writer.commit()

    threads = [
        threading.Thread(target=write, args=(writer, name))
        for writer, name in zip(writers, ("early", "late"), strict=True)
    ]
    for thread in threads:
        thread.start()
    seen = [one.finds()]
    while any(thread.is_alive() for thread in threads):
        seen += [one.finds(), two.finds()]
    totals = [total for total, _count in seen]
    assert totals == sorted(totals)
    assert all(total == count for total, count in seen)
    assert one.finds() == two.finds() == (2 * each, 2 * each)
