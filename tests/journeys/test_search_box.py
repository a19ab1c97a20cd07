"""The search box that suggests, and "Use my position", as visitors use them.

Without scripts both pages must work as plain forms.
"""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of patients")]

LYON = {"latitude": 45.748461, "longitude": 4.846711}


def box(tab: Page) -> Locator:
    """The search box, which is a combobox as soon as its script has run."""
    return tab.get_by_role("combobox", name="Treatment, clinic, practitioner or town")


def options(tab: Page) -> Locator:
    return tab.get_by_role("listbox", name="Suggestions").get_by_role("option")


def type_in(tab: Page, words: str):
    """Type as a person does, and wait for the list."""
    box(tab).press_sequentially(words)
    expect(box(tab)).to_have_attribute("aria-expanded", "true")


def active(tab: Page) -> str:
    """The text of the option that the box points to; "" for none."""
    pointed = box(tab).get_attribute("aria-activedescendant")
    chosen = tab.locator('[role="option"][aria-selected="true"]')
    if pointed is None:
        assert chosen.count() == 0
        return ""
    assert chosen.get_attribute("id") == pointed
    return chosen.inner_text()


def expect_closed(tab: Page):
    expect(tab.get_by_role("listbox")).to_have_count(0)
    expect(box(tab)).to_have_attribute("aria-expanded", "false")
    assert box(tab).get_attribute("aria-controls") is None
    assert active(tab) == ""


def test_typing_opens_a_list_and_says_how_long_it_is(visit):
    tab = visit()
    tab.goto("/clinics/")
    expect_closed(tab)
    type_in(tab, "par")
    assert options(tab).count() > 1
    said = tab.get_by_role("status").filter(has_text=f"{options(tab).count()} suggestions")
    expect(said).to_have_count(1)
    expect(tab.get_by_role("group", name="Places").get_by_role("option").first).to_contain_text(
        "Paris, France"
    )
    expect(box(tab)).to_be_focused()
    assert tab.locator(f"#{box(tab).get_attribute('aria-controls')}").is_visible()


def test_arrows_home_and_end_walk_through_the_options_and_around(visit):
    tab = visit()
    tab.goto("/")
    type_in(tab, "par")
    texts = options(tab).all_inner_texts()
    assert active(tab) == ""
    for key, place in (
        *(("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", -1)),
        *(("ArrowDown", 0), ("End", -1), ("Home", 0)),
    ):
        tab.keyboard.press(key)
        assert (key, active(tab)) == (key, texts[place])
    expect(box(tab)).to_be_focused()
    expect(box(tab)).to_have_value("par")


def test_home_and_end_move_in_the_text_while_nothing_is_chosen(visit):
    tab = visit()
    tab.goto("/")
    type_in(tab, "ar")
    tab.keyboard.press("Home")
    tab.keyboard.type("p")
    expect(box(tab)).to_have_value("par")
    assert active(tab) == ""


def test_enter_on_a_place_goes_to_its_clinics(visit):
    tab = visit()
    tab.goto("/")
    type_in(tab, "paris")
    while not active(tab).startswith("Paris, France"):
        tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.locator('[data-applied="city=paris"]')).to_be_visible()
    # What was typed is not searched for besides.
    expect(tab.locator("[data-applied]")).to_have_count(1)


def test_enter_without_a_choice_searches_for_the_words(visit):
    tab = visit()
    tab.goto("/")
    type_in(tab, "paris")
    tab.keyboard.press("Enter")
    expect(tab.locator('[data-applied="q=paris"]')).to_be_visible()


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_pressing_a_suggestion_follows_its_link(visit, touch):
    tab = visit(viewport=PHONE, has_touch=True) if touch else visit()
    tab.goto("/clinics/?country=france")
    clinic = tab.locator("[data-clinic]").first
    slug, name = clinic.get_attribute("data-clinic"), clinic.get_by_role("link").first.inner_text()
    type_in(tab, name)
    option = tab.get_by_role("group", name="Clinics").get_by_role("option").first
    if touch:
        option.tap()
    else:
        option.click()
    tab.wait_for_url(f"**/clinics/{slug}/")
    expect(tab.get_by_role("heading", level=1)).to_have_text(name)


def test_escape_closes_the_list_and_keeps_the_words(visit):
    tab = visit()
    tab.goto("/")
    type_in(tab, "par")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Escape")
    expect_closed(tab)
    expect(box(tab)).to_have_value("par")
    expect(box(tab)).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(box(tab)).to_have_attribute("aria-expanded", "true")
    assert active(tab) == options(tab).first.inner_text()


def test_tab_goes_on_and_closes_the_list(visit):
    tab = visit()
    tab.goto("/clinics/")
    type_in(tab, "par")
    tab.keyboard.press("Tab")
    expect_closed(tab)
    expect(tab.get_by_role("button", name="Search")).to_be_focused()


