"""What every test may count on."""

import gc
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import RunPython
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, settings

from clinics.models import Country, Currency, Place
from tests.factories import CountryFactory, CurrencyFactory, PlaceFactory

OUR_APPS = ("accounts", "clinics", "treatments")

# A random failure that nobody can repeat teaches nothing: the same examples on every run.
# Fixtures with database access are safe with hypothesis as long as examples only read.
settings.register_profile(
    "mesoguide",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("mesoguide")


def pytest_addoption(parser):
    """Declare our own options of the test run."""
    parser.addoption(
        "--only-database",
        action="store_true",
        help="Leave out tests that ask no database: the second database would not change them.",
    )


def pytest_collection_modifyitems(config, items):
    """Leave out what `--only-database` says."""
    if config.getoption("--only-database"):
        config.hook.pytest_deselected(items=[t for t in items if not asks_database(t)])
        items[:] = [test for test in items if asks_database(test)]


def pytest_collection_finish():
    """Spare the collector what is there for good: looking through it was a tenth of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def asks_database(test) -> bool:
    """Whether a test, or the site that a journey visits, has anything to do with a database."""
    marked = any(test.get_closest_marker(name) for name in ("django_db", "journey"))
    return marked or not {"db", "transactional_db"}.isdisjoint(test.fixturenames)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Do with the new tables what our migrations do besides making them: triggers and groups."""
    with django_db_blocker.unblock():
        executor = MigrationExecutor(connection)
        executor.recorder.ensure_schema()
        for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
            for operation in migration.operations if migration.app_label in OUR_APPS else ():
                if isinstance(operation, RunPython) and not operation.elidable:
                    with connection.schema_editor() as editor:
                        operation.code(apps, editor)
            executor.record_migration(migration)


@pytest.fixture(scope="session")
def folder_of_uploads(tmp_path_factory):
    """Where each test has a place for files, which is made when there is a first one."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(autouse=True)
def media_in_temporary_folder(settings, folder_of_uploads):
    """No test meets the files of another."""
    own = folder_of_uploads / uuid4().hex
    settings.MEDIA_ROOT = own / "media"
    settings.PRIVATE_ROOT = own / "private"
    # A thread of its own would outlive the test.
    settings.PREPARES_PHOTOS_ITSELF = False
    settings.SENDS_MAILS_ITSELF = False


@pytest.fixture
def paris(db) -> Place:
    """A town in France."""
    country = CountryFactory(code="FR", slug="france", name="France")
    return PlaceFactory(
        slug="paris",
        name="Paris",
        country=country,
        latitude="48.85341",
        longitude="2.34880",
        timezone="Europe/Paris",
    )


@pytest.fixture
def france(paris) -> Country:
    """The country of `paris`."""
    return paris.country


@pytest.fixture
def istanbul(db) -> Place:
    """A town in Türkiye."""
    country = CountryFactory(code="TR", slug="turkiye", name="Türkiye")
    return PlaceFactory(
        slug="istanbul",
        name="Istanbul",
        country=country,
        latitude="41.01384",
        longitude="28.94966",
        timezone="Europe/Istanbul",
    )


@pytest.fixture
def euro(db) -> Currency:
    """The currency that all rates are given in."""
    return CurrencyFactory(code="EUR", per_euro="1")
