"""Every change of what a search reads is logged by the database, whoever makes it."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from random import Random
from threading import Event

import pytest
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F
from django.utils import timezone

from clinics.change_log import (
    WATCHED_TABLES,
    Changes,
    Moment,
    changes_since,
    current_moment,
)
from clinics.models import (
    Clinic,
    DirectoryChange,
    DirectoryState,
    Offer,
    OpeningHours,
    Photo,
    Practitioner,
)
from tests.factories import (
    AliasFactory,
    BodyAreaFactory,
    CheckFactory,
    ClinicFactory,
    ConcernFactory,
    CountryFactory,
    CurrencyFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PhotoFactory,
    PlaceFactory,
    PractitionerFactory,
    SourceFactory,
    TreatmentFactory,
)
from treatments.models import TreatmentConcern

pytestmark = pytest.mark.django_db

NOTHING = Changes(frozenset(), vocabulary=False, everything=False)
VOCABULARY = Changes(frozenset(), vocabulary=True, everything=False)
EVERYTHING = Changes(frozenset(), vocabulary=False, everything=True)

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite logs row by row, has no TRUNCATE, and lets one transaction write at a time",
)


def a_language_of_a_clinic():
    return Clinic.languages.through.objects.create(
        clinic=ClinicFactory(), language=LanguageFactory()
    )


def an_area_of_an_offer():
    return Offer.body_areas.through.objects.create(offer=OfferFactory(), bodyarea=BodyAreaFactory())


def a_concern_of_a_treatment():
    return TreatmentConcern.objects.create(treatment=TreatmentFactory(), concern=ConcernFactory())


# A new row of each watched table.
ROWS = {
    "clinics_clinic": ClinicFactory,
    "clinics_clinic_languages": a_language_of_a_clinic,
    "clinics_offer": OfferFactory,
    "clinics_offer_body_areas": an_area_of_an_offer,
    "clinics_practitioner": PractitionerFactory,
    "clinics_check": CheckFactory,
    "clinics_place": PlaceFactory,
    "clinics_country": CountryFactory,
    "clinics_language": LanguageFactory,
    "clinics_currency": CurrencyFactory,
    "treatments_treatment": TreatmentFactory,
    "treatments_alias": AliasFactory,
    "treatments_bodyarea": BodyAreaFactory,
    "treatments_concern": ConcernFactory,
    "treatments_treatmentconcern": a_concern_of_a_treatment,
}


def logged_for(row) -> Changes:
    """What a change of `row` is to be logged as."""
    if hasattr(row, "offer"):
        return of(row.offer.clinic_id)
    if hasattr(row, "clinic_id"):
        return of(row.clinic_id)
    return of(row.pk) if isinstance(row, Clinic) else VOCABULARY


def of(*clinics) -> Changes:
    return Changes(frozenset(clinics), vocabulary=False, everything=False)


def changes_by(action) -> Changes | None:
    """What is logged while `action` runs."""
    before = current_moment()
    action()
    return changes_since(before, current_moment())


def in_sql(statement, *values, **names):
    """Run one statement past the ORM, with names put in braces; return its rows, if any."""
    with connection.cursor() as cursor:
        cursor.execute(statement.format(**names), values)
        return cursor.fetchall() if cursor.description else []


def names_of(row) -> dict[str, str]:
    """What the row's table, its primary key and its last column are called."""
    meta = row._meta
    last = meta.concrete_fields[-1].column
    return {"table": meta.db_table, "key": meta.pk.column, "last": last}


def insert_in_sql(row):
    fields = row._meta.concrete_fields
    in_sql(
        "INSERT INTO {table} ({columns}) VALUES ({places})",
        *(field.get_db_prep_save(field.value_from_object(row), connection) for field in fields),
        table=row._meta.db_table,
        columns=", ".join(field.column for field in fields),
        places=", ".join(["%s"] * len(fields)),
    )


def delete_in_sql(row):
    in_sql("DELETE FROM {table} WHERE {key} = %s", row.pk, **names_of(row))


def update_in_sql(row):
    in_sql("UPDATE {table} SET {last} = {last} WHERE {key} = %s", row.pk, **names_of(row))


def update_by_query(row):
    field = row._meta.concrete_fields[-1].attname
    type(row).objects.filter(pk=row.pk).update(**{field: F(field)})


