"""What holds for every page: accessible, whole on a narrow screen, nothing broken or foreign.

Errors on the console, breaches of the content security policy and requests to other
origins fail each of these tests too; see `visit`.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.journeys.conftest import PHONE

# One worker makes all journeys, so that the site is started once.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]

PAGES = [
    "/",
    "/treatments/",
    "/treatments/?concern=cellulite&needles=yes&evidence=unknown-value",
    "/treatments/cellulite/",
    "/treatments/cellulite/ask/",
    "/treatments/cellulite/asked/",
    "/treatments/cellulite/questions/",
    "/treatments/liposuction/",
    "/treatments/cellulite/cost/",
    "/treatments/submental-fat/cost/?sessions_low=9&sessions_high=2&price_low=abc&currency=ZZZ",
    "/treatments/cellulite/is-it-for-me/",
    "/treatments/liposuction/is-it-for-me/",
    "/compare/",
    "/compare/?treatment=cellulite&treatment=localised-fat&treatment=submental-fat"
    "&treatment=liposuction",
    "/compare/?treatment=lower-eyelid&treatment=no-such-treatment",
    "/mesotherapy/",
    "/after-treatment/",
    "/before-you-book/",
    "/clinics/",
    "/clinics/?page=2&sort=price",
    "/clinics/?treatment=cellulite&country=france&price_max=300&q=clinic&city=atlantis",
    "/clinics/?q=nothing-is-called-that&treatment=cellulite&country=france",
    "/clinics/?price_min=300&price_max=abc",
    "/clinics/?near=nowhere&radius=25&sessions_min=5&sessions_max=2&course_max=abc&sort=distance",
    "/clinics/?treatment=cellulite&treatment=hair-loss&treatment_match=all&near=Lyon&radius=250",
    "/clinics/?q=istambul",
    "/clinics/?q=mesotherapy&country=france",
    "/sources/",
    "/sources/has-2014/",
    "/how-we-rank/",
    "/how-we-check/",
    "/about/",
    "/privacy/",
    "/accessibility/",
    "/no-such-page/",
]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
    "resultTypes": ["violations"],
}
# The sum of all moves of what was drawn already, as the browser has measured them.
LAYOUT_SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 200);
})"""
NARROWEST = {"width": 320, "height": 640}


def violations(tab, rules=RULES) -> list[str]:
    """What axe finds wrong: rule, help, and the first places."""
    found = Axe().run(tab, options=rules).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {[node['target'] for node in rule['nodes'][:3]]}"
        for rule in found
    ]


@pytest.mark.parametrize("address", [*PAGES, "a clinic"])
def test_page_is_sound(visit, address):
    """One visit for all of it: opening a page is what takes the time."""
    # Colours that are still on their way from light to dark have no contrast to measure.
    tab = visit(reduced_motion="reduce")
    tab.goto("/clinics/" if address == "a clinic" else address)
    if address == "a clinic":
        tab.locator("[data-clinic] h3 a").first.click()

    assert tab.get_by_role("heading", level=1).count() == 1
    assert tab.title().endswith("Mesoguide")
    assert tab.locator("meta[name=description]").get_attribute("content")
    assert tab.locator("html").get_attribute("lang") == "en"

    assert ("light, desktop", violations(tab)) == ("light, desktop", [])
    tab.set_viewport_size(PHONE)
    assert ("light, phone", violations(tab)) == ("light, phone", [])
    # Dark changes nothing but colours.
    tab.emulate_media(color_scheme="dark")
    assert ("dark", violations(tab, COLOURS)) == ("dark", [])

    tab.set_viewport_size(NARROWEST)
    width = tab.evaluate("document.scrollingElement.scrollWidth")
    assert width <= NARROWEST["width"]


@pytest.mark.parametrize("address", ["/treatments/cellulite/", "/treatments/liposuction/"])
def test_nothing_moves_while_a_treatment_page_loads(visit, address):
    tab = visit(viewport=PHONE)
    tab.goto(address)
    tab.wait_for_load_state("networkidle")
    assert tab.evaluate(LAYOUT_SHIFT) == 0
