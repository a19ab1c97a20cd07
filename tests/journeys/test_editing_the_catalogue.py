"""An editor changes a claim, is stopped where it sells, and goes back to what it said before."""

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]

BEFORE = "Liposuction usually shows its result after one operation."
SELLING = "A directory says that one operation brings a guaranteed result."


def test_a_change_is_checked_while_typing_kept_with_its_reason_and_undone(visit, editors_tab):
    editor = editors_tab
    editor.goto("/admin/treatments/claim/?q=S000-19")
    editor.get_by_role("link", name="S000-19", exact=True).click()
    # Scripts run when all of the page is there.
    editor.wait_for_load_state()
    words = editor.get_by_role("textbox", name="Words:")
    expect(words).to_have_value(BEFORE)
    words.fill(SELLING)
    expect(editor.get_by_text("“guaranteed”: Nobody can promise a result.")).to_be_visible()
    low = editor.get_by_role("spinbutton", name="Low:")
    low.fill("7")
    reversed_ends = editor.get_by_text("The lower end is above the upper end.")
    expect(reversed_ends).to_be_visible()
    low.fill("1")
    expect(reversed_ends).to_have_count(0)
    editor.get_by_role("button", name="Save and continue editing").click()
    expect(editor.get_by_text("Say why you change it, in a few words.")).to_be_visible()
    editor.get_by_role("textbox", name="Why:").fill("Trying a wording")
    editor.get_by_role("button", name="Save and continue editing").click()
    expect(editor.get_by_text("was changed successfully")).to_be_visible()

    editor.get_by_role("link", name="History").click()
    latest = editor.get_by_role("listitem").filter(has_text="Trying a wording")
    expect(latest.locator("del")).to_have_text([BEFORE])
    expect(latest.locator("ins")).to_have_text([SELLING])
    assert violations(editor, within="#content") == []
    editor.set_viewport_size(PHONE)
    assert editor.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    editor.get_by_role("link", name="Open this version").first.press("Enter")
    expect(editor.get_by_role("textbox", name="Why do you go back to it?")).to_be_visible()
    assert violations(editor, within="#content") == []
    editor.get_by_role("textbox", name="Why do you go back to it?").fill("It was right")
    editor.keyboard.press("Enter")
    expect(editor.get_by_text("It is again as it was.")).to_be_visible()

    reader = visit(viewport=PHONE)
    reader.goto("/treatments/liposuction/")
    expect(reader.locator('[data-claim~="S000-19"]').last).to_contain_text(BEFORE)