INSERTS = {
    "save": lambda row: row.save(force_insert=True),
    "bulk_create": lambda row: type(row).objects.bulk_create([row]),
    "sql": insert_in_sql,
}
UPDATES = {
    "save": lambda row: row.save(force_update=True),
    "bulk_update": lambda row: type(row).objects.bulk_update(
        [row], [row._meta.concrete_fields[-1].name]
    ),
    "update": update_by_query,
    "sql": update_in_sql,
}
DELETES = {
    "delete": lambda row: type(row).objects.get(pk=row.pk).delete(),
    "delete of a query": lambda row: type(row).objects.filter(pk=row.pk).delete(),
    "sql": delete_in_sql,
}


def test_each_watched_table_is_tried_here():
    assert tuple(ROWS) == WATCHED_TABLES


@pytest.mark.parametrize("way", INSERTS)
@pytest.mark.parametrize("table", ROWS)
def test_new_row_is_logged(table, way):
    row = ROWS[table]()
    assert row._meta.db_table == table
    delete_in_sql(row)
    assert changes_by(lambda: INSERTS[way](row)) == logged_for(row)


@pytest.mark.parametrize("way", UPDATES)
@pytest.mark.parametrize("table", ROWS)
def test_changed_row_is_logged(table, way):
    row = ROWS[table]()
    assert changes_by(lambda: UPDATES[way](row)) == logged_for(row)


@pytest.mark.parametrize("way", DELETES)
@pytest.mark.parametrize("table", ROWS)
def test_deleted_row_is_logged(table, way):
    row = ROWS[table]()
    expected = logged_for(row)
    assert changes_by(lambda: DELETES[way](row)) == expected


# --- Several rows, and rows that lead from clinic to clinic


def test_clinic_deleted_with_all_that_belongs_to_it_is_logged():
    clinic = ClinicFactory(languages=[LanguageFactory()])
    OfferFactory(clinic=clinic, body_areas=[BodyAreaFactory()])
    CheckFactory(clinic=clinic, practitioner=PractitionerFactory(clinic=clinic))
    OfferFactory()
    expected = of(clinic.pk)
    assert changes_by(clinic.delete) == expected


def test_area_of_an_offer_that_is_already_gone_is_not_taken_for_vocabulary():
    link = an_area_of_an_offer()
    assert changes_by(lambda: delete_in_sql(link.offer)) == of(link.offer.clinic_id)
    assert changes_by(lambda: delete_in_sql(link)) == NOTHING


def test_one_statement_logs_each_clinic_that_it_touches():
    first, second, other = ClinicFactory(), ClinicFactory(), ClinicFactory()
    for clinic in (first, first, second, other):
        OfferFactory(clinic=clinic)
    theirs = Offer.objects.filter(clinic__in=[first, second])
    assert changes_by(lambda: theirs.update(product="X")) == of(first.pk, second.pk)
    assert changes_by(theirs.delete) == of(first.pk, second.pk)


@pytest.mark.parametrize("factory", [OfferFactory, PractitionerFactory, CheckFactory])
def test_row_moved_from_clinic_to_clinic_is_logged_for_both(factory):
    row, there = factory(), ClinicFactory()
    here = row.clinic
    row.clinic = there
    assert changes_by(row.save) == of(here.pk, there.pk)


def test_area_moved_from_offer_to_offer_is_logged_for_both_clinics():
    link, there = an_area_of_an_offer(), OfferFactory()
    here = link.offer
    link.offer = there
    assert changes_by(link.save) == of(here.clinic_id, there.clinic_id)


def test_insert_that_updates_what_is_there_is_logged():
    offer = OfferFactory(label="A")
    again = Offer(clinic=offer.clinic, treatment=offer.treatment, label="A", product="X")
    upsert = {
        "update_conflicts": True,
        "update_fields": ["product"],
        "unique_fields": ["clinic", "treatment", "label"],
    }
    assert changes_by(lambda: Offer.objects.bulk_create([again], **upsert)) == of(offer.clinic_id)


def test_insert_that_ignores_what_is_there_logs_only_what_is_new():
    old, new = OfferFactory(), OfferFactory.build(clinic=ClinicFactory(), currency=None)
    new.treatment, new.price_low, new.price_high = old.treatment, None, None
    again = Offer(clinic=old.clinic, treatment=old.treatment)

    def insert():
        Offer.objects.bulk_create([again, new], ignore_conflicts=True)

    assert changes_by(insert) == of(new.clinic_id)
    assert changes_by(insert) == NOTHING


