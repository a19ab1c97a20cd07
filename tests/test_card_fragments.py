"""Cards that are kept: they cost nothing while nothing changes, and never outlive a change."""

import datetime
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from clinics.card_fragments import CardFragments
from clinics.cards import clinic_card, distance_words
from clinics.exchange import current_rates
from clinics.listed_clinics import listed_clinics
from clinics.models import Clinic, Country, Currency, Offer, Place
from clinics.search import search
from clinics.selection import Selection
from clinics.structured_data import clinic_list
from tests.factories import (
    CheckFactory,
    ClinicFactory,
    CountryFactory,
    CurrencyFactory,
    LanguageFactory,
    OfferFactory,
    PlaceFactory,
    PractitionerFactory,
    TreatmentFactory,
    today,
)
from treatments.models import Treatment

pytestmark = pytest.mark.django_db

QUERIES_FOR_NEW_CARDS = 5


def fragments_of(
    fragments,
    clinics,
    *,
    matching_offers=None,
    day=None,
    currency="EUR",
    version_of=lambda _clinic: 1,
    kilometres=None,
):
    """The fragments of these clinics, as a page asks for them."""
    return fragments.of(
        [clinic.pk for clinic in clinics],
        matching_offers or {},
        current_rates(),
        day or today(),
        currency,
        version_of,
        kilometres or {},
    )


def html_of(*arguments, **options) -> str:
    """The HTML of all fragments together."""
    return "".join(fragment.html for fragment in fragments_of(*arguments, **options))


@pytest.fixture
def munich(db) -> Place:
    """A town in a country whose name differs from language to language."""
    germany = CountryFactory(code="DE", slug="germany", name="Germany")
    return PlaceFactory(slug="munich", name="Munich", country=germany)


@pytest.fixture
def every_kind_of_clinic(munich, paris, euro):
    """Clinics whose cards have every shape, with names that try to break out of them."""
    CurrencyFactory(code="USD", per_euro="1.1")
    evil = "<script>alert(\"1\")</script> & %(name)s 100% %s 'quoted'"
    botox = TreatmentFactory(short_name="Botox & <b>more</b>", position=2)
    hair = TreatmentFactory(short_name="Hair", position=1)
    hidden = TreatmentFactory(short_name="Hidden", is_published=False)
    languages = [
        LanguageFactory(code="fr", slug="french", name="French"),
        LanguageFactory(code="en", slug="english", name="English"),
    ]
    bare = ClinicFactory(name="Bare", place=munich)
    OfferFactory(clinic=bare, treatment=hidden)
    unpriced = ClinicFactory(name=evil, place=paris, languages=languages, is_sample=True)
    OfferFactory(
        clinic=unpriced, treatment=hair, price_low=None, price_high=None, product="Stuff 100%"
    )
    full = ClinicFactory(name="Full House", place=munich, languages=languages[:1])
    for kind, days in (("licence", 3), ("licence", 1), ("premises", 2)):
        CheckFactory(clinic=full, kind=kind, checked_on=today() - datetime.timedelta(days))
    CheckFactory(clinic=full, kind="insurance", result="failed")
    CheckFactory(
        clinic=full,
        kind="qualification",
        checked_on=today() - datetime.timedelta(9),
        expires_on=today() - datetime.timedelta(1),
    )
    for profession in ("nurse", "dermatologist", "nurse"):
        PractitionerFactory(clinic=full, profession=profession)
    OfferFactory(clinic=full, treatment=botox, sessions_low=1, sessions_high=1, product="Named")
    OfferFactory(clinic=full, treatment=botox, label="second", price_low=9, price_high=9)
    OfferFactory(clinic=full, treatment=hair, price_low=None, price_high=None)
    sold = [full, bare, unpriced]
    for number, options in enumerate(
        (
            {"unit": "ml"},
            {"unit": "area", "sessions_low": 3, "sessions_high": 5, "consultation_fee": 20},
            {"price_confirmed_on": None},
            {"price_confirmed_on": today() - datetime.timedelta(200)},
            {"price_confirmed_on": today() - datetime.timedelta(400)},
        )
    ):
        clinic = ClinicFactory(name=f"Clinic {number}", place=paris)
        OfferFactory(clinic=clinic, treatment=hair, **options)
        sold.append(clinic)
    return sold


