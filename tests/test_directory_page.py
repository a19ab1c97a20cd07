"""The directory as a visitor's browser receives it."""

import datetime
import re
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from django.urls import reverse
from django.utils import timezone

from clinics.filters import ClinicFilterSet
from clinics.ranking import RANKING_RULES
from clinics.search import PER_PAGE
from tests.factories import (
    CheckFactory,
    ClinicFactory,
    ConcernFactory,
    CountryFactory,
    CurrencyFactory,
    LanguageFactory,
    OfferFactory,
    PlaceFactory,
    PractitionerFactory,
    TreatmentFactory,
)
from treatments.models import Treatment
from treatments.option_filters import MAX_CHOICES

pytestmark = pytest.mark.django_db

QUERY_BUDGET = 30


def page(client, query=""):
    response = client.get(reverse("clinic-list") + query)
    assert response.status_code == 200
    return response.content.decode()


def total(html) -> int:
    return int(re.search(r'data-total="(\d+)"', html)[1])


def shown_clinics(html) -> list[str]:
    return re.findall(r'data-clinic="([^"]+)"', html)


def options(html, facet) -> dict[str, int]:
    """Every option of a facet with the count printed beside it."""
    block = re.search(rf'data-facet="{facet}".*?</fieldset>', html, re.S)[0]
    return {
        value: int(count)
        for value, count in re.findall(r'data-option="([^"]+)" data-count="(\d+)"', block)
    }


def applied(html) -> dict[str, str]:
    """Every applied filter with the address that removes it."""
    found = re.findall(r'href="([^"]*)" rel="nofollow" data-applied="([^"]+)"', html)
    return {key: href.replace("&amp;", "&") for href, key in found}


@pytest.fixture
def directory(paris, istanbul):
    """Three clinics: two in Paris, one in Istanbul; and a hidden one like the first."""
    cellulite = TreatmentFactory(
        slug="cellulite", short_name="Cellulite", concerns=[ConcernFactory(slug="dimples")]
    )
    hair = TreatmentFactory(slug="hair", short_name="Hair")
    french = LanguageFactory(code="fr", slug="french", name="French")
    for name, place, treatment, price in (
        ("Alba", paris, cellulite, 100),
        ("Bois", paris, hair, 200),
        ("Cem", istanbul, cellulite, 300),
    ):
        clinic = ClinicFactory(slug=name.lower(), name=name, place=place, languages=[french])
        OfferFactory(clinic=clinic, treatment=treatment, price_low=price, price_high=price)
    hidden = ClinicFactory(slug="hidden", name="Alba", place=paris, status="draft")
    OfferFactory(clinic=hidden, treatment=cellulite)


def test_without_a_question_every_published_clinic_is_listed(client, directory):
    html = page(client)
    assert total(html) == 3
    assert sorted(shown_clinics(html)) == ["alba", "bois", "cem"]
    assert options(html, "treatment") == {"cellulite": 2, "hair": 1}
    assert options(html, "country") == {"france": 2, "turkiye": 1}
    assert options(html, "concern") == {"dimples": 2}


def test_choices_of_one_facet_mean_any_of_these(client, directory):
    html = page(client, "?treatment=cellulite&treatment=hair")
    assert total(html) == 3


def test_facets_narrow_each_other_and_counts_leave_out_their_own_choice(client, directory):
    html = page(client, "?treatment=cellulite&country=france")
    assert shown_clinics(html) == ["alba"]
    assert options(html, "treatment") == {"cellulite": 1, "hair": 1}
    assert options(html, "country") == {"france": 1, "turkiye": 1}


def test_a_chosen_option_stays_at_zero(client, directory):
    html = page(client, "?treatment=hair&city=istanbul")
    assert total(html) == 0
    assert options(html, "treatment")["hair"] == 0
    assert 'data-option="hair" data-count="0" data-selected' in html


def test_each_applied_filter_has_a_link_that_removes_it_alone(client, directory):
    html = page(client, "?treatment=cellulite&country=france&q=alba&price_max=150&page=1")
    links = applied(html)
    assert set(links) == {"treatment=cellulite", "country=france", "q=alba", "price_max=150"}
    kept = parse_qs(links["country=france"].lstrip("?"))
    assert kept == {"treatment": ["cellulite"], "q": ["alba"], "price_max": ["150"]}
    for link in links.values():
        assert total(page(client, link)) >= 1


def test_removing_a_filter_returns_to_page_one_and_keeps_the_sort(client, directory):
    html = page(client, "?country=france&sort=name&page=3")
    assert parse_qs(applied(html)["country=france"].lstrip("?")) == {"sort": ["name"]}


