"""The pages on treatments as a patient's browser receives them."""

import datetime
import gzip
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from clinics.models import Clinic
from tests.factories import (
    AliasFactory,
    AnsweredQuestionFactory,
    BodyAreaFactory,
    ClaimFactory,
    ClinicFactory,
    ConcernFactory,
    ContraindicationFactory,
    FilmFactory,
    OfferFactory,
    RegulatorPositionFactory,
    SideEffectFactory,
    SourceFactory,
    StatementFactory,
    SubstanceFactory,
    SubstanceStatusFactory,
    TreatmentFactory,
    today,
)
from treatments.catalogue import load_catalogue
from treatments.models import Claim, Source, Statement, Treatment, TreatmentArea

# One worker makes them all, so that the catalogue is loaded once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("treatment pages")]

Kind, Section, Topic, Unit, Verdict = (
    Source.Kind,
    Statement.Section,
    Claim.Topic,
    Claim.Unit,
    Claim.Verdict,
)
DETAIL_BUDGET = 32
LIST_BUDGET = 9
GENERAL_BUDGET = 7
MOST_BYTES = 60_000
WITHOUT_END = {"area", "br", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """What a page holds: visible text, headings, ids, attributes, scripts, claims."""

    def __init__(self, html: str):
        super().__init__()
        self.html = html
        self.attributes, self.headings, self.scripts = [], [], []
        self._open, self._words = [], []
        self.feed(html)
        self.text = " ".join("".join(self._words).split())

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in WITHOUT_END:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, text):
        if self._open[-1:] == ["script"]:
            self.scripts[-1] = (self.scripts[-1][0], text)
        elif "head" not in self._open:
            self._words.append(text)

    def values(self, name) -> list[str]:
        """Values of an attribute, in order."""
        return [value for _tag, attribute, value in self.attributes if attribute == name]

    @property
    def ids(self) -> list[str]:
        return self.values("id")

    @property
    def claims(self) -> set[str]:
        """References of all claims on the page."""
        return {reference for value in self.values("data-claim") for reference in value.split()}

    @property
    def descriptions(self) -> list[dict]:
        """What the page tells machines."""
        return [json.loads(text) for _attributes, text in self.scripts]


def page(client, address) -> Page:
    response = client.get(str(address))
    assert response.status_code == 200
    return Page(response.content.decode())


def page_of(client, treatment) -> Page:
    return page(client, treatment.get_absolute_url())


def fact(found: Page, topic) -> str:
    """The words of one key fact."""
    block = re.search(rf'<div[^>]* data-fact="{topic}".*?</div>', found.html, re.S)[0]
    return Page(block).text


def section(found: Page, anchor) -> str:
    """The words of one section, by the id of its title."""
    block = re.search(rf'<section[^>]*aria-labelledby="{anchor}".*?</section>', found.html, re.S)
    return Page(block[0]).text


def says(treatment, low, high, kind=Kind.TRIAL, **values) -> Claim:
    """A claim by a source of its own."""
    source = values.pop("source", None) or SourceFactory(kind=kind)
    return ClaimFactory(treatments=[treatment], source=source, low=low, high=high, **values)


@pytest.fixture
def cellulite():
    """A treatment of whose sessions four sources speak, one of them in weeks."""
    treatment = TreatmentFactory(slug="cellulite", short_name="Cellulite")
    says(treatment, 3, 4, reference="A-1")
    says(treatment, 8, 10, Kind.CLINIC, reference="A-2")
    says(treatment, 10, 15, Kind.GUIDE, reference="A-3")
    says(treatment, 4, 6, Kind.GUIDE, reference="A-4", unit=Unit.WEEK)
    return treatment


# --- what is said, and in which order


