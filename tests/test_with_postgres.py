"""The script that gives the tests their PostgreSQL, where there is one and where there is none."""

import os
import sys

import pytest

from tests import with_postgres

# Exits with 0 if DATABASE_URL names a PostgreSQL.
ASKS = [
    sys.executable,
    "-c",
    "import os; raise SystemExit(not os.environ['DATABASE_URL'].startswith('postgres://'))",
]


@pytest.fixture
def no_database_named(monkeypatch):
    """As on a machine where nobody has set anything up."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def no_postgres(no_database_named, monkeypatch):
    """A machine on which no folder holds the programs."""
    monkeypatch.setattr(os, "access", lambda *_: False)


def test_a_database_that_is_named_is_used(no_postgres, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@example.org/tests")
    assert with_postgres.main(ASKS) == 0


def test_command_gets_a_server_and_its_status_is_passed_on(no_database_named, tmp_path):
    assert with_postgres.main(ASKS) == 0
    assert with_postgres.main([sys.executable, "-c", "raise SystemExit(3)"]) == 3


def test_without_postgres_says_loudly_what_is_skipped(no_postgres, capsys):
    assert with_postgres.main(ASKS) == 0
    assert "SKIPPED: the tests on PostgreSQL." in capsys.readouterr().err


def test_without_postgres_integration_fails(no_postgres, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert with_postgres.main(ASKS) == 1
