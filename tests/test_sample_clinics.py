"""The fictional clinics: always the same, plausible, in nobody's way, and about nobody real."""

import datetime
import functools
import re

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count

from clinics.models import (
    Check,
    Clinic,
    Country,
    Currency,
    Language,
    Offer,
    OpeningHours,
    Place,
    Practitioner,
)
from clinics.sample_clinics import make_sample_clinic
from clinics.sample_content import SampleContent
from tests.factories import BodyAreaFactory, ClinicFactory, TreatmentFactory
from treatments.models import Treatment

pytestmark = pytest.mark.django_db

TODAY = datetime.date(2026, 11, 2)
CONTENT = SampleContent.read()
KEYS = {slug: number for number, slug in enumerate(CONTENT.offers, start=1)}
SLUGS = {number: slug for slug, number in KEYS.items()}


@functools.cache
def samples():
    """The 400 sample clinics, made but not saved; a treatment's key is its place in the file."""
    treatments = {slug: (number, [1, 2]) for slug, number in KEYS.items()}
    return [make_sample_clinic(number, CONTENT, treatments, TODAY) for number in range(1, 401)]


def offers():
    """The offers of all samples."""
    return [offer for sample in samples() for offer, _areas in sample.offers]


def samples_in(place):
    return [sample for sample in samples() if sample.place == place]


@pytest.fixture
def treatments():
    """Every treatment that samples offer, each with an area of its own and a common one."""
    common = BodyAreaFactory()
    return [
        TreatmentFactory(slug=slug, body_areas=[common, BodyAreaFactory()])
        for slug in CONTENT.offers
    ]


def load(number, **options):
    call_command("load_sample_clinics", clinics=number, today=TODAY, verbosity=0, **options)


def contents(**conditions):
    """All that a loader writes of the clinics, without what the database adds."""
    of_clinics = Offer.objects.filter(**{f"clinic__{key}": v for key, v in conditions.items()})
    return [
        list(
            Clinic.objects.filter(**conditions)
            .order_by("import_key")
            .values_list("slug", "name", "place__slug", "status", "confirmed_on", "shuffle_key")
        ),
        list(
            of_clinics.order_by("clinic__import_key", "treatment__slug", "label").values_list(
                "clinic__slug", "treatment__slug", "price_low", "course_price", "product"
            )
        ),
    ]


def test_without_treatments_it_says_what_to_run_first():
    with pytest.raises(CommandError, match="Run load_catalogue first"):
        load(1)
    assert Clinic.objects.count() == 0


@pytest.mark.once
def test_four_hundred_clinics_of_many_countries_are_valid(treatments):
    load(400)
    assert Clinic.objects.filter(is_sample=True).count() == 400
    assert Clinic.objects.values("place__country").distinct().count() >= 40
    counts = dict(Place.objects.annotate(number=Count("clinics")).values_list("slug", "number"))
    assert {slug: counts[slug] for slug in ("paris", "london", "istanbul", "seoul")} == {
        "paris": 14,
        "london": 14,
        "istanbul": 14,
        "seoul": 12,
    }
    assert min(counts.values()) >= 1
    for model in (
        *(Clinic, Offer, OpeningHours, Practitioner, Check, Place, Country, Currency, Language),
    ):
        for row in model.objects.all():
            row.full_clean(validate_unique=False, validate_constraints=False)


def test_gaps_are_as_common_as_in_life():
    everything = offers()
    priced = [offer for offer in everything if offer.has_price]
    stale = [o for o in priced if o.freshness(TODAY) == Offer.Freshness.STALE]
    checks = [check for sample in samples() for check in sample.checks]
    assert 0.10 < 1 - len(priced) / len(everything) < 0.22
    assert 0.12 < len(stale) / len(priced) < 0.28
    assert 0.3 < sum(not offer.product for offer in everything) / len(everything) < 0.5
    assert 0.45 < sum(bool(sample.checks) for sample in samples()) / 400 < 0.65
    assert {check.state(TODAY) for check in checks} == set(Check.State)
    assert {offer.freshness(TODAY) for offer in priced} == set(Offer.Freshness)
    assert {sample.clinic.status for sample in samples()} == set(Clinic.Status)
    assert {sample.clinic.facility_type for sample in samples()} == set(Clinic.FacilityType)


