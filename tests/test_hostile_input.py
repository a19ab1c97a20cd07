"""Whatever stands in an address, the site answers, within a bounded number of queries.

Run on both databases: PostgreSQL refuses what SQLite stores without a word.
"""

import time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import (
    BodyAreaFactory,
    CheckFactory,
    ClaimFactory,
    ConcernFactory,
    LanguageFactory,
    OfferFactory,
    PractitionerFactory,
    TreatmentFactory,
)

pytestmark = pytest.mark.django_db
PAGES = ["/clinics/", "/treatments/", "/suggest/"]
# Parameters of either page, and some of neither.
PARAMETERS = [
    *("q", "treatment", "area", "concern", "country", "city", "facility", "language"),
    *("price_min", "price_max", "currency", "profession", "check", "product", "anaesthesia"),
    *("fresh", "sort", "page", "evidence", "downtime", "sessions", "needles"),
    *("treatment_match", "course_min", "course_max", "sessions_min", "sessions_max"),
    *("near", "radius", "utm_source", "__proto__", "self"),
]
VALUES = {
    "nothing": "",
    "spaces": " \t\r\n ",
    "NUL": "\x00",
    "NUL inside": "cellu\x00lite",
    "control characters": "\x01\x1b[31m\x7f\x85",
    "lone surrogate": "\ud800",
    "noncharacter": "\ufffe\uffff",
    "right to left": "\u202eإزالة الدهون\u202c",
    "emoji": "💉👩‍⚕️🇹🇷",
    "combining marks": "e" + "\u0301" * 500,
    "dotless i": "İıİı",
    "ligature that grows when folded": "ﷺ" * 200,
    "huge number": "1" + "0" * 30,
    "huge exponent": "1e999999999",
    "tiny exponent": "1e-999999999",
    "negative": "-1",
    "minus zero": "-0",
    "fraction": "0.000000000000000000001",
    "NaN": "NaN",
    "signalling NaN": "sNaN",
    "infinity": "-Infinity",
    "hexadecimal": "0x10",
    "underscores": "1_000",
    "Arabic digits": "١٢٣",
    "superscript digit": "²",
    "64 bits": str(2**63),
    "SQL": "' OR 1=1; DROP TABLE clinics_clinic; --",
    "SQL wildcard": "%_%\\%[a-z]*",
    "script": '"><script>alert(1)</script>',
    "template": "{{ settings.SECRET_KEY }}{% debug %}",
    "format": "%s%(x)s{0}{0.__class__}%n",
    "path": "../../../../etc/passwd",
    "header": "a\r\nSet-Cookie: a=b",
    "lookup": "pk__gte",
    "regular expression": "(a+)+$" * 20,
    "long": "a" * 8000,
    "many words": "a " * 4000,
    "list": "['cellulite']",
    "slug that is not there": "atlantis",
    "point that is none": "NaN,NaN",
    "point beyond the poles": "91,181",
    "point with an exponent": "1e400,1e400",
    "point with NUL": "48.85\x00,2.35",
    "point with many digits": "0." + "1" * 4000 + ",2",
    "commas": "," * 4000,
}
QUERY_STRINGS = {
    "half an escape": "q=%",
    "no hexadecimal": "q=%zz&sort=%u0041",
    "not UTF-8": "q=%ff%fe&treatment=%c0%af&city=%ed%a0%80",
    "raw bytes": "q=\xff\xfe",
    "UTF-16": "q=%00c%00e%00l",
    "no names": "=&=1&&&",
    "semicolons": "q=a;sort=price",
    "brackets": "q[]=a&treatment[0]=b&price_min[$gt]=1",
    "question marks": "??q=a?b",
    "hash": "q=a#b",
}
# The dearest page: every facet chosen, nothing found, a way out counted for each filter.
MOST_QUERIES = 80
# Seconds of our own work for any one answer, on a slow and busy machine.
MOST_SECONDS = 3


