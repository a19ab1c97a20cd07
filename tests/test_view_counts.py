"""Views of clinics are counted without a trace of who looked, and add up over processes."""

import datetime

import pytest
from django.core.signals import request_finished
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from clinics.models import Clinic, DailyViews
from clinics.view_counts import VIEWS, ViewCounter, forget_old_views
from tests.factories import ClinicFactory, MembershipFactory
from tests.parallel import in_threads, on_disk

pytestmark = pytest.mark.django_db
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def nothing_left_over():
    """The counter of the process outlives a test."""
    VIEWS.waiting.clear()
    yield
    VIEWS.waiting.clear()


@pytest.fixture
def clinic(db):
    """A published clinic."""
    return ClinicFactory()


def written(clinic) -> list[int]:
    VIEWS.write()
    return list(DailyViews.objects.filter(clinic=clinic).values_list("views", flat=True))


def test_each_opening_of_the_page_counts_and_the_page_asks_nothing_more(
    client, clinic, django_assert_num_queries
):
    with django_assert_num_queries(8):
        client.get(clinic.get_absolute_url())
    for _time in range(3):
        with django_assert_num_queries(8):
            page = client.get(clinic.get_absolute_url(), headers={"User-Agent": PERSON})
        assert (page.cookies, "Cookie" in page.headers.get("Vary", "")) == ({}, False)
    assert not DailyViews.objects.exists()
    assert written(clinic) == [3]
    client.get(clinic.get_absolute_url(), headers={"User-Agent": PERSON})
    assert written(clinic) == [4]
    assert DailyViews.objects.get().day == timezone.localdate()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "curl/8.5"},
        {"User-Agent": f"{PERSON} HeadlessChrome/140"},
        {"User-Agent": PERSON, "Sec-Purpose": "prefetch;prerender"},
    ],
)
def test_programs_are_not_counted(client, clinic, headers):
    client.get(clinic.get_absolute_url(), headers=headers)
    assert written(clinic) == []


def test_neither_staff_nor_a_look_without_the_page_counts(client, clinic):
    headers = {"User-Agent": PERSON}
    client.head(clinic.get_absolute_url(), headers=headers)
    client.get("/clinics/no-such-clinic/", headers=headers)
    client.force_login(MembershipFactory(clinic=clinic).user)
    client.get(clinic.get_absolute_url(), headers=headers)
    client.get(f"/admin/clinics/clinic/{clinic.pk}/preview/", headers=headers)
    assert written(clinic) == []


def test_the_tables_know_a_clinic_a_day_and_a_number():
    columns = {field.name for field in DailyViews._meta.concrete_fields}
    assert columns == {"id", "clinic", "day", "views"}


def test_a_database_that_fails_loses_nothing_and_a_clinic_that_is_gone_does_no_harm(
    clinic, monkeypatch, caplog
):
    gone = ClinicFactory()
    VIEWS.add(clinic.pk)
    VIEWS.add(gone.pk)
    gone.delete()

    def fail(*_args, **_kwargs):
        raise DatabaseError("down")

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "atomic", fail)
        VIEWS.write()
    assert "wait" in caplog.text
    VIEWS.add(clinic.pk)
    assert written(clinic) == [2]
    assert DailyViews.objects.count() == 1


def test_it_is_written_when_a_request_has_ended_and_not_each_time(clinic, settings):
    settings.VIEW_COUNT_SECONDS = 1000
    VIEWS.add(clinic.pk)
    VIEWS.write()
    VIEWS.add(clinic.pk)
    # The test client's own handler would close the connection.
    VIEWS.write_when_due()
    assert DailyViews.objects.get().views == 1
    settings.VIEW_COUNT_SECONDS = 0
    VIEWS.write_when_due()
    assert DailyViews.objects.get().views == 2
    assert any(receiver[1] == VIEWS.write_when_due for receiver in request_finished.receivers)


@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_add_up(clinic, monkeypatch, tmp_path):
    others = ClinicFactory.create_batch(3)
    path = on_disk(monkeypatch, tmp_path)

    def process():
        counter = ViewCounter()
        for one in [clinic, *others]:
            counter.add(one.pk)
            counter.add(one.pk)
        counter.write()
        with connection.cursor() as cursor:
            cursor.execute("SELECT SUM(views) FROM clinics_dailyviews")
            return cursor.fetchone()[0]

    assert max(in_threads(4, process)) == 32
    assert path is None or not DailyViews.objects.exists()


def test_numbers_end_after_400_days(clinic):
    today = timezone.localdate()
    for days in (401, 399):
        day = today - datetime.timedelta(days=days)
        DailyViews.objects.create(clinic=clinic, day=day, views=1)
    assert forget_old_views(today) == 1
    assert Clinic.objects.get().daily_views.get().day == today - datetime.timedelta(days=399)
