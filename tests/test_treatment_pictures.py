"""The pictures on a treatment's page, as words: what is drawn is also said."""

import html
import re

import pytest

from tests.factories import (
    ClaimFactory,
    ClinicFactory,
    OfferFactory,
    SideEffectFactory,
    SourceFactory,
    StatementFactory,
    TreatmentFactory,
)
from treatments.catalogue import load_catalogue
from treatments.models import Claim, SideEffect, Source, Statement

pytestmark = [pytest.mark.django_db, pytest.mark.once]

Kind, Topic, Unit, How = Source.Kind, Claim.Topic, Claim.Unit, SideEffect.HowCommon


def section(client, treatment, anchor) -> str:
    """The HTML of one section of the treatment's page, by the id of its title."""
    page = client.get(treatment.get_absolute_url()).content.decode()
    return re.search(
        rf'<section[^>]*aria-labelledby="{anchor}".*?\n      *</section>\n', page, re.S
    )[0]


def words(fragment: str) -> str:
    """The words of some HTML."""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", fragment)).split())


def says(treatment, source, low, high, **values) -> Claim:
    return ClaimFactory(treatments=[treatment], source=source, low=low, high=high, **values)


@pytest.fixture
def course():
    """A clinic tells a whole course, a guide only how many sessions."""
    treatment = TreatmentFactory()
    clinic = SourceFactory(publisher="Clinic of Lyon", kind=Kind.CLINIC)
    says(treatment, clinic, 3, 4, reference="A-1")
    says(treatment, clinic, 3, 4, reference="A-2", topic=Topic.INTERVAL, unit=Unit.WEEK)
    guide = SourceFactory(publisher="A guide", kind=Kind.GUIDE)
    says(treatment, guide, 10, 15, reference="A-3")
    says(treatment, guide, 6, 12, reference="A-4", topic=Topic.MAINTENANCE, unit=Unit.MONTH)
    return treatment


def test_what_the_timeline_draws_it_also_says(client, course):
    found = section(client, course, "course")
    for sentence in (
        "Time from the first session, in weeks Clinic of Lyon clinic "
        "3 sessions, 3 weeks apart: 6 weeks from first to last",
        "4 sessions, 4 weeks apart: 12 weeks from first to last",
        "1 source says too little to draw",
        "A guide guide without a named author does not say how far apart",
        "When it is repeated 6 to 12 months",
        "Said by A guide guide without a named author",
        "When results show not stated",
    ):
        assert sentence in words(found)
    assert found.count("<circle") == 3 + 4


def test_a_course_that_nobody_tells_whole_is_a_sentence_and_no_picture(client):
    treatment = TreatmentFactory()
    says(treatment, SourceFactory(), 10, 15)
    found = section(client, treatment, "course")
    assert "No picture: no source tells both how many sessions there are" in words(found)
    assert '<figure class="course"' not in found
    silent = section(client, TreatmentFactory(), "course")
    assert "No source that we found describes a course" in words(silent)


def test_what_is_said_in_words_of_results_is_kept(client, course):
    said = StatementFactory(treatment=course, section=Statement.Section.TIME_TO_RESULT)
    assert f"When results show {said.text} no time that can be drawn" in words(
        section(client, course, "course")
    )


def test_serious_effects_are_set_apart_with_how_common_and_how_long(client):
    treatment = TreatmentFactory()
    SideEffectFactory(treatment=treatment, name="Bruise", percent=72, duration="days")
    SideEffectFactory(
        treatment=treatment,
        name="Dead skin",
        is_serious=True,
        how_common=How.UNKNOWN,
        detail="It needs surgery.",
        sources=[SourceFactory(publisher="A regulator")],
    )
    found = section(client, treatment, "risks")
    serious, usual = found.split('data-tone="usual"')
    assert "Dead skin Not known How long: not stated It needs surgery." in words(serious)
    assert "A regulator" in words(serious)
    assert "Bruise Common: 72 of 100 people in the cited study How long: days" in words(usual)
    assert 'width="72.0%"' in usual
    assert "Bruise" not in words(serious)


def test_prices_of_listings_are_drawn_with_those_of_sources_over_them(client):
    treatment = TreatmentFactory()
    source = SourceFactory(publisher="A review")
    values = {"topic": Topic.COST, "unit": Unit.MONEY, "currency": "EUR"}
    says(treatment, source, 90, 130, per=Claim.Per.SESSION, **values)
    says(treatment, source, 250, 400, per=Claim.Per.AREA, **values)
    for price in (80, 120, 120):
        clinic = ClinicFactory(is_sample=True)
        OfferFactory(treatment=treatment, clinic=clinic, price_low=price, price_high=price)
    OfferFactory(treatment=treatment, clinic__status="suspended", price_low=1, price_high=1)
    found = words(section(client, treatment, "cost"))
    for sentence in (
        "Lowest price of one session at 3 clinics listed here: from €80 to €120",
        "A review 2020 controlled trial €90 to €130",
        "€250 to €400 for a treated area, A review: not drawn, "
        "because it is not a price of one session.",
        "Fictional sample listings are among them: their prices are invented.",
        "€120 up to €140 2",
    ):
        assert sentence in found


def test_why_answers_differ_is_explained_where_two_methods_share_a_word(client):
    treatment = TreatmentFactory()
    for n, (given, kind) in enumerate(
        [("yes", Kind.CLINIC), ("no", Kind.TRIAL), ("depends", Kind.NARRATIVE_REVIEW)]
    ):
        ClaimFactory(
            treatments=[treatment],
            source=SourceFactory(kind=kind),
            topic=Topic.MECHANISM,
            low=None,
            high=None,
            unit="",
            words=f"Words {n}.",
            question="destroys-fat-cells",
            answer=given,
        )
    found = words(section(client, treatment, "evidence"))
    assert "Two different methods hide behind one word: Words 2." in found
    assert "Yes only sellers say Words 0." in found
    assert "No Words 1." in found
    assert "It depends" not in found


def test_every_time_of_the_catalogue_keeps_the_unit_in_which_its_words_give_it():
    load_catalogue()
    units = [Unit.MINUTE, Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR]
    timed = Claim.objects.filter(unit__in=units).exclude(low=None, high=None)
    converted = []
    for claim in timed:
        named = [unit for unit in units if re.search(rf"\b{unit}(s|ly)?\b", claim.words)]
        if named and claim.unit not in named:
            converted.append(claim.reference)
    assert timed.count() > 50
    assert converted == []
