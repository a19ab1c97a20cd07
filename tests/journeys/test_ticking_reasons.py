"""A reader ticks reasons against a treatment: nothing leaves the page, and nothing stays behind."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of patients")]

PAGE = "/treatments/cellulite/is-it-for-me/"
KEPT = """async () => ({
    local: Object.entries(localStorage),
    session: Object.entries(sessionStorage),
    databases: (await indexedDB.databases()).length,
    address: location.pathname + location.search + location.hash,
})"""


def test_ticks_are_gathered_for_a_clinician_and_go_nowhere(visit):
    tab = visit(viewport=PHONE)
    tab.goto(PAGE)
    tab.wait_for_load_state("networkidle")
    raised = tab.get_by_role("region", name="What to raise with a clinician")
    expect(raised).to_contain_text("Nothing is ticked yet. That does not mean that it is safe")

    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.get_by_role("checkbox", name="Diabetes").check()
    tab.get_by_role("checkbox", name="Pregnancy").focus()
    tab.keyboard.press("Space")
    expect(raised.get_by_role("listitem")).to_have_text(["Pregnancy", "Diabetes"])
    expect(raised).to_contain_text("Say these before anything else")
    expect(raised.get_by_role("status")).to_have_text("Ticked: 2")
    assert violations(tab) == []

    tab.emulate_media(media="print")
    expect(raised.get_by_text("Pregnancy", exact=True)).to_be_visible()
    expect(tab.get_by_role("heading", name="Reasons not to have it")).to_be_hidden()
    tab.emulate_media(media="screen")

    tab.evaluate("window.print = () => document.body.setAttribute('data-printed', '')")
    raised.get_by_role("button", name="Print what to raise").click()
    expect(tab.locator("body[data-printed]")).to_have_count(1)
    tab.get_by_role("checkbox", name="Diabetes").uncheck()
    expect(raised.get_by_role("listitem")).to_have_text(["Pregnancy"])

    assert tab.evaluate(KEPT) == {"local": [], "session": [], "databases": 0, "address": PAGE}
    assert tab.context.cookies() == []
    assert asked == []

    tab.reload()
    expect(raised.get_by_role("listitem")).to_have_count(0)
    expect(tab.get_by_role("checkbox", checked=True)).to_have_count(0)
    tab.get_by_role("checkbox", name="Diabetes").check()
    tab.goto("/before-you-book/")
    tab.go_back()
    expect(tab.get_by_role("checkbox", name="Diabetes")).not_to_be_checked()


def test_without_scripts_the_reasons_are_a_plain_list(visit):
    tab = visit(viewport=PHONE, java_script_enabled=False)
    tab.goto(PAGE)
    reasons = tab.get_by_role("region", name="Reasons not to have it").get_by_role("listitem")
    expect(reasons.filter(has_text="Pregnancy")).to_be_visible()
    expect(tab.get_by_role("checkbox")).to_have_count(0)
    expect(tab.get_by_role("button")).to_have_count(0)


def test_the_list_before_booking_prints_on_two_sheets(visit):
    tab = visit(viewport=PHONE)
    tab.goto("/before-you-book/")
    tab.get_by_role("checkbox").first.check()
    printed = tab.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
