"""A clinic changes a price, an editor approves it, and only then patients see it."""

import secrets

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE, sign_in_with_password

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]

MAKE_STAFF = """
from django.contrib.auth import get_user_model
from clinics.models import Offer
offer = Offer.objects.public().exclude(price_low=None).order_by("pk").first()
user = get_user_model().objects.create_user("{name}", password="{password}", is_staff=True)
user.memberships.create(clinic=offer.clinic)
"""


def test_a_price_is_public_when_an_editor_has_approved_it(visit, editors_tab, manage):
    name, password = f"staff-{secrets.token_hex(4)}", secrets.token_urlsafe(20)
    script = MAKE_STAFF.format(name=name, password=password)
    manage("shell", "--command", script)

    staff = visit(viewport=PHONE)
    sign_in_with_password(staff, name, password)
    staff.goto("/admin/clinics/offer/")
    staff.locator("#result_list tbody th a").first.click()
    staff.get_by_label("Price low").fill("7313")
    staff.get_by_label("Price high").fill("7313")
    staff.get_by_role("textbox", name="Product").fill("Harmless saline")
    expect(staff.get_by_text("“harmless”: Every injection has risks.")).to_be_visible()
    staff.get_by_role("textbox", name="Product").fill("Saline, by hand")
    staff.get_by_role("button", name="Save and continue editing").click()
    expect(staff.get_by_text("sent in for review. Patients see the listing")).to_be_visible()
    expect(staff.get_by_label("Price low")).to_have_value("7313.00")
    expect(staff.get_by_text("Patients still see:").first).to_be_visible()
    assert staff.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    staff.goto("/admin/clinics/clinic/")
    staff.locator("#result_list tbody th a").first.click()
    hours = staff.locator("#opening_hours-group fieldset")
    expect(hours.get_by_role("combobox").first).to_be_visible()
    assert hours.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    address = staff.get_by_role("link", name="View on site").get_attribute("href")
    patient = visit(viewport=PHONE)
    patient.goto(address)
    expect(patient.locator("body")).not_to_contain_text("7,313")

    editors_tab.goto("/admin/clinics/proposal/")
    assert violations(editors_tab, within="#content") == []
    sent_in = editors_tab.locator("#result_list tbody tr", has_text=name)
    sent_in.locator("th a").press("Enter")
    expect(editors_tab.get_by_text("7313.00").first).to_be_visible()
    assert violations(editors_tab, within="#content") == []
    editors_tab.get_by_role("button", name="Approve").press("Enter")
    expect(editors_tab.get_by_text("Approved. Patients see it now.")).to_be_visible()

    patient.reload()
    expect(patient.locator("body")).to_contain_text("7,313")
    expect(patient.locator("body")).to_contain_text("Saline, by hand")
