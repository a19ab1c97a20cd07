"""The log of everything that changes what a search reads, written by triggers of the database.

A migration that alters a watched table begins with `remove_triggers` and ends with
`install_triggers`, each in a RunPython, taken from here by `importlib.import_module`. SQLite makes
a new table for most alterations: that loses the triggers of the table, and is refused where a
trigger of another table reads it.
"""

from functools import partial

from django.db import migrations, models

# How a row of a watched table leads to a clinic: it is the clinic, it has the clinic's key, its
# offer has it, or it is something small that clinics share and leads to none.
CLINIC, PART, PART_OF_OFFER, SHARED = "clinics", "parts", "parts_of_offers", "shared"
WATCHED = {
    "clinics_clinic": CLINIC,
    "clinics_clinic_languages": PART,
    "clinics_offer": PART,
    "clinics_offer_body_areas": PART_OF_OFFER,
    "clinics_practitioner": PART,
    "clinics_check": PART,
    "clinics_place": SHARED,
    "clinics_country": SHARED,
    "clinics_language": SHARED,
    "clinics_currency": SHARED,
    "treatments_treatment": SHARED,
    "treatments_alias": SHARED,
    "treatments_bodyarea": SHARED,
    "treatments_concern": SHARED,
    "treatments_treatmentconcern": SHARED,
}

# If the row was lost, as when tests empty every table, versions go on where the log ends.
FIRST_STATE = """
    INSERT INTO clinics_directorystate (id, version, stamp)
    SELECT 1, (SELECT COALESCE(MAX(version), 0) FROM clinics_directorychange), ''
    WHERE NOT EXISTS (SELECT 1 FROM clinics_directorystate WHERE id = 1)
"""

# --- PostgreSQL: once a statement, for all its rows

# A row whose offer is gone leads nowhere: the end of the offer itself is logged.
POSTGRESQL_CLINICS = {
    CLINIC: "SELECT DISTINCT id FROM {rows}",
    PART: "SELECT DISTINCT clinic_id FROM {rows}",
    PART_OF_OFFER: (
        "SELECT DISTINCT clinic_id FROM clinics_offer"
        " WHERE id IN (SELECT offer_id FROM {rows})"
    ),
    SHARED: "SELECT DISTINCT NULL::bigint FROM {rows}",
}
# The log is pruned at each thousandth version, to 100 000 versions and to a million rows.
LOG_CHANGE = f"""
CREATE OR REPLACE FUNCTION clinics_log_change(changed bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    state clinics_directorystate;
BEGIN
    IF cardinality(changed) = 0 THEN
        RETURN;
    END IF;
    IF cardinality(changed) > 10000 THEN
        changed := ARRAY[-1];
    END IF;
    LOOP
        -- Locks the row until the transaction ends: whoever comes second waits, so versions are
        -- committed in their order and a reader misses none.
        UPDATE clinics_directorystate
        SET version = version + 1, stamp = gen_random_uuid()::text
        WHERE id = 1
        RETURNING * INTO state;
        EXIT WHEN FOUND;
        {FIRST_STATE} ON CONFLICT DO NOTHING;
    END LOOP;
    INSERT INTO clinics_directorychange (version, stamp, clinic_id)
    SELECT state.version, state.stamp, unnest(changed);
    IF state.version % 1000 = 0 THEN
        DELETE FROM clinics_directorychange
        WHERE version <= state.version - 100000
        OR id <= (SELECT MAX(id) FROM clinics_directorychange) - 1000000;
    END IF;
END
$$
"""
# Before a statement locks rows of its own table. Otherwise two writers could each hold what the
# other waits for: one a clinic, the other the state.
LOCK_STATE = """
CREATE OR REPLACE FUNCTION clinics_lock_state() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('clinics_directorystate'::regclass::bigint);
    RETURN NULL;
END
$$
"""
# Only the branch of its event is ever planned, so the others may name tables that it lacks.
LOG_ROWS = """
CREATE OR REPLACE FUNCTION clinics_log_{rule}() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    changed bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY({new} LIMIT 10001);
    ELSIF TG_OP = 'UPDATE' THEN
        changed := ARRAY({old} UNION {new} LIMIT 10001);
    ELSIF TG_OP = 'DELETE' THEN
        changed := ARRAY({old} LIMIT 10001);
    ELSE
        changed := ARRAY[-1];
    END IF;
    PERFORM clinics_log_change(changed);
    RETURN NULL;
END
$$
"""
ROWS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}


