"""Each list of the admin and each page in it: a fixed number of queries, true counts, and search.

The lists are read from the admin itself: a model that is registered without a way to make its rows
here fails.
"""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from clinics import models as clinics
from clinics.models.offer import FRESH_DAYS, STALE_DAYS
from tests import factories
from tests.factories import (
    CheckFactory,
    ClinicFactory,
    EditorFactory,
    MembershipFactory,
    OfferFactory,
    PlaceFactory,
    PractitionerFactory,
    TreatmentFactory,
)
from treatments import models as treatments

pytestmark = pytest.mark.django_db
MANY = 50


def group(number):
    return Group.objects.create(name=f"Group {number}")


def attempt(number):
    return AccessAttempt.objects.create(
        username=f"user-{number}",
        ip_address="192.0.2.1",
        attempt_time=timezone.now(),
        failures_since_start=1,
    )


def loaded(number):
    return treatments.LoadedContent.objects.create(key=f"key-{number}")


def sent_file(number):
    return clinics.BulkImport.objects.create(
        # Whoever sent a file opens it, and nobody else.
        user=User.objects.filter(is_superuser=True).first()
        or User.objects.get(groups__name="Editors"),
        sheet=clinics.BulkImport.SheetName.CLINICS,
        file_name=f"{number}.csv",
        token=f"token-{number}",
        state=clinics.BulkImport.State.CHECKED,
    )


MAKERS = {
    clinics.BulkImport: sent_file,
    User: lambda _number: factories.UserFactory(),
    Group: group,
    AccessAttempt: attempt,
    treatments.LoadedContent: loaded,
    # The factory has one, the euro.
    clinics.Currency: lambda number: factories.CurrencyFactory(code=f"X{number:02}"),
}


def maker(model):
    """A function that makes a row of the model and what belongs to it."""
    made = getattr(factories, f"{model.__name__}Factory", None)
    return MAKERS.get(model) or (lambda _number: made())


def queries_of(client, address) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200, address
    return len(asked)


