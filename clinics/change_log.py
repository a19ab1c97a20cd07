"""Whether anything that a search reads has changed, and which clinics did.

Triggers of the database log every change of the watched tables with the statement that makes
it, whoever runs that. Writers of them come one after the other: the second waits until the first
has committed, so versions become visible in their order and a reader can miss none.

Take the moment first and read the facts after it: they may then be newer than the moment, and
are read once more, but never older. In a transaction that is rolled back the moment returns to
what it was.

Three things are not seen: rows that a REPLACE on SQLite pushes out, unless `PRAGMA
recursive_triggers` is on; what a session does that has turned triggers off; and the loss of
every row of the state and of the log.
"""

from dataclasses import dataclass

from django.db import connection

# All tables that a search reads. A new one needs its triggers: see migration 0002.
WATCHED_TABLES = (
    "clinics_clinic",
    "clinics_clinic_languages",
    "clinics_offer",
    "clinics_offer_body_areas",
    "clinics_practitioner",
    "clinics_check",
    "clinics_place",
    "clinics_country",
    "clinics_language",
    "clinics_currency",
    "treatments_treatment",
    "treatments_alias",
    "treatments_bodyarea",
    "treatments_concern",
    "treatments_treatmentconcern",
)
TRIGGERS = {
    "sqlite": ("log_{}_insert", "log_{}_update", "log_{}_delete"),
    "postgresql": (
        "lock_{}",
        "log_{}_insert",
        "log_{}_update",
        "log_{}_delete",
        "log_{}_truncate",
    ),
}
INSTALLED = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    # Enabled for ordinary sessions, on the tables that ordinary queries find.
    "postgresql": """
        SELECT tgname FROM pg_trigger
        WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND pg_table_is_visible(tgrelid)
    """,
}

# More changed clinics than this are dearer to read one by one than all together.
MAX_CLINICS = 50_000
TOO_MANY = -1

# The limit ends the scan at the row that counts: on PostgreSQL a transaction of thousands of
# changes leaves as many unseen versions of it behind.
CURRENT = "SELECT version, stamp FROM clinics_directorystate WHERE id = 1 LIMIT 1"
# As the triggers do; see migration 0002.
ONLY_WRITER = "SELECT pg_advisory_xact_lock('clinics_directorystate'::regclass::bigint)"
# Each version has a row, so no row at all means that one of the moments is not in the log.
CHANGED = f"""
    SELECT DISTINCT clinic_id FROM clinics_directorychange
    WHERE version > %s AND version <= %s
    AND EXISTS (SELECT 1 FROM clinics_directorychange WHERE version = %s AND stamp = %s)
    AND EXISTS (SELECT 1 FROM clinics_directorychange WHERE version = %s AND stamp = %s)
    LIMIT {MAX_CLINICS + 3}
"""  # noqa: S608 (a number of ours)


@dataclass(frozen=True)
class Moment:
    """A state of the facts. Equal stamps mean equal facts, even after a restored backup."""

    version: int
    stamp: str


@dataclass(frozen=True)
class Changes:
    """What changed between two moments.

    `clinics` holds the primary keys of clinics that were added, changed or removed, they or
    what belongs to them. `vocabulary` says that something changed that clinics share: places,
    countries, languages, currencies, treatments and their names, areas and concerns.
    `everything` says that too much changed to list; then the other two say nothing.
    """

    clinics: frozenset[int]
    vocabulary: bool
    everything: bool


def current_moment(begin: str = "") -> Moment:
    """The moment that this connection sees; `Moment(0, "")` if nothing was ever logged.

    One query of one row. `begin` is a statement that opens a transaction before it: on
    PostgreSQL both go in one round trip.
    """
    with connection.cursor() as cursor:
        if begin and connection.vendor == "sqlite":
            # It takes one statement at a time.
            cursor.execute(begin)
            begin = ""
        cursor.execute(f"{begin}; {CURRENT}" if begin else CURRENT)
        return Moment(*(cursor.fetchone() or (0, "")))


def changes_since(moment: Moment, until: Moment) -> Changes | None:
    """What changed after `moment` up to `until`; None when the log does not lead from one to
    the other, because it was pruned, rolled back or restored. Then all must be read anew.

    One query, or none for equal moments.
    """
    if moment == until:
        return Changes(frozenset(), vocabulary=False, everything=False)
    with connection.cursor() as cursor:
        cursor.execute(
            CHANGED,
            [
                moment.version,
                until.version,
                moment.version,
                moment.stamp,
                until.version,
                until.stamp,
            ],
        )
        changed = {clinic for (clinic,) in cursor.fetchall()}
    if not changed:
        return None
    clinics = frozenset(changed - {None})
    if TOO_MANY in clinics or len(clinics) > MAX_CLINICS:
        return Changes(frozenset(), vocabulary=False, everything=True)
    return Changes(clinics, vocabulary=None in changed, everything=False)


def be_the_only_writer():
    """Wait for whoever is changing the facts; from here to the end of the transaction nobody else
    does, so that what is read stays true until it is written.

    It is the lock that the triggers take before any row, so it can only be waited for in one
    order. On SQLite a transaction is the only writer from its start. One statement.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(ONLY_WRITER)


def missing_triggers(database) -> list[str]:
    """The names of triggers that `database`, a connection, lacks or has turned off.

    With one missing, a change may go unlogged. One query.
    """
    with database.cursor() as cursor:
        cursor.execute(INSTALLED[database.vendor])
        installed = {name for (name,) in cursor.fetchall()}
    expected = [
        name.format(table) for table in WATCHED_TABLES for name in TRIGGERS[database.vendor]
    ]
    return [name for name in expected if name not in installed]