@pytest.mark.once
def test_a_clinic_is_the_same_however_many_there_are(treatments):
    load(30)
    thirty = contents()
    Clinic.objects.all().delete()
    load(7)
    load(60)
    keys = [f"sample:{number}" for number in range(1, 31)]
    assert contents(import_key__in=keys) == thirty


def test_second_run_does_nothing(treatments, django_assert_num_queries):
    load(20)
    before = contents()
    # Two for the transaction, one for each of the four lists that all refer to, one count.
    with django_assert_num_queries(7):
        load(20)
    assert contents() == before


def test_what_an_editor_changed_stays(treatments):
    load(5)
    Clinic.objects.filter(import_key="sample:3").update(name="Renamed", slug="renamed")
    Place.objects.filter(slug="paris").update(name="Lutetia")
    load(8)
    assert Clinic.objects.get(import_key="sample:3").name == "Renamed"
    assert Place.objects.get(slug="paris").name == "Lutetia"
    assert Clinic.objects.filter(is_sample=True).count() == 8


def test_clinics_that_are_not_samples_are_left_alone(treatments):
    real = ClinicFactory(name="Real")
    load(3)
    real.refresh_from_db()
    assert (real.name, real.is_sample) == ("Real", False)
    assert Clinic.objects.count() == 4


def test_zero_clinics_load_places_languages_and_rates_only():
    load(0)
    assert Clinic.objects.count() == 0
    assert Place.objects.count() == len(CONTENT.places)
    assert Place.objects.get(slug="tokyo").timezone == "Asia/Tokyo"
    assert Language.objects.get(code="pt").slug == "portuguese"
    assert Currency.objects.get(code="EUR").per_euro == 1
    assert Currency.objects.get(code="EGP").per_euro is None


def test_a_newer_rate_replaces_ours_but_not_an_editors(treatments):
    load(0)
    old = {"per_euro": "2", "rate_date": "2020-01-01"}
    Currency.objects.filter(code="USD").update(**old)
    Currency.objects.filter(code="GBP").update(**old, rate_source="Typed in by hand")
    load(0)
    rates = {rate["code"]: rate for rate in CONTENT.rates}
    usd = Currency.objects.get(code="USD")
    assert f"{usd.per_euro.normalize()} {usd.rate_date}" == (
        f"{rates['USD']['per_euro']} {rates['USD']['date']}"
    )
    assert Currency.objects.get(code="GBP").per_euro == 2


def test_dates_count_back_from_the_day_of_loading(treatments):
    load(40)
    assert Check.objects.filter(checked_on__gte=TODAY).count() == 0
    assert Offer.objects.filter(price_confirmed_on__gte=TODAY).count() == 0
    days = Clinic.objects.filter(confirmed_on__isnull=False).values_list("confirmed_on", flat=True)
    assert {3 <= (TODAY - day).days <= 500 for day in days} == {True}


def test_fat_is_not_dissolved_in_france_nor_by_people_without_a_doctor():
    places = {place["slug"]: place["country"] for place in CONTENT.places}
    dissolving = [
        (places[sample.place], sample.clinic.facility_type)
        for sample in samples()
        for offer, _areas in sample.offers
        if SLUGS[offer.treatment_id] in ("localised-fat", "submental-fat", "lower-eyelid")
    ]
    assert len(dissolving) > 50
    assert [place for place in dissolving if place[0] == "FR"] == []
    assert [place for place in dissolving if place[1] in ("beauty-spa", "nurse-led-clinic")] == []


