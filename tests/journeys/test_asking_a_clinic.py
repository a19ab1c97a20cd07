"""A patient asks without scripts, the clinic answers, the patient reads it and deletes all."""

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import COLOURS, violations
from tests.journeys.conftest import NARROWEST, PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]

DESK = """
from accounts.models import User
from clinics.models import Clinic, Membership
clinic = Clinic.objects.published().order_by("pk").first()
Clinic.objects.filter(pk=clinic.pk).update(slug="the-clinic-with-a-desk")
user = User.objects.create_user("desk", password="desk-of-a-clinic", is_staff=True)
Membership.objects.create(user=user, clinic=clinic)
"""
QUESTION = "What does a first talk cost, and who would treat me?"
ANSWER = "A first talk costs nothing. Dr Martin would treat you."


@pytest.fixture(scope="module")
def desk(base_url, manage):
    """Somebody at the desk of the first clinic."""
    manage("shell", "--command", DESK)


def assert_fits(tab):
    """Nothing is wrong for a screen reader or in the dark, or sticks out of a narrow screen."""
    assert violations(tab) == []
    tab.emulate_media(color_scheme="dark")
    assert violations(tab, COLOURS) == []
    size = tab.viewport_size
    tab.set_viewport_size(NARROWEST)
    assert tab.evaluate("document.scrollingElement.scrollWidth") <= NARROWEST["width"]
    tab.set_viewport_size(size)


def fill_in(tab):
    """Write a request, as far as the browser has not kept it."""
    tab.get_by_label("Your message").fill(QUESTION)
    tab.get_by_label("Your name").fill("Ana")
    tab.get_by_label("Telephone").fill("+33 1 23 45 67 89")
    tab.get_by_label("I am 18 or older.").check()
    tab.get_by_label("I agree that Mesoguide").check()


@pytest.mark.usefixtures("desk")
def test_patient_asks_clinic_answers_patient_deletes(visit):
    patient = visit(viewport=PHONE, java_script_enabled=False)
    patient.goto("/clinics/the-clinic-with-a-desk/")
    assert patient.context.cookies() == []
    patient.get_by_role("link", name="Write to this clinic").click()
    form = patient.url

    fill_in(patient)
    # Quicker than people are, and it would be asked for once more.
    patient.wait_for_timeout(2100)
    patient.get_by_role("button", name="Send to the clinic").click()
    expect(patient.get_by_role("heading", level=1)).to_have_text("Your request is with the clinic")
    private = patient.url.partition("?")[0]
    expect(patient.get_by_text(private)).to_be_visible()

    # Back and once more: the same request.
    patient.go_back()
    fill_in(patient)
    patient.get_by_role("button", name="Send to the clinic").click()
    expect(patient.get_by_text("There is one request, not two.")).to_be_visible()
    assert patient.url.partition("?")[0] == private

    desk = visit()
    desk.goto("/admin/")
    desk.get_by_label("Username").fill("desk")
    desk.get_by_label("Password").fill("desk-of-a-clinic")
    desk.get_by_label("Password").press("Enter")
    desk.goto("/admin/clinics/enquiry/")
    expect(desk.get_by_text("1 request", exact=True)).to_be_visible()
    desk.locator("#result_list tbody a").click()
    expect(desk.get_by_text(QUESTION)).to_be_visible()
    assert [rule for rule in violations(desk) if "inbox" in rule] == []
    desk.get_by_label("Your answer").fill(ANSWER)
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text(ANSWER)).to_be_visible()

    patient.goto(private)
    expect(patient.get_by_text(ANSWER)).to_be_visible()
    patient.get_by_label("Add something").fill("Thank you.")
    patient.get_by_role("button", name="Send to the clinic").click()
    expect(patient.get_by_text("Added. The clinic can read it now.")).to_be_visible()

    # The same pages with scripts, which axe needs.
    reader = visit(viewport=PHONE, reduced_motion="reduce")
    for address in (form, private, f"{private}delete/"):
        reader.emulate_media(color_scheme="light")
        reader.goto(address)
        assert_fits(reader)

    patient.get_by_role("link", name="Delete everything").click()
    patient.get_by_role("button", name="Yes, delete everything").click()
    expect(patient.get_by_role("heading", level=1)).to_have_text("Your request is deleted")
    assert patient.goto(private).status == 404
    assert patient.context.cookies() == []
    desk.goto("/admin/clinics/enquiry/")
    expect(desk.get_by_text("0 requests", exact=True)).to_be_visible()