def test_statement_that_finds_no_row_leaves_the_moment():
    rows = [make() for make in ROWS.values()]
    before = current_moment()
    for row in rows:
        in_sql("UPDATE {table} SET {last} = {last} WHERE 1 = 0", **names_of(row))
        in_sql("DELETE FROM {table} WHERE 1 = 0", **names_of(row))
        in_sql("INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0", **names_of(row))
    assert current_moment() == before


def test_tables_that_a_search_does_not_read_leave_the_moment():
    clinic, treatment, source = ClinicFactory(), TreatmentFactory(), SourceFactory()
    before = current_moment()
    OpeningHoursFactory(clinic=clinic)
    PhotoFactory(clinic=clinic)
    MembershipFactory(clinic=clinic)
    treatment.claims.create(
        reference="T1", source=source, topic="sessions", words="Three.", locator="1"
    )
    Session.objects.create(session_key="1", session_data="", expire_date=timezone.now())
    OpeningHours.objects.update(weekday=2)
    Photo.objects.update(alt_text="Room")
    OpeningHours.objects.all().delete()
    Photo.objects.all().delete()
    Session.objects.all().delete()
    assert current_moment() == before


# --- Moments


def test_moment_changes_with_each_change_and_never_returns():
    practitioner = PractitionerFactory()
    moments = []
    for name in ("Ada", "Eva", "Ada"):
        practitioner.name = name
        practitioner.save()
        moments.append(current_moment())
    versions = [moment.version for moment in moments]
    assert versions == list(range(versions[0], versions[0] + 3))
    assert len({moment.stamp for moment in moments}) == 3


def test_asking_for_the_moment_costs_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        current_moment()


def test_asking_for_changes_costs_one_query_and_none_when_nothing_changed(
    django_assert_num_queries,
):
    before = current_moment()
    ClinicFactory()
    after = current_moment()
    with django_assert_num_queries(1):
        changes_since(before, after)
    with django_assert_num_queries(0):
        assert changes_since(after, after) == NOTHING


def test_changes_are_those_between_the_two_moments():
    clinics, moments = [], []
    for _ in range(4):
        moments.append(current_moment())
        clinics.append(PractitionerFactory().clinic_id)
    CountryFactory()
    PlaceFactory(country=CountryFactory())
    assert changes_since(moments[1], moments[3]) == Changes(
        frozenset(clinics[1:3]), vocabulary=True, everything=False
    )
    assert changes_since(moments[3], moments[1]) is None


def test_rollback_restores_the_moment():
    clinic = ClinicFactory()
    before = current_moment()
    with transaction.atomic():
        clinic.save()
        during = current_moment()
        transaction.set_rollback(True)
    assert current_moment() == before
    # Its version is given again, but not its stamp.
    clinic.save()
    assert current_moment().version == during.version
    assert changes_since(during, current_moment()) is None
    clinic.save()
    assert changes_since(during, current_moment()) is None
    assert changes_since(before, current_moment()) == of(clinic.pk)


def test_what_a_savepoint_takes_back_is_not_logged():
    kept, lost, later = ClinicFactory(), ClinicFactory(), ClinicFactory()

    def write():
        with transaction.atomic():
            kept.save()
            with transaction.atomic():
                lost.save()
                transaction.set_rollback(True)
            later.save()

    assert changes_by(write) == of(kept.pk, later.pk)


def test_moment_of_another_history_has_no_changes():
    before = current_moment()
    ClinicFactory()
    after = current_moment()
    assert changes_since(Moment(before.version, "other"), after) is None
    assert changes_since(before, Moment(after.version, "other")) is None
    assert changes_since(Moment(after.version + 1, after.stamp), after) is None


def test_where_nothing_was_ever_logged_all_must_be_read():
    DirectoryState.objects.all().delete()
    DirectoryChange.objects.all().delete()
    start = Moment(0, "")
    assert current_moment() == start
    assert changes_since(start, start) == NOTHING
    LanguageFactory()
    assert current_moment().version == 1
    assert changes_since(start, current_moment()) is None


def test_versions_go_on_when_only_the_state_was_lost():
    clinic = ClinicFactory()
    before = current_moment()
    DirectoryState.objects.all().delete()
    clinic.save()
    assert current_moment().version == before.version + 1
    assert changes_since(before, current_moment()) == of(clinic.pk)


