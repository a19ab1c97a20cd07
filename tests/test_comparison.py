"""Treatments side by side, and the way from the bare word "mesotherapy" to what it is for."""

import datetime
import re
from types import SimpleNamespace

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from clinics.models import Clinic, Offer
from clinics.what_for import uses_to_choose_from
from tests.factories import (
    ClaimFactory,
    ClinicFactory,
    ContraindicationFactory,
    CountryFactory,
    OfferFactory,
    PlaceFactory,
    RegulatorPositionFactory,
    SideEffectFactory,
    SourceFactory,
    StatementFactory,
    TreatmentFactory,
    today,
)
from treatments.comparison import DETAILS, MOST, MOST_REPEATED, Comparison, choose, query_of
from treatments.models import Claim, Source, Statement, Treatment

Topic, Unit, Section = Claim.Topic, Claim.Unit, Statement.Section

# One for the choice, the rest for what the table prints.
COMPARE_BUDGET = 13
EVERY = [SimpleNamespace(slug=f"t{n}") for n in range(8)]


def compared(client, *slugs) -> str:
    """The page that compares these."""
    response = client.get(reverse("treatment-compare"), {"treatment": list(slugs)})
    assert response.status_code == 200
    return response.content.decode()


def cell(html: str, fact: str, slug: str) -> str:
    """What the page has in the row of a fact for a treatment."""
    row = re.search(rf'<tr[^>]*data-fact="{fact}".*?</tr>', html, re.S)[0]
    return re.search(rf'<td[^>]*data-treatment="{slug}">(.*?)</td>', row, re.S)[1]


def heads(html: str) -> list[str]:
    return re.findall(r'<th class="compare__head"[^>]*data-treatment="([^"]+)"', html)


def full_treatment(n: int) -> Treatment:
    """A treatment that says something in every row of the table."""
    source = SourceFactory(kind=Source.Kind.TRIAL)
    treatment = TreatmentFactory(slug=f"full-{n}", position=n)
    topics = (
        *((topic, Unit.WEEK) for topic in (Topic.INTERVAL, Topic.TIME_TO_RESULT)),
        *((topic, Unit.DAY) for topic in (Topic.DOWNTIME, Topic.MAINTENANCE)),
        (Topic.SESSIONS, Unit.SESSION),
        (Topic.SESSION_LENGTH, Unit.MINUTE),
    )
    for topic, unit in topics:
        claim = ClaimFactory(topic=topic, source=source, low=n, high=n + 2, unit=unit)
        claim.treatments.add(treatment)
        claim.checked_against.add(source)
    for topic in (Topic.PERMANENCE, Topic.ANAESTHESIA, Topic.TECHNIQUE):
        ClaimFactory(topic=topic).treatments.add(treatment)
    ClaimFactory(
        treatments=[treatment],
        topic=Topic.COST,
        low=90,
        high=120,
        unit=Unit.MONEY,
        currency="EUR",
        per="session",
    )
    for section in (Section.EVIDENCE, Section.ANAESTHESIA, Section.PERMANENCE, Section.DOWNTIME):
        StatementFactory(treatment=treatment, section=section, sources=[source])
    SideEffectFactory(treatment=treatment, is_serious=True, sources=[source])
    SideEffectFactory(treatment=treatment, sources=[source])
    ContraindicationFactory(treatment=treatment, sources=[source])
    RegulatorPositionFactory(treatment=treatment, sources=[source])
    return treatment


# --- What an address asks for


def test_the_first_four_that_we_know_are_shown_in_the_order_of_the_catalogue():
    choice = choose(["t6", "t1", "t1", "", "nope", "t5", "t0", "t7", "t2"], EVERY)
    assert [t.slug for t in choice.shown] == ["t0", "t1", "t5", "t6"]
    assert [t.slug for t in choice.beyond] == ["t7", "t2"]
    assert choice.unknown == ("nope",)
    assert choice.query == "?treatment=t0&treatment=t1&treatment=t5&treatment=t6"