def test_comparisons_and_unpublished_treatments_are_not_offered(treatments):
    Treatment.objects.filter(slug="cellulite").update(kind="comparison")
    Treatment.objects.filter(slug="melasma").update(is_published=False)
    load(60)
    offered = set(Offer.objects.values_list("treatment__slug", flat=True))
    assert offered & {"cellulite", "melasma"} == set()


def test_offered_areas_are_areas_of_the_treatment(treatments):
    load(60)
    pairs = Offer.body_areas.through.objects.values_list("offer__treatment", "bodyarea")
    areas = {
        (treatment.pk, area.pk) for treatment in treatments for area in treatment.body_areas.all()
    }
    assert set(pairs) - areas == set()
    assert len(pairs) > 50


def test_contacts_reach_nobody():
    for clinic in (sample.clinic for sample in samples()):
        assert clinic.email in ("", f"contact@{clinic.slug}.example")
        assert clinic.website in ("", f"https://{clinic.slug}.example/")
        assert "fictional" in clinic.description
    # Each within a range that the regulator of the country keeps for fiction.
    fiction = re.compile(
        r"\+44 20 7946 0\d{3}|\+44 (161|121|131|141) 496 0\d{3}"
        r"|\+33 (1 99 00|3 53 01|4 65 71|5 36 49) \d{4}"
        r"|\+49 (30 23125|40 66969|221 4710|89 99998|69 90009)\d{3}"
        r"|\+46 8 465 004 \d{2}|\+1 \d{3} 555 01\d{2}|\+61 [237] 5550 \d{4}|\+353 20 91[01] \d{4}"
    )
    phones = [sample.clinic.phone for sample in samples() if sample.clinic.phone]
    assert len(phones) > 80
    assert [phone for phone in phones if not fiction.fullmatch(phone)] == []


def test_registers_and_numbers_are_plainly_fictional():
    people = [person for sample in samples() for person in sample.practitioners]
    numbers = {person.registration_number for person in people} - {""}
    assert [number for number in numbers if not re.fullmatch(r"SAMPLE-\d{5}", number)] == []
    assert {(check.register, check.link) for sample in samples() for check in sample.checks} == {
        ("Sample register (fictional)", "")
    }


def test_slugs_are_ascii_and_host_names_even_where_names_are_not():
    slugs = [sample.clinic.slug for sample in samples()]
    assert [s for s in slugs if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", s)] == []
    assert max(len(slug) for slug in slugs) <= 63
    assert [sample for sample in samples_in("athens") if "Κλινική" in sample.clinic.name]


def test_search_spelling_is_filled_in(treatments):
    load(130)
    assert Clinic.objects.filter(name_folded="").count() == 0
    assert Practitioner.objects.filter(name_folded="").count() == 0
    assert Place.objects.get(slug="sao-paulo").name_folded == " sao paulo"


def test_weekend_is_that_of_the_country():
    def open_days(place):
        return {span.weekday for sample in samples_in(place) for span in sample.hours}

    assert open_days("cairo") == {0, 1, 2, 3, 6}
    assert open_days("paris") == {0, 1, 2, 3, 4, 5}


def test_each_price_has_local_money_and_looks_like_a_price():
    paris = [
        offer
        for sample in samples_in("paris")
        for offer, _areas in sample.offers
        if offer.has_price
    ]
    assert {offer.currency_id for offer in paris} == {"EUR"}
    assert 25 <= min(offer.price_low for offer in paris) <= 200
    priced = [offer.price_low for offer in offers() if offer.has_price]
    odd = [
        price for price in priced if len(f"{price.normalize():f}".rstrip("0").replace(".", "")) > 2
    ]
    assert odd == []


def test_the_number_alone_decides_what_is_made():
    def named(number):
        sample = make_sample_clinic(number, CONTENT, {"cellulite": (1, [1, 2])}, TODAY)
        return sample.clinic.name, sample.languages, [str(p) for p in sample.practitioners]

    assert [named(n) for n in (1, 2, 3)] == [named(n) for n in (1, 2, 3)]
    assert len({named(number)[0] for number in range(1, 101)}) > 90