def test_a_fragment_is_what_the_template_prints(every_kind_of_clinic):
    clinics = [clinic.pk for clinic in every_kind_of_clinic]
    hair = Treatment.objects.get(short_name="Hair")
    botox = Treatment.objects.get(short_name__startswith="Botox")
    for language in ("en", "fr"):
        for currency in ("EUR", "USD"):
            for names in ((), ((hair.pk, 0),), ((botox.pk, 1),), ((botox.pk, 0), (hair.pk, 0))):
                with translation.override(language):
                    kept = fragments_of(
                        CardFragments(),
                        every_kind_of_clinic,
                        matching_offers=dict.fromkeys(clinics, names),
                        currency=currency,
                    )
                    plain = [
                        render_to_string(
                            "components/clinic_card.html",
                            {"card": clinic_card(card, names, current_rates(), today(), currency)},
                        )
                        for card in listed_clinics(clinics, today()).values()
                    ]
                assert sorted(fragment.html for fragment in kept) == sorted(plain)


def test_a_fragment_with_a_distance_is_what_the_template_prints(every_kind_of_clinic):
    here = every_kind_of_clinic[0]
    Clinic.objects.filter(pk=here.pk).update(latitude=48, longitude=2)
    fragments = CardFragments()
    for km in (0.2, 3.4, 812.7):
        kilometres = {clinic.pk: km for clinic in every_kind_of_clinic}
        found = fragments_of(fragments, every_kind_of_clinic, kilometres=kilometres)
        listed = listed_clinics(list(kilometres), today())
        for fragment, clinic in zip(found, every_kind_of_clinic, strict=True):
            card = clinic_card(listed[clinic.pk], (), current_rates(), today(), "EUR")
            words = distance_words(km, clinic == here)
            plain = {**vars(card), "distance": words}
            assert fragment.html == render_to_string("components/clinic_card.html", {"card": plain})
            assert words in fragment.html
    # A page that names no place has cards of its own.
    assert "km away" not in html_of(fragments, every_kind_of_clinic)
    assert len(fragments) == 2 * len(every_kind_of_clinic)


@pytest.mark.parametrize(
    ("km", "is_located", "words"),
    [
        (0.4, True, "Less than 1 km away, in a straight line"),
        (1.2, True, "About 1 km away, in a straight line"),
        (17.6, True, "About 18 km away, in a straight line"),
        (0.4, False, "In this town; how far away is not known"),
        (17.6, False, "About 18 km away, measured to the centre of its town"),
    ],
)
def test_a_distance_is_no_more_exact_than_what_is_known(km, is_located, words):
    assert distance_words(km, is_located) == words


def test_nothing_that_a_clinic_writes_becomes_html(every_kind_of_clinic):
    html = html_of(CardFragments(), every_kind_of_clinic)
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; %(name)s 100% %s" in html


@pytest.mark.parametrize("number", [1, 3, 30])
def test_kept_cards_ask_the_database_nothing(django_assert_num_queries, number, paris):
    clinics = [ClinicFactory(place=paris) for _ in range(number)]
    for clinic in clinics:
        OfferFactory(clinic=clinic)
    fragments = CardFragments()
    rates, pks = current_rates(), [clinic.pk for clinic in clinics]

    def ask():
        return fragments.of(pks, {}, rates, today(), "EUR", lambda _clinic: 1, {})

    with django_assert_num_queries(QUERIES_FOR_NEW_CARDS):
        new = ask()
    with django_assert_num_queries(0):
        kept = ask()
    assert kept == new
    assert [fragment.slug for fragment in kept] == [clinic.slug for clinic in clinics]


