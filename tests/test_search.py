"""The one definition of a match, held against a slow one over random clinics and selections."""

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from clinics import facet_index
from clinics.listing_facts import clinic_facets, offer_facets
from clinics.models import Clinic, Offer
from clinics.ranking import SORTS
from clinics.search import did_you_mean, ids_of, place_named, prices_of, search
from clinics.selection import PER_PAGE, DidYouMean, Point, Selection, last_page
from tests.factories import (
    BodyAreaFactory,
    CheckFactory,
    ClinicFactory,
    CurrencyFactory,
    LanguageFactory,
    OfferFactory,
    PlaceFactory,
    PractitionerFactory,
    TreatmentFactory,
)
from tests.search_oracle import TODAY, World, build_world, kilometres_to
from tests.sql_oracle import expected_counts, expected_ids

pytestmark = pytest.mark.django_db

FACETS = (*clinic_facets(), *offer_facets())


POINTS = [Point(45.75, 4.85), Point(48.3, 1.5), Point(-33.0, 179.9)]


def selections(world: World):
    """Random selections out of what the world holds, and some that it does not."""
    per_facet = {
        facet: st.lists(st.sampled_from(sorted(world.values(facet))), max_size=2, unique=True)
        for facet in FACETS
    }
    chosen = st.lists(st.sampled_from(FACETS), max_size=3, unique=True).flatmap(
        lambda facets: st.fixed_dictionaries({facet: per_facet[facet] for facet in facets})
    )
    seldom = st.sampled_from([False, False, True])
    amounts = seldom.flatmap(lambda asked: st.integers(0, 350) if asked else st.none()).map(
        lambda amount: None if amount is None else Decimal(amount)
    )
    sessions = seldom.flatmap(lambda asked: st.integers(1, 9) if asked else st.none())
    return st.builds(
        Selection,
        words=st.sampled_from(["", "", "", "acibadem", "lodz", "evian zoe", "orange", "clinic fr"]),
        chosen=chosen.map(lambda found: {name: tuple(v) for name, v in found.items() if v}),
        all_treatments=st.booleans(),
        price_min=amounts,
        price_max=amounts,
        course_min=amounts.map(lambda amount: amount and amount * 3),
        course_max=amounts.map(lambda amount: amount and amount * 5),
        sessions_min=sessions,
        sessions_max=sessions,
        near=st.sampled_from([None, None, *POINTS]),
        radius_km=st.sampled_from([None, 5, 100, 1500]),
        currency=st.sampled_from(["EUR", "GBP"]),
        sort=st.sampled_from([sort.value for sort in SORTS]),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_results_and_every_count_equal_the_oracle(seed):
    build_world(seed)
    world = World()

    @settings(max_examples=40)
    @given(selections(world))
    def holds(selection):
        answer = search(selection, TODAY)
        expected = {clinic.pk for clinic in world.matching(selection)}
        assert answer.total == len(expected)
        assert set(ids_of(selection, TODAY)) == expected
        assert set(answer.ids) <= expected
        assert len(answer.ids) == min(PER_PAGE, len(expected))
        for facet in FACETS:
            for value in world.values(facet):
                count = answer.counts[facet].get(value, 0)
                assert count == world.count(selection, facet, value), (facet, value)
            assert set(answer.counts[facet]) <= world.values(facet)
        assert dict(prices_of(selection, TODAY)) == world.prices(selection)

    holds()


# 0: as if hardly any clinic had a second offer. Prices are then counted by their code.
@pytest.mark.parametrize("share", [0, facet_index._SECOND])
def test_lowest_prices_of_every_option_equal_the_oracle(share, monkeypatch):
    monkeypatch.setattr(facet_index, "_SECOND", share)
    build_world(3)
    world = World()
    for facet in FACETS:
        for value in sorted(world.values(facet)):
            selection = Selection(chosen={facet: (value,)})
            assert dict(prices_of(selection, TODAY)) == world.prices(selection)


@pytest.mark.parametrize("seed", [4])
def test_order_and_every_count_equal_plain_sql(seed):
    build_world(seed, clinics=70)
    with connection.cursor() as cursor:
        # Without it PostgreSQL takes these tables for empty and joins them row by row.
        cursor.execute("ANALYZE")
    world = World()
    known_to_sql = {
        "words": "",
        "all_treatments": False,
        "near": None,
        **dict.fromkeys(("course_min", "course_max", "sessions_min", "sessions_max")),
    }

    @settings(max_examples=40)
    @given(selections(world).filter(lambda selection: selection.sort != "distance"))
    def holds(selection):
        asked = replace(selection, **known_to_sql)
        pages = [search(asked, TODAY, page) for page in range(1, 5)]
        expected = expected_ids(asked, TODAY)
        listed = [pk for page in pages[: last_page(len(expected))] for pk in page.ids]
        assert listed == expected
        assert all(page.total == len(expected) for page in pages)
        assert pages[0].counts == expected_counts(asked, TODAY)

    holds()


def test_the_nearest_clinic_comes_first_and_each_once():
    build_world(6, clinics=90)
    clinics = {clinic.pk: clinic for clinic in World().clinics}
    for point in POINTS:
        asked = Selection(near=point, sort="distance")
        pages = last_page(search(asked, TODAY).total)
        answers = [search(asked, TODAY, page + 1) for page in range(pages)]
        listed = [pk for answer in answers for pk in answer.ids]
        kilometres = [kilometres_to(clinics[pk], point) for pk in listed]
        told = [answer.kilometres[pk] for answer in answers for pk in answer.ids]
        assert told == pytest.approx(kilometres, rel=1e-3, abs=0.01)
        assert [round(km, 3) for km in kilometres] == sorted(round(km, 3) for km in kilometres)
        assert sorted(listed) == sorted(ids_of(Selection(), TODAY))


@pytest.mark.parametrize("sort", [sort.value for sort in SORTS])
def test_pages_of_every_order_hold_each_clinic_once(sort):
    build_world(3, clinics=90)
    selection = Selection(sort=sort)
    first = search(selection, TODAY)
    pages = [search(selection, TODAY, page).ids for page in range(1, 5)]
    seen = [pk for page in pages[: -(-first.total // PER_PAGE)] for pk in page]
    assert sorted(seen) == sorted(Clinic.objects.published().values_list("pk", flat=True))


def test_a_page_beyond_the_end_is_the_last_page():
    ClinicFactory.create_batch(PER_PAGE + 1)
    answer = search(Selection(), TODAY, page=99)
    assert (answer.page, len(answer.ids)) == (2, 1)


def test_treatment_and_price_must_be_of_the_same_offer():
    laser, peel = TreatmentFactory(slug="laser"), TreatmentFactory(slug="peel")
    clinic = ClinicFactory()
    OfferFactory(clinic=clinic, treatment=laser, price_low=900, price_high=900)
    OfferFactory(clinic=clinic, treatment=peel, price_low=100, price_high=100)
    cheap_laser = Selection(chosen={"treatment": ("laser",)}, price_max=Decimal(200))
    answer = search(cheap_laser, TODAY)
    assert answer.total == 0
    assert answer.counts["treatment"] == {"peel": 1}


def test_treatment_and_area_must_be_of_the_same_offer():
    laser, peel = TreatmentFactory(slug="laser"), TreatmentFactory(slug="peel")
    arms, thighs = BodyAreaFactory(slug="arms"), BodyAreaFactory(slug="thighs")
    clinic = ClinicFactory()
    OfferFactory(clinic=clinic, treatment=laser, body_areas=[arms])
    OfferFactory(clinic=clinic, treatment=peel, body_areas=[thighs])
    answer = search(Selection(chosen={"treatment": ("laser",), "area": ("thighs",)}), TODAY)
    assert answer.total == 0
    assert answer.counts["area"] == {"arms": 1}
    assert answer.counts["treatment"] == {"peel": 1}


@pytest.mark.parametrize("status", ["draft", "in_review", "suspended"])
def test_an_unpublished_clinic_is_in_no_answer(status):
    treatment = TreatmentFactory(slug="laser", short_name="Laser")
    hidden = ClinicFactory(status=status, name="Hidden", languages=[LanguageFactory()])
    OfferFactory(clinic=hidden, treatment=treatment, body_areas=[BodyAreaFactory()])
    PractitionerFactory(clinic=hidden, name="Hidden Person")
    CheckFactory(clinic=hidden, checked_on=TODAY)
    for selection in (Selection(), Selection(words="hidden"), Selection(words="laser")):
        answer = search(selection, TODAY)
        assert (answer.total, answer.ids, prices_of(selection, TODAY)) == (0, (), ())
        assert {
            facet: {k: v for k, v in found.items() if v} for facet, found in answer.counts.items()
        } == {facet: {} for facet in FACETS}


def test_an_offer_of_an_unpublished_treatment_is_in_no_answer():
    offer = OfferFactory(treatment=TreatmentFactory(slug="secret", is_published=False))
    answer = search(Selection(chosen={"treatment": ("secret",)}), TODAY)
    assert answer.total == 0
    assert search(Selection(), TODAY).counts["treatment"] == {}
    assert search(Selection(), TODAY).ids == (offer.clinic_id,)


def test_an_expired_or_failed_check_does_not_count():
    fine = CheckFactory(checked_on=TODAY, expires_on=TODAY)
    CheckFactory(
        checked_on=TODAY - datetime.timedelta(10), expires_on=TODAY - datetime.timedelta(1)
    )
    CheckFactory(checked_on=TODAY, result="failed")
    answer = search(Selection(chosen={"check": ("licence",)}), TODAY)
    assert answer.ids == (fine.clinic_id,)
    assert answer.counts["check"] == {"licence": 1}
    tomorrow = TODAY + datetime.timedelta(1)
    assert search(Selection(chosen={"check": ("licence",)}), tomorrow).total == 0


def test_a_price_is_compared_in_the_visitors_currency_and_never_without_a_rate():
    pound = CurrencyFactory(code="GBP", per_euro=Decimal("0.80"))
    peso = CurrencyFactory(code="COP", per_euro=None, rate_date=None)
    dear = OfferFactory(price_low=100, price_high=100, currency=pound)  # 125 EUR
    OfferFactory(price_low=100, price_high=100, currency=peso)
    at = {"currency": "EUR"}
    assert search(Selection(price_max=Decimal("124.99"), **at), TODAY).total == 0
    assert search(Selection(price_max=Decimal(125), **at), TODAY).ids == (dear.clinic_id,)
    assert search(Selection(price_min=Decimal(100), currency="GBP"), TODAY).ids == (dear.clinic_id,)


@pytest.mark.parametrize("unit", [Offer.Unit.AREA, Offer.Unit.ML])
def test_a_price_for_something_else_than_a_session_is_not_compared(unit):
    OfferFactory(price_low=100, price_high=100, unit=unit)
    assert search(Selection(price_max=Decimal(500)), TODAY).total == 0
    assert prices_of(Selection(), TODAY) == ()


@pytest.mark.parametrize(
    "words",
    [
        "acibadem",
        "ACIBADEM",
        "Acıbadem",
        "kadikoy acib",
        "orange",
        "peel orange",
        "zoe",
        "turkiye",
        "cellu kadi",
    ],
)
def test_words_find_a_clinic_by_any_of_its_names(words, istanbul):
    istanbul.name = "Kadıköy"
    istanbul.save()
    clinic = ClinicFactory(name="Acıbadem Kliniği", place=istanbul)
    PractitionerFactory(clinic=clinic, name="Dr Zoë Işık")
    treatment = TreatmentFactory(short_name="Cellulite")
    treatment.aliases.create(name="Orange-peel treatment")
    OfferFactory(clinic=clinic, treatment=treatment)
    ClinicFactory(name="Another")
    assert search(Selection(words=words), TODAY).ids == (clinic.pk,)


@pytest.mark.parametrize("words", ["badem", "acibadem lyon", "%", "_", "a_ibadem"])
def test_words_do_not_find_the_middle_of_a_word_or_a_wildcard(words, istanbul):
    ClinicFactory(name="Acıbadem Kliniği", place=istanbul)
    expected = 1 if words in "%_" else 0  # nothing is left of a lone sign, so nothing is asked
    assert search(Selection(words=words), TODAY).total == expected


def test_lowest_price_comes_first_and_stale_or_incomparable_prices_last():
    pound = CurrencyFactory(code="GBP", per_euro=Decimal("0.50"))
    stale_day = TODAY - datetime.timedelta(241)
    recent = {"price_confirmed_on": TODAY}
    cheap = OfferFactory(price_low=40, price_high=90, currency=pound, **recent)  # 80 EUR
    dear = OfferFactory(price_low=90, price_high=90, **recent)
    stale = OfferFactory(price_low=1, price_high=1, price_confirmed_on=stale_day)
    by_area = OfferFactory(price_low=2, price_high=2, unit=Offer.Unit.AREA, **recent)
    ids = search(Selection(sort="price"), TODAY).ids
    assert ids[:2] == (cheap.clinic_id, dear.clinic_id)
    assert set(ids[2:]) == {stale.clinic_id, by_area.clinic_id}


def test_lowest_price_looks_only_at_offers_that_match():
    laser, peel = TreatmentFactory(slug="laser"), TreatmentFactory(slug="peel")
    first = OfferFactory(treatment=laser, price_low=80, price_high=80).clinic
    second = OfferFactory(treatment=laser, price_low=90, price_high=90).clinic
    OfferFactory(clinic=second, treatment=peel, price_low=5, price_high=5)
    chosen = {"treatment": ("laser",)}
    assert search(Selection(chosen=chosen, sort="price"), TODAY).ids == (first.pk, second.pk)


def test_best_match_puts_fresh_prices_first_then_checked_clinics():
    checked_only = CheckFactory(checked_on=TODAY).clinic
    neither = ClinicFactory()
    priced_only = OfferFactory(price_confirmed_on=TODAY).clinic
    both = OfferFactory(price_confirmed_on=TODAY).clinic
    CheckFactory(clinic=both, checked_on=TODAY)
    ids = search(Selection(), TODAY).ids
    assert ids == (both.pk, priced_only.pk, checked_only.pk, neither.pk)


def test_more_checks_do_not_help():
    ClinicFactory.create_batch(6)
    for clinic in Clinic.objects.all():
        CheckFactory(clinic=clinic, checked_on=TODAY)
    before = search(Selection(), TODAY).ids
    for kind in ("insurance", "premises", "qualification"):
        CheckFactory(clinic=Clinic.objects.get(pk=before[-1]), kind=kind, checked_on=TODAY)
    assert search(Selection(), TODAY).ids == before


def test_equal_clinics_change_places_from_day_to_day_but_not_within_one():
    for key in (7, 1_000_003, 2_000_000_011, 2_147_483_646):
        ClinicFactory(shuffle_key=key)
    days = [TODAY + datetime.timedelta(n) for n in range(30)]
    orders = [search(Selection(), day).ids for day in days]
    assert orders == [search(Selection(), day).ids for day in days]
    assert len({order[0] for order in orders}) == 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("北京美容诊所", "美容"),
        ("北京美容诊所", "北京"),
        ("Клиника «Эстет»", "эстет"),
        ("مركز التجميل", "التجميل"),
        ("क्लिनिक दिल्ली", "दिल्ली क्लि"),
        ("คลินิกความงาม", "ความงาม"),
        ("Αισθητική Ιατρική", "ιατρικη"),
    ],
)
def test_names_in_any_script_are_found_by_their_words_or_parts(name, words):
    clinic = ClinicFactory(name=name)
    ClinicFactory(name="Another")
    assert search(Selection(words=words), TODAY).ids == (clinic.pk,)


@pytest.mark.parametrize(
    "typed", ["cellulit", "celulite", "celllulite", "cellolite", "cellulitr", "clelulite"]
)
def test_one_slip_in_a_word_is_forgiven_and_offered(typed):
    treatment = TreatmentFactory(short_name="Cellulite", name="Cellulite")
    OfferFactory.create_batch(2, treatment=treatment)
    asked = Selection(words=typed)
    if typed == "cellulit":  # the beginning of the word: nothing to forgive
        assert search(asked, TODAY).total == 2
        assert did_you_mean(asked, TODAY) is None
    else:
        assert search(asked, TODAY).total == 0
        assert did_you_mean(asked, TODAY) == DidYouMean("cellulite", 2)


def test_a_slip_is_not_forgiven_in_a_short_word_nor_twice():
    ClinicFactory(name="Rio Alba")
    assert did_you_mean(Selection(words="ryo"), TODAY) is None
    assert did_you_mean(Selection(words="abla"), TODAY) == DidYouMean("alba", 1)
    assert did_you_mean(Selection(words="labaa"), TODAY) is None


def test_exact_words_come_first_and_another_spelling_only_if_it_finds_more():
    ClinicFactory(name="Lion d’Or")
    ClinicFactory.create_batch(3, name="Lyon Centre")
    assert search(Selection(words="lion"), TODAY).total == 1
    assert did_you_mean(Selection(words="lion"), TODAY) == DidYouMean("lyon", 3)
    assert did_you_mean(Selection(words="lyon"), TODAY) is None


def test_another_spelling_keeps_the_other_filters_and_words(paris, istanbul):
    ClinicFactory(name="Alba", place=paris)
    ClinicFactory(name="Albi", place=istanbul)
    asked = Selection(words="zlba france", chosen={"country": ("france",)})
    assert did_you_mean(asked, TODAY) == DidYouMean("alba france", 1)
    elsewhere = Selection(words="albz", chosen={"country": ("turkiye",)})
    assert did_you_mean(elsewhere, TODAY) == DidYouMean("albi", 1)


@pytest.mark.parametrize(
    ("typed", "latitude", "label"),
    [
        ("paris", 48.85341, "Paris, France"),
        ("  PARIS ", 48.85341, "Paris, France"),
        ("Istanbul", 41.01384, "Istanbul, Türkiye"),
        ("48.5,2.25", 48.5, ""),
        ("-33.9, 151.2", -33.9, ""),
    ],
)
def test_a_place_is_named_by_slug_name_or_coordinates(typed, latitude, label, paris, istanbul):
    found = place_named(typed, TODAY)
    assert (found.point.latitude, found.label) == (latitude, label)


@pytest.mark.parametrize("typed", ["", "atlantis", "91,0", "0,181", "nan,nan", "1,2,3", "1e3,5"])
def test_what_names_no_place_names_none(typed, paris):
    assert place_named(typed, TODAY) is None


def test_of_two_towns_with_one_name_the_one_with_more_clinics_is_meant(paris, istanbul):
    other = PlaceFactory(slug="paris-texas", name="Paris", country=istanbul.country)
    ClinicFactory.create_batch(2, place=other)
    ClinicFactory(place=paris)
    assert place_named("Paris", TODAY).label == "Paris, Türkiye"
    assert place_named("paris", TODAY).label == "Paris, France"


def test_a_clinic_stands_where_its_town_does_until_it_says_better(paris):
    near = Point(48.85341, 2.34880)
    clinic = ClinicFactory(place=paris)
    assert search(Selection(near=near, radius_km=5), TODAY).ids == (clinic.pk,)
    Clinic.objects.update(latitude="48.95", longitude="2.50")
    assert search(Selection(near=near, radius_km=5), TODAY).ids == ()
    assert search(Selection(near=near, radius_km=25), TODAY).ids == (clinic.pk,)
