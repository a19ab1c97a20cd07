"""A clinic's own page, and home."""

import datetime
import json
import re
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from clinics.clinic_profile import MapPosition
from tests.factories import (
    CheckFactory,
    ClinicFactory,
    ConcernFactory,
    CurrencyFactory,
    LanguageFactory,
    OfferFactory,
    OpeningHoursFactory,
    PractitionerFactory,
    TreatmentFactory,
)

pytestmark = pytest.mark.django_db

QUERY_BUDGET = 12


def page(client, clinic, query=""):
    response = client.get(clinic.get_absolute_url() + query)
    assert response.status_code == 200
    return response.content.decode()


def plain(html) -> str:
    """The words of the page, without tags, each run of blanks one blank."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def table_row(html, words) -> str:
    """The table row that holds `words`."""
    return next(plain(row) for row in re.findall(r"<tr.*?</tr>", html, re.S) if words in row)


@pytest.mark.parametrize("status", ["draft", "in_review", "suspended"])
def test_an_unpublished_clinic_has_no_page(client, status):
    clinic = ClinicFactory(status=status)
    assert client.get(clinic.get_absolute_url()).status_code == 404


def test_an_offer_shows_price_unit_currency_date_and_its_treatment(client):
    offer = OfferFactory(
        treatment=TreatmentFactory(name="Mesotherapy for cellulite"),
        price_confirmed_on=datetime.date(2026, 10, 2),
        product="Sample HA 18",
    )
    with time_machine.travel(datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)):
        html = page(client, offer.clinic)
    assert f'href="{offer.treatment.get_absolute_url()}"' in html
    words = plain(html)
    assert "€100 to €150 a session" in words
    assert "confirmed 2 Oct 2026" in words
    assert "Sample HA 18 (the clinic’s word)" in words


def test_the_course_is_summed_line_by_line(client):
    offer = OfferFactory(
        price_low=120, price_high=140, sessions_low=4, sessions_high=6, consultation_fee=30
    )
    words = plain(page(client, offer.clinic))
    assert "4 to 6 sessions × €120 to €140 €480 to €840" in words
    assert "First consultation €30 Whole course €510 to €870" in words


def test_a_course_that_cannot_be_worked_out_says_why(client):
    words = plain(page(client, OfferFactory(sessions_low=None).clinic))
    assert "Course cannot be worked out: the clinic does not say how many sessions." in words


def test_a_package_says_what_happens_to_unused_sessions(client):
    offer = OfferFactory(course_price=900, course_sessions=3, refund_rule="single")
    words = plain(page(client, offer.clinic))
    assert "Paid together, a course of 3 sessions costs €900." in words
    assert "sessions used are charged at the single price" in words


def test_prices_can_be_shown_in_another_currency_with_the_day_of_the_rate(client):
    CurrencyFactory(code="GBP", per_euro=Decimal("0.80"))
    offer = OfferFactory(price_low=100, price_high=100)
    words = plain(page(client, offer.clinic, "?currency=GBP"))
    assert "The price alone: about £80 at the rate of 2 Nov 2026." in words


def test_an_offer_of_an_unpublished_treatment_is_not_shown(client):
    offer = OfferFactory(treatment=TreatmentFactory(name="Secret cure", is_published=False))
    assert "Secret cure" not in page(client, offer.clinic)


def test_the_ledger_tells_confirmed_expired_failed_and_not_checked_apart(client):
    today = timezone.localdate()
    long_ago = today - datetime.timedelta(days=500)
    clinic = ClinicFactory()
    CheckFactory(clinic=clinic, kind="licence")
    CheckFactory(
        clinic=clinic,
        kind="premises",
        checked_on=long_ago,
        expires_on=today - datetime.timedelta(days=1),
    )
    CheckFactory(clinic=clinic, kind="insurance", result="failed")
    html = page(client, clinic)
    assert "confirmed" in table_row(html, "Licence on the register")
    assert "expired" in table_row(html, "Premises registered")
    assert "could not be confirmed" in table_row(html, "Insurance")
    assert "not checked" in table_row(html, "qualification")


def test_what_is_not_said_is_listed(client):
    clinic = ClinicFactory()
    OfferFactory(
        clinic=clinic,
        treatment=TreatmentFactory(short_name="Cellulite"),
        price_low=None,
        price_high=None,
    )
    words = plain(page(client, clinic))
    for gap in (
        "Who injects",
        "What is injected: Cellulite",
        "Prices: Cellulite",
        "How many sessions: Cellulite",
        "Whether the first consultation costs anything",
        "Opening hours",
        "Languages spoken",
        "How to get in touch",
    ):
        assert gap in words.split("What this clinic has not said")[1]


def test_a_clinic_that_says_everything_has_no_list_of_gaps(client):
    clinic = ClinicFactory(phone="+33 1 99 00 12 34", languages=[LanguageFactory()])
    OfferFactory(
        clinic=clinic,
        product="Sample HA 18",
        sessions_low=3,
        sessions_high=3,
        consultation_fee=0,
    )
    PractitionerFactory(clinic=clinic, registration_number="1")
    OpeningHoursFactory(clinic=clinic)
    assert "What this clinic has not said" not in page(client, clinic)


@pytest.mark.parametrize(
    ("utc_hour", "words"),
    [
        (7, "Closed now, opens today at 09:00"),  # 08:00 in Paris
        (8, "Open now, until 17:00"),
        (16, "Closed now, opens Monday at 09:00"),  # 17:00 in Paris, a week before the next
    ],
)
def test_open_now_goes_by_the_clinics_own_clock(client, paris, utc_hour, words):
    clinic = ClinicFactory(place=paris)
    OpeningHoursFactory(clinic=clinic)
    monday = datetime.datetime(2026, 11, 23, utc_hour, 0, tzinfo=datetime.UTC)
    with time_machine.travel(monday, tick=False):
        assert words in plain(page(client, clinic))


def test_a_sample_listing_says_so_and_is_not_indexed(client):
    html = page(client, ClinicFactory(is_sample=True))
    assert "Sample listing" in html
    assert "nobody answers at these addresses" in html
    assert '<meta name="robots" content="noindex,follow">' in html
    assert "application/ld+json" not in html


def test_structured_data_says_what_the_page_shows(client, paris):
    clinic = ClinicFactory(name="Alba </script>", place=paris, phone="+33 1 99 00 12 34")
    OfferFactory(clinic=clinic)
    html = page(client, clinic)
    text = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)[1]
    described = json.loads(text)
    assert described["name"] == "Alba </script>"
    assert described["address"] == {
        "@type": "PostalAddress",
        "addressLocality": "Paris",
        "addressCountry": "FR",
    }
    assert described["makesOffer"][0]["priceSpecification"] == {
        "@type": "UnitPriceSpecification",
        "minPrice": "100.00",
        "maxPrice": "150.00",
        "priceCurrency": "EUR",
        "unitText": "a session",
    }
    assert "geo" not in described
    assert "email" not in described


@pytest.mark.parametrize(
    ("latitude", "longitude", "window"),
    [(0, 0, (150, 75)), (89, -179, (0, 0)), (-89, 179, (300, 150))],
)
def test_the_map_window_never_leaves_the_map(latitude, longitude, window):
    position = MapPosition(Decimal(latitude), Decimal(longitude), is_exact=True)
    assert (position.window_x, position.window_y) == window


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same_queries_for_one_offer_and_three(
    client, django_assert_num_queries, number
):
    clinic = ClinicFactory(languages=[LanguageFactory()])
    for _ in range(number):
        OfferFactory(clinic=clinic)
        PractitionerFactory(clinic=clinic)
        CheckFactory(clinic=clinic, practitioner=PractitionerFactory(clinic=clinic))
    with django_assert_num_queries(QUERY_BUDGET):
        page(client, clinic)


def test_home_offers_four_ways_in(client, paris):
    treatment = TreatmentFactory(
        slug="cellulite", short_name="Cellulite", concerns=[ConcernFactory(slug="dimples")]
    )
    TreatmentFactory(name="Unseen", short_name="Unseen", is_published=False)
    OfferFactory(treatment=treatment, clinic=ClinicFactory(place=paris))
    html = client.get(reverse("home")).content.decode()
    assert f'href="{treatment.get_absolute_url()}"' in html
    assert f'href="{reverse("treatment-list")}?concern=dimples"' in html
    assert f'href="{reverse("clinic-list")}?city=paris"' in html
    assert 'name="q"' in html
    assert "Unseen" not in html