def test_clear_all_keeps_sort_and_currency_only(client, directory):
    CurrencyFactory(code="GBP", per_euro=Decimal("0.85"))
    html = page(client, "?country=france&sort=name&currency=GBP&q=alba")
    cleared = re.search(r'class="applied__clear" href="([^"]*)"', html)[1].replace("&amp;", "&")
    assert parse_qs(cleared.lstrip("?")) == {"sort": ["name"], "currency": ["GBP"]}


@pytest.mark.parametrize("facet", ClinicFilterSet.FACET_NAMES)
def test_an_unknown_value_is_named_and_never_widens(client, directory, facet):
    html = page(client, f"?treatment=cellulite&{facet}=nowhere")
    assert "“nowhere”" in html
    assert total(html) == 2


def test_an_unknown_value_beside_a_known_one_leaves_the_known_one(client, directory):
    assert shown_clinics(page(client, "?city=istanbul&city=nowhere")) == ["cem"]


def test_more_choices_than_a_person_makes_are_refused_by_name(client, directory):
    asked = "&".join(f"city=town-{n}" for n in range(MAX_CHOICES + 5))
    html = page(client, f"?{asked}")
    assert "were not" in html or "not used" in html


@pytest.mark.parametrize(
    "query", ["price_min=abc", "price_max=-5", "price_max=1e400", "price_max=NaN"]
)
def test_a_malformed_price_is_said_beside_the_field_and_hides_nothing(client, directory, query):
    html = page(client, f"?treatment=cellulite&{query}")
    assert 'class="field__error"' in html
    assert 'aria-invalid="true"' in html
    assert total(html) == 2


def test_prices_in_the_wrong_order_are_said_and_not_applied(client, directory):
    html = page(client, "?price_min=300&price_max=100")
    assert "The lowest price is above the highest" in html
    assert 'value="300"' in html
    assert total(html) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1 200", Decimal(1200)), ("1,200", Decimal(1200)), ("99,5", Decimal("99.5"))],
)
def test_prices_may_be_written_as_people_write_them(text, expected):
    filters = ClinicFilterSet({"price_max": text}, timezone.localdate())
    assert filters.selection.price_max == expected


def test_towns_are_those_of_the_chosen_countries(client, directory):
    assert options(page(client, "?country=turkiye"), "city") == {"istanbul": 1}
    assert options(page(client), "city") == {"paris": 2, "istanbul": 1}


def test_nothing_found_names_the_filter_to_drop_and_what_comes_back(client, directory):
    html = page(client, "?treatment=hair&city=istanbul")
    assert "Without Hair: 1 clinic" in html
    assert "Without Istanbul: 1 clinic" in html


def test_the_search_is_said_in_words_in_heading_title_and_total(client, directory):
    html = page(client, "?treatment=cellulite&city=paris&price_max=150&language=french")
    words = "for cellulite in Paris, speaking French, up to 150 EUR a session"
    assert f'<h1 class="page-head__title">Clinics {words}</h1>' in html
    assert f"<title>Clinics {words} · Mesoguide</title>" in html
    assert f"<strong>1 clinic {words}</strong>" in html


def test_a_filtered_page_is_not_indexed_and_points_to_the_plain_one(client, directory):
    plain, filtered = page(client), page(client, "?country=france")
    assert '<meta name="robots" content="index,follow">' in plain
    assert '<meta name="robots" content="noindex,follow">' in filtered
    canonical = '<link rel="canonical" href="http://testserver/clinics/">'
    assert canonical in plain
    assert canonical in filtered


def test_pages_hold_24_and_a_page_beyond_the_end_shows_the_last(client):
    ClinicFactory.create_batch(PER_PAGE + 2)
    assert len(shown_clinics(page(client))) == PER_PAGE
    second = page(client, "?page=2")
    assert len(shown_clinics(second)) == 2
    assert shown_clinics(page(client, "?page=999")) == shown_clinics(second)
    assert shown_clinics(page(client, "?page=two")) == shown_clinics(page(client))


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same_queries_for_one_clinic_and_three(
    client, django_assert_num_queries, number, paris
):
    for _ in range(number):
        clinic = ClinicFactory(place=paris, languages=[LanguageFactory()])
        OfferFactory(clinic=clinic)
        PractitionerFactory(clinic=clinic)
        CheckFactory(clinic=clinic)
    client.get(reverse("clinic-list"))
    with django_assert_num_queries(QUERY_BUDGET):
        page(client, "?sort=price")


def card_of(html, slug) -> str:
    return re.search(rf'data-clinic="{slug}".*?</article>', html, re.S)[0]