def test_the_warning_comes_first_then_facts_risks_those_who_should_not_and_benefits(client):
    treatment = TreatmentFactory()
    warning = StatementFactory(treatment=treatment, section=Section.WARNING)
    SideEffectFactory(treatment=treatment)
    StatementFactory(treatment=treatment, section=Section.EVIDENCE)
    html = page_of(client, treatment).html
    marks = [
        warning.text,
        'class="key-facts"',
        'id="risks"',
        'id="who-not"',
        'id="evidence"',
        'id="cost"',
        'id="sources"',
    ]
    places = [html.index(mark) for mark in marks]
    assert places == sorted(places)


def test_a_treatment_without_a_warning_has_no_empty_one(client):
    assert 'class="warning"' not in page_of(client, TreatmentFactory()).html


def test_a_key_fact_spans_all_sources_and_says_that_they_disagree(client, cellulite):
    words = fact(page_of(client, cellulite), "sessions")
    assert words.startswith("Sessions 3 to 15 sessions, or 4 to 6 weeks 4 sources, they disagree")
    assert "only sellers" not in words


def test_a_key_fact_opens_to_who_says_what(client, cellulite):
    words = fact(page_of(client, cellulite), "sessions")
    for claim in cellulite.claims.all():
        assert f"{claim.words} {claim.source.name} {claim.source.get_kind_display()}" in words
    for figure in ("3 to 4 sessions", "8 to 10 sessions", "10 to 15 sessions", "4 to 6 weeks"):
        assert figure in words


def test_the_drawing_keeps_weeks_beside_the_sessions(client, cellulite):
    words = section(page_of(client, cellulite), "sessions")
    assert "These sources contradict each other, so we show each of them and no average." in words
    assert "not a number of sessions 4 to 6 weeks" in words


def test_agreeing_sources_are_not_said_to_disagree(client):
    treatment = TreatmentFactory()
    says(treatment, 3, 6)
    says(treatment, 4, 8)
    words = fact(page_of(client, treatment), "sessions")
    assert words.startswith("Sessions 3 to 8 sessions 2 sources 3 to 6 sessions")


def test_what_only_sellers_say_is_marked_so(client):
    treatment = TreatmentFactory()
    says(treatment, 4, 6, Kind.CLINIC)
    found = page_of(client, treatment)
    assert fact(found, "sessions").startswith(
        "Sessions 4 to 6 sessions 1 source, only sellers say this"
    )
    assert "Only sellers, or guides without an author, say anything" in section(found, "sessions")


@pytest.mark.parametrize(
    "topic",
    ["sessions", "interval", "session_length", "time_to_result", "maintenance", "downtime", "cost"],
)
def test_what_nobody_says_is_not_stated(client, topic):
    assert "not stated" in fact(page_of(client, TreatmentFactory()), topic)


def test_an_opinion_is_no_figure_but_is_kept_on_the_page(client):
    treatment = TreatmentFactory()
    claim = says(treatment, 4, 6, verdict=Verdict.OPINION)
    found = page_of(client, treatment)
    assert "not stated" in fact(found, "sessions")
    assert found.claims == {claim.reference}


def test_what_is_said_in_words_only_is_linked(client):
    treatment = TreatmentFactory()
    statement = StatementFactory(treatment=treatment, section=Section.DOWNTIME)
    found = page_of(client, treatment)
    assert fact(found, "downtime") == "Time off In words read"
    assert 'href="#downtime"' in found.html
    assert statement.text in section(found, "downtime")


def test_prices_are_told_apart_by_currency(client):
    treatment = TreatmentFactory()
    for currency, low, high in (("USD", 200, 600), ("USD", 200, 300), ("EUR", 250, 400)):
        says(
            treatment,
            low,
            high,
            topic=Topic.COST,
            unit=Unit.MONEY,
            currency=currency,
            per=Claim.Per.SESSION,
        )
    found = page_of(client, treatment)
    assert fact(found, "cost").startswith("Price of a session $200 to $600 2 sources")
    words = section(found, "cost")
    assert "What sources say for a session · $200 to $600" in words
    assert "What sources say for a session · €250 to €400" in words