def test_one_letter_asks_nothing_and_an_emptied_box_closes_the_list(visit):
    tab = visit()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto("/")
    box(tab).press_sequentially("p")
    tab.wait_for_timeout(400)
    assert not [address for address in asked if "suggest/" in address]
    box(tab).press_sequentially("ar")
    expect(options(tab).first).to_be_visible()
    assert len([address for address in asked if "suggest/" in address]) == 1
    box(tab).fill("")
    expect_closed(tab)


def test_a_late_answer_to_older_words_is_not_shown(visit):
    tab = visit()
    tab.goto("/")
    tab.route(
        "**/suggest/?q=par",
        lambda route: (tab.wait_for_timeout(800), route.continue_()),
    )
    with tab.expect_request("**/suggest/?q=par"):
        box(tab).press_sequentially("par")
    box(tab).fill("istanbul")
    expect(options(tab).first).to_contain_text("Istanbul")
    tab.wait_for_timeout(1000)
    expect(options(tab).first).to_contain_text("Istanbul")


def test_words_that_nothing_starts_with_open_no_list(visit):
    tab = visit()
    tab.goto("/")
    with tab.expect_response("**/suggest/?q=zzzz"):
        box(tab).press_sequentially("zzzz")
    expect(tab.get_by_text("0 suggestions")).to_have_count(1)
    expect(box(tab)).to_have_attribute("aria-expanded", "false")
    expect(options(tab)).to_have_count(0)


def test_the_open_list_breaks_no_rule_of_accessibility_and_stays_on_the_page(visit):
    tab = visit(reduced_motion="reduce")
    tab.goto("/clinics/")
    type_in(tab, "par")
    tab.keyboard.press("ArrowDown")
    for width in (1280, 390, 320):
        tab.set_viewport_size({"width": width, "height": 800})
        for colours in ("light", "dark"):
            tab.emulate_media(color_scheme=colours)
            found = violations(tab, within='[role="search"]')
            assert (width, colours, found) == (width, colours, [])
        assert tab.evaluate("document.scrollingElement.scrollWidth") <= width


def test_without_scripts_the_box_is_plain_and_no_position_is_offered(visit):
    tab = visit(java_script_enabled=False)
    tab.goto("/clinics/")
    expect(tab.get_by_role("combobox", name="Treatment, clinic")).to_have_count(0)
    expect(tab.get_by_role("button", name="Use my position")).to_have_count(0)
    plain = tab.get_by_role("searchbox", name="Treatment, clinic, practitioner or town")
    plain.press_sequentially("paris")
    plain.press("Enter")
    expect(tab.locator('[data-applied="q=paris"]')).to_be_visible()
    tab.get_by_label("Town", exact=True).fill("Lyon")
    tab.get_by_label("Distance", exact=True).select_option("250 km")
    tab.get_by_role("button", name="Show clinics").click()
    expect(tab.locator('[data-applied="near=Lyon"]')).to_contain_text("within 250 km of Lyon")


def test_all_of_these_treatments_without_scripts(visit):
    tab = visit(java_script_enabled=False)
    tab.goto("/clinics/?treatment=cellulite&treatment=hair-loss")
    any_of_them = int(tab.locator("[data-total]").get_attribute("data-total"))
    tab.get_by_label("Only clinics that offer all of these").check()
    tab.get_by_role("button", name="Show clinics").click()
    expect(tab.locator('[data-applied="treatment_match=all"]')).to_be_visible()
    assert 0 < int(tab.locator("[data-total]").get_attribute("data-total")) < any_of_them
    expect(tab.get_by_role("heading", level=1)).to_have_text("Clinics for cellulite and hair loss")


def test_my_position_is_asked_for_on_a_press_only_and_rounded(visit):
    tab = visit(geolocation=LYON, permissions=["geolocation"])
    tab.goto("/clinics/?treatment=cellulite")
    expect(tab.get_by_label("Town", exact=True)).to_have_value("")
    tab.get_by_role("button", name="Use my position").click()
    tab.wait_for_url("**near=45.75%2C4.85**")
    assert "45.748" not in tab.url
    expect(tab.get_by_label("Town", exact=True)).to_have_value("45.75,4.85")
    # The filters that were there stay, and the nearest clinics come first.
    expect(tab.locator('[data-applied="treatment=cellulite"]')).to_be_visible()
    expect(tab.locator("#sort")).to_have_value("")
    expect(tab.locator("#sort option:checked")).to_have_text("distance")
    expect(tab.locator("[data-clinic]").first).to_contain_text("France")


def test_a_position_that_is_refused_is_said_and_changes_nothing(visit):
    tab = visit(viewport=PHONE)
    tab.goto("/clinics/")
    address = tab.url
    tab.locator("summary", has_text="Filter").first.click()
    tab.get_by_role("button", name="Use my position").click()
    said = tab.get_by_role("status").filter(has_text="Type a town instead.")
    expect(said).to_be_visible()
    assert tab.url == address