@given(st.lists(st.sampled_from([t.slug for t in EVERY]) | st.text(max_size=8), max_size=20))
def test_nothing_that_was_asked_for_is_dropped_in_silence(asked):
    choice = choose(asked, EVERY)
    parts = [t.slug for t in (*choice.shown, *choice.beyond)] + list(choice.unknown)
    assert sorted(parts) == sorted({name for name in asked if name})
    assert len(choice.shown) <= MOST
    assert bool(choice.beyond) <= (len(choice.shown) == MOST)
    assert len(choice.repeated) + choice.not_repeated == len(choice.unknown)


def test_a_choice_asks_for_itself_again():
    assert query_of(EVERY[:2]) == "?treatment=t0&treatment=t1"
    assert choose(["t3", "t1"], EVERY).query == choose(["t1", "t3"], EVERY).query


# --- The page


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, MOST])
def test_the_page_asks_as_many_queries_for_one_as_for_four(
    client, django_assert_num_queries, number
):
    slugs = [full_treatment(n).slug for n in range(1, number + 1)]
    with django_assert_num_queries(COMPARE_BUDGET):
        html = compared(client, *slugs)
    assert heads(html) == slugs


@pytest.mark.django_db
def test_every_fact_of_every_treatment_stands_in_its_own_cell(client):
    one, two = full_treatment(1), full_treatment(2)
    html = compared(client, one.slug, two.slug)
    for treatment, other in ((one, two), (two, one)):
        for claim in treatment.claims.all():
            row = {"anaesthesia": "anaesthesia", "technique": "needles"}.get(claim.topic)
            assert f'data-claim="{claim.reference}"' in cell(
                html, row or claim.topic, treatment.slug
            )
            assert f'"{claim.reference}"' not in cell(html, row or claim.topic, other.slug)
        for fact, things in (
            ("serious", treatment.side_effects.filter(is_serious=True)),
            ("usual", treatment.side_effects.filter(is_serious=False)),
            ("reasons", treatment.contraindications.all()),
        ):
            assert things
            for thing in things:
                assert thing.name in cell(html, fact, treatment.slug)
                assert thing.name not in cell(html, fact, other.slug)
                for source in thing.sources.all():
                    assert source.get_absolute_url() in cell(html, fact, treatment.slug)
        position = treatment.regulator_positions.get()
        assert position.authority in cell(html, "regulators", treatment.slug)
        assert "unsaid" not in html.split("<tbody")[1].split("</tbody>")[0]


@pytest.mark.django_db
def test_not_stated_is_something_else_than_none(client):
    none, silent = TreatmentFactory(slug="none"), TreatmentFactory(slug="silent")
    claim = ClaimFactory(topic=Topic.DOWNTIME, low=0, high=0, unit=Unit.DAY)
    claim.treatments.add(none)
    html = compared(client, "none", "silent")
    assert '<p class="compare__value">None</p>' in cell(html, "downtime", none.slug)
    assert "unsaid" not in cell(html, "downtime", none.slug)
    assert '<span class="unsaid">not stated</span>' in cell(html, "downtime", silent.slug)
    assert "compare__value" not in cell(html, "downtime", silent.slug)


@pytest.mark.django_db
def test_a_treatment_of_which_nothing_is_known_says_so_in_every_row(client):
    treatment = TreatmentFactory()
    html = compared(client, treatment.slug)
    facts = re.findall(r'data-fact="([a-z_]+)"', html)
    assert len(facts) == len(Comparison([], today()).rows)
    stated_by_the_treatment = {"needles", "review"}
    for fact in set(facts) - stated_by_the_treatment:
        assert '<span class="unsaid">' in cell(html, fact, treatment.slug), fact
    assert "That does not mean" in cell(html, "reasons", treatment.slug)


@pytest.mark.django_db
def test_disagreement_is_marked_where_it_is_and_nowhere_else(client):
    torn, agreed = TreatmentFactory(slug="torn"), TreatmentFactory(slug="agreed")
    for treatment, ranges in ((torn, [(3, 4), (8, 10)]), (agreed, [(3, 5), (4, 6)])):
        for low, high in ranges:
            claim = ClaimFactory(topic=Topic.SESSIONS, low=low, high=high, unit=Unit.SESSION)
            claim.treatments.add(treatment)
    html = compared(client, "torn", "agreed")
    assert "sources disagree" in cell(html, "sessions", "torn")
    assert "3 to 10 sessions" in cell(html, "sessions", "torn")
    assert "disagree" not in cell(html, "sessions", "agreed")


