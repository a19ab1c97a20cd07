"""The pages on sources: who says it, what they gain, and all that we take from them."""

import re
from html import unescape

import pytest
from django.urls import reverse

from tests.factories import (
    AliasFactory,
    AnsweredQuestionFactory,
    BodyAreaFactory,
    ClaimFactory,
    ConcernFactory,
    ContraindicationFactory,
    FilmFactory,
    RegulatorPositionFactory,
    SideEffectFactory,
    SourceFactory,
    StatementFactory,
    SubstanceFactory,
    SubstanceStatusFactory,
    TreatmentFactory,
)
from treatments.models import Claim, Source, Treatment

pytestmark = pytest.mark.django_db

Kind = Source.Kind
LIST_BUDGET = 1
DETAIL_BUDGET = 16
NOTHING_TAKEN = "No page draws on it at present."


def page(client, address) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def page_of(client, source) -> str:
    return page(client, source.get_absolute_url())


def text(html) -> str:
    """The visible words of a piece of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def facts(html) -> dict[str, str]:
    """What is said of the source itself, by its term."""
    found = re.findall(r'<dt class="facts__term">(.*?)</dt><dd[^>]*>(.*?)</dd>', html, re.S)
    found += re.findall(
        r'<dt class="facts__term">([^<]*)</dt>\s+<dd class="facts__value">(.*?)</dd>', html, re.S
    )
    return {text(term): text(value) for term, value in found}


def taken(html) -> list[str]:
    """Everything under "What we write with its help", with where it stands."""
    block = re.search(r'<section[^>]*aria-labelledby="statements".*?</section>', html, re.S)
    return [text(item) for item in re.findall(r"<li.*?</li>", block[0], re.S)] if block else []


def support_everything(treatment: Treatment, source: Source):
    """Let the source stand behind one of each thing that a treatment's page says."""
    area, concern = BodyAreaFactory(name="Thighs"), ConcernFactory(name="Dimples")
    substance = SubstanceFactory(name="Lecithin")
    treatment.body_areas.add(area)
    treatment.concerns.add(concern)
    treatment.substances.add(substance)
    treatment.area_links.get(body_area=area).sources.add(source)
    treatment.concern_links.get(concern=concern).sources.add(source)
    treatment.substance_links.get(substance=substance).sources.add(source)
    SubstanceStatusFactory(substance=substance, sources=[source])
    AliasFactory(treatment=treatment, name="Lipo shots", sources=[source])
    StatementFactory(treatment=treatment, text="Many injections.", sources=[source])
    SideEffectFactory(treatment=treatment, name="A bruise", sources=[source])
    ContraindicationFactory(treatment=treatment, name="Pregnancy", sources=[source])
    RegulatorPositionFactory(treatment=treatment, position_text="Banned.", sources=[source])
    AnsweredQuestionFactory(treatment=treatment, text_published="Is it sore?", sources=[source])
    FilmFactory(treatment=treatment, title="One session", source=source)


# --- the list


def test_sources_are_grouped_by_kind_the_strongest_first(client):
    for kind in reversed(Kind):
        SourceFactory(kind=kind, title=f"A {kind}", publisher="Same")
    SourceFactory(kind=Kind.TRIAL, title="Another trial", publisher="Same")
    html = page(client, reverse("source-list"))
    titles = [text(title) for title in re.findall(r"<h2.*?</h2>", html, re.S)]
    counts = {kind: 2 if kind == Kind.TRIAL else 1 for kind in Kind}
    assert titles == [
        f"{str(kind.label)[0].upper()}{str(kind.label)[1:]} ({counts[kind]})" for kind in Kind
    ]
    listed = [text(title) for title in re.findall(r"<h3.*?</h3>", html, re.S)]
    by_rank = [f"A {kind}" for kind in Kind]
    by_rank.insert(by_rank.index(f"A {Kind.TRIAL}") + 1, "Another trial")
    assert listed == by_rank
    assert "13 sources" in text(html)


def test_the_list_says_what_a_source_has_to_gain(client):
    SourceFactory(interest="Sells the treatment.")
    assert "to gain: Sells the treatment." in text(page(client, reverse("source-list")))


def test_a_kind_without_a_source_has_no_heading(client):
    SourceFactory(kind=Kind.CLINIC)
    assert page(client, reverse("source-list")).count("<h2") == 1


def test_the_list_says_how_much_public_pages_take_from_each_source(client):
    source = SourceFactory()
    shown, hidden = TreatmentFactory(), TreatmentFactory(is_published=False)
    ClaimFactory(source=source, treatments=[shown, hidden])
    ClaimFactory(source=source)
    ClaimFactory(source=source, treatments=[hidden])
    for treatment in (shown, None, hidden):
        StatementFactory(treatment=treatment, sources=[source])
    words = text(page(client, reverse("source-list")))
    assert "2 claims , 2 statements" in words or "2 claims, 2 statements" in words


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_queries_for_one_source_and_three(
    client, django_assert_num_queries, number
):
    for _ in range(number):
        support_everything(TreatmentFactory(), SourceFactory())
    with django_assert_num_queries(LIST_BUDGET):
        page(client, reverse("source-list"))


# --- one source


def test_a_source_says_what_it_gains_how_we_read_it_and_how_far_we_trust_it(client):
    source = SourceFactory(
        kind=Kind.CLINIC,
        interest="Sells the treatment.",
        reading=Source.Reading.REPORT,
        confidence=Source.Confidence.LOW,
        note="Only its summary was read.",
        study_design="advert",
    )
    html = page_of(client, source)
    assert facts(html) == {
        "What it has to gain": "Sells the treatment.",
        "How we read it": "Read through a report of it",
        "How far we trust it": "Low",
        "Limits": "Only its summary was read.",
        "Where to find it": source.url,
    }
    assert f"clinic {source.publisher}, 2020 · advert" in text(html)


