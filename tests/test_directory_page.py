"""The directory as a visitor's browser receives it."""

import datetime
import re
from decimal import Decimal
from unittest import mock
from urllib.parse import parse_qs

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from clinics.card_fragments import FRAGMENTS
from clinics.filters import RADII, ClinicFilterSet
from clinics.models import Clinic, Currency
from clinics.ranking import RANKING_RULES, SORTS
from clinics.selection import PER_PAGE, Point
from clinics.views import PAGES
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

# To learn that nothing has changed; and to read clinics whose cards are not kept.
QUERIES, CARD_QUERIES = 1, 5


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


def filters_of(query) -> ClinicFilterSet:
    """What the directory makes of a query string."""
    return ClinicFilterSet(QueryDict(query.lstrip("?")), timezone.localdate())


def sorts(html) -> dict[str, str]:
    """The orders on offer: what each says, and the value it sends."""
    block = re.search(r'<select[^>]+name="sort".*?</select>', html, re.S)[0]
    return {words: value for value, words in re.findall(r'value="(\w*)"[^>]*>([^<]+)<', block)}


def not_applied(html) -> dict[str, str]:
    """The notice above the results: the fields it leads to, and what it says of each."""
    found = re.findall(r'<li><a href="#(\w+)">[^<]+</a>: ([^<]+)</li>', html)
    return dict(found)


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


MALFORMED_NUMBERS = ["abc", "-5", "1e400", "NaN", "Infinity", "1e9", "9" * 30, "5,5,5,5,5"]


@pytest.mark.parametrize("value", [*MALFORMED_NUMBERS, "0", "100", "2.5", "1_0_0"])
@pytest.mark.parametrize("field", ["sessions_min", "sessions_max"])
def test_a_malformed_number_of_sessions_is_said_and_hides_nothing(client, directory, field, value):
    html = page(client, f"?treatment=cellulite&{field}={value}")
    assert not_applied(html)[field].endswith(": Write a whole number from 1 to 99.")
    assert total(html) == 2


@pytest.mark.parametrize("value", [v for v in MALFORMED_NUMBERS if v != "1e9"])
@pytest.mark.parametrize("field", ["price_min", "price_max", "course_min", "course_max"])
def test_a_malformed_price_is_said_beside_the_field_and_hides_nothing(
    client, directory, field, value
):
    html = page(client, f"?treatment=cellulite&{field}={value}")
    assert list(not_applied(html)) == [field]
    own = re.search(rf'<input[^>]+id="{field}"[^>]*>', html)[0]
    problem = f"{field.partition('_')[0]}-problem"
    assert f'aria-describedby="{problem}" aria-invalid="true"' in own
    assert f'<div id="{problem}"><p class="field__error">' in html
    assert total(html) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("price", "The lowest price is above the highest. No price filter was applied."),
        ("course", "The lowest price is above the highest. No filter by course was applied."),
        ("sessions", "The lowest number is above the highest. No filter by sessions was applied."),
    ],
)
def test_a_range_in_the_wrong_order_is_said_and_not_applied(client, directory, name, words):
    html = page(client, f"?{name}_min=30&{name}_max=10")
    assert not_applied(html) == {f"{name}_min": words}
    assert 'value="30" aria-describedby' in html
    assert applied(html) == {}
    assert total(html) == 3


def test_one_bad_end_of_a_range_leaves_the_other_in_force(client, directory):
    html = page(client, "?price_min=abc&price_max=150")
    assert list(not_applied(html)) == ["price_min"]
    assert shown_clinics(html) == ["alba"]


@pytest.mark.parametrize(
    ("end", "typed", "value", "words"),
    [
        ("price_min", "120", Decimal(120), "from 120 EUR a session"),
        ("price_max", "99,50", Decimal("99.5"), "up to 99.5 EUR a session"),
        ("course_min", "300", Decimal(300), "from 300 EUR a course"),
        ("course_max", "1 200", Decimal(1200), "up to 1200 EUR a course"),
        ("sessions_min", "1", 1, "at least 1 session"),
        ("sessions_max", "10", 10, "at most 10 sessions"),
    ],
)
def test_an_end_of_a_range_is_asked_said_and_taken_away(end, typed, value, words):
    filters = filters_of(f"{end}={typed}&sort=name")
    assert getattr(filters.selection, end) == value
    assert filters.title == f"Clinics, {words}"
    [chip] = filters.applied
    written = str(value)
    assert (chip.key, chip.label, chip.remove_query) == (f"{end}={written}", words, "?sort=name")
    assert filters.pairs == [(end, written), ("sort", "name")]
    assert getattr(filters.selection.dropping(end, written), end) is None


