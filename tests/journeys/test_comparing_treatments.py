"""From the bare word "mesotherapy" to its uses, and from a list to a table of two."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of patients")]


def test_treatments_are_ticked_compared_and_taken_out_without_scripts(visit):
    tab = visit(viewport=PHONE, java_script_enabled=False)
    tab.goto("/treatments/")
    tab.get_by_label("Compare Cellulite").check()
    tab.get_by_label("Compare Liposuction").check()
    tab.get_by_role("button", name="Compare", exact=True).click()

    table = tab.get_by_role("table", name="Treatments side by side")
    expect(table.get_by_role("columnheader")).to_have_count(2)
    sessions = table.get_by_role("row", name="Number of sessions")
    assert "sources disagree" in sessions.inner_text()
    assert "3 to 15 sessions" in sessions.inner_text()
    # One fact after the other on a phone: the second treatment stands below the first.
    first, second = (sessions.get_by_role("cell").nth(n).bounding_box() for n in (0, 1))
    assert first["x"] == second["x"]
    assert first["y"] + first["height"] <= second["y"]

    tab.get_by_label("Melasma").check()
    tab.get_by_role("button", name="Compare", exact=True).click()
    expect(table.get_by_role("columnheader")).to_have_count(3)
    tab.get_by_role("link", name="Remove Cellulite").click()
    expect(table.get_by_role("columnheader")).to_have_count(2)
    assert tab.context.cookies() == []


def test_heads_stay_in_view_and_every_source_opens_by_keyboard(visit):
    tab = visit()
    tab.goto("/compare/?treatment=cellulite&treatment=localised-fat")
    head = tab.get_by_role("columnheader").first
    who = tab.get_by_role("row", name="Number of sessions").locator("summary").first
    who.focus()
    tab.keyboard.press("Enter")
    opened = tab.get_by_role("row", name="Number of sessions").locator("details").first
    opened.locator("[data-claim]").first.wait_for()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.pathname").startswith("/sources/")
    tab.mouse.wheel(0, 1200)
    assert head.bounding_box()["y"] == 0
    # What has focus is not behind the heads.
    tab.keyboard.press("Tab")
    focused = tab.evaluate("document.activeElement.getBoundingClientRect().top")
    assert focused >= head.bounding_box()["height"]


def test_a_search_for_mesotherapy_asks_what_for_before_it_shows_clinics(visit):
    tab = visit(java_script_enabled=False)
    tab.goto("/")
    tab.get_by_label("Treatment, clinic, practitioner or town").fill("mesotherapy")
    tab.get_by_role("button", name="Find clinics").click()
    question = tab.get_by_role("region", name="Mesotherapy: what do you want it for?")
    question.get_by_role("link", name="Hair loss").click()
    expect(tab.locator("[data-applied='treatment=hair-loss']")).to_be_visible()
    expect(tab.locator("[data-clinic]").first).to_be_visible()
    expect(question).to_have_count(0)
