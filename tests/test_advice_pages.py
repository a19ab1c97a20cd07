"""What to check before booking, reasons against to tick in private, and signs after treatment."""

import re
from html import unescape

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.factories import (
    ClinicFactory,
    ContraindicationFactory,
    RegulatorPositionFactory,
    SourceFactory,
    StatementFactory,
    TreatmentFactory,
)
from treatments.catalogue import load_catalogue
from treatments.models import Contraindication, Source, Statement

# One worker makes them all, so that the catalogue is loaded once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("advice")]
Section, Strength = Statement.Section, Contraindication.Strength
FLAGS, BOOKING = "/after-treatment/", "/before-you-book/"
CHECKS = [
    *(Section.CHECK_PERSON, Section.CHECK_PLACE, Section.CHECK_NEEDLES, Section.CHECK_PRODUCT),
    *(Section.CHECK_TALK, Section.CHECK_PLAN, Section.CHECK_TROUBLE, Section.CHECK_AFTER),
]
SIGNS = [Section.EMERGENCY, Section.SEE_DOCTOR, Section.REPORT]


def read(client, address) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return unescape(response.content.decode())


def item(html, words) -> str:
    """The innermost list item that holds the words."""
    found = re.findall(rf"<li[^>]*>(?:(?!<li).)*?{re.escape(words)}.*?</li>", html, re.S)
    assert found, words
    return found[-1]


def general(section, **values):
    return StatementFactory(treatment=None, section=section, **values)


def reasons_page(client, treatment) -> str:
    return read(client, reverse("is-it-for-me", args=[treatment.slug]))


def test_the_most_urgent_signs_come_first_whatever_the_order_of_entry(client):
    for section in reversed(SIGNS):
        general(section, text=f"Sign: {section.value}.")
    html = read(client, FLAGS)
    places = [html.index(f"Sign: {section.value}.") for section in SIGNS]
    assert places == sorted(places)
    assert html.index("Call the emergency number") < places[0]


@pytest.mark.parametrize(
    ("address", "section"),
    [
        *((FLAGS, section) for section in SIGNS),
        *((BOOKING, section) for section in (*CHECKS, Section.WALK_AWAY)),
    ],
)
def test_every_line_names_its_sources_or_is_said_to_be_ours(client, address, section):
    source = SourceFactory(publisher="An authority")
    general(section, text="A line with a source.", sources=[source])
    general(section, text="A line of our own.", is_ours=True)
    html = read(client, address)
    sourced, ours = item(html, "A line with a source."), item(html, "A line of our own.")
    assert f'href="{source.get_absolute_url()}"' in sourced
    assert "our own" not in re.sub("A line.*?[.]", "", sourced)
    assert re.search("our own (prudence|wording)", ours)
    assert "/sources/" not in ours


@pytest.mark.parametrize("address", [FLAGS, BOOKING])
def test_what_is_said_of_one_treatment_stands_on_its_own_page_only(client, address):
    for section in (*SIGNS, *CHECKS, Section.WALK_AWAY):
        StatementFactory(section=section, text="Of one treatment.")
    assert "Of one treatment." not in read(client, address)


def test_an_authority_is_named_with_its_own_page_and_never_with_a_seller(client):
    own = SourceFactory(kind=Source.Kind.REGULATOR, publisher="Own words")
    shop = SourceFactory(kind=Source.Kind.CLINIC, publisher="A shop")
    RegulatorPositionFactory(country="BR", authority="ANVISA", sources=[own, shop])
    RegulatorPositionFactory(
        country="PE", authority="Hidden", treatment=TreatmentFactory(is_published=False)
    )
    html = read(client, FLAGS)
    assert own.get_absolute_url() in item(html, "Brazil:")
    assert "ANVISA" in item(html, "Brazil:")
    assert "A shop" not in html
    assert "Peru" not in html


def test_the_list_before_booking_follows_a_first_visit(client):
    for section in (Section.WALK_AWAY, *reversed(CHECKS)):
        general(section, text=f"Check: {section.value}.")
    html = read(client, BOOKING)
    places = [html.index(f"Check: {section.value}.") for section in (*CHECKS, Section.WALK_AWAY)]
    assert places == sorted(places)
    assert html.count('type="checkbox"') == len(CHECKS)


def test_strong_reasons_stand_apart_from_those_to_ask_about(client):
    treatment = TreatmentFactory()
    for strength, name in ((Strength.RELATIVE, "Fever"), (Strength.ABSOLUTE, "Pregnancy")):
        source = SourceFactory(publisher=f"Label on {name}")
        ContraindicationFactory(
            treatment=treatment,
            strength=strength,
            name=name,
            detail=f"Only {name}.",
            sources=[source],
        )
    ContraindicationFactory(name="Of another treatment")
    html = reasons_page(client, treatment)
    strong, other = re.findall(
        r'<ul class="tick-list" data-strength="(?:strong|other)">.*?</ul>', html, re.S
    )
    for part, words, missing in ((strong, "Pregnancy", "Fever"), (other, "Fever", "Pregnancy")):
        assert all(said in part for said in (words, f"Only {words}.", f"Label on {words}"))
        assert missing not in part
    assert "Of another treatment" not in html