def install_on_postgresql(execute):
    execute(LOG_CHANGE)
    execute(LOCK_STATE)
    for rule, clinics in POSTGRESQL_CLINICS.items():
        old, new = clinics.format(rows="old_rows"), clinics.format(rows="new_rows")
        execute(LOG_ROWS.format(rule=rule, old=old, new=new))
    for table, rule in WATCHED.items():
        execute(
            f"CREATE TRIGGER lock_{table} BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION clinics_lock_state()"
        )
        for event, rows in ROWS.items():
            execute(
                f"CREATE TRIGGER log_{table}_{event} AFTER {event} ON {table} {rows}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION clinics_log_{rule}()"
            )
    execute("SELECT clinics_log_change(ARRAY[-1])")


def remove_from_postgresql(execute):
    for table in WATCHED:
        execute(f"DROP TRIGGER IF EXISTS lock_{table} ON {table}")
        for event in ROWS:
            execute(f"DROP TRIGGER IF EXISTS log_{table}_{event} ON {table}")
    for rule in POSTGRESQL_CLINICS:
        execute(f"DROP FUNCTION IF EXISTS clinics_log_{rule}()")
    execute("DROP FUNCTION IF EXISTS clinics_lock_state()")
    execute("DROP FUNCTION IF EXISTS clinics_log_change(bigint[])")


# --- SQLite: once a row. Writers come one after the other by themselves.

SQLITE_CLINICS = {
    CLINIC: "SELECT {row}.id AS clinic_id",
    PART: "SELECT {row}.clinic_id AS clinic_id",
    PART_OF_OFFER: "SELECT clinic_id FROM clinics_offer WHERE id = {row}.offer_id",
    SHARED: "SELECT NULL AS clinic_id",
}
ROWS_OF_EVENT = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}
# No upsert: by SQLite's manual the conflict clause of the statement that fires a trigger, as in
# INSERT OR IGNORE, goes before those inside.
LOG_CLINICS = f"""
    {FIRST_STATE};
    UPDATE clinics_directorystate
    SET version = version + 1, stamp = lower(hex(randomblob(16)))
    WHERE id = 1;
    INSERT INTO clinics_directorychange (version, stamp, clinic_id)
    SELECT state.version, state.stamp, changed.clinic_id
    FROM clinics_directorystate AS state, ({{clinics}}) AS changed
    WHERE state.id = 1;
    DELETE FROM clinics_directorychange
    WHERE version <= (
        SELECT version - 100000 FROM clinics_directorystate WHERE id = 1 AND version % 1000 = 0
    );
"""


def install_on_sqlite(execute):
    for table, rule in WATCHED.items():
        for event, rows in ROWS_OF_EVENT.items():
            clinics = " UNION ".join(SQLITE_CLINICS[rule].format(row=row) for row in rows)
            execute(
                f"CREATE TRIGGER log_{table}_{event} AFTER {event} ON {table}"
                f" FOR EACH ROW WHEN EXISTS ({clinics})"
                f" BEGIN {LOG_CLINICS.format(clinics=clinics)} END"
            )
    for statement in LOG_CLINICS.format(clinics="SELECT -1 AS clinic_id").split(";")[:-1]:
        execute(statement)


def remove_from_sqlite(execute):
    for table in WATCHED:
        for event in ROWS_OF_EVENT:
            execute(f"DROP TRIGGER IF EXISTS log_{table}_{event}")


# ---


def install_triggers(apps, schema_editor):
    """Create every trigger anew, and log that everything may have changed meanwhile."""
    remove_triggers(apps, schema_editor)
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    install = install_on_postgresql if is_postgresql else install_on_sqlite
    # No parameters, not none of them: the text holds percent signs.
    install(partial(schema_editor.execute, params=None))


def remove_triggers(apps, schema_editor):
    """Drop every trigger that is there."""
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    remove = remove_from_postgresql if is_postgresql else remove_from_sqlite
    remove(partial(schema_editor.execute, params=None))


class Migration(migrations.Migration):
    dependencies = [
        ("clinics", "0001_initial"),
        ("treatments", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectoryChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.BigIntegerField(db_index=True)),
                ("stamp", models.CharField(max_length=36)),
                ("clinic_id", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name": "change of the directory",
                "verbose_name_plural": "changes of the directory",
                "ordering": ["pk"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="DirectoryState",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.BigIntegerField()),
                ("stamp", models.CharField(max_length=36)),
            ],
            options={
                "verbose_name": "state of the directory",
                "verbose_name_plural": "states of the directory",
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="check",
            index=models.Index(fields=["expires_on"], name="check_expires_on"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["price_confirmed_on"], name="offer_price_confirmed_on"),
        ),
        migrations.RunPython(install_triggers, remove_triggers),
    ]
