"""A reader asks without scripts and without an account; an editor answers; the page shows it."""

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]

QUESTION = "How long should I stay out of the sun?"
ANSWER = "No source that we know gives a number of days. Ask who treats you."
# The server takes nothing that was written faster than this.
MILLISECONDS_TO_WRITE = 3200


def test_a_question_goes_from_a_reader_through_an_editor_to_the_page(visit, editors_tab):
    reader = visit(viewport=PHONE, java_script_enabled=False)
    question = reader.get_by_role("textbox", name="Your question")
    reader.goto("/treatments/melasma/")
    reader.get_by_role("link", name="Ask a question").click()

    reader.get_by_role("button", name="Send the question").click()
    problems = reader.get_by_role("alert")
    expect(problems).to_contain_text("Write your question here.")
    expect(problems).to_be_focused()
    problems.get_by_role("link", name="Write your question here.").click()
    expect(question).to_be_focused()

    question.fill(QUESTION)
    reader.get_by_label("A name to show").fill("Rosa")
    reader.wait_for_timeout(MILLISECONDS_TO_WRITE)
    reader.get_by_role("button", name="Send the question").click()
    expect(reader.get_by_role("heading", level=1)).to_contain_text("Your question has arrived")
    assert reader.context.cookies() == []

    reader.get_by_role("link", name="Back to Melasma").click()
    expect(reader.get_by_text(QUESTION)).to_have_count(0)

    editor = editors_tab
    editor.goto("/admin/treatments/readersquestion/")
    expect(editor.get_by_role("heading", level=1).last).to_contain_text("1 is waiting")
    editor.get_by_role("link", name=QUESTION).click()
    editor.get_by_role("textbox", name="Answer:", exact=True).fill(ANSWER)
    editor.get_by_role("textbox", name="Signed:", exact=True).fill("Ana Example, editor")
    editor.get_by_label("Publish the question and its answer").check()
    editor.get_by_role("button", name="Save", exact=True).click()
    expect(editor.get_by_text("was changed successfully")).to_be_visible()

    reader.reload()
    shown = reader.get_by_role("article", name=QUESTION)
    expect(shown).to_contain_text("Rosa asked on")
    expect(shown).to_contain_text(ANSWER)
    expect(shown).to_contain_text("Answered by Ana Example, editor")

    for address in ("/treatments/melasma/questions/", "/treatments/melasma/ask/"):
        checked = visit(viewport=PHONE, color_scheme="dark")
        checked.goto(address)
        if address.endswith("ask/"):
            checked.get_by_role("button", name="Send the question").click()
        assert (address, violations(checked)) == (address, [])