def asked(client, model) -> tuple[list[int], list[int]]:
    """Queries of the list and of a row's page, with two rows and with fifty."""
    make, opts = maker(model), model._meta
    first = make(0)
    make(1)
    pages = [reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")]
    # Those of the catalogue hold one row; an editor opens no request of a patient's.
    if opts.app_label == "clinics" and model is not clinics.Enquiry:
        route = f"admin:{opts.app_label}_{opts.model_name}_change"
        pages.append(reverse(route, args=[first.pk]))
    few = [queries_of(client, address) for address in pages]
    for number in range(2, MANY):
        make(number)
    many = [queries_of(client, address) for address in pages]
    assert listed(client, pages[0]) >= MANY
    return few, many


def test_a_list_of_fifty_asks_no_more_than_a_list_of_two(client, monkeypatch):
    # The frame asks nothing, and is the dearer half of a page.
    monkeypatch.setattr(admin.site, "enable_nav_sidebar", False)
    client.force_login(EditorFactory())
    # Asked once by a process, and so not the list's.
    ContentType.objects.get_for_models(*admin.site._registry)
    found = {}
    for model in admin.site._registry:
        with transaction.atomic():
            found[model._meta.label] = asked(client, model)
            transaction.set_rollback(True)
    assert len(found) > 25
    assert {label: counts for label, counts in found.items() if counts[0] != counts[1]} == {}
    # The list, its numbers, the signed-in person: not a query for each of something.
    assert {label: counts for label, counts in found.items() if max(counts[0]) > 24} == {}


# --- What a list says


def options(client, address) -> dict[str, int]:
    """The number beside each option of the filters."""
    html = client.get(address).content.decode().partition('id="changelist-filter"')[2]
    found = re.findall(r'<a href="\?[^"]*">([^<]+) \((\d+)\)</a>', html.partition("</nav>")[0])
    return {label: int(count) for label, count in found}


def listed(client, address) -> int:
    """How many rows a list has."""
    return client.get(address).context["cl"].result_count


def test_the_number_beside_an_option_is_that_of_its_list(client, paris, istanbul):
    client.force_login(EditorFactory())
    today = timezone.localdate()
    ages = [0, FRESH_DAYS, FRESH_DAYS + 1, STALE_DAYS, STALE_DAYS + 1, 1000]
    clinic = ClinicFactory(place=paris, status="draft")
    ClinicFactory(place=istanbul)
    treatment = TreatmentFactory()
    for number, days in enumerate(ages):
        OfferFactory(
            clinic=clinic,
            treatment=treatment,
            label=str(number),
            price_confirmed_on=today - timedelta(days=days),
        )
    OfferFactory(clinic=clinic, price_confirmed_on=None)
    offers = "/admin/clinics/offer/"
    found = options(client, offers)
    assert (found["fresh"], found["ageing"], found["never confirmed"]) == (2, 2, 1)
    assert found["stale, not in the sort by price"] == 2
    assert found[str(treatment)] == len(ages)
    for key, count in (("fresh", 2), ("ageing", 2), ("stale", 2), ("never", 1)):
        assert listed(client, f"{offers}?price_age={key}") == count
    # Beside another choice, as among the rows that it leaves.
    assert options(client, f"{offers}?price_age=never").get(str(treatment), 0) == 0
    clinics_list = options(client, "/admin/clinics/clinic/?status__exact=draft")
    assert (clinics_list["France"], "Türkiye" in clinics_list) == (1, False)
    assert (clinics_list["draft"], clinics_list["published"]) == (1, 1)


def test_checks_are_filtered_by_when_they_run_out(client):
    client.force_login(EditorFactory())
    today = timezone.localdate()
    for days in (-1, 0, 30, 31):
        CheckFactory(checked_on=today - timedelta(days=9), expires_on=today + timedelta(days=days))
    CheckFactory()
    found = options(client, "/admin/clinics/check/")
    expected = {"expired": 1, "within 30 days": 2, "later": 1, "does not expire": 1}
    assert {label: found[label] for label in expected} == expected
    for key, count in (("expired", 1), ("soon", 2), ("later", 1), ("never", 1), ("%00", 5)):
        assert listed(client, f"/admin/clinics/check/?expiry={key}") == count


@pytest.mark.parametrize(
    ("query", "count"),
    [
        *(("lodz", 2), ("łódź", 2), ("LODZ klinika", 1), ("klinika a", 1), ("odz", 0)),
        *(("%00", 2), ("!!!", 0), ("+", 2), ("%25", 0), ("_", 0)),
    ],
)
def test_search_does_not_mind_accents_and_takes_any_text(client, query, count):
    client.force_login(EditorFactory())
    place = PlaceFactory(name="Łódź")
    ClinicFactory(name="Klinika Ąę", place=place)
    ClinicFactory(name="Other", place=place)
    assert listed(client, f"/admin/clinics/clinic/?q={query}") == count


def test_a_treatment_is_found_once_by_its_other_names(client):
    client.force_login(EditorFactory())
    treatment = TreatmentFactory()
    for name in ("Lipolysé", "Lipolyse injections"):
        factories.AliasFactory(treatment=treatment, name=name)
    assert listed(client, "/admin/treatments/treatment/?q=lipolyse") == 1


def test_a_late_page_has_the_rows_that_follow_those_before(client):
    client.force_login(EditorFactory())
    place = PlaceFactory()
    for number in range(60):
        ClinicFactory(name=f"Clinic {number:02}", place=place)
    names = []
    for page in (1, 2):
        html = client.get(f"/admin/clinics/clinic/?p={page}").content.decode()
        names += re.findall(r">(Clinic \d\d)</a>", html)
    assert names == [f"Clinic {number:02}" for number in range(60)]


def test_filters_of_staff_count_their_own_rows_and_name_no_others(client):
    membership = MembershipFactory()
    OfferFactory(clinic=membership.clinic)
    rival = OfferFactory(price_confirmed_on=None)
    client.force_login(membership.user)
    html = client.get("/admin/clinics/offer/").content.decode()
    for word in (rival.clinic.name, rival.treatment.short_name, rival.treatment.name):
        assert f">{word}" not in html
    found = options(client, "/admin/clinics/offer/")
    assert (found["fresh"], found["never confirmed"]) == (1, 0)
    assert listed(client, "/admin/clinics/offer/?price_age=never") == 0
    # What an address asks for stays among their own.
    for lookup in (f"treatment__id__exact={rival.treatment_id}", "clinic__name__startswith=C"):
        assert client.get(f"/admin/clinics/offer/?{lookup}").status_code == 400
    PractitionerFactory()
    assert set(options(client, "/admin/clinics/practitioner/").values()) == {0}