def test_a_course_and_its_sessions_narrow_the_list(client, paris):
    for slug, sessions, price in (("short", 2, 100), ("long", 6, 100), ("unsaid", None, 100)):
        OfferFactory(
            clinic=ClinicFactory(slug=slug, place=paris),
            price_low=price,
            price_high=price,
            sessions_low=sessions,
            sessions_high=sessions,
        )
    assert shown_clinics(page(client, "?sessions_min=3")) == ["long"]
    assert shown_clinics(page(client, "?course_max=300")) == ["short"]
    assert shown_clinics(page(client, "?course_min=300&sessions_max=3")) == []


def test_sessions_and_course_stand_open_once_they_are_used(client, directory):
    folded = r'<details class="facet facet--joined facet__more">'
    assert folded in page(client)
    assert folded not in page(client, "?sessions_max=4")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1 200", Decimal(1200)), ("1,200", Decimal(1200)), ("99,5", Decimal("99.5"))],
)
def test_prices_may_be_written_as_people_write_them(text, expected):
    filters = ClinicFilterSet({"price_max": text}, timezone.localdate())
    assert filters.selection.price_max == expected


@pytest.fixture
def both(directory, paris):
    """One more clinic in Paris, which offers both treatments of `directory`."""
    clinic = ClinicFactory(slug="both", name="Both", place=paris)
    for treatment in Treatment.objects.all():
        OfferFactory(clinic=clinic, treatment=treatment)


ALL = "?treatment=cellulite&treatment=hair&treatment_match=all"


def test_all_of_these_treatments_lists_clinics_that_offer_each(client, both):
    html = page(client, ALL)
    assert shown_clinics(html) == ["both"]
    assert "<title>Clinics for cellulite and hair · Mesoguide</title>" in html
    assert "all of these treatments" in html


def test_all_of_these_treatments_can_be_taken_back(client, both):
    html = page(client, applied(page(client, ALL))["treatment_match=all"])
    assert total(html) == 4
    assert "<title>Clinics for cellulite or hair · Mesoguide</title>" in html


def test_the_number_beside_a_treatment_says_how_many_also_offer_it(client, both):
    html = page(client, ALL)
    assert options(html, "treatment") == {"cellulite": 1, "hair": 1}
    words = "The number beside a treatment says how many clinics also offer it."
    assert words in html
    assert words not in page(client, "?treatment=cellulite&treatment=hair")


def test_all_of_one_treatment_changes_nothing_but_stays_for_the_next(client, both):
    html = page(client, "?treatment=hair&country=france&treatment_match=all")
    assert total(html) == 2
    assert set(applied(html)) == {"treatment=hair", "country=france"}
    kept = parse_qs(applied(html)["country=france"].lstrip("?"))
    assert kept == {"treatment": ["hair"], "treatment_match": ["all"]}


def test_all_of_these_is_a_box_that_is_always_there(client, directory):
    box = r'<input[^>]+name="treatment_match" value="all"[^>]*>'
    assert "checked" not in re.search(box, page(client))[0]
    assert "checked" in re.search(box, page(client, "?treatment_match=all"))[0]


@pytest.fixture
def lyon(france):
    """A town in France, 392 km from Paris, with one clinic of that name."""
    place = PlaceFactory(
        slug="lyon", name="Lyon", country=france, latitude="45.74846", longitude="4.84671"
    )
    ClinicFactory(slug="lyon-clinic", name="Rhône", place=place)
    return place


@pytest.mark.parametrize("typed", ["Lyon", "lyon", " LYON ", "45.74846,4.84671", "45.75, 4.85"])
def test_a_place_may_be_a_name_a_slug_or_a_point(client, directory, lyon, typed):
    html = page(client, f"?near={typed}&radius=25")
    assert shown_clinics(html) == ["lyon-clinic"]


def test_a_place_alone_puts_the_nearest_first_and_leaves_none_out(client, directory, lyon):
    html = page(client, "?near=Lyon")
    assert shown_clinics(html)[0] == "lyon-clinic"
    assert shown_clinics(html)[-1] == "cem"
    assert total(html) == 4
    assert "<strong>4 clinics, by distance from Lyon, France</strong>" in html