def test_a_card_says_what_the_course_costs_and_how_old_the_price_is(client, paris):
    clinic = ClinicFactory(slug="alba", place=paris)
    OfferFactory(
        clinic=clinic,
        treatment=TreatmentFactory(short_name="Cellulite"),
        price_low=120,
        price_high=140,
        sessions_low=4,
        sessions_high=6,
        price_confirmed_on=timezone.localdate(),
    )
    card = card_of(page(client), "alba")
    assert "€480 to €840" in card
    assert "a course of 4 to 6 sessions" in card
    assert "€120 to €140 a session" in card
    assert "confirmed " in card


def test_a_card_says_when_a_course_cannot_be_worked_out(client):
    OfferFactory(clinic=ClinicFactory(slug="alba"), price_low=95, price_high=95)
    card = card_of(page(client), "alba")
    assert "€95" in card
    assert "the clinic does not say how many sessions" in card


def test_a_card_prints_what_is_not_said_and_not_checked(client):
    OfferFactory(clinic=ClinicFactory(slug="alba"), price_low=None, price_high=None)
    card = card_of(page(client), "alba")
    for words in (
        "No price stated",
        "Clinic has not said what it injects",
        "Clinic has not said who injects",
        "Nothing checked by us",
    ):
        assert words in card


def test_a_card_shows_a_stale_price_as_such(client):
    OfferFactory(
        clinic=ClinicFactory(slug="alba"),
        price_confirmed_on=timezone.localdate() - datetime.timedelta(days=300),
    )
    assert "ask the clinic" in card_of(page(client), "alba")


def test_a_card_shows_the_offer_that_matched_not_another(client):
    clinic = ClinicFactory(slug="alba")
    OfferFactory(clinic=clinic, treatment=TreatmentFactory(slug="peel"), price_low=5, price_high=5)
    hair = TreatmentFactory(slug="hair", short_name="Hair")
    OfferFactory(clinic=clinic, treatment=hair, price_low=77, price_high=77)
    card = card_of(page(client, "?treatment=hair"), "alba")
    assert "€77" in card
    assert "€5" not in card
    assert "offers Hair" in card


def test_a_price_in_another_currency_is_shown_as_stated_and_about_in_the_visitors(client):
    pound = CurrencyFactory(code="GBP", per_euro=Decimal("0.80"))
    OfferFactory(clinic=ClinicFactory(slug="alba"), price_low=80, price_high=80, currency=pound)
    card = card_of(page(client), "alba")
    assert "£80" in card
    assert "about €100 at the rate of 2 Nov 2026" in card


def test_sample_listings_say_so_on_card_and_page(client):
    ClinicFactory(slug="alba", is_sample=True)
    html = page(client)
    assert 'class="sample-notice"' in html
    assert "sample listing" in card_of(html, "alba")
    assert "application/ld+json" not in html


def test_a_page_without_samples_does_not_speak_of_them(client):
    ClinicFactory(slug="alba")
    assert "sample" not in page(client)


def test_script_in_a_name_or_a_query_is_text(client):
    ClinicFactory(name="</script><script>alert(1)</script>")
    html = page(client, "?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page(client)
    assert "<script>alert" not in html


def test_the_page_on_ranking_prints_the_rules_that_rank(client):
    html = client.get(reverse("how-we-rank")).content.decode()
    for rule in RANKING_RULES:
        assert str(rule.label) in html
        assert str(rule.explanation) in html


def test_countries_without_a_listed_clinic_are_no_option(client, directory):
    PlaceFactory(country=CountryFactory(code="JP", slug="japan", name="Japan"))
    assert "japan" not in options(page(client), "country")


@pytest.mark.parametrize("query", ["?treatment=cellulite", "?q=cellu", "?q=orange"])
def test_who_searches_for_a_treatment_is_shown_its_page(client, directory, query):
    cellulite = Treatment.objects.get(slug="cellulite")
    cellulite.aliases.create(name="Orange-peel treatment")
    html = page(client, query)
    shown = re.search(r'class="read-first".*?</p>', html, re.S)[0]
    assert re.findall(r'href="([^"]+)"', shown) == [cellulite.get_absolute_url()]


def test_who_searches_for_mesotherapy_finds_every_kind_of_it(client):
    for slug in ("one", "two"):
        OfferFactory(
            clinic=ClinicFactory(slug=slug),
            treatment=TreatmentFactory(name=f"Mesotherapy for {slug}", short_name=slug),
        )
    assert sorted(shown_clinics(page(client, "?q=mesotherapy"))) == ["one", "two"]


def test_words_beyond_the_limit_are_named_and_do_not_count(client):
    ClinicFactory(slug="alba", name="a b c d e f g h")
    html = page(client, "?q=a+b+c+d+e+f+g+h+zebra+yak")
    assert shown_clinics(html) == ["alba"]
    assert "“zebra yak”" in html
