"""Two people who edit one listing: nothing is overwritten unseen, nothing typed is lost."""

import re

import pytest
from django.test import Client

from clinics.models import Offer, OpeningHours
from tests.factories import (
    ClinicFactory,
    EditorFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
)
from tests.forms_of_pages import Form, form_of
from tests.parallel import in_threads, on_disk
from tests.test_permissions import clinic_path, offer_path, send

pytestmark = pytest.mark.django_db
OLD, NEW, OWN = "+33 1 23 45 67 89", "+33 1 23 45 67 80", "+33 1 23 45 67 81"


@pytest.fixture
def clinic(db):
    return ClinicFactory(name="Own clinic", phone=OLD, address="1 Old Street")


@pytest.fixture
def staff(clinic, client):
    """The browser of a member of staff."""
    client.force_login(MembershipFactory(clinic=clinic, user__username="maria").user)
    return client


@pytest.fixture
def colleague(clinic):
    """The browser of another one."""
    browser = Client()
    browser.force_login(MembershipFactory(clinic=clinic, user__username="ana").user)
    return browser


@pytest.fixture
def editor(db):
    """The browser of an editor."""
    browser = Client()
    browser.force_login(EditorFactory(username="secret-editor"))
    return browser


def refused(browser, path, form) -> str:
    """The page that comes back instead of saving."""
    response = browser.post(path, form)
    assert response.status_code == 200
    return response.content.decode()


def filled(html) -> str:
    return re.search(r'name="started_from" value="([^"]*)"', html)[1].replace("&quot;", '"')


def test_a_newer_change_is_shown_first_and_replaced_only_by_a_second_press(
    staff, colleague, clinic
):
    path = clinic_path(clinic)
    mine = form_of(staff, path)
    send(colleague, path, form_of(colleague, path) | {"phone": NEW})
    html = refused(staff, path, mine | {"phone": OWN})
    assert f"Somebody changed this meanwhile to: {NEW}. Save again to replace it." in html
    assert "Last saved by ana" in html
    assert f'value="{OWN}"' in html
    clinic.refresh_from_db()
    assert clinic.phone == NEW
    send(staff, path, mine | {"phone": OWN, "started_from": filled(html)})
    clinic.refresh_from_db()
    assert clinic.phone == OWN


def test_what_was_left_alone_keeps_the_newer_value(staff, colleague, clinic):
    """Else a page that was open for an hour would bring back what was true an hour ago."""
    path = clinic_path(clinic)
    french = LanguageFactory()
    mine = form_of(staff, path)
    theirs = form_of(colleague, path) | {"phone": NEW, "languages": [french.pk]}
    send(colleague, path, theirs)
    response = staff.post(path, mine | {"address": "2 New Street"}, follow=True)
    assert "it was kept: Phone, Languages." in response.content.decode()
    clinic.refresh_from_db()
    assert (clinic.phone, clinic.address) == (NEW, "2 New Street")
    assert list(clinic.languages.all()) == [french]


def test_staff_do_not_read_the_name_of_an_editor(staff, editor, clinic):
    path = clinic_path(clinic)
    mine = form_of(staff, path)
    send(editor, path, form_of(editor, path) | {"phone": NEW})
    html = refused(staff, path, mine | {"phone": OWN})
    assert "Last saved by an editor" in html
    assert "secret-editor" not in html


def test_rows_are_compared_one_by_one(editor, clinic):
    """Two editors, whose changes are public at once."""
    offer, other = OfferFactory(clinic=clinic), OfferFactory(clinic=clinic)
    hours = OpeningHoursFactory(clinic=clinic)
    path = clinic_path(clinic)
    rows = {str(offer.pk): None, str(other.pk): None}
    mine = form_of(editor, path)
    for number in range(2):
        rows[mine[f"offers-{number}-id"][0]] = f"offers-{number}"
    mine_prefix, other_prefix = rows[str(offer.pk)], rows[str(other.pk)]
    Offer.objects.filter(pk=other.pk).update(price_high=990)
    OpeningHours.objects.update(closes="18:00")
    send(editor, path, mine | {f"{mine_prefix}-price_low": "90"})
    assert Offer.objects.get(pk=offer.pk).price_low == 90
    assert Offer.objects.get(pk=other.pk).price_high == 990
    hours.refresh_from_db()
    assert f"{hours.closes:%H:%M}" == "18:00"
    html = refused(editor, path, mine | {f"{other_prefix}-price_high": "300"})
    assert "meanwhile to: 990.00" in html
    assert Offer.objects.get(pk=other.pk).price_high == 990


def test_a_row_that_was_removed_meanwhile_stops_only_who_changed_it(editor, clinic):
    hours = OpeningHoursFactory(clinic=clinic)
    path = clinic_path(clinic)
    mine = form_of(editor, path)
    hours.delete()
    html = refused(editor, path, mine | {"opening_hours-0-closes": "20:00:00"})
    assert "Somebody removed this row meanwhile. Save again to add it anew." in html
    assert not OpeningHours.objects.exists()
    send(editor, path, Form(html).values)
    assert [str(span) for span in clinic.opening_hours.all()] == ["Monday 09:00-20:00"]
    OpeningHours.objects.all().delete()
    send(editor, path, mine | {"address": "2 New Street"})
    assert not OpeningHours.objects.exists()
    clinic.refresh_from_db()
    assert clinic.address == "2 New Street"


def test_what_a_colleague_sent_in_is_not_replaced_unseen(staff, colleague, clinic):
    offer = OfferFactory(clinic=clinic)
    path = offer_path(offer)
    mine = form_of(staff, path)
    send(colleague, path, form_of(colleague, path) | {"product": "Saline"})
    html = refused(staff, path, mine | {"product": "Water"})
    assert "meanwhile to: Saline" in html
    assert clinic.proposals.get().proposed == {"product": "Saline"}


def test_a_forged_start_is_no_error(staff, clinic):
    path = offer_path(OfferFactory(clinic=clinic))
    form = form_of(staff, path)
    for token in ("", "x", "[]", '{"offer-1": 3}', '{"offer-1": {"label": 3}}', '{"a":' * 2000):
        send(staff, path, form | {"started_from": token})


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_one_moment_the_second_is_asked(tmp_path, monkeypatch):
    clinic = ClinicFactory(phone=OLD)
    browsers = []
    for number in range(2):
        browser = Client()
        browser.force_login(MembershipFactory(clinic=clinic).user)
        path = clinic_path(clinic)
        form = form_of(browser, path) | {"phone": f"+33 1 23 45 67 8{number}"}
        browsers.append((browser, form))
    on_disk(monkeypatch, tmp_path)

    def save():
        browser, form = browsers.pop()
        return browser.post(path, form).status_code

    assert sorted(in_threads(2, save)) == [200, 302]
