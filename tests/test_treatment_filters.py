"""Narrowing the list of treatments: the counts tell the truth, and nothing widens in silence."""

import re
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode

import pytest
from django.db import transaction
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import (
    BodyAreaFactory,
    ClaimFactory,
    ConcernFactory,
    SourceFactory,
    TreatmentFactory,
)
from treatments.catalogue import load_catalogue
from treatments.evidence import summarise
from treatments.filters import TreatmentFilterSet, downtime_bands, session_bands, treatment_row
from treatments.models import BodyArea, Claim, Concern, Treatment
from treatments.option_filters import MAX_CHOICES

# One worker makes them all, so that the catalogue is loaded once.
pytestmark = pytest.mark.xdist_group("treatment filters")

Topic, Unit, Verdict = Claim.Topic, Claim.Unit, Claim.Verdict
FACETS = ("concern", "area", "evidence", "sessions", "downtime", "needles")
NOT_STATED = "not-stated"


def page(client, query=""):
    response = client.get(reverse("treatment-list") + query)
    assert response.status_code == 200
    return response.content.decode()


def total(html) -> int:
    return int(re.search(r'data-total="(\d+)"', html)[1])


def shown(html) -> list[str]:
    return re.findall(r'data-treatment="([^"]+)"', html)


def options(html, facet) -> dict[str, int]:
    """Every option of a facet with the count printed beside it."""
    block = re.search(rf'data-facet="{facet}".*?</fieldset>', html, re.S)[0]
    found = re.findall(r'data-option="([^"]+)" data-count="(\d+)"', block)
    return {value: int(count) for value, count in found}


def applied(html) -> dict[str, str]:
    """Every applied filter with the address that removes it."""
    found = re.findall(r'href="([^"]*)" rel="nofollow" data-applied="([^"]+)"', html)
    return {key: href.replace("&amp;", "&") for href, key in found}


def filters_for(pairs, rows) -> TreatmentFilterSet:
    return TreatmentFilterSet(QueryDict(urlencode(pairs)), rows)


# --- the real catalogue, against plain SQL


def stretches(treatment, topic, days_in) -> list[tuple[Decimal, Decimal]]:
    """The ranges that sources give, in one unit; an open end reaches as far as it can."""
    claims = treatment.claims.filter(topic=topic, unit__in=list(days_in)).exclude(
        Q(verdict__in=["opinion", "descriptive"]) | Q(low=None, high=None)
    )
    return [
        (
            (low or Decimal(0)) * days_in[unit],
            Decimal("Infinity") if high is None else high * days_in[unit],
        )
        for unit, low, high in claims.values_list("unit", "low", "high")
    ]


def in_bands(ranges, bands) -> set[str]:
    found = {
        name
        for name, (first, last) in bands.items()
        if any(low <= last and first <= high for low, high in ranges)
    }
    return found or {NOT_STATED}


def values_by_sql(treatment) -> dict[str, set[str]]:
    """Which options a treatment belongs to, told by the database and by the words of the page."""
    sessions = stretches(treatment, "sessions", {"session": 1})
    days = {"hour": Decimal(1) / 24, "day": 1, "week": 7, "month": 30}
    downtime = stretches(treatment, "downtime", days)
    tiny, endless = Decimal("0.01"), Decimal("Infinity")
    return {
        "concern": set(Concern.objects.filter(treatments=treatment).values_list("slug", flat=True)),
        "area": set(BodyArea.objects.filter(treatments=treatment).values_list("slug", flat=True)),
        "evidence": {treatment.evidence_level},
        "needles": {"yes", "no"} if treatment.needles == "either" else {treatment.needles},
        "sessions": in_bands(
            sessions, {"1-to-3": (1, 3), "4-to-6": (4, 6), "7-or-more": (7, endless)}
        ),
        "downtime": in_bands(
            downtime,
            {"none": (0, 0), "up-to-a-week": (tiny, 7), "longer": (7 + tiny, endless)},
        ),
    }


