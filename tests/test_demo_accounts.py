"""The accounts whose password is public: handy with DEBUG, dead without."""

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import User
from clinics.models import Clinic, Membership
from tests.factories import ClinicFactory, UserFactory
from treatments.models import Treatment

pytestmark = pytest.mark.django_db
PASSWORD = "mesoguide-demo"


@pytest.fixture
def sample_clinic(settings):
    """With DEBUG on, the only sample clinic."""
    settings.DEBUG = True
    ClinicFactory()
    return ClinicFactory(is_sample=True)


@pytest.fixture
def demo_accounts(sample_clinic):
    """The accounts as the command makes them."""
    call_command("create_demo_accounts", verbosity=0)


def account_errors():
    """The ids of errors that the deployment checks of the database find."""
    found = run_checks(include_deployment_checks=True, databases=["default"])
    return [error.id for error in found if error.id.startswith("accounts.")]


def test_staff_belongs_to_one_sample_clinic_and_editor_may_do_all(demo_accounts, sample_clinic):
    assert list(User.objects.order_by("username").values_list("username", "is_superuser")) == [
        ("editor", True),
        ("staff", False),
    ]
    membership = Membership.objects.get()
    assert (membership.user.username, membership.clinic) == ("staff", sample_clinic)


def test_second_run_changes_nothing(demo_accounts, django_assert_max_num_queries):
    before = list(User.objects.order_by("pk").values())
    with django_assert_max_num_queries(8):
        call_command("create_demo_accounts", verbosity=0)
    assert list(User.objects.order_by("pk").values()) == before
    assert Membership.objects.count() == 1


def test_refused_without_debug(settings, sample_clinic):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="only while DEBUG is on"):
        call_command("create_demo_accounts")
    assert not User.objects.exists()


def test_without_sample_clinic_says_what_to_run_first(settings):
    settings.DEBUG = True
    with pytest.raises(CommandError, match="load_sample_clinics"):
        call_command("create_demo_accounts")


def test_a_real_account_of_that_name_is_not_taken_over(sample_clinic):
    real = UserFactory(username="staff")
    with pytest.raises(CommandError, match="somebody’s own account"):
        call_command("create_demo_accounts")
    assert list(User.objects.all()) == [real]
    assert not Membership.objects.exists()


@pytest.mark.parametrize("username", ["editor", "staff"])
def test_signs_in_with_debug_only(demo_accounts, client, settings, username):
    assert client.login(username=username, password=PASSWORD)
    assert client.get(reverse("admin:index")).status_code == 200

    settings.DEBUG = False
    # The session opened before is worth nothing now, and no new one can be opened.
    assert client.get(reverse("admin:index")).status_code == 302
    assert not client.login(username=username, password=PASSWORD)


def test_a_real_account_signs_in_without_debug(client):
    UserFactory(username="somebody")
    assert client.login(username="somebody", password="password")


def test_deployment_checks_name_accounts_left_in_the_database(demo_accounts, settings):
    assert account_errors() == []
    settings.DEBUG = False
    assert account_errors() == ["accounts.E001"]
    User.objects.all().delete()
    assert account_errors() == []


def test_demonstration_is_not_loaded_without_debug(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG is off"):
        call_command("load_demonstration")
    assert not Clinic.objects.exists()


def test_demonstration_loads_all_of_it_once(settings, django_assert_max_num_queries):
    settings.DEBUG = True
    call_command("load_demonstration", verbosity=0)
    loaded = (Treatment.objects.count(), Clinic.objects.count(), User.objects.count())
    assert loaded == (14, 400, 2)
    with django_assert_max_num_queries(70):
        call_command("load_demonstration", verbosity=0)
    assert (Treatment.objects.count(), Clinic.objects.count(), User.objects.count()) == loaded