def test_more_clinics_than_can_be_listed_are_everything():
    before, clinic = current_moment(), ClinicFactory()
    counted = """
        INSERT INTO clinics_directorychange (version, stamp, clinic_id)
        WITH RECURSIVE counted (n) AS (
            SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM counted WHERE n < %s
        )
        SELECT state.version, state.stamp, %s + n FROM counted, clinics_directorystate AS state
    """
    clinic.save()
    in_sql(counted, 49_999, clinic.pk)
    assert len(changes_since(before, current_moment()).clinics) == 50_000
    in_sql(counted, 50_000, clinic.pk)
    assert changes_since(before, current_moment()) == EVERYTHING


def test_log_keeps_a_hundred_thousand_versions():
    clinic = ClinicFactory()
    before = current_moment()
    DirectoryState.objects.update(version=899_998)
    DirectoryChange.objects.create(version=800_000, stamp="old", clinic_id=1)
    DirectoryChange.objects.create(version=800_001, stamp="kept", clinic_id=1)
    clinic.save()
    assert changes_since(before, current_moment()) == of(1, clinic.pk)
    clinic.save()
    assert changes_since(before, current_moment()) is None
    assert list(DirectoryChange.objects.values_list("version", flat=True)) == [
        800_001,
        899_999,
        900_000,
    ]


@on_postgresql
def test_log_keeps_a_million_rows_of_fewer_versions():
    clinic = ClinicFactory()
    DirectoryState.objects.update(version=1_999)
    newest = DirectoryChange.objects.latest("pk").pk
    in_sql(
        "SELECT setval(pg_get_serial_sequence('clinics_directorychange', 'id'), %s)",
        newest + 1_000_000,
    )
    clinic.save()
    assert list(DirectoryChange.objects.values_list("version", flat=True)) == [2_000]


@on_postgresql
@pytest.mark.parametrize(("clinics", "expected"), [(10_000, 10_000), (10_001, 1)])
def test_statement_that_touches_very_many_clinics_logs_that_in_one_row(clinics, expected):
    language = LanguageFactory()
    before = current_moment()
    with transaction.atomic():
        in_sql(
            "INSERT INTO clinics_clinic_languages (clinic_id, language_id)"
            " SELECT n, %s FROM generate_series(1, %s) AS n",
            language.pk,
            clinics,
        )
        changes = changes_since(before, current_moment())
        rows = DirectoryChange.objects.filter(version__gt=before.version).count()
        # No such clinics: their references would be refused when the test ends.
        transaction.set_rollback(True)
    assert rows == expected
    assert changes == (EVERYTHING if expected == 1 else of(*range(1, clinics + 1)))


@on_postgresql
@pytest.mark.parametrize("table", WATCHED_TABLES)
def test_emptied_table_logs_everything(table):
    assert changes_by(lambda: in_sql("TRUNCATE {table} CASCADE", table=table)) == EVERYTHING


@on_postgresql
def test_change_is_logged_for_a_session_that_looks_in_other_schemas():
    language = LanguageFactory()

    def rename():
        in_sql("SET LOCAL search_path TO pg_catalog")
        in_sql("UPDATE public.clinics_language SET name = 'X' WHERE code = %s", language.code)
        in_sql("SET LOCAL search_path TO DEFAULT")

    assert changes_by(rename) == VOCABULARY


# --- Lost triggers


def errors():
    """The errors that the checks of the database find about the log."""
    return [e for e in run_checks(databases=["default"]) if e.id == "clinics.E001"]


def drop_trigger():
    of_table = "ON clinics_offer" if connection.vendor == "postgresql" else ""
    in_sql("DROP TRIGGER log_clinics_offer_update {of_table}", of_table=of_table)


def test_migrated_database_has_every_trigger():
    assert errors() == []


def test_check_names_a_trigger_that_is_missing():
    drop_trigger()
    assert [error.msg for error in errors()] == [
        "Triggers of the change log are missing or off: log_clinics_offer_update."
    ]


@on_postgresql
def test_check_names_triggers_that_are_turned_off():
    in_sql("ALTER TABLE clinics_check DISABLE TRIGGER log_clinics_check_delete")
    assert [error.msg for error in errors()] == [
        "Triggers of the change log are missing or off: log_clinics_check_delete."
    ]


