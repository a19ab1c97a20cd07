"""A reader says what is wrong; the clinic finds it on its first page and confirms the rest."""

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import DESKTOP, NARROWEST, PHONE, sign_in_with_password
from tests.journeys.test_moderation_desk import faults

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]

# A person takes longer to write; the form refuses what comes sooner.
MILLISECONDS_TO_WRITE = 3200
WORDS = "On Friday the door is closed at noon."
PASSWORD = "a-long-password-of-tests"
# Somebody who works for the clinic that the directory shows first.
MAKE_MEMBER = """
from django.contrib.auth import get_user_model
from clinics.models import Clinic, Membership
user = get_user_model().objects.create_user("receptionist", password="{}", is_staff=True)
Membership.objects.create(user=user, clinic=Clinic.objects.get(slug="{}"))
"""


def test_a_clinic_hears_what_is_wrong_and_confirms_the_rest(visit, manage):
    reader = visit(viewport=PHONE)
    reader.goto("/clinics/")
    reader.locator("[data-clinic] h3 a").first.click()
    slug = reader.url.rstrip("/").rsplit("/", 1)[1]
    reader.get_by_role("link", name="Something wrong here?").click()
    assert violations(reader) == []
    reader.set_viewport_size(NARROWEST)
    assert reader.evaluate("document.scrollingElement.scrollWidth") <= NARROWEST["width"]
    reader.get_by_role("button", name="Send").click()
    problems = reader.get_by_role("alert")
    expect(problems).to_be_focused()
    assert violations(reader) == []
    problems.get_by_role("link", name="Choose what is wrong.").click()
    reader.keyboard.press("Space")
    reader.get_by_label("The opening hours").check()
    reader.get_by_label("What would be right").fill(WORDS)
    reader.wait_for_timeout(MILLISECONDS_TO_WRITE)
    reader.get_by_role("button", name="Send").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("Thank you for telling us")
    assert reader.context.cookies() == []

    manage("shell", "--command", MAKE_MEMBER.format(PASSWORD, slug))
    # Without scripts everything works.
    staff = visit(java_script_enabled=False)
    sign_in_with_password(staff, "receptionist", PASSWORD)
    told = staff.get_by_text("A reader says that something in your listing is wrong.")
    expect(told).to_be_visible()
    staff.get_by_role("link", name="Read it and close it").click()
    staff.get_by_role("link", name="The opening hours", exact=True).click()
    expect(staff.get_by_text(WORDS)).to_be_visible()
    staff.get_by_label("it was wrong and is put right").check()
    staff.get_by_role("button", name="Save", exact=True).click()
    staff.goto("/admin/")
    expect(told).to_have_count(0)
    staff.get_by_role("button", name="Everything still correct").click()
    expect(staff.get_by_text("Confirmed today")).to_be_visible()

    checked = visit()
    sign_in_with_password(checked, "receptionist", PASSWORD)
    home = staff.url
    checked.goto(home)
    checked.get_by_role("link", name="Change the listing").click()
    listing = checked.url
    checked.wait_for_load_state()
    # What waits for review has a page with what would change.
    checked.get_by_label("Description:").fill("Two rooms, one lift.")
    checked.get_by_role("button", name="Save and continue editing").last.click()
    checked.get_by_role("link", name="or take it back").click()
    others = [checked.url, listing, "/admin/account/"]
    for path in [*others, "/admin/", home]:
        checked.goto(path)
        for size in [PHONE] if path in others else [DESKTOP, PHONE]:
            assert faults(checked, size) == [], (path, size)
        checked.set_viewport_size(NARROWEST)
        assert checked.evaluate("document.scrollingElement.scrollWidth") <= NARROWEST["width"]
    checked.get_by_role("link", name="See it as patients do").click()
    expect(checked.get_by_role("region", name="Preview")).to_be_visible()
    assert violations(checked) == []