@pytest.fixture(scope="module")
def catalogue(django_db_setup, django_db_blocker):
    """The rows of the shipped catalogue, and what the database says of each of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue()
        treatments = list(Treatment.objects.published().with_key_facts())
        found = SimpleNamespace(
            rows=[treatment_row(treatment, 0) for treatment in treatments],
            truth={treatment.slug: values_by_sql(treatment) for treatment in treatments},
        )
        transaction.set_rollback(True)
    return found


def expected(catalogue, chosen) -> list[str]:
    """Slugs of the treatments that have one of the chosen options of every facet with a choice."""
    return [
        slug
        for slug, values in catalogue.truth.items()
        if all(values[facet] & wanted for facet, wanted in chosen.items() if wanted)
    ]


@st.composite
def choices(draw, catalogue):
    """Up to three options of each facet, most often none."""
    known = {facet.name: facet.options for facet in filters_for([], catalogue.rows).facets}
    return {
        facet: draw(st.sets(st.sampled_from([o.value for o in known[facet]]), max_size=3))
        if draw(st.booleans())
        else set()
        for facet in FACETS
    }


@pytest.mark.django_db
@given(data=st.data())
def test_results_and_counts_agree_with_plain_sql(catalogue, data):
    chosen = data.draw(choices(catalogue))
    pairs = [(facet, value) for facet, values in chosen.items() for value in values]
    filters = filters_for(pairs, catalogue.rows)
    assert [row.treatment.slug for row in filters.rows] == expected(catalogue, chosen)
    for facet in filters.facets:
        for option in facet.options:
            alone = {**chosen, facet.name: {option.value}}
            assert option.count == len(expected(catalogue, alone)), (facet.name, option.value)
            assert option.is_selected == (option.value in chosen[facet.name])


@pytest.mark.django_db
@given(data=st.data())
def test_a_way_out_gives_back_as_many_as_it_promises(catalogue, data):
    chosen = data.draw(choices(catalogue))
    pairs = [(facet, value) for facet, values in chosen.items() for value in values]
    filters = filters_for(pairs, catalogue.rows)
    if filters.rows:
        assert filters.ways_out == []
    for way in filters.ways_out:
        query = QueryDict(way.applied.remove_query.lstrip("?"))
        assert len(TreatmentFilterSet(query, catalogue.rows).rows) == way.total > 0
    totals = [way.total for way in filters.ways_out]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.django_db
def test_every_option_of_the_catalogue_is_offered_once(catalogue):
    for facet in filters_for([], catalogue.rows).facets:
        offered = Counter(option.value for option in facet.options)
        assert set(offered.values()) == {1}
        assert set().union(*(v[facet.name] for v in catalogue.truth.values())) <= set(offered)


# --- bands


def claims_on(topic, *told, **values):
    """Unsaved claims of one source each: (low, high) or (low, high, unit)."""
    return [
        ClaimFactory.build(
            pk=n,
            source=SourceFactory.build(pk=n),
            topic=topic,
            low=low,
            high=high,
            **({"unit": unit[0]} if unit else {}) | values,
        )
        for n, (low, high, *unit) in enumerate(told, 1)
    ]


def decimal(*ends):
    return tuple(None if end is None else Decimal(end) for end in ends)


@pytest.mark.parametrize(
    ("told", "bands"),
    [
        (decimal(3, 4), {"1-to-3", "4-to-6"}),
        (decimal(1, 1), {"1-to-3"}),
        (decimal(4, 6), {"4-to-6"}),
        (decimal(7, 7), {"7-or-more"}),
        (decimal(10, None), {"7-or-more"}),
        (decimal(None, 6), {"1-to-3", "4-to-6"}),
        (decimal(None, None), {NOT_STATED}),
        ((*decimal(4, 6), Unit.WEEK), {NOT_STATED}),
    ],
)
def test_sessions_stand_in_each_band_that_a_source_touches(told, bands):
    summary = summarise(claims_on(Topic.SESSIONS, told), Topic.SESSIONS)
    assert session_bands(summary) == bands


def test_sessions_are_found_though_more_sources_count_in_weeks():
    claims = claims_on(
        Topic.SESSIONS,
        (*decimal(2, 2), Unit.SESSION),
        (*decimal(4, 6), Unit.WEEK),
        (*decimal(5, 8), Unit.WEEK),
    )
    assert session_bands(summarise(claims, Topic.SESSIONS)) == {"1-to-3"}


@pytest.mark.parametrize(
    ("told", "bands"),
    [
        ((*decimal(0, 0), Unit.DAY), {"none"}),
        ((*decimal("0.5", 24), Unit.HOUR), {"up-to-a-week"}),
        ((*decimal(1, 1), Unit.WEEK), {"up-to-a-week"}),
        ((*decimal(3, 11), Unit.DAY), {"up-to-a-week", "longer"}),
        ((*decimal(None, 2), Unit.DAY), {"none", "up-to-a-week"}),
        ((*decimal(4, None), Unit.WEEK), {"longer"}),
        ((*decimal(1, 1), Unit.MONTH), {"longer"}),
        ((None, None, Unit.DAY), {NOT_STATED}),
        ((None, None, ""), {NOT_STATED}),
    ],
)
def test_time_off_stands_in_each_band_that_a_source_touches(told, bands):
    assert downtime_bands(claims_on(Topic.DOWNTIME, told)) == bands


def test_time_off_is_not_told_by_opinions_nor_by_other_topics():
    opinion = claims_on(Topic.DOWNTIME, (*decimal(0, 0), Unit.DAY), verdict=Verdict.OPINION)
    interval = claims_on(Topic.INTERVAL, (*decimal(1, 2), Unit.WEEK))
    assert downtime_bands([*opinion, *interval]) == {NOT_STATED}


# --- the page


@pytest.fixture
def treatments(db):
    """Two treatments that differ in everything, and a hidden one like the first."""
    dimples, hair = (ConcernFactory(slug=slug, name=slug.title()) for slug in ("dimples", "hair"))
    thighs, scalp = (BodyAreaFactory(slug=slug, name=slug.title()) for slug in ("thighs", "scalp"))
    cellulite = TreatmentFactory(slug="cellulite", concerns=[dimples], body_areas=[thighs])
    scalps = TreatmentFactory(
        slug="hair-loss",
        concerns=[hair],
        body_areas=[scalp],
        needles=Treatment.Needles.NO,
        evidence_level=Treatment.EvidenceLevel.MODERATE,
    )
    hidden = TreatmentFactory(is_published=False, concerns=[dimples], body_areas=[thighs])
    ClaimFactory(treatments=[cellulite, hidden], low=2, high=3)
    ClaimFactory(treatments=[scalps], low=8, high=10)


def test_without_a_question_every_published_treatment_is_listed(client, treatments):
    html = page(client)
    assert total(html) == 2
    assert shown(html) == ["cellulite", "hair-loss"]
    assert options(html, "concern") == {"dimples": 1, "hair": 1}
    assert options(html, "needles") == {"yes": 1, "no": 1}
    assert options(html, "sessions") == {"1-to-3": 1, "4-to-6": 0, "7-or-more": 1, NOT_STATED: 0}
    assert options(html, "downtime")[NOT_STATED] == 2


def test_facets_narrow_each_other_and_counts_leave_out_their_own_choice(client, treatments):
    html = page(client, "?concern=dimples")
    assert shown(html) == ["cellulite"]
    assert options(html, "concern") == {"dimples": 1, "hair": 1}
    assert options(html, "area") == {"thighs": 1, "scalp": 0}


def test_what_can_be_had_with_or_without_needles_answers_both_wishes(client, treatments):
    TreatmentFactory(slug="either-way", needles=Treatment.Needles.EITHER)
    assert shown(page(client, "?needles=no")) == ["hair-loss", "either-way"]
    assert shown(page(client, "?needles=yes")) == ["cellulite", "either-way"]
    assert options(page(client), "needles") == {"yes": 2, "no": 2}
    assert "“either”" in page(client, "?needles=either")


def test_several_options_of_one_facet_mean_any_of_them(client, treatments):
    assert total(page(client, "?concern=dimples&concern=hair")) == 2


def test_a_chosen_option_stays_at_zero(client, treatments):
    html = page(client, "?needles=no&concern=dimples")
    assert total(html) == 0
    assert 'data-option="dimples" data-count="0" data-selected' in html
    assert 'data-option="no" data-count="0" data-selected' in html


def test_chosen_options_are_ticked_and_no_others(client, treatments):
    html = page(client, "?concern=dimples&sessions=1-to-3")
    ticked = re.findall(r'name="(\w+)" value="([^"]+)" form="filter-form" checked', html)
    assert ticked == [("concern", "dimples"), ("sessions", "1-to-3")]


def test_each_applied_filter_has_a_link_that_removes_it_alone(client, treatments):
    html = page(client, "?concern=dimples&concern=hair&needles=no&page=2")
    links = applied(html)
    assert set(links) == {"concern=dimples", "concern=hair", "needles=no"}
    assert parse_qs(links["concern=dimples"].lstrip("?")) == {
        "concern": ["hair"],
        "needles": ["no"],
    }
    assert parse_qs(links["needles=no"].lstrip("?")) == {"concern": ["dimples", "hair"]}


def test_removal_links_name_what_they_remove(client, treatments):
    html = page(client, "?concern=dimples&sessions=1-to-3")
    assert 'aria-label="Remove Dimples (Concern)"' in html
    assert 'aria-label="Remove Number of sessions: 1 to 3 (Number of sessions)"' in html


def test_clear_all_leads_to_the_plain_list(client, treatments):
    html = page(client, "?concern=dimples")
    (cleared,) = re.findall(r'class="applied__clear" href="([^"]*)"', html)
    assert total(page(client, cleared)) == 2
    assert "applied__clear" not in page(client)


@pytest.mark.parametrize("facet", FACETS)
def test_an_unknown_value_is_named_and_never_widens(client, treatments, facet):
    html = page(client, f"?concern=dimples&{facet}=nowhere")
    assert "“nowhere”" in html
    assert shown(html) == ["cellulite"]


def test_what_only_an_unpublished_treatment_has_is_unknown(client, treatments):
    TreatmentFactory(is_published=False, concerns=[ConcernFactory(slug="secret")])
    html = page(client, "?concern=secret")
    assert "“secret”" in html
    assert total(html) == 2


def test_script_in_an_unknown_value_is_text(client, treatments):
    html = page(client, "?concern=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in html
    assert "“&lt;script&gt;alert(1)&lt;/script&gt;”" in html


@pytest.mark.django_db
def test_more_choices_than_a_person_makes_are_refused_by_name(client):
    areas = BodyAreaFactory.create_batch(MAX_CHOICES + 1)
    TreatmentFactory(body_areas=areas)
    html = page(client, "?" + "&".join(f"area={area.slug}" for area in areas))
    assert len(applied(html)) == MAX_CHOICES
    assert f"“{areas[-1].slug}”" in html


def test_nothing_found_names_the_filter_to_drop_and_what_comes_back(client, treatments):
    html = page(client, "?concern=dimples&area=scalp")
    assert "No treatment matches all of this" in html
    ways = re.findall(r'<a href="([^"]*)" rel="nofollow">(Without [^<]*)</a>', html)
    assert [words for _href, words in ways] == [
        "Without Dimples: 1 treatment",
        "Without Scalp: 1 treatment",
    ]
    assert shown(page(client, ways[0][0].replace("&amp;", "&"))) == ["hair-loss"]


def test_with_results_there_is_no_way_out(client, treatments):
    assert "Without " not in page(client, "?concern=dimples")


def test_the_search_is_said_in_heading_and_title(client, treatments):
    html = page(client, "?concern=dimples&needles=yes")
    words = "Treatments: dimples, injections"
    assert f'<h1 class="page-head__title">{words}</h1>' in html
    assert f"<title>{words} · Mesoguide</title>" in html


def test_a_filtered_list_is_not_indexed_and_points_to_the_plain_one(client, treatments):
    plain, filtered = page(client), page(client, "?concern=dimples")
    assert '<meta name="robots" content="index,follow">' in plain
    assert '<meta name="robots" content="noindex,follow">' in filtered
    canonical = '<link rel="canonical" href="http://testserver/treatments/">'
    assert canonical in plain
    assert canonical in filtered