@pytest.fixture
def listings():
    """A little of everything that can be chosen, under the slugs that the tests choose."""
    treatment = TreatmentFactory(
        slug="cellulite",
        body_areas=[BodyAreaFactory(slug="thighs")],
        concerns=[ConcernFactory(slug="dimpled-skin")],
    )
    ClaimFactory(treatments=[treatment])
    offer = OfferFactory(treatment=treatment, body_areas=list(treatment.body_areas.all()))
    offer.clinic.languages.add(LanguageFactory(code="fr", slug="french"))
    PractitionerFactory(clinic=offer.clinic)
    CheckFactory(clinic=offer.clinic)
    return offer


def encoded(pairs) -> str:
    """The pairs as a query string; a lone surrogate becomes the bytes that no decoder accepts."""
    return urlencode(pairs, encoding="utf-8", errors="surrogatepass")


@pytest.fixture
def ask(client, listings, django_assert_max_num_queries):
    """Return a function that asks for a page with a raw query string and checks the answer."""

    def ask_for(path: str, query: str, statuses=(200,)):
        before = time.process_time()
        with django_assert_max_num_queries(MOST_QUERIES):
            response = client.get(path, QUERY_STRING=query)
        assert time.process_time() - before < MOST_SECONDS
        assert response.status_code in statuses, query[:200]
        assert b"<script>alert" not in response.content
        return response

    return ask_for


# What is tried is gone through inside the tests: making the listings takes longer than asking.


@pytest.mark.parametrize("path", PAGES)
def test_any_value_of_any_parameter_is_answered(ask, path):
    for value in VALUES.values():
        # Unknown values are dropped one by one, so no parameter hides another.
        ask(path, encoded([(parameter, value) for parameter in PARAMETERS]))
        ask(path, encoded([("q", value)]))
        ask(path, encoded([(value, value)]))


@pytest.mark.parametrize("path", PAGES)
def test_a_broken_query_string_is_answered(ask, path):
    for query in QUERY_STRINGS.values():
        ask(path, query)


@pytest.mark.parametrize("path", PAGES)
def test_three_hundred_values_of_a_parameter_are_answered(ask, path):
    for parameter in PARAMETERS:
        ask(path, encoded([(parameter, f"value-{n % 299}") for n in range(300)]))


@pytest.mark.parametrize("path", PAGES)
def test_more_than_two_thousand_parameters_are_refused(ask, path):
    ask(path, encoded([("treatment", n) for n in range(2001)]), statuses=(400,))


def test_every_facet_at_once_stays_within_the_budget(ask):
    everything = {
        "q": "clinic",
        "treatment": "cellulite",
        "area": "thighs",
        "concern": "dimpled-skin",
        "language": "french",
        "facility": "hospital",
        "profession": "nurse",
        "check": "insurance",
        "product": "named",
        "fresh": "6-months",
        "anaesthesia": "cream",
        "price_min": "1",
        "price_max": "2",
        "course_min": "1",
        "course_max": "2",
        "sessions_min": "1",
        "sessions_max": "2",
        "treatment_match": "all",
        "near": "0,0",
        "radius": "5",
        "sort": "distance",
    }
    response = ask("/clinics/", encoded(everything))
    assert b'data-total="0"' in response.content


@pytest.mark.parametrize("path", PAGES)
@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(st.sampled_from(PARAMETERS), st.text(max_size=40)), max_size=6))
def test_random_text_is_answered(ask, path, pairs):
    ask(path, encoded(pairs))


@pytest.mark.parametrize("path", PAGES)
@settings(max_examples=40)
@given(query=st.binary(max_size=60))
def test_random_bytes_are_answered(ask, path, query):
    ask(path, query.decode("latin-1"))


@pytest.mark.parametrize("parent", ["/clinics/", "/treatments/", "/sources/", "/"])
def test_any_slug_is_answered(client, listings, parent):
    for name, value in VALUES.items():
        slug = quote(value, safe="", errors="surrogatepass")
        statuses = (200, 404) if not value or value == "../../../../etc/passwd" else (404,)
        response = client.get(f"{parent}{slug}/" if value else parent)
        assert response.status_code in statuses, name


def test_any_currency_of_a_clinic_page_is_answered(client, listings):
    path = listings.clinic.get_absolute_url()
    for name, value in VALUES.items():
        response = client.get(path, QUERY_STRING=encoded([("currency", value)]))
        assert response.status_code == 200, name