def test_gaps_of_a_source_are_said(client):
    html = page_of(client, SourceFactory(publisher="", year=None, url="", interest=""))
    assert facts(html)["What it has to gain"] == "not stated"
    assert facts(html)["Where to find it"] == "no address"
    assert "Limits" not in facts(html)
    assert "no author named, undated" in text(html)


def test_a_date_that_is_no_year_is_shown_as_the_source_gives_it(client):
    html = page_of(client, SourceFactory(publisher="A", year=None, dated="about 2005"))
    assert "A, about 2005" in text(html)


def test_addresses_lead_out_without_a_recommendation(client):
    source = SourceFactory(
        url="https://example.org/a?b=1&c=2",
        other_urls="https://example.org/copy\nhttps://example.org/report",
    )
    html = page_of(client, source)
    links = re.findall(r'<a class="source-address" href="([^"]*)" rel="([^"]*)">', html)
    assert [unescape(href) for href, _rel in links] == [source.url, *source.addresses_of_copies]
    assert {rel for _href, rel in links} == {"noopener nofollow"}


def test_everything_taken_from_a_source_is_listed_with_its_treatment(client):
    source = SourceFactory()
    support_everything(TreatmentFactory(short_name="Fat"), source)
    StatementFactory(treatment=None, text="In general.", sources=[source])
    assert sorted(taken(page_of(client, source))) == sorted(
        [
            "Many injections. In short · Fat",
            "In general. In short · Mesotherapy in general",
            "Banned. Regulators · Fat",
            "A bruise Side effects · Fat",
            "Pregnancy Who should not have it · Fat",
            "Lecithin. What may be in the syringe · Fat",
            "Lecithin, France: not approved. For any use under the skin. Status of a substance",
            "Thighs Area treated · Fat",
            "Dimples What it is wanted for · Fat",
            "Lipo shots Another name · Fat",
            "Is it sore? Answer to a reader · Fat",
            "One session Film · Fat",
        ]
    )


def test_what_other_sources_support_is_not_listed(client):
    support_everything(TreatmentFactory(), SourceFactory())
    html = page_of(client, SourceFactory())
    assert taken(html) == []
    assert NOTHING_TAKEN in html


def test_claims_stand_under_their_topics_with_their_verdict(client):
    source = SourceFactory()
    for topic, reference in ((Claim.Topic.COST, "A-2"), (Claim.Topic.SESSIONS, "A-1")):
        ClaimFactory(source=source, reference=reference, topic=topic)
    ClaimFactory(reference="B-1")
    html = page_of(client, source)
    assert re.findall(r'data-claim="([^"]+)"', html) == ["A-1", "A-2"]
    assert [text(title) for title in re.findall(r"<h3.*?</h3>", html)] == [
        "Number of sessions",
        "Cost",
    ]
    assert "What it says: 2 claims" in text(html)
    assert text(html).count("no objection found") == 2


def test_a_claim_on_several_treatments_is_listed_once(client):
    claim = ClaimFactory(treatments=TreatmentFactory.create_batch(3), is_general=True)
    html = page_of(client, claim.source)
    assert "What it says: 1 claim" in text(html)
    assert html.count(f'data-claim="{claim.reference}"') == 1


def test_nothing_of_an_unpublished_treatment_is_shown(client):
    source = SourceFactory()
    hidden = TreatmentFactory(is_published=False)
    support_everything(hidden, source)
    ClaimFactory(source=source, treatments=[hidden])
    html = page_of(client, source)
    assert taken(html) == []
    assert "data-claim" not in html
    assert NOTHING_TAKEN in html


def test_a_source_that_only_checks_others_says_so(client):
    checker = SourceFactory()
    for _ in range(2):
        ClaimFactory(checked_against=[checker])
    ClaimFactory(checked_against=[checker], treatments=[TreatmentFactory(is_published=False)])
    html = page_of(client, checker)
    assert "We checked 2 claims against it; nothing else is taken from it." in html
    assert NOTHING_TAKEN not in html


def test_an_unknown_source_is_not_found(client):
    assert client.get(reverse("source", args=["nobody"])).status_code == 404


def test_script_in_a_source_is_text(client):
    script = "</script><script>alert(1)</script>"
    source = SourceFactory(title=script, publisher=script, interest=script, note=script)
    ClaimFactory(source=source, words=script)
    for address in (source.get_absolute_url(), reverse("source-list")):
        html = page(client, address)
        assert "<script" not in html
        assert script in text(html)


def test_pages_on_sources_point_to_themselves(client):
    source = SourceFactory()
    for address in (source.get_absolute_url(), reverse("source-list")):
        html = page(client, f"{address}?utm=x")
        assert f'<link rel="canonical" href="http://testserver{address}">' in html


@pytest.mark.parametrize("number", [1, 3])
def test_a_source_costs_the_same_queries_for_one_treatment_and_three(
    client, django_assert_num_queries, number
):
    source = SourceFactory()
    for n in range(number):
        treatment = TreatmentFactory()
        treatment.substances.add(SubstanceFactory(name=f"Water {n}"))
        support_everything(treatment, source)
        ClaimFactory(
            source=source, treatments=[treatment], checked_against=SourceFactory.create_batch(2)
        )
    with django_assert_num_queries(DETAIL_BUDGET):
        page_of(client, source)