def test_only_cards_that_are_not_kept_are_read(paris):
    clinics = [ClinicFactory(place=paris, name=name) for name in ("One", "Two", "Three")]
    fragments = CardFragments()
    fragments_of(fragments, clinics[:2])
    Clinic.objects.update(name="Renamed")
    found = fragments_of(fragments, clinics[::-1])
    assert [fragment.name for fragment in found] == ["Renamed", "Two", "One"]


def test_a_card_follows_the_version_of_its_clinic():
    offer = OfferFactory(price_low=100, price_high=100)
    fragments, clinics = CardFragments(), [offer.clinic]
    assert "€100<" in html_of(fragments, clinics)
    Offer.objects.update(price_low=777, price_high=777)
    assert "€777<" in html_of(fragments, clinics, version_of=lambda _clinic: 2)
    assert "€777<" in html_of(fragments, clinics, version_of=lambda _clinic: 2)
    assert len(fragments) == 1


def test_a_card_without_a_version_is_not_kept():
    offer = OfferFactory(price_low=100, price_high=100)
    fragments, clinics = CardFragments(), [offer.clinic]
    assert "€100" in html_of(fragments, clinics, version_of=lambda _clinic: None)
    Offer.objects.update(price_low=777, price_high=777)
    assert "€777" in html_of(fragments, clinics, version_of=lambda _clinic: None)
    assert len(fragments) == 0


def change_price(offer):
    Offer.objects.filter(pk=offer.pk).update(price_low=777, price_high=777)


def change_rate(_offer):
    Currency.objects.filter(code="USD").update(per_euro=7)


def rename_treatment(offer):
    Treatment.objects.filter(pk=offer.treatment_id).update(short_name="New name")


def rename_place(offer):
    Place.objects.filter(pk=offer.clinic.place_id).update(name="New town")


def rename_country(offer):
    Country.objects.filter(pk=offer.clinic.place.country_id).update(name="New country")


def rename_clinic(offer):
    Clinic.objects.filter(pk=offer.clinic_id).update(name="New clinic")


def speak_another_language(offer):
    offer.clinic.languages.add(LanguageFactory(code="x-new", slug="new", name="New language"))


def check_licence(offer):
    CheckFactory(clinic=offer.clinic)


def hire_a_nurse(offer):
    PractitionerFactory(clinic=offer.clinic, profession="nurse")


def offer_more(offer):
    OfferFactory(clinic=offer.clinic, treatment=TreatmentFactory(short_name="Another"))


def hide_treatment(offer):
    Treatment.objects.filter(pk=offer.treatment_id).update(is_published=False)


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (change_price, "€777"),
        (change_rate, "about $700"),
        (rename_treatment, "Offers New name."),
        (rename_place, "New town, "),
        (rename_country, ", New country"),
        (rename_clinic, ">New clinic<"),
        (speak_another_language, "New language"),
        (check_licence, "Licence on the register, checked"),
        (hire_a_nurse, "Clinic says who injects: nurse"),
        (offer_more, "and 1 other offer"),
        (hide_treatment, "The clinic has not listed any treatment."),
    ],
)
def test_what_changes_in_the_database_changes_on_the_card(change, then, euro):
    CurrencyFactory(code="USD", per_euro=2)
    # A country that Babel does not know goes by its own name.
    place = PlaceFactory(country=CountryFactory(code="XQ"))
    offer = OfferFactory(clinic__place=place, currency=euro, price_low=100, price_high=100)
    fragments = CardFragments()

    def html():
        answer = search(Selection(currency="USD"), today())
        return "".join(
            fragment.html
            for fragment in fragments.of(
                answer.ids,
                answer.matching_offers,
                current_rates(),
                today(),
                "USD",
                answer.versions.get,
                answer.kilometres,
            )
        )

    before = html()
    assert html() == before
    assert then not in before
    change(offer)
    assert then in html()


def test_a_suspended_clinic_has_no_card():
    shown, suspended = ClinicFactory(), ClinicFactory()
    fragments = CardFragments()
    Clinic.objects.filter(pk=suspended.pk).update(status="suspended")
    found = fragments_of(fragments, [suspended, shown])
    assert [fragment.slug for fragment in found] == [shown.slug]
    assert len(fragments) == 1
    shown.delete()
    assert fragments_of(CardFragments(), [suspended]) == []


