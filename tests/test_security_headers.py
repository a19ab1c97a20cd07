"""What every answer to the public carries, and what none of them does."""

import pytest
from django.urls import reverse

from tests.factories import ClaimFactory, OfferFactory, SourceFactory
from tests.public_routes import address, named_routes

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ROUTES = named_routes()
# Where visitors send something to us.
FORMS = {"ask-question", "correction"}
HEADERS = {
    "Content-Security-Policy": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "font-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "media-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    },
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The address of a page tells what a visitor is worried about.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DENIED_FEATURES = {"camera", "microphone", "payment"}


@pytest.fixture
def listing():
    """A published clinic that offers a published treatment, of which a source speaks."""
    offer = OfferFactory()
    ClaimFactory(treatments=[offer.treatment], source=SourceFactory())
    return offer


def policy(response) -> dict[str, list[str]]:
    """The content security policy as {directive: values}."""
    directives = response.headers["Content-Security-Policy"].split(";")
    parts = [directive.split() for directive in directives if directive.strip()]
    return {name: values for name, *values in parts}


def assert_guarded(response):
    """Hold the headers of one answer against the table above."""
    found = {name: response.headers.get(name) for name in HEADERS}
    assert found | {"Content-Security-Policy": policy(response)} == HEADERS
    features = set(response.headers["Permissions-Policy"].split(", "))
    assert {f"{feature}=()" for feature in DENIED_FEATURES} <= features
    # The position of a visitor is for our own pages, never for a frame inside one.
    assert "geolocation=(self)" in features


@pytest.mark.parametrize("name", ROUTES)
def test_public_route_is_guarded_and_sets_no_cookie(client, listing, name):
    response = client.get(address(name))
    assert response.status_code == 200
    assert_guarded(response)
    assert dict(response.cookies) == {}


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "trace"])
def test_public_route_can_only_be_read(client, listing, name, method):
    response = getattr(client, method)(address(name))
    if name in FORMS and method == "post":
        assert (response.status_code, dict(response.cookies)) == (200, {})
    else:
        allowed = "GET, HEAD, POST" if name in FORMS else "GET, HEAD"
        assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    assert_guarded(response)


@pytest.mark.parametrize("name", ROUTES)
def test_public_route_answers_head_without_a_body(client, listing, name):
    response = client.head(address(name))
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/no-such-page/", 404),
        ("/clinics/no-such-clinic/", 404),
        ("/treatments/no-such-treatment/", 404),
        ("/sources/no-such-source/", 404),
        ("/clinics", 301),
        ("/clinics/?" + "q=1&" * 2001, 400),
        ("/admin/", 302),
        ("/admin/login/", 200),
    ],
)
def test_other_answers_are_guarded_too(client, path, status):
    response = client.get(path)
    assert response.status_code == status
    assert_guarded(response)


def test_suspended_clinic_answers_like_a_missing_one(client, listing):
    missing = client.get("/clinics/no-such-clinic/")
    listing.clinic.status = "suspended"
    listing.clinic.save()
    hidden = client.get(reverse("clinic", args=[listing.clinic.slug]))
    assert (hidden.status_code, hidden.content) == (404, missing.content)