def test_a_card_says_how_far_away_when_a_place_is_named(client, directory, lyon):
    # This one has no coordinates of its own, and the next one has.
    assert "In this town; how far away is not known" in page(client, "?near=Lyon&radius=5")
    Clinic.objects.filter(slug="lyon-clinic").update(latitude="45.80000", longitude="4.84671")
    html = page(client, "?near=Lyon&radius=25&sort=name")
    assert "About 6 km away, in a straight line" in html
    assert "km away" not in page(client, "?country=france")


def test_a_place_and_a_distance_are_said_and_taken_away_together(client, directory, lyon):
    filters = filters_of("near=Lyon&radius=250&treatment=cellulite")
    assert filters.selection.near == Point(45.74846, 4.84671)
    assert filters.selection.radius_km == 250
    assert filters.title == "Clinics for cellulite within 250 km of Lyon, France"
    chip = filters.applied[-1]
    assert (chip.key, chip.label) == ("near=Lyon", "within 250 km of Lyon, France")
    assert chip.remove_query == "?treatment=cellulite"
    freed = filters.selection.dropping("near", "Lyon")
    assert (freed.near, freed.radius_km) == (None, None)


def test_a_point_is_called_by_its_numbers(directory):
    filters = filters_of("near=45.75,4.85&radius=5")
    assert filters.title == "Clinics within 5 km of 45.75,4.85"
    assert ("near", "45.75,4.85") in filters.pairs


@pytest.mark.parametrize("radius", RADII)
def test_every_distance_on_offer_is_understood(client, lyon, radius):
    assert filters_of(f"near=lyon&radius={radius}").selection.radius_km == radius
    assert f'<option value="{radius}" selected>{radius} km</option>' in page(
        client, f"?near=lyon&radius={radius}"
    )


@pytest.mark.parametrize("radius", ["-5", "7", "1e9", "NaN", "25 km", "250000", "٢٥"])
def test_any_other_distance_is_refused_by_name(client, directory, lyon, radius):
    html = page(client, f"?near=lyon&treatment=cellulite&radius={radius}")
    assert f"Distance “{radius}”" in html
    assert total(html) == 2


@pytest.mark.parametrize(
    "near",
    ["nowhere", "NaN,NaN", "1e400,2", "91,181", "48.85", "1,2,3", ",,,,,,,,,,,,,,", "9" * 99],
)
def test_an_unknown_place_is_said_beside_the_field_and_hides_nothing(client, directory, near):
    html = page(client, f"?near={near}&radius=25&treatment=cellulite")
    words = f"We know no place called “{near}”. Distances were not used."
    assert not_applied(html) == {"near": words}
    assert f'<p class="field__error" id="place-problem">{words}</p>' in html
    assert 'aria-describedby="place-problem place-note" aria-invalid="true"' in html
    assert 'value="25" selected' in html
    assert set(applied(html)) == {"treatment=cellulite"}
    assert total(html) == 2


def test_a_distance_without_a_place_is_said_and_hides_nothing(client, directory):
    html = page(client, "?radius=25")
    words = "Name a place to measure from. The distance was not used."
    assert not_applied(html) == {"near": words}
    assert total(html) == 3


def test_the_order_by_distance_is_offered_once_a_place_is_known(client, directory, lyon):
    plain, near = page(client), page(client, "?near=lyon")
    words = [str(sort.label) for sort in SORTS]
    assert list(sorts(plain)) == [word for word in words if word != "distance"]
    assert list(sorts(near)) == words
    assert "distance" not in sorts(page(client, "?near=nowhere"))


def test_the_order_that_holds_by_itself_is_sent_as_nothing(client, directory, lyon):
    assert sorts(page(client))["best match"] == ""
    assert sorts(page(client, "?near=lyon"))["distance"] == ""
    assert sorts(page(client, "?near=lyon"))["best match"] == "match"
    # So a form sent from the plain directory, with a place in it, asks for the nearest.
    assert filters_of("sort=&near=lyon").selection.sort == "distance"


def test_another_order_may_be_chosen_beside_a_place(lyon):
    filters = filters_of("near=lyon&sort=match")
    assert filters.selection.sort == "match"
    assert filters.title == "Clinics"
    assert [chip.label for chip in filters.applied] == ["near Lyon, France"]
    assert filters.pairs == [("near", "lyon"), ("sort", "match")]


@pytest.mark.parametrize("query", ["sort=distance", "sort=distance&near=nowhere"])
def test_the_order_by_distance_is_refused_without_a_place(client, directory, query):
    html = page(client, f"?{query}")
    assert "Sort “distance”" in html
    assert filters_of(query).selection.sort == "match"