def test_database_with_a_migration_to_come_is_not_judged():
    drop_trigger()
    graph = MigrationLoader(connection).graph
    (latest,) = graph.leaf_nodes("clinics")
    for migration in (latest, *graph.nodes[latest].replaces):
        MigrationRecorder(connection).record_unapplied(*migration)
    assert errors() == []


@pytest.mark.django_db(transaction=True)
def test_migration_that_alters_watched_tables_restores_the_triggers():
    log = import_module("clinics.migrations.0002_change_log")
    before = current_moment()

    def lengthen(model, name, length):
        old = model._meta.get_field(name)
        new = old.clone()
        new.max_length = length
        new.set_attributes_from_name(name)
        new.model = model
        with connection.schema_editor() as editor:
            log.remove_triggers(None, editor)
            editor.alter_field(model, *((old, new) if length > old.max_length else (new, old)))
            log.install_triggers(None, editor)

    OfferFactory()
    for model, name in ((Offer, "product"), (Practitioner, "name"), (DirectoryChange, "stamp")):
        length = model._meta.get_field(name).max_length
        lengthen(model, name, length + 1)
        lengthen(model, name, length)
    assert errors() == []
    assert changes_since(before, current_moment()) == EVERYTHING


# --- Writers and readers at the same time


@pytest.mark.django_db(transaction=True)
def test_log_goes_on_after_every_table_was_emptied():
    ClinicFactory()
    before = current_moment()
    call_command("flush", interactive=False, verbosity=0)
    assert current_moment() != before
    assert changes_since(before, current_moment()) is None
    flushed = current_moment()
    clinic = ClinicFactory()
    assert current_moment() != flushed
    assert changes_by(clinic.save) == of(clinic.pk)


def in_own_connection(action):
    """Wrap `action` so that the thread that runs it ends its connection."""

    def run():
        try:
            return action()
        finally:
            connection.close()

    return run


# The connections that wait for another one's lock.
WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_second_writer_waits_and_commits_second():
    first, second = ClinicFactory(), ClinicFactory()
    start = current_moment()
    first_wrote, first_may_end = Event(), Event()

    def write_first():
        with transaction.atomic():
            Clinic.objects.filter(pk=first.pk).update(name="First")
            first_wrote.set()
            assert first_may_end.wait(30)
            # The second writer waits for the state, and holds nothing that is needed here.
            Clinic.objects.filter(pk=second.pk).update(phone="1")

    def write_second():
        assert first_wrote.wait(30)
        Clinic.objects.filter(pk=second.pk).update(name="Second")

    with ThreadPoolExecutor(2) as threads:
        writers = [threads.submit(in_own_connection(w)) for w in (write_first, write_second)]
        assert first_wrote.wait(30)
        while not in_sql(WAITING):
            assert not writers[1].done()
        assert current_moment() == start
        first_may_end.set()
        for writer in writers:
            writer.result()

    assert list(
        DirectoryChange.objects.filter(version__gt=start.version).values_list(
            "version", "clinic_id"
        )
    ) == [
        (start.version + 1, first.pk),
        (start.version + 2, second.pk),
        (start.version + 3, second.pk),
    ]
    second.refresh_from_db()
    assert (second.name, second.phone) == ("Second", "1")


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_reader_misses_no_change_of_many_writers():
    clinics = [ClinicFactory(name="0").pk for _ in range(20)]
    writers = 4

    def write(seed):
        chance = Random(seed)
        for n in range(40):
            with transaction.atomic():
                for pk in chance.sample(clinics, 3):
                    Clinic.objects.filter(pk=pk).update(name=f"{seed}-{n}")
                with transaction.atomic():
                    Clinic.objects.filter(pk=chance.choice(clinics)).update(name="taken back")
                    transaction.set_rollback(True)
                transaction.set_rollback(chance.random() < 0.2)

    def names(pks):
        return dict(Clinic.objects.filter(pk__in=pks).values_list("pk", "name"))

    held, copy, versions = current_moment(), names(clinics), []
    with ThreadPoolExecutor(writers) as threads:
        running = [
            threads.submit(in_own_connection(lambda seed=seed: write(seed)))
            for seed in range(writers)
        ]
        is_last = False
        while not is_last:
            is_last = all(writer.done() for writer in running)
            now = current_moment()
            copy |= names(changes_since(held, now).clinics)
            held = now
            versions.append(now.version)
        for writer in running:
            writer.result()

    assert copy == names(clinics)
    assert versions == sorted(versions)
    assert len(set(versions)) > 10