@pytest.mark.django_db
def test_sources_that_contradict_each_other_on_permanence_are_marked(client):
    treatment = TreatmentFactory()
    for answer in ("yes", "no"):
        claim = ClaimFactory(topic=Topic.PERMANENCE, question="is-permanent", answer=answer)
        claim.treatments.add(treatment)
    html = compared(client, treatment.slug)
    assert "sources disagree" in cell(html, "permanence", treatment.slug)


@pytest.mark.django_db
def test_what_does_not_hold_keeps_its_verdict(client):
    treatment = TreatmentFactory()
    claim = ClaimFactory(
        topic=Topic.PERMANENCE,
        words="It lasts for ever.",
        verdict=Claim.Verdict.MISLEADING,
        known="Nobody has shown it.",
    )
    claim.treatments.add(treatment)
    html = cell(compared(client, treatment.slug), "permanence", treatment.slug)
    assert 'data-verdict="misleading"' in html
    assert "Nobody has shown it." in html


@pytest.mark.django_db
def test_surgery_is_not_called_injections(client):
    surgery = TreatmentFactory(slug="surgery", kind=Treatment.Kind.COMPARISON)
    without = TreatmentFactory(slug="without", needles=Treatment.Needles.NO)
    html = compared(client, surgery.slug, without.slug)
    assert "Surgery" in cell(html, "needles", "surgery")
    assert "njections" not in cell(html, "needles", "surgery")
    assert "No needles" in cell(html, "needles", "without")


@pytest.mark.django_db
def test_more_than_four_are_named_as_left_out(client):
    every = [TreatmentFactory(position=n) for n in range(6)]
    html = compared(client, *(t.slug for t in every))
    assert heads(html) == [t.slug for t in every[:MOST]]
    notice = html.split('class="notice"')[1].split("</div>")[0]
    for treatment in every[MOST:]:
        assert treatment.short_name in notice
    for treatment in every[:MOST]:
        assert f">{treatment.short_name}<" not in notice


@pytest.mark.django_db
def test_what_is_not_published_is_unknown_and_says_nothing(client):
    shown = TreatmentFactory()
    hidden = TreatmentFactory(slug="hidden", name="Secret cure", is_published=False)
    SideEffectFactory(treatment=hidden, name="Secret harm")
    html = compared(client, shown.slug, "hidden")
    assert heads(html) == [shown.slug]
    assert "“<bdi>hidden</bdi>”" in html
    assert "Secret" not in html


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["\x00", "<b>bold</b>", "x" * 5000, "\u202etset", "' OR 1=1 --", "cellulite\x00", "💉"]
)
def test_names_that_nobody_has_are_refused_by_name(client, name):
    html = compared(client, name)
    assert "We have no treatment of this name" in html
    assert "<b>bold" not in html
    assert "x" * 61 not in html
    assert heads(html) == []


@pytest.mark.django_db
def test_of_many_unknown_names_the_first_are_repeated_and_the_rest_counted(client):
    html = compared(client, *(f"unknown-{n}-" for n in range(MOST_REPEATED + 3)))
    assert html.count("<bdi>unknown-") == MOST_REPEATED
    assert "and 3 more" in html


@pytest.mark.django_db
def test_the_choice_is_a_plain_form_with_what_is_shown_ticked(client):
    first, second = TreatmentFactory(), TreatmentFactory(kind=Treatment.Kind.COMPARISON)
    html = compared(client, first.slug)
    boxes = re.findall(r'<input class="choice__box"[^>]*>', html)
    assert [("checked" in box, second.slug in box) for box in boxes] == [
        (True, False),
        (False, True),
    ]
    assert f'<form method="get" action="{reverse("treatment-compare")}">' in html
    assert "csrf" not in html


@pytest.mark.django_db
def test_a_treatment_can_be_taken_out(client):
    first, second = TreatmentFactory(position=1), TreatmentFactory(position=2)
    html = compared(client, first.slug, second.slug)
    links = re.findall(r'class="compare__remove" href="([^"]+)"', html)
    assert [heads(client.get(link).content.decode()) for link in links] == [
        [second.slug],
        [first.slug],
    ]


