"""An editor changes a listing by mistake, finds it in the history, and goes back, on a phone."""

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]


def is_well_made(tab) -> bool:
    """Whether axe finds nothing wrong, and nothing is wider than the screen."""
    assert violations(tab) == [], tab.url
    return tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_mistake_is_found_in_the_history_and_undone(editors_tab):
    tab = editors_tab
    tab.set_viewport_size(PHONE)
    tab.goto("/admin/clinics/clinic/")
    tab.locator("#result_list th.field-name a").first.click()
    address = tab.get_by_label("Address").input_value()
    tab.get_by_label("Address").fill("1 Wrong Road")
    tab.get_by_label("Why").fill("Read it in a letter")
    tab.get_by_role("button", name="Save and continue editing").last.click()
    tab.get_by_role("link", name="History").click()
    change = tab.locator("li.version").first
    assert "Read it in a letter" in change.inner_text()
    assert change.locator("ins").inner_text() == "1 Wrong Road"
    assert is_well_made(tab)
    tab.get_by_role("link", name="Open this version").first.press("Enter")
    # A key does not wait for the page that it opens.
    expect(tab.get_by_role("button", name="Make it so again")).to_be_visible()
    assert is_well_made(tab)
    tab.get_by_role("button", name="Make it so again").click()
    assert "Say why you go back to it." in tab.locator("#problems").inner_text()
    tab.get_by_label("Why do you go back to it?").fill("The letter was old")
    tab.get_by_label("Why do you go back to it?").press("Enter")
    assert "It is again as it was." in tab.locator(".messagelist").inner_text()
    assert "The letter was old" in tab.locator("li.version").first.inner_text()
    tab.get_by_role("navigation", name="Breadcrumbs").get_by_role("link").nth(2).click()
    assert tab.get_by_label("Address").input_value() == address