@pytest.mark.parametrize(
    ("parameter", "values"),
    [("sort", ["name", "price"]), ("currency", ["EUR", "GBP"]), ("radius", ["25", "50"])],
)
def test_a_second_value_where_one_can_hold_is_refused_by_name(lyon, parameter, values):
    CurrencyFactory(code="GBP", per_euro=Decimal("0.85"))
    query = "&".join(f"{parameter}={value}" for value in values)
    assert [refused.value for refused in filters_of(f"near=lyon&{query}").refused] == values[1:]


def test_another_spelling_is_offered_with_all_other_filters_kept(client, directory):
    html = page(client, "?q=istambul&treatment=cellulite&sort=name")
    offered = re.search(r'class="other-words__link" href="([^"]+)"[^>]*>([^<]+)</a>', html)
    link = offered[1].replace("&amp;", "&")
    assert offered[2] == "istanbul"
    assert parse_qs(link.lstrip("?")) == {
        "q": ["istanbul"],
        "treatment": ["cellulite"],
        "sort": ["name"],
    }
    assert "(1 clinic)" in html
    assert shown_clinics(page(client, link)) == ["cem"]


@pytest.mark.parametrize("query", ["", "?q=istanbul", "?q=zzzzzzzz", "?city=istanbul"])
def test_no_other_spelling_is_offered_without_a_better_one(client, directory, query):
    assert "Did you mean" not in page(client, query)


def test_nothing_found_names_the_place_to_drop(client, directory, lyon):
    html = page(client, "?near=lyon&radius=5&treatment=hair")
    assert "Without within 5 km of Lyon, France: 1 clinic" in html


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
    page(client, "?sort=price")
    # Made anew from cards that are kept, whole as it was made before, and with nothing kept.
    PAGES.clear()
    with django_assert_num_queries(QUERIES):
        page(client, "?sort=price")
    with django_assert_num_queries(QUERIES):
        page(client, "?sort=price")
    PAGES.clear()
    FRAGMENTS.clear()
    with django_assert_num_queries(QUERIES + CARD_QUERIES):
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
    for rule in (*RANKING_RULES, *SORTS):
        assert capfirst(str(rule.label)) in html
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


# --- Whole pages that are kept


def test_a_page_asked_for_again_is_the_same_with_the_same_headers(client):
    OfferFactory()
    first = client.get("/clinics/?sort=price")
    with mock.patch("clinics.views.render", side_effect=AssertionError):
        again = client.get("/clinics/?sort=price")
    assert again.content == first.content
    assert again.headers == first.headers
    assert client.get("/clinics/?sort=name").content != first.content


@pytest.mark.parametrize(
    "change",
    [
        lambda clinic: Clinic.objects.filter(pk=clinic.pk).update(name="Renamed"),
        lambda clinic: Clinic.objects.filter(pk=clinic.pk).update(status="draft"),
        lambda clinic: clinic.offers.update(price_low=5, price_high=5, currency="EUR"),
        lambda _clinic: Treatment.objects.update(short_name="Renamed"),
        lambda _clinic: Currency.objects.update(per_euro=7),
        lambda _clinic: OfferFactory(),
    ],
    ids=["name", "unpublished", "price", "treatment", "rate", "another clinic"],
)
def test_a_kept_page_is_not_shown_after_a_change(client, euro, change):
    other = CurrencyFactory(code="TRY", per_euro="40")
    clinic = OfferFactory(price_low=100, price_high=100, currency=other).clinic
    before = client.get("/clinics/").content
    assert client.get("/clinics/").content == before
    change(clinic)
    after = client.get("/clinics/").content
    assert after != before
    PAGES.clear()
    assert client.get("/clinics/").content == after


def test_a_kept_page_is_not_shown_in_another_language_on_another_day_or_host(client, settings):
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    OfferFactory()
    page = client.get("/clinics/", headers={"host": "one.example"}).content
    assert b"two.example" in client.get("/clinics/", headers={"host": "two.example"}).content
    settings.LANGUAGE_CODE = "de"
    german = client.get("/clinics/", headers={"host": "one.example"}).content
    assert b'lang="en"' in page
    assert b'lang="de"' in german
    kept = len(PAGES)
    tomorrow = timezone.now() + datetime.timedelta(days=1)
    with mock.patch("django.utils.timezone.now", return_value=tomorrow):
        client.get("/clinics/", headers={"host": "one.example"})
    assert len(PAGES) == kept + 1