@pytest.mark.django_db
def test_a_set_of_treatments_has_one_address_and_is_kept_out_of_search_engines(client):
    slugs = [TreatmentFactory(position=n).slug for n in range(2)]
    pages = [compared(client, *slugs), compared(client, *reversed(slugs))]
    canonicals = {re.search(r'<link rel="canonical" href="([^"]+)"', page)[1] for page in pages}
    address = f"{reverse('treatment-compare')}?treatment={slugs[0]}&amp;treatment={slugs[1]}"
    assert [link.removeprefix("http://testserver") for link in canonicals] == [address]
    assert all('content="noindex,follow"' in page for page in pages)
    assert 'content="index,follow"' in compared(client)


@pytest.mark.django_db
def test_an_overdue_review_is_said(client):
    last, due = today() - datetime.timedelta(days=400), today() - datetime.timedelta(days=1)
    late = TreatmentFactory(slug="late", last_reviewed=last, next_review_due=due)
    TreatmentFactory(slug="in-time", last_reviewed=due, next_review_due=today())
    html = compared(client, "late", "in-time")
    assert "review overdue" in cell(html, "review", late.slug)
    assert "review overdue" not in cell(html, "review", "in-time")
    head = html.split("</thead>")[0]
    assert head.count("review overdue") == 1


@pytest.mark.django_db
def test_the_sources_behind_the_table_are_counted_once_each(client):
    one, two, elsewhere = SourceFactory(), SourceFactory(), SourceFactory()
    treatment = TreatmentFactory()
    ClaimFactory(treatments=[treatment], source=one)
    ClaimFactory(treatments=[treatment], source=elsewhere, topic=Topic.HISTORY)
    SideEffectFactory(treatment=treatment, sources=[one, two])
    assert "2 sources stand behind this table." in compared(client, treatment.slug)


# --- Bars


def figure_row(treatments, topic):
    loaded = Treatment.objects.filter(pk__in=[t.pk for t in treatments]).prefetch_related(*DETAILS)
    return next(row for row in Comparison(list(loaded), today()).rows if row.anchor == topic)


def with_range(low, high, unit, topic=Topic.INTERVAL):
    treatment = TreatmentFactory()
    ClaimFactory(topic=topic, low=low, high=high, unit=unit).treatments.add(treatment)
    return treatment


@pytest.mark.django_db
def test_bars_of_one_unit_share_a_scale():
    row = figure_row([with_range(2, 4, Unit.WEEK), with_range(8, 8, Unit.WEEK)], "interval")
    bars = [cell.content.bars[0] for cell in row.cells]
    assert [(bar.x, bar.width, bar.is_point) for bar in bars] == [(25, 25, False), (100, 0, True)]
    assert not row.has_several_units


@pytest.mark.django_db
def test_units_that_differ_are_said_to_and_share_no_scale():
    row = figure_row([with_range(2, 4, Unit.WEEK), with_range(1, 2, Unit.MONTH)], "interval")
    assert row.has_several_units
    assert [cell.content.scale.end for cell in row.cells] == [4, 2]


@pytest.mark.django_db
def test_an_open_end_reaches_the_edge_and_is_marked():
    treatments = [with_range(None, 6, Unit.WEEK), with_range(8, None, Unit.WEEK)]
    row = figure_row(treatments, "interval")
    up_to, at_least = (cell.content.bars[0] for cell in row.cells)
    assert (up_to.x, up_to.width, up_to.is_open) == (0, 60, True)
    assert (at_least.x, at_least.width, at_least.is_open) == (80, 20, True)


@pytest.mark.django_db
def test_room_above_an_open_end_is_a_whole_number():
    row = figure_row([with_range(1, None, Unit.MONTH)], "interval")
    assert row.cells[0].content.scale.end == 2


