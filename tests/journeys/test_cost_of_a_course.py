"""From a treatment's page to what it will cost, without scripts and by keyboard."""

import pytest

from tests.journeys.conftest import PHONE

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of patients")]


def test_a_quote_is_worked_out_without_scripts_and_a_mistake_is_said_beside_its_field(visit):
    tab = visit(viewport=PHONE, java_script_enabled=False)
    tab.goto("/treatments/cellulite/")
    tab.get_by_role("link", name="Work it out with your numbers").click()
    tab.wait_for_load_state()
    result = tab.locator("[data-cost-result]")
    assert "$600 to $9,000" in result.inner_text()

    price = tab.get_by_role("group", name="Price", exact=True)
    price.get_by_label("From").fill("150")
    price.get_by_label("To").fill("abc")
    price.get_by_label("To").press("Enter")
    tab.get_by_role("link", name="Price: Write a number, such as 120.").click()
    assert price.get_by_label("To").input_value() == "abc"
    assert "Nothing is worked out" in result.inner_text()

    price.get_by_label("To").fill("180")
    tab.get_by_label("Amounts are in").select_option("GBP")
    sessions = tab.get_by_role("group", name="Number of sessions")
    sessions.get_by_label("From").fill("4")
    sessions.get_by_label("To").fill("6")
    repeats = tab.get_by_role("group", name="Repeat sessions in the first year")
    repeats.get_by_label("From").fill("1")
    repeats.get_by_label("To").fill("2")
    tab.get_by_role("button", name="Work it out").click()
    sums = tab.locator("[data-sum]")
    assert "£600 to £1,080" in sums.nth(0).inner_text()
    assert "£750 to £1,440" in sums.nth(1).inner_text()
    assert "about €" in sums.nth(1).inner_text()
    assert "price_high=180" in tab.url
