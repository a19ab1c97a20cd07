"""An editor goes through the moderation desk by keyboard, and finds the guide, on any screen."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import ALL_BUT_COLOURS, RULES, violations
from tests.journeys.conftest import DESKTOP, NARROWEST, PHONE

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]

# A page of each kind: start, desk, list, row with rows in it, delete, history, file, own, guide.
WIDE_TOO = ["/admin/", "/admin/desk/", "/admin/clinics/offer/", "/admin/clinics/clinic/1/change/"]
KINDS_OF_PAGES = [
    *WIDE_TOO,
    "/admin/clinics/offer/1/delete/",
    "/admin/clinics/clinic/1/delete/",
    "/admin/clinics/clinic/1/history/",
    "/admin/clinics/bulkimport/add/",
    "/admin/clinics/bulkimport/columns/",
    "/admin/password_change/",
    "/admin/guide/",
]


def faults(tab, size=PHONE) -> list[str]:
    """What axe finds wrong on a screen of this size."""
    tab.set_viewport_size(size)
    # A wide screen changes no colour.
    return violations(tab, RULES if size == PHONE else ALL_BUT_COLOURS)


def assert_sound_with_errors(tab):
    """A clinic's page says what is wrong with its fields and rows, so that everybody finds it.

    Colours that are still on their way from light to dark have no contrast to measure, so the
    page is opened in the dark.
    """
    tab.emulate_media(color_scheme="dark", reduced_motion="reduce")
    tab.goto("/admin/clinics/clinic/1/change/")
    tab.get_by_label("Phone:").fill("123")
    row = tab.locator("#offers-0")
    row.get_by_label("Price low:").fill("900")
    row.get_by_label("Price high:").fill("100")
    with tab.expect_navigation():
        tab.get_by_role("button", name="Save and continue editing").last.click()
    wrong = row.get_by_label("Price high:")
    expect(wrong).to_have_accessible_description(re.compile("Give both ends of the price"))
    for size in (DESKTOP, PHONE):
        assert faults(tab, size) == [], size
    tab.set_viewport_size(NARROWEST)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    wrong.focus()
    assert wrong.evaluate("(field) => getComputedStyle(field).outlineStyle") == "solid"
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size(DESKTOP)


def test_an_editor_goes_through_the_desk_by_keyboard(editors_tab):
    tab = editors_tab
    tab.goto("/admin/")
    tab.get_by_role("link", name="Open the desk").click()
    entries = tab.locator("[data-desk-list] > li > a")
    first, second = entries.nth(0), entries.nth(1)
    # It shows once the keys work.
    keys = tab.get_by_text("Keyboard shortcuts")
    expect(keys).to_be_visible()
    tab.keyboard.press("j")
    expect(first).to_be_focused()
    tab.keyboard.press("j")
    expect(second).to_be_focused()
    tab.keyboard.press("k")
    tab.keyboard.press("k")
    expect(first).to_be_focused()
    tab.keyboard.press("?")
    expect(tab.get_by_text("open it", exact=True)).to_be_visible()

    # Turned off, the keys do nothing; the browser remembers it.
    switch = tab.get_by_label("Shortcuts of one key are on in this browser")
    switch.uncheck()
    tab.reload()
    expect(keys).to_be_visible()
    tab.keyboard.press("j")
    expect(first).not_to_be_focused()
    keys.click()
    expect(switch).not_to_be_checked()
    switch.check()

    first.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("region", name="Moderation desk")).to_be_visible()
    assert faults(tab) == []
    before = tab.url
    # Not while somebody writes.
    tab.locator("#content input[type=text]:visible").first.press("n")
    assert tab.url == before
    tab.locator("h1").click()
    with tab.expect_navigation():
        tab.keyboard.press("n")
    assert tab.url != before
    tab.get_by_role("button", name="Leave the desk").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Moderation desk")

    # A search box has the name of its field.
    tab.goto("/admin/clinics/check/add/")
    expect(tab.get_by_role("combobox", name="Clinic:")).to_be_visible()
    assert faults(tab) == []

    assert_sound_with_errors(tab)

    for path in KINDS_OF_PAGES:
        tab.goto(path)
        for size in [DESKTOP, PHONE] if path in WIDE_TOO else [PHONE]:
            assert faults(tab, size) == [], (path, size)
        tab.set_viewport_size(NARROWEST)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320, path