def test_serious_risks_stand_before_usual_side_effects(client):
    treatment = TreatmentFactory()
    SideEffectFactory(treatment=treatment, name="A bruise", position=1)
    SideEffectFactory(treatment=treatment, name="Dead skin", is_serious=True, position=2)
    words = section(page_of(client, treatment), "risks")
    order = ["Serious risks", "Dead skin", "Usual side effects", "A bruise"]
    places = [words.index(name) for name in order]
    assert places == sorted(places)


def test_absolute_reasons_against_stand_before_relative_ones(client):
    treatment = TreatmentFactory()
    ContraindicationFactory(treatment=treatment, name="Blood thinners", strength="relative")
    ContraindicationFactory(treatment=treatment, name="Pregnancy", strength="absolute")
    words = section(page_of(client, treatment), "who-not")
    order = ["Do not have it", "Pregnancy", "Ask a doctor", "Blood thinners"]
    places = [words.index(name) for name in order]
    assert places == sorted(places)


def test_areas_and_concerns_are_shown_with_who_says_so(client):
    treatment = TreatmentFactory(concerns=[ConcernFactory(name="Dimpled skin")])
    link = TreatmentArea.objects.create(
        treatment=treatment, body_area=BodyAreaFactory(name="Thighs"), note="Claimed, not shown."
    )
    link.sources.add(SourceFactory(publisher="A guide"))
    words = section(page_of(client, treatment), "used-for")
    for part in ("Thighs", "Claimed, not shown.", "A guide", "Dimpled skin"):
        assert part in words


def test_every_claim_is_on_the_page_and_no_other(client, cellulite):
    wrong = says(cellulite, None, None, unit="", topic=Topic.NAME, verdict=Verdict.UNSUPPORTED)
    says(TreatmentFactory(), 1, 2, reference="B-1")
    expected = {"A-1", "A-2", "A-3", "A-4", wrong.reference}
    assert page_of(client, cellulite).claims == expected


def test_what_is_false_stands_beside_what_is_known_and_its_sources(client):
    treatment = TreatmentFactory()
    says(
        treatment,
        None,
        None,
        Kind.GUIDE,
        unit="",
        topic=Topic.PERMANENCE,
        words="It lasts for ever.",
        verdict=Verdict.FALSE,
        known="It does not.",
        checked_against=[SourceFactory(publisher="Reviewers")],
    )
    words = section(page_of(client, treatment), "elsewhere")
    assert "It lasts for ever. false" in words
    assert re.search(r"What is known: It does not\. .*Reviewers", words)


def test_a_question_with_different_answers_is_open(client):
    treatment = TreatmentFactory()
    for kind, given in ((Kind.GUIDE, "yes"), (Kind.TRIAL, "unproven")):
        coded = {"question": "is-permanent", "answer": given, "topic": Topic.PERMANENCE}
        says(treatment, None, None, kind, unit="", **coded)
    words = section(page_of(client, treatment), "evidence")
    assert "Is the result permanent? sources disagree Not proven" in words


def test_every_source_of_the_page_is_listed_once(client):
    treatment = TreatmentFactory()
    names = ["claimed", "checked", "stated", "effect", "status", "alias"]
    sources = {name: SourceFactory(title=f"Source that {name}") for name in names}
    says(treatment, 3, 4, source=sources["claimed"], checked_against=[sources["checked"]])
    StatementFactory(treatment=treatment, sources=[sources["stated"], sources["claimed"]])
    SideEffectFactory(treatment=treatment, sources=[sources["effect"]])
    AliasFactory(treatment=treatment, sources=[sources["alias"]])
    substance = SubstanceFactory()
    treatment.substances.add(substance)
    SubstanceStatusFactory(substance=substance, sources=[sources["status"]])
    found = page_of(client, treatment)
    listed = re.findall(r'<li class="source-list__item">\s*<a[^>]*>([^<]*)<', found.html)
    assert sorted(listed) == sorted(source.title for source in sources.values())
    assert "1 claim, 6 sources" in found.text