def test_no_clinic_is_no_query(django_assert_num_queries):
    rates = current_rates()
    with django_assert_num_queries(0):
        assert CardFragments().of([], {}, rates, today(), "EUR", lambda _clinic: 1, {}) == []


def test_languages_do_not_mix(munich):
    clinic = ClinicFactory(place=munich)
    fragments = CardFragments()
    for _ in range(2):
        with translation.override("en"):
            assert "Munich, Germany" in html_of(fragments, [clinic])
        with translation.override("fr"):
            assert "Munich, Allemagne" in html_of(fragments, [clinic])
    assert len(fragments) == 2


def test_currencies_do_not_mix(euro):
    CurrencyFactory(code="USD", per_euro=2)
    offer = OfferFactory(price_low=100, price_high=100, currency=euro)
    fragments = CardFragments()
    for _ in range(2):
        assert "about" not in html_of(fragments, [offer.clinic])
        assert "about $200 at" in html_of(fragments, [offer.clinic], currency="USD")
    assert len(fragments) == 2


def test_matching_offers_do_not_mix():
    clinic = ClinicFactory()
    one, other = (
        OfferFactory(clinic=clinic, treatment__name=name, treatment__short_name=name)
        for name in ("One", "Other")
    )
    fragments = CardFragments()
    for _ in range(2):
        assert "Offers One, Other." in html_of(fragments, [clinic])
        for offer in (one, other):
            matching = {clinic.pk: ((offer.treatment_id, 0),)}
            html = html_of(fragments, [clinic], matching_offers=matching)
            assert f"Here because: offers {offer.treatment.short_name}, in" in html
    assert len(fragments) == 3


def test_a_price_ages_with_the_days_although_nothing_changes():
    offer = OfferFactory()
    fragments = CardFragments()
    confirmed = today()
    ages = {
        0: ">confirmed ",
        181: ">price last confirmed ",
        241: ": ask the clinic",
    }
    for days, words in ages.items():
        day = confirmed + datetime.timedelta(days)
        assert words in html_of(fragments, [offer.clinic], day=day)
    assert ">confirmed " in html_of(fragments, [offer.clinic])


def test_a_check_that_ends_leaves_the_card_although_nothing_changes():
    check = CheckFactory(expires_on=today())
    fragments = CardFragments()
    assert "Licence on the register" in html_of(fragments, [check.clinic])
    tomorrow = today() + datetime.timedelta(1)
    assert "Nothing checked by us" in html_of(fragments, [check.clinic], day=tomorrow)


def test_the_best_known_price_is_shown():
    clinic = ClinicFactory()
    for days, price in ((400, 10), (1, 90), (2, 80)):
        OfferFactory(
            clinic=clinic,
            price_low=Decimal(price),
            price_high=Decimal(price),
            price_confirmed_on=today() - datetime.timedelta(days),
        )
    OfferFactory(clinic=clinic, price_low=None, price_high=None)
    html = html_of(CardFragments(), [clinic])
    assert '<p class="clinic-card__amount">€80</p>' in html
    assert "and 3 other offers" in html


def test_fragments_make_room():
    clinics = [ClinicFactory() for _ in range(4)]
    fragments = CardFragments(most=2)
    fragments_of(fragments, clinics)
    assert len(fragments) == 2
    small = CardFragments(most_bytes=5000)
    fragments_of(small, clinics)
    assert 0 < len(small) < 4
    small.clear()
    assert len(small) == 0


def test_a_list_describes_real_clinics_only():
    real, sample = ClinicFactory(name="Real", slug="real"), ClinicFactory(is_sample=True)
    found = fragments_of(CardFragments(), [sample, real])
    described = clinic_list(found, lambda path: f"https://example.org{path}")
    assert described["itemListElement"] == [
        {
            "@type": "ListItem",
            "position": 1,
            "name": "Real",
            "url": "https://example.org/clinics/real/",
        }
    ]
    assert clinic_list(found[:1], str) is None