@pytest.mark.django_db
def test_a_source_that_repeats_itself_has_one_bar():
    treatment, source = TreatmentFactory(), SourceFactory()
    for low, high in ((3, 4), (3, 4), (8, 10)):
        ClaimFactory(treatments=[treatment], source=source, low=low, high=high)
    ClaimFactory(treatments=[treatment], low=3, high=4)
    bars = figure_row([treatment], "sessions").cells[0].content.bars
    assert sorted((bar.claim.source == source, bar.claim.low) for bar in bars) == [
        (False, 3),
        (True, 3),
        (True, 8),
    ]


@pytest.mark.django_db
def test_a_zero_draws_no_bar_and_breaks_nothing():
    row = figure_row([with_range(0, 0, Unit.DAY, Topic.DOWNTIME)], "downtime")
    assert row.cells[0].content.bars == ()


# --- Ways to it


@pytest.mark.django_db
def test_the_list_offers_to_compare_what_is_ticked(client):
    treatment = TreatmentFactory()
    html = client.get(reverse("treatment-list")).content.decode()
    form = re.search(r"<form[^>]*compare-form[^>]*>", html)[0]
    assert 'method="get"' in form
    assert f'action="{reverse("treatment-compare")}"' in form
    assert re.search(
        rf'<input[^>]*name="treatment" value="{treatment.slug}" form="compare-form"', html
    )


@pytest.mark.django_db
def test_a_treatment_leads_to_a_comparison_with_surgery(client):
    treatment = TreatmentFactory()
    surgery = TreatmentFactory(kind=Treatment.Kind.COMPARISON)
    html = client.get(treatment.get_absolute_url()).content.decode()
    query = f"?treatment={treatment.slug}&amp;treatment={surgery.slug}"
    assert f'href="{reverse("treatment-compare")}{query}"' in html


# --- "Mesotherapy": what for?


def asked(words, *pairs):
    treatments = {"cellulite": "Cellulite", "hair-loss": "Hair loss"}
    query = ([("q", words)] if words else []) + list(pairs)
    return [use.query for use in uses_to_choose_from(words, treatments, query)]


@pytest.mark.parametrize(
    "words",
    ["mesotherapy", "Mésothérapie", "MESOTHERAPIE", " meso-therapy ", "mezoterapi", "Мезотерапия"],
)
def test_the_bare_name_of_the_method_is_asked_what_for(words):
    assert asked(words) == ["?treatment=cellulite", "?treatment=hair-loss"]


@pytest.mark.parametrize(
    "words", ["", "mesotherapy lyon", "mesotherapist", "hair mesotherapy", "?"]
)
def test_other_words_are_not(words):
    assert asked(words) == []


def test_the_question_keeps_other_choices_and_is_not_asked_of_who_has_answered():
    assert asked("mesotherapy", ("country", "france"), ("page", "3")) == [
        "?treatment=cellulite&country=france",
        "?treatment=hair-loss&country=france",
    ]
    assert asked("mesotherapy", ("treatment", "cellulite")) == []


@pytest.mark.django_db
def test_the_directory_asks_before_its_results_and_each_answer_leads_to_clinics(client):
    place = PlaceFactory(country=CountryFactory(name="France", slug="france"))
    offered = TreatmentFactory(name="Mesotherapy of the knee", short_name="Knee")
    surgery = TreatmentFactory(kind=Treatment.Kind.COMPARISON, short_name="Big surgery")
    clinic = ClinicFactory(place=place)
    OfferFactory(clinic=clinic, treatment=offered)
    OfferFactory(clinic=ClinicFactory(), treatment=offered)
    assert Offer.objects.count() == Clinic.objects.count() == 2
    html = client.get("/clinics/", {"q": "mesotherapy", "country": "france"}).content.decode()
    block = html.split('class="what-for"')[1].split("</section>")[0]
    assert html.index('class="what-for"') < html.index('id="results"')
    assert reverse("mesotherapy") in block
    assert surgery.short_name not in block
    query = re.search(rf'href="([^"]+)"[^>]*data-use="{offered.slug}"', block)[1]
    answered = client.get("/clinics/" + query.replace("&amp;", "&")).content.decode()
    assert 'data-total="1"' in answered
    assert f'data-clinic="{clinic.slug}"' in answered
    assert "what-for" not in answered
    assert "what-for" not in client.get("/clinics/", {"q": "knee"}).content.decode()
