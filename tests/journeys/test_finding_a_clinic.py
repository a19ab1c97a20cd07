"""From "what is this done to me for" to "what would it cost there", as three visitors do it."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import DESKTOP, PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of patients")]

# What four documents say of the number of sessions against cellulite; the last counts weeks.
DISAGREEMENT = {
    "S004-33": "3 to 4",
    "S002-51": "8 to 10",
    "S000-20": "10 to 15",
    "S003-41": "4 to 6 weeks",
}
MOST_TABS = 400


class Pointer:
    """A visitor with a mouse or a finger."""

    def __init__(self, tab: Page):
        self.tab = tab

    def activate(self, target: Locator):
        target.click()

    def write(self, field: Locator, text: str):
        field.fill(text)


class Keyboard(Pointer):
    """A visitor without a mouse: Tab to reach, Space to tick, Enter for the rest."""

    def activate(self, target: Locator):
        self._reach(target)
        is_box = target.get_attribute("type") == "checkbox"
        self.tab.keyboard.press("Space" if is_box else "Enter")

    def write(self, field: Locator, text: str):
        self._reach(field)
        self.tab.keyboard.press("Control+A")
        self.tab.keyboard.type(text)

    def _reach(self, target: Locator):
        for _ in range(MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.tab.keyboard.press("Tab")
        pytest.fail(f"{target} cannot be reached with Tab.")


def total(tab: Page) -> int:
    """The number of clinics found, as the page says it once all of it is there."""
    tab.wait_for_load_state()
    return int(tab.locator("[data-total]").get_attribute("data-total"))


def reveal(hand: Pointer, target: Locator):
    """Open whatever is folded over the target."""
    while not target.is_visible():
        folded = target.locator("xpath=ancestor::details[not(@open)]").locator("> summary")
        hand.activate(folded.locator("visible=true").first)


def show_clinics(hand: Pointer):
    """Send the filters off with their own button."""
    button = hand.tab.get_by_role("button", name="Show clinics")
    reveal(hand, button)
    hand.activate(button)


def choose_busiest(hand: Pointer, facet: str) -> int:
    """Choose the option of a facet that promises most; return what it promised."""
    hand.tab.wait_for_load_state()
    options = hand.tab.locator(f'[data-facet="{facet}"] [data-option]')
    counts = [int(option.get_attribute("data-count")) for option in options.all()]
    option = options.nth(counts.index(max(counts)))
    value = option.get_attribute("data-option")
    box = option.get_by_role("checkbox", include_hidden=True)
    reveal(hand, box)
    hand.activate(box)
    show_clinics(hand)
    expect(hand.tab.locator(f'[data-applied="{facet}={value}"]')).to_be_visible()
    return max(counts)


def read_about_cellulite(tab: Page):
    """From home to the treatment's page, down to who says what of the number of sessions."""
    tab.goto("/")
    tab.get_by_role("main").get_by_role("link", name="Cellulite", exact=True).first.click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("ellulite")
    expect(tab.get_by_role("main")).to_contain_text("disagree")
    tab.wait_for_load_state()
    for claim, words in DISAGREEMENT.items():
        said = tab.locator(f'[data-claim~="{claim}"]').filter(has_text=words).first
        reveal(Pointer(tab), said)
        expect(said).to_be_visible()


def go_on_to_clinics(tab: Page):
    """Follow the treatment's page to the clinics that offer it."""
    tab.locator('main a[href*="/clinics/?treatment=cellulite"]').first.click()
    expect(tab.locator('[data-applied="treatment=cellulite"]')).to_be_visible()
    assert total(tab) > 0


def narrow_down(hand: Pointer):
    """Country, then town, then price, then language; the counts keep their promises."""
    tab = hand.tab
    for facet in ("country", "city"):
        promised = choose_busiest(hand, facet)
        assert total(tab) == promised
    before = total(tab)

    price = tab.locator("input[name=price_max]")
    reveal(hand, price)
    hand.write(price, "2000")
    show_clinics(hand)
    expect(tab.locator('[data-applied="price_max=2000"]')).to_be_visible()
    assert 0 < total(tab) <= before

    promised = choose_busiest(hand, "language")
    assert total(tab) == promised == tab.locator("[data-clinic]").count()


def open_a_clinic_that_says_its_sessions(tab: Page):
    """Open results until one states a number of sessions: only then is a course priced."""
    results = tab.url
    for number in range(tab.locator("[data-clinic]").count()):
        card = tab.locator("[data-clinic]").nth(number)
        name = card.get_by_role("heading").inner_text()
        card.get_by_role("link", name=name).click()
        expect(tab.get_by_role("heading", level=1)).to_contain_text(name)
        tab.wait_for_load_state()
        offer = tab.locator("article").filter(
            has=tab.locator('a[href="/treatments/cellulite/"]'),
            has_text="Whole course",
        )
        if offer.count():
            expect(offer.first.locator("[data-course-cost]")).to_be_visible()
            return
        tab.go_back()
        expect(tab).to_have_url(results)
    pytest.fail("No clinic found says how many sessions it plans.")


@pytest.mark.core
def test_with_a_mouse_on_a_desktop(visit):
    tab = visit(viewport=DESKTOP)
    read_about_cellulite(tab)
    go_on_to_clinics(tab)
    narrow_down(Pointer(tab))
    open_a_clinic_that_says_its_sessions(tab)


def test_with_a_finger_on_a_phone_without_javascript(visit):
    tab = visit(viewport=PHONE, has_touch=True, java_script_enabled=False)
    read_about_cellulite(tab)
    go_on_to_clinics(tab)
    narrow_down(Pointer(tab))
    open_a_clinic_that_says_its_sessions(tab)


def test_filters_by_keyboard_only(visit):
    tab = visit(viewport=PHONE)
    tab.goto("/clinics/?treatment=cellulite")
    narrow_down(Keyboard(tab))


def test_back_returns_to_the_search_as_it_was(visit):
    tab = visit()
    tab.goto("/clinics/?treatment=cellulite")
    found = total(tab)
    choose_busiest(Pointer(tab), "country")
    tab.go_back()
    assert total(tab) == found
    expect(tab.locator('[data-facet="country"] :checked')).to_have_count(0)


def test_removing_a_filter_brings_its_clinics_back(visit):
    tab = visit()
    tab.goto("/clinics/?treatment=cellulite")
    found = total(tab)
    choose_busiest(Pointer(tab), "country")
    assert total(tab) < found
    tab.locator('[data-applied^="country="]').click()
    assert total(tab) == found
    tab.get_by_role("link", name="Clear all").click()
    assert total(tab) > found