@pytest.mark.parametrize(("days", "overdue"), [(-1, True), (0, False), (30, False)])
def test_an_overdue_review_is_said(client, days, overdue):
    due = today() + datetime.timedelta(days=days)
    treatment = TreatmentFactory(
        last_reviewed=due - datetime.timedelta(days=365),
        next_review_due=due,
        reviewed_by="Dr A. Example, dermatologist",
    )
    words = page_of(client, treatment).text
    assert ("review overdue" in words) == overdue
    assert "Dr A. Example, dermatologist" in words


def test_a_page_that_nobody_reviewed_says_so(client):
    assert "Not reviewed yet" in page_of(client, TreatmentFactory()).text


# --- clinics that offer it


def test_only_published_clinics_are_counted_beside_a_treatment(client, paris, istanbul):
    treatment = TreatmentFactory(slug="cellulite")
    for place, status, price in (
        (paris, Clinic.Status.PUBLISHED, 100),
        (istanbul, Clinic.Status.PUBLISHED, 120),
        (istanbul, Clinic.Status.DRAFT, 10),
        (paris, Clinic.Status.SUSPENDED, 900),
    ):
        clinic = ClinicFactory(place=place, status=status)
        OfferFactory(clinic=clinic, treatment=treatment, price_low=price, price_high=price)
    found = page_of(client, treatment)
    card = Page(re.search(r'<aside class="offers-card".*?</aside>', found.html, re.S)[0])
    assert "2 in 2 countries €100 to €120 a session, 2 prices" in card.text
    assert f"{reverse('clinic-list')}?treatment=cellulite" in card.values("href")
    listed = page(client, reverse("treatment-list"))
    assert re.search(r"Clinics listed ?2 for", listed.text)


def test_a_treatment_that_no_clinic_offers_says_so(client):
    assert "None listed" in page_of(client, TreatmentFactory()).text


def test_sample_listings_among_the_counted_are_said_to_be_fictional(client):
    offer = OfferFactory(clinic=ClinicFactory(is_sample=True))
    assert "Fictional sample listings are among them" in page_of(client, offer.treatment).text
    assert "ample" not in page_of(client, TreatmentFactory()).text


def test_a_treatment_for_comparison_is_not_sought_at_clinics(client):
    surgery = TreatmentFactory(kind=Treatment.Kind.COMPARISON, short_name="Liposuction")
    found = page_of(client, surgery)
    assert "offers-card" not in found.html
    assert "What clinics listed here ask" not in found.text
    (therapy,) = (d["about"] for d in found.descriptions if d["@type"] == "MedicalWebPage")
    assert therapy["@type"] == "MedicalProcedure"
    other = page_of(client, TreatmentFactory())
    assert "Read the page on Liposuction" in section(other, "alternatives")


# --- what must not show


def test_an_unpublished_treatment_shows_nowhere(client, cellulite):
    source = SourceFactory(slug="shared")
    area, concern = BodyAreaFactory(name="Secret area"), ConcernFactory(name="Secret concern")
    hidden = TreatmentFactory(
        slug="hidden",
        name="Secret mesotherapy",
        short_name="Secret",
        kind=Treatment.Kind.COMPARISON,
        is_published=False,
        body_areas=[area],
        concerns=[concern],
    )
    SideEffectFactory(treatment=hidden, name="Secret effect", sources=[source])
    ContraindicationFactory(treatment=hidden, name="Secret reason", sources=[source])
    RegulatorPositionFactory(treatment=hidden, position_text="Secret position", sources=[source])
    AliasFactory(treatment=hidden, name="Secret alias", sources=[source])
    StatementFactory(treatment=hidden, text="Secret statement", sources=[source])
    says(hidden, 3, 4, source=source, words="Secret claim")
    assert client.get(hidden.get_absolute_url()).status_code == 404
    for address in (
        reverse("home"),
        reverse("treatment-list"),
        reverse("mesotherapy"),
        reverse("source-list"),
        source.get_absolute_url(),
        cellulite.get_absolute_url(),
        "/sitemap-treatments.xml",
    ):
        html = client.get(address).content.decode()
        assert "ecret" not in html
        assert "/hidden/" not in html


