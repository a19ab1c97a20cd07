"""An editor sets up a second step, signs out, and comes back in with a code."""

import pytest
from django_otp.oath import totp
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE, sign_in_with_password, turn_on_second_step

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]


def test_an_editor_sets_up_a_second_step_and_signs_in_with_a_code(visit, editor_account):
    tab = visit(viewport=PHONE)
    sign_in_with_password(tab, *editor_account)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Turn on the second step")
    assert violations(tab) == []
    # No other page opens before that.
    tab.goto("/admin/clinics/clinic/")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Turn on the second step")

    secret = turn_on_second_step(tab)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    expect(tab.get_by_role("listitem").filter(has=tab.locator("code"))).to_have_count(10)
    tab.get_by_role("link", name="go on").click()
    tab.get_by_role("button", name="Log out").click()

    sign_in_with_password(tab, *editor_account)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Your code")
    tab.keyboard.type(f"{totp(secret, drift=1):06d}")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="Your account").click()
    expect(tab.get_by_text("this browser")).to_be_visible()
    assert violations(tab) == []
