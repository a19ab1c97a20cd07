"""Every address that a visitor without an account can ask for, read from the site map."""

from django.urls import URLPattern, get_resolver, reverse

from clinics.models import Clinic
from treatments.models import Source, Treatment

# Whose slug stands in the address of a route.
MODELS = {
    "clinic": Clinic,
    "correction": Clinic,
    "correction-sent": Clinic,
    "treatment": Treatment,
    "treatment-cost": Treatment,
    "is-it-for-me": Treatment,
    "treatment-evidence": Treatment,
    "ask-question": Treatment,
    "question-sent": Treatment,
    "readers-questions": Treatment,
    "source": Source,
}
# Pages that send something, set a cookie to protect it, and are tested with what they do.
WITH_FORMS = {
    *("enquiry-ask", "enquiry-send", "enquiry", "enquiry-delete"),
    *("claim", "claim-sent", "claim-confirm", "invitation"),
    *("clinic-people", "invitation-revoke", "member-remove"),
    *("admin_password_reset", "password_reset_done"),
    *("password_reset_confirm", "password_reset_complete"),
}
# Pages of the admin that are ours and not of its site: tests/test_desk.py asks them as a stranger.
OF_THE_ADMIN = {
    *("guide", "desk", "desk-next", "desk-leave", "desk-entry"),
    *("clinic-home", "clinic-confirm", "clinic-preview", "evidence-file"),
}
SITEMAP_SECTION = "django.contrib.sitemaps.views.sitemap"


def named_routes() -> list[str]:
    """Names of all routes that are only read. Uploads have none: production never serves them."""
    found, waiting = [], list(get_resolver().url_patterns)
    while waiting:
        route = waiting.pop(0)
        if not isinstance(route, URLPattern):
            waiting += [] if route.namespace == "admin" else route.url_patterns
        elif route.name and route.name not in WITH_FORMS | OF_THE_ADMIN:
            found.append(route.name)
    return found


def address(name: str) -> str:
    """The address of a route; where it wants a slug, that of the first object in the database."""
    if name in MODELS:
        return reverse(name, args=[MODELS[name].objects.order_by("pk")[0].slug])
    return reverse(name, args=["clinics"] if name == SITEMAP_SECTION else [])