def test_a_claim_on_a_published_treatment_too_keeps_its_place(client):
    source = SourceFactory()
    both = [TreatmentFactory(), TreatmentFactory(is_published=False), TreatmentFactory()]
    claim = ClaimFactory(source=source, treatments=both)
    found = page(client, source.get_absolute_url())
    assert found.values("data-claim") == [claim.reference]


def test_pages_only_answer_to_reading(client, cellulite):
    assert client.post(cellulite.get_absolute_url()).status_code == 405
    assert client.get("/treatments/nothing/").status_code == 404


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", '"><img src=x onerror=a>'])
def test_markup_in_what_editors_write_is_text(client, text):
    treatment = TreatmentFactory(name=f"N {text}")
    says(treatment, 3, 4, words=f"C {text}", qualifier=f"Q {text}"[:200], known=f"K {text}")
    StatementFactory(treatment=treatment, text=f"S {text}", section=Section.SUMMARY)
    SideEffectFactory(treatment=treatment, name=f"E {text}", detail=f"D {text}")
    AliasFactory(treatment=treatment, name=f"A {text}")
    for address in (treatment.get_absolute_url(), reverse("treatment-list")):
        found = page(client, address)
        assert f"S {text}" in found.text
        assert not {tag for tag, name, _value in found.attributes if name == "onerror"}
        assert {attributes["type"] for attributes, _text in found.scripts} == {
            "application/ld+json"
        }


# --- what machines are told


def words_of(description):
    """Every piece of text in a description for machines, addresses and types left out."""
    if isinstance(description, dict):
        for key, value in description.items():
            if key[0] != "@" and key not in ("url", "item", "lastReviewed", "medicalAudience"):
                yield from words_of(value)
    elif isinstance(description, list):
        for value in description:
            yield from words_of(value)
    elif isinstance(description, str):
        yield " ".join(description.split())


def assert_machines_are_told_what_is_shown(found: Page):
    for description in found.descriptions:
        for words in words_of(description):
            assert words in found.text


def test_machines_are_told_what_the_page_shows(client):
    treatment = TreatmentFactory(
        name="Mesotherapy for cellulite",
        body_areas=[BodyAreaFactory(name="Thighs")],
        last_reviewed=datetime.date(2026, 11, 2),
    )
    AliasFactory(treatment=treatment, name="MesoSculpting")
    StatementFactory(treatment=treatment, text="Small injections.", section=Section.SUMMARY)
    ContraindicationFactory(treatment=treatment, name="Pregnancy")
    SideEffectFactory(treatment=treatment, name="A bruise")
    SideEffectFactory(treatment=treatment, name="Dead skin", is_serious=True)
    source = SourceFactory(title="A trial")
    says(treatment, 3, 4, source=source)
    found = page_of(client, treatment)
    about, trail = found.descriptions
    url = f"http://testserver{treatment.get_absolute_url()}"
    assert about == {
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "name": "Mesotherapy for cellulite",
        "description": "Small injections.",
        "url": url,
        "lastReviewed": "2026-11-02",
        "medicalAudience": {"@type": "MedicalAudience", "audienceType": "Patient"},
        "about": {
            "@type": "MedicalTherapy",
            "name": "Mesotherapy for cellulite",
            "alternateName": ["MesoSculpting"],
            "bodyLocation": ["Thighs"],
            "contraindication": ["Pregnancy"],
            "adverseOutcome": [{"@type": "MedicalEntity", "name": "A bruise"}],
            "seriousAdverseOutcome": [{"@type": "MedicalEntity", "name": "Dead skin"}],
        },
        "citation": [{"@type": "CreativeWork", "name": "A trial"}],
    }
    assert "Reviewed 2 Nov 2026" in found.text
    assert [step["name"] for step in trail["itemListElement"]] == [
        "Home",
        "Treatments",
        treatment.short_name,
    ]
    assert trail["itemListElement"][-1]["item"] == url
    assert_machines_are_told_what_is_shown(found)