def test_what_is_ticked_has_no_way_out_of_the_page(client):
    treatment = TreatmentFactory()
    ContraindicationFactory(treatment=treatment)
    general(Section.CHECK_PERSON)
    for html in (reasons_page(client, treatment), read(client, BOOKING)):
        inputs = re.findall(r"<input[^>]*>", html)
        assert inputs
        assert "<form" not in html
        assert all('autocomplete="off"' in field and " name=" not in field for field in inputs)


def test_without_a_reason_the_page_says_that_silence_is_not_safety(client):
    html = reasons_page(client, TreatmentFactory())
    assert "<input" not in html
    assert "No source that we read for this page names a reason against it." in html
    assert "That does not mean that it is right for everyone." in html


def test_an_unpublished_treatment_has_no_list(client):
    treatment = TreatmentFactory(is_published=False)
    ContraindicationFactory(treatment=treatment)
    assert client.get(reverse("is-it-for-me", args=[treatment.slug])).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_each_page_costs_the_same_queries_with_one_of_everything_and_three(
    client, django_assert_num_queries, number
):
    treatment = TreatmentFactory()
    for _ in range(number):
        RegulatorPositionFactory(sources=SourceFactory.create_batch(number))
        ContraindicationFactory(treatment=treatment, sources=SourceFactory.create_batch(number))
        for section in (*SIGNS, *CHECKS, Section.WALK_AWAY):
            general(section, sources=SourceFactory.create_batch(number))
        for section in (Section.NOT_FOR, Section.CONTRAINDICATIONS):
            StatementFactory(
                treatment=treatment, section=section, sources=SourceFactory.create_batch(number)
            )
    for address, queries in (
        (FLAGS, 5),
        (BOOKING, 2),
        (reverse("is-it-for-me", args=[treatment.slug]), 5),
    ):
        with django_assert_num_queries(queries):
            read(client, address)


def test_a_treatment_and_a_clinic_lead_to_the_advice(client):
    treatment = TreatmentFactory()
    listing = f'href="{reverse("is-it-for-me", args=[treatment.slug])}"'
    assert listing not in read(client, treatment.get_absolute_url())
    ContraindicationFactory(treatment=treatment)
    html = read(client, treatment.get_absolute_url())
    risks = re.search(r'<section[^>]*aria-labelledby="risks".*?</section>', html, re.S)[0]
    questions = re.search(r'<section[^>]*aria-labelledby="questions".*?</section>', html, re.S)[0]
    assert listing in html
    assert f'href="{FLAGS}"' in risks
    assert f'href="{BOOKING}"' in questions
    clinic = read(client, ClinicFactory().get_absolute_url())
    contact = re.search(r'<section[^>]*aria-labelledby="contact".*?</section>', clinic, re.S)[0]
    assert f'href="{BOOKING}"' in contact


def test_a_source_leads_to_the_page_that_draws_on_it(client):
    source = SourceFactory()
    own = StatementFactory(sources=[source], text="Of one treatment.")
    expected = {
        "Of one treatment.": own.treatment.get_absolute_url(),
        "A sign.": FLAGS,
        "A check.": BOOKING,
        "A reason to leave.": BOOKING,
        "On the method.": reverse("mesotherapy"),
    }
    general(Section.EMERGENCY, sources=[source], text="A sign.")
    general(Section.CHECK_PLAN, sources=[source], text="A check.")
    general(Section.WALK_AWAY, sources=[source], text="A reason to leave.")
    general(Section.SUMMARY, sources=[source], text="On the method.")
    html = read(client, source.get_absolute_url())
    found = {words: re.findall('href="([^"]*)"', item(html, words)) for words in expected}
    assert found == {words: [address] for words, address in expected.items()}


@pytest.fixture(scope="module")
def catalogue_pages(django_db_setup, django_db_blocker):
    """The general pages of the real catalogue, and its statements on no treatment."""
    client = Client()
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue()
        pages = {
            name: read(client, address) for name, address in (("after", FLAGS), ("before", BOOKING))
        }
        pages["method"] = read(client, reverse("mesotherapy"))
        statements = list(Statement.objects.filter(treatment=None).prefetch_related("sources"))
        transaction.set_rollback(True)
    return pages, statements


def test_every_general_statement_of_the_catalogue_is_on_a_page(catalogue_pages):
    pages, statements = catalogue_pages
    assert [s.text for s in statements if not any(s.text in html for html in pages.values())] == []


def test_every_line_of_advice_has_a_source_or_is_ours(catalogue_pages):
    _pages, statements = catalogue_pages
    advice = [s for s in statements if s.section in (*SIGNS, *CHECKS, Section.WALK_AWAY)]
    assert {s.section for s in advice} == {*SIGNS, *CHECKS, Section.WALK_AWAY}
    assert [s.text for s in advice if not s.sources.all() and not s.is_ours] == []
