"""What axe finds wrong on a page that a browser shows."""

from axe_playwright_python.sync_playwright import Axe

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
    # Sheets of Django's admin import others, which axe would copy into the page against its policy.
    "preload": False,
}
# Two thirds of the time of all rules.
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
    "resultTypes": ["violations"],
    "preload": False,
}
ALL_BUT_COLOURS = {**RULES, "rules": {"color-contrast": {"enabled": False}}}


def violations(tab, rules=RULES, within=None) -> list[str]:
    """What axe finds wrong on a page, or in a part of it: rule, help, and the first places.

    A click returns as soon as the page that it opens begins to come: this waits for all of it.
    """
    tab.wait_for_load_state()
    found = Axe().run(tab, context=within, options=rules).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {[node['target'] for node in rule['nodes'][:3]]}"
        for rule in found
    ]