def test_machines_are_told_nothing_of_what_is_missing(client):
    treatment = TreatmentFactory()
    about, _trail = page_of(client, treatment).descriptions
    assert set(about) == {"@context", "@type", "name", "url", "medicalAudience", "about"}
    assert about["about"] == {"@type": "MedicalTherapy", "name": treatment.name}


def test_the_list_for_machines_is_the_list_that_is_shown(client):
    TreatmentFactory.create_batch(2)
    TreatmentFactory(needles=Treatment.Needles.NO)
    found = page(client, f"{reverse('treatment-list')}?needles=yes")
    (listed,) = found.descriptions
    addresses = [
        step["url"].removeprefix("http://testserver") for step in listed["itemListElement"]
    ]
    slugs = found.values("data-treatment")
    assert addresses == [reverse("treatment", args=[slug]) for slug in slugs]
    assert len(slugs) == 2
    assert_machines_are_told_what_is_shown(found)


# --- queries


def whole_treatment(number: int) -> Treatment:
    """A treatment with so many of everything that its page can print."""
    treatment = TreatmentFactory(
        body_areas=BodyAreaFactory.create_batch(number),
        concerns=ConcernFactory.create_batch(number),
        substances=SubstanceFactory.create_batch(number),
    )
    for link in (*treatment.area_links.all(), *treatment.concern_links.all()):
        link.sources.add(SourceFactory())
    for link in treatment.substance_links.all():
        link.sources.add(SourceFactory())
        SubstanceStatusFactory(substance=link.substance, sources=[SourceFactory()])
    for n in range(number):
        says(treatment, n, n + 1, checked_against=SourceFactory.create_batch(2))
        says(treatment, None, None, unit="", topic=Topic.EVIDENCE)
        for make in (
            AliasFactory,
            StatementFactory,
            SideEffectFactory,
            ContraindicationFactory,
            RegulatorPositionFactory,
            AnsweredQuestionFactory,
        ):
            make(treatment=treatment, sources=SourceFactory.create_batch(2))
        OfferFactory(treatment=treatment)
        FilmFactory(treatment=treatment)
    return treatment


@pytest.mark.parametrize("number", [1, 3])
def test_a_treatment_costs_the_same_queries_with_one_of_everything_and_three(
    client, django_assert_num_queries, number
):
    treatment = whole_treatment(number)
    with django_assert_num_queries(DETAIL_BUDGET):
        page_of(client, treatment)


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_queries_for_one_treatment_and_three(
    client, django_assert_num_queries, number
):
    for _ in range(number):
        whole_treatment(number)
    with django_assert_num_queries(LIST_BUDGET):
        page(client, f"{reverse('treatment-list')}?needles=yes&sessions=1-to-3")


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_on_the_method_costs_the_same_queries_for_one_claim_and_three(
    client, django_assert_num_queries, number
):
    for _ in range(number):
        whole_treatment(1)
        ClaimFactory(is_general=True, checked_against=[SourceFactory()])
        StatementFactory(treatment=None, sources=[SourceFactory()])
    with django_assert_num_queries(GENERAL_BUDGET):
        page(client, reverse("mesotherapy"))


def test_the_page_on_the_method_keeps_what_is_general_and_what_names_no_treatment(client):
    ClaimFactory(reference="of-one", treatments=[TreatmentFactory()])
    ClaimFactory(reference="of-both", treatments=[TreatmentFactory()], is_general=True)
    ClaimFactory(reference="of-none")
    found = page(client, reverse("mesotherapy"))
    assert sorted(found.values("data-claim")) == ["of-both", "of-none"]


# --- the real catalogue


