"""An editor takes offers along, changes a price in the file, looks at it and imports it."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]

WRONG = "Write only digits and a point, such as 1250.50."


def send(tab, rows):
    """Send in rows as a spreadsheet of the continent saves them."""
    written = io.StringIO()
    csv.writer(written, delimiter=";").writerows(rows)
    tab.get_by_label("Offers: one row an offer").check()
    tab.get_by_label("File").set_input_files(
        [{"name": "prices.csv", "mimeType": "text/csv", "buffer": written.getvalue().encode()}]
    )
    tab.get_by_role("button", name="Check the file").click()


def test_a_list_goes_out_is_changed_and_comes_in(editors_tab):
    editor = editors_tab
    editor.goto("/admin/clinics/offer/?q=Thimble")
    with editor.expect_download() as download:
        editor.get_by_role("link", name="Export this list as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text))
    priced = [row for row in rows if row[header.index("price_low")]][:2]
    for row in priced:
        row[header.index("price_low")] = "1.50"

    editor.get_by_role("link", name="Import a file").click()
    assert violations(editor, within="#content") == []
    wrong = [*priced[1]]
    wrong[header.index("price_low")] = "1,500"
    send(editor, [header, priced[0], wrong])
    expect(editor.get_by_text(WRONG)).to_be_visible()
    expect(editor.get_by_role("listitem").filter(has_text=WRONG)).to_contain_text("line 3")
    assert violations(editor, within="#content") == []
    editor.set_viewport_size(PHONE)
    assert editor.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    editor.get_by_role("button", name="Delete this import").press("Enter")

    editor.get_by_role("link", name="Add import of a file").click()
    send(editor, [header, *priced])
    expect(editor.locator("ins", has_text="1.50")).to_have_count(2)
    editor.get_by_role("button", name="Import all 2 rows or none").click()
    expect(editor.get_by_role("status")).to_contain_text("Imported.")
    assert violations(editor, within="#content") == []

    editor.goto("/admin/clinics/bulkimport/add/")
    send(editor, [header, *priced])
    expect(editor.get_by_text("There is nothing to import.")).to_be_visible()
