"""What holds for every page: accessible, whole on a narrow screen, nothing broken or foreign.

Errors on the console, breaches of the content security policy and requests to other
origins fail each of these tests too; see `visit`.
"""

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility import ALL_BUT_COLOURS, COLOURS, violations
from tests.journeys.conftest import DESKTOP, NARROWEST, PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of patients")]

# Each kind of page, on a desktop and on a phone, light and dark.
PAGES = [
    "/",
    "/treatments/",
    "/treatments/cellulite/",
    "/treatments/cellulite/ask/",
    "/treatments/cellulite/questions/",
    "/treatments/cellulite/cost/",
    "/treatments/cellulite/is-it-for-me/",
    "/compare/?treatment=cellulite&treatment=localised-fat&treatment=submental-fat"
    "&treatment=liposuction",
    "/mesotherapy/",
    "/after-treatment/",
    "/before-you-book/",
    "/clinics/?treatment=cellulite&country=france&price_max=300&q=clinic&city=atlantis",
    "/sources/",
    "/sources/has-2014/",
    "/how-we-rank/",
    "/about/",
    "/no-such-page/",
    "a clinic",
]
# The same kinds in other states, with no colours of their own: on a phone.
STATES = [
    "/treatments/?concern=cellulite&needles=yes&evidence=unknown-value",
    "/treatments/cellulite/asked/",
    "/treatments/liposuction/",
    "/treatments/submental-fat/cost/?sessions_low=9&sessions_high=2&price_low=abc&currency=ZZZ",
    "/treatments/liposuction/is-it-for-me/",
    "/compare/",
    "/compare/?treatment=lower-eyelid&treatment=no-such-treatment",
    "/clinics/",
    "/clinics/?q=nothing-is-called-that&treatment=cellulite&country=france",
    "/clinics/?near=nowhere&radius=25&sessions_min=5&sessions_max=2&course_max=abc&sort=distance"
    "&price_min=300&price_max=abc",
    "/clinics/?treatment=cellulite&treatment=hair-loss&treatment_match=all&near=Lyon&radius=250",
    "/clinics/?q=istambul",
    "/clinics/?q=mesotherapy&country=france&page=2&sort=price",
    "/how-we-check/",
    "/privacy/",
    "/accessibility/",
]
# The sum of all moves of what was drawn already, as the browser has measured them.
LAYOUT_SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 200);
})"""


@pytest.mark.parametrize("address", [*PAGES, *STATES])
def test_page_is_sound(visit, address):
    """One visit for all of it: opening a page is what takes the time."""
    # Colours that are still on their way from light to dark have no contrast to measure.
    tab = visit(reduced_motion="reduce", viewport=PHONE)
    tab.goto("/clinics/" if address == "a clinic" else address)
    if address == "a clinic":
        tab.locator("[data-clinic] h3 a").first.click()

    expect(tab.get_by_role("heading", level=1)).to_have_count(1)
    assert tab.title().endswith("Mesoguide")
    assert tab.locator("meta[name=description]").get_attribute("content")
    assert tab.locator("html").get_attribute("lang") == "en"

    assert ("light, phone", violations(tab)) == ("light, phone", [])
    if address not in STATES:
        # Dark changes nothing but colours, and a wide screen changes no colour.
        tab.emulate_media(color_scheme="dark")
        assert ("dark", violations(tab, COLOURS)) == ("dark", [])
        tab.set_viewport_size(DESKTOP)
        assert ("desktop", violations(tab, ALL_BUT_COLOURS)) == ("desktop", [])

    tab.set_viewport_size(NARROWEST)
    width = tab.evaluate("document.scrollingElement.scrollWidth")
    assert width <= NARROWEST["width"]


@pytest.mark.parametrize("address", ["/treatments/cellulite/", "/treatments/liposuction/"])
def test_nothing_moves_while_a_treatment_page_loads(visit, address):
    tab = visit(viewport=PHONE)
    # The second time the fonts are there: how late they come is for how busy the machine is.
    for _ in range(2):
        tab.goto(address)
        tab.wait_for_load_state("networkidle")
    assert tab.evaluate(LAYOUT_SHIFT) == 0