@pytest.fixture(scope="module")
def shipped(django_db_setup, django_db_blocker):
    """Every page that the shipped catalogue makes, and where its claims belong."""
    client, pages = Client(), {}

    def read(address):
        pages[address] = page(client, address)
        return address

    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue()
        claims = Claim.objects.select_related("source").prefetch_related("treatments")
        found = SimpleNamespace(
            pages=pages,
            treatments=[read(t.get_absolute_url()) for t in Treatment.objects.published()],
            general=read(reverse("mesotherapy")),
            lists=[read(reverse(name)) for name in ("treatment-list", "source-list", "home")],
            sources=[
                read(source.get_absolute_url())
                for source in Source.objects.filter(claims__isnull=False).distinct()
            ],
            claims={claim.reference: claim.source.get_absolute_url() for claim in claims},
            of_treatment={
                treatment.get_absolute_url(): {c.reference for c in treatment.claims.all()}
                for treatment in Treatment.objects.published()
            },
        )
        transaction.set_rollback(True)
    return found


def test_all_claims_of_the_founding_documents_are_on_the_pages_for_patients(shipped):
    founding = {reference for reference in shipped.claims if re.match(r"S00\d-\d+$", reference)}
    assert len(founding) == 249
    shown = set().union(
        *(shipped.pages[address].claims for address in (*shipped.treatments, shipped.general))
    )
    assert founding - shown == set()


def test_every_claim_is_on_the_page_of_its_source_and_of_no_other(shipped):
    for address in shipped.sources:
        own = {reference for reference, source in shipped.claims.items() if source == address}
        assert shipped.pages[address].claims == own


def test_every_claim_is_on_the_pages_of_its_treatments(shipped):
    for address, references in shipped.of_treatment.items():
        assert shipped.pages[address].claims == references


def test_the_page_on_cellulite_shows_each_number_of_sessions(shipped):
    cellulite = shipped.pages[reverse("treatment", args=["cellulite"])]
    assert re.match(
        r"Sessions 3 to 15 sessions or more, or .*? \d+ sources, they disagree",
        fact(cellulite, "sessions"),
    )
    words = section(cellulite, "sessions")
    for figure in ("3 to 4 sessions", "8 to 10 sessions", "10 to 15 sessions"):
        assert figure in words
    assert "not a number of sessions 4 to 6 weeks" in words


def test_no_page_speaks_of_how_the_catalogue_was_made(shipped):
    for address, found in shipped.pages.items():
        assert not re.search(r"\bseeds?\b", found.html, re.I), address


def test_every_page_has_one_main_heading_and_skips_no_level(shipped):
    for address, found in shipped.pages.items():
        assert found.headings.count(1) == 1, address
        assert found.headings[0] == 1, address
        for before, after in pairwise(found.headings):
            assert after <= before + 1, (address, found.headings)


def test_no_page_uses_an_id_twice_or_points_to_one_that_is_missing(shipped):
    for address, found in shipped.pages.items():
        assert len(found.ids) == len(set(found.ids)), address
        pointed = {href[1:] for href in found.values("href") if re.match("#.", href)}
        for name in ("aria-labelledby", "aria-describedby", "for", "form"):
            pointed |= {part for value in found.values(name) for part in value.split()}
        assert pointed <= set(found.ids), address


def test_no_page_holds_style_or_script_that_the_browser_would_refuse(shipped):
    for address, found in shipped.pages.items():
        names = {name for _tag, name, _value in found.attributes}
        assert not {name for name in names if name == "style" or name.startswith("on")}, address
        assert "<style" not in found.html, address
        for attributes, text in found.scripts:
            is_own_file = attributes.get("src", "").startswith("/static/js/") and not text.strip()
            assert is_own_file or attributes.get("type") == "application/ld+json", address


def test_machines_are_told_no_more_of_the_catalogue_than_readers(shipped):
    for address in shipped.treatments:
        assert len(shipped.pages[address].descriptions) == 2
        assert_machines_are_told_what_is_shown(shipped.pages[address])


def test_the_page_of_a_treatment_is_light_enough_for_a_phone(shipped):
    for address in shipped.treatments:
        assert len(gzip.compress(shipped.pages[address].html.encode())) <= MOST_BYTES, address


def test_the_shipped_treatments_are_all_listed(shipped):
    listed = shipped.pages[reverse("treatment-list")].values("data-treatment")
    assert [reverse("treatment", args=[slug]) for slug in listed] == shipped.treatments
