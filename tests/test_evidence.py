"""What may be worked out from claims, and what may not."""

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.claim_strategies import PRICES, SOURCES, claim, claim_lists, ranges
from tests.factories import SourceFactory
from treatments.evidence import (
    Agreement,
    SourceRange,
    by_topic,
    corrected,
    questions,
    summarise,
    summarise_costs,
    two_sides,
)
from treatments.models import Claim, Source

Topic, Unit, Verdict, Kind = Claim.Topic, Claim.Unit, Claim.Verdict, Source.Kind

ONE, TWO = (SourceFactory.build(pk=100 + n, kind=Kind.TRIAL) for n in range(2))
CLINIC = SourceFactory.build(pk=110, kind=Kind.CLINIC)
GUIDE = SourceFactory.build(pk=111, kind=Kind.GUIDE)
REGULATOR = SourceFactory.build(pk=112, kind=Kind.REGULATOR)


def cost(reference, source, low, high, currency="EUR", per=Claim.Per.SESSION, **values):
    """A claim on a price."""
    values |= {"topic": Topic.COST, "unit": Unit.MONEY, "currency": currency, "per": per}
    return claim(reference, source, low, high, **values)


def answer(reference, source, given, **values):
    """A claim that answers whether the result is permanent."""
    coded = {"topic": Topic.PERMANENCE, "question": "is-permanent", "answer": given}
    return claim(reference, source, **coded, **values)


def references(claims) -> list[str]:
    return [claim.reference for claim in claims]


def ends(summary) -> list[tuple]:
    return [(r.low, r.high) for r in summary.ranges]


def has_number(claim) -> bool:
    return claim.low is not None or claim.high is not None


def contains(source_range, number) -> bool:
    above = source_range.low is None or source_range.low <= number
    return above and (source_range.high is None or number <= source_range.high)


def share_a_number(one, other) -> bool:
    """Two ranges that meet share one of their ends."""
    known = [end for r in (one, other) for end in (r.low, r.high) if end is not None]
    return any(contains(one, end) and contains(other, end) for end in known)


# --- whatever the claims are


@given(claim_lists(), st.randoms(use_true_random=False))
def test_the_order_of_claims_does_not_matter(claims, random):
    shuffled = random.sample(claims, len(claims))
    assert summarise(shuffled, Topic.SESSIONS) == summarise(claims, Topic.SESSIONS)
    assert by_topic(shuffled) == by_topic(claims)
    assert two_sides(shuffled, Topic.SESSIONS) == two_sides(claims, Topic.SESSIONS)


@given(claim_lists(PRICES, Topic.COST), st.randoms(use_true_random=False))
def test_the_order_of_prices_does_not_matter(claims, random):
    assert summarise_costs(random.sample(claims, len(claims))) == summarise_costs(claims)


@given(claim_lists())
def test_every_claim_stands_in_a_summary_once(claims):
    summary = summarise(claims, Topic.SESSIONS)
    assert sorted(references(summary.claims)) == sorted(references(claims))
    assert summary.source_count == len({claim.source.pk for claim in claims})


@given(claim_lists())
def test_ranges_are_in_one_unit_and_every_number_of_another_stands_beside(claims):
    summary = summarise(claims, Topic.SESSIONS)
    assert {r.claim.unit for r in summary.ranges} <= {summary.unit}
    assert all(has_number(r.claim) for r in summary.ranges)
    beside = [claim for claim in summary.others if has_number(claim)]
    assert summary.unit not in {claim.unit for claim in beside}
    others = summary.in_other_units
    assert sorted(r.claim.reference for other in others for r in other.ranges) == sorted(
        references(beside)
    )
    assert len({other.unit for other in others}) == len(others)


@given(claim_lists())
def test_the_unit_that_most_sources_use_is_the_one_compared(claims):
    summary = summarise(claims, Topic.SESSIONS)
    users = {
        unit: len({c.source.pk for c in claims if has_number(c) and c.unit == unit})
        for unit in {c.unit for c in claims if has_number(c)}
    }
    assert users.get(summary.unit, 0) == max(users.values(), default=0)


@given(claim_lists())
def test_the_span_reaches_every_end_and_no_further(claims):
    summary = summarise(claims, Topic.SESSIONS)
    known = [end for pair in ends(summary) for end in pair if end is not None]
    assert (summary.low is None) == all(low is None for low, _high in ends(summary))
    assert (summary.high is None) == all(high is None for _low, high in ends(summary))
    assert summary.low in (None, min(known, default=None))
    assert summary.high in (None, max(known, default=None))


@given(claim_lists())
def test_sources_come_in_order_of_strength(claims):
    summary = summarise(claims, Topic.SESSIONS)
    for told in ([r.claim for r in summary.ranges], summary.others):
        ranks = [claim.source.rank for claim in told]
        assert ranks == sorted(ranks)
    compared = [r.claim for r in summary.ranges] or list(summary.others)
    strongest = min(compared, key=lambda claim: claim.source.rank, default=None)
    assert summary.strongest == (strongest.source.kind if strongest else "")


@given(ranges.filter(any), ranges.filter(any))
def test_overlap_means_a_shared_number_and_is_symmetric(one, other):
    one, other = (SourceRange(None, *pair) for pair in (one, other))
    assert one.overlaps(other) == other.overlaps(one) == share_a_number(one, other)
    assert one.overlaps(one)


@given(claim_lists())
def test_sources_disagree_when_two_of_them_share_no_number(claims):
    summary = summarise(claims, Topic.SESSIONS)
    sources = {r.source.pk for r in summary.ranges}
    numbers = [c for c in claims if has_number(c)]
    apart = any(
        one.source.pk != other.source.pk
        and one.unit == other.unit
        and not share_a_number(one, other)
        for one, other in combinations(numbers, 2)
    )
    weeks = {(c.source.pk, c.low, c.high) for c in claims if c.unit == Unit.WEEK}
    none = {source for source, low, high in weeks if low == high == 0}
    some = {source for source, low, _high in weeks if low}
    if apart or any(one != other for one in none for other in some):
        expected = Agreement.DISAGREE
    else:
        expected = [Agreement.NONE, Agreement.SINGLE, Agreement.AGREE][min(len(sources), 2)]
    assert summary.agreement == expected
    assert summary.disagrees == (expected == Agreement.DISAGREE)


@given(claim_lists(), st.sampled_from(SOURCES), ranges.filter(any))
def test_another_claim_never_settles_a_disagreement(claims, source, pair):
    before = summarise(claims, Topic.SESSIONS)
    more = claim("z", source, *pair, unit=before.unit or Unit.SESSION)
    after = summarise([*claims, more], Topic.SESSIONS)
    if before.disagrees and after.unit == before.unit:
        assert after.disagrees


@given(claim_lists(), claim_lists(), st.sampled_from([Verdict.OPINION, Verdict.DESCRIPTIVE]))
def test_opinions_and_self_descriptions_change_nothing(claims, opinions, verdict):
    for n, opinion in enumerate(opinions):
        opinion.pk, opinion.reference, opinion.verdict = -n - 1, f"o{n}", verdict
        opinion.question, opinion.answer = "is-permanent", "yes"
    both = [*opinions, *claims]
    assert summarise(both, Topic.SESSIONS) == summarise(claims, Topic.SESSIONS)
    assert two_sides(both, Topic.SESSIONS) == two_sides(claims, Topic.SESSIONS)
    assert questions(both) == []


@given(claim_lists(PRICES, Topic.COST))
def test_a_price_is_compared_only_in_one_currency_for_the_same_thing(claims):
    summaries = summarise_costs(claims)
    for summary in summaries:
        bought = {(r.claim.currency, r.claim.per) for r in summary.ranges}
        assert bought <= {(summary.currency, summary.per)}
    told = sorted(reference for s in summaries for reference in references(s.claims))
    assert told == sorted(references(claims))
    votes = [len(summary.ranges) for summary in summaries]
    assert votes == sorted(votes, reverse=True)
    assert not any(summary.others for summary in summaries[1:])


# --- examples


@pytest.fixture
def cellulite():
    """What five guides and clinics say of the number of sessions for cellulite."""
    return [
        claim("a", CLINIC, 8, 10),
        claim("b", GUIDE, 4, 6, unit=Unit.WEEK),
        claim("c", ONE, 3, 4),
        claim("d", SourceFactory.build(pk=113, kind=Kind.GUIDE), 10, 15),
        claim("e", SourceFactory.build(pk=114, kind=Kind.GUIDE)),
    ]


def test_cellulite_sessions_disagree_and_weeks_are_never_made_into_sessions(cellulite):
    summary = summarise(cellulite, Topic.SESSIONS)
    assert ends(summary) == [(3, 4), (8, 10), (10, 15)]
    assert (summary.low, summary.high, summary.unit) == (3, 15, Unit.SESSION)
    assert summary.agreement == Agreement.DISAGREE
    assert references(summary.others) == ["b", "e"]
    assert summary.source_count == 5
    assert summary.strongest == Kind.TRIAL
    assert not summary.only_sellers
    (weeks,) = summary.in_other_units
    assert (weeks.unit, ends(weeks)) == (Unit.WEEK, [(4, 6)])


def test_no_average_is_ever_shown(cellulite):
    told = {end for c in cellulite for end in (c.low, c.high) if end is not None}
    summary = summarise(cellulite, Topic.SESSIONS)
    assert {summary.low, summary.high} <= told


def off(reference, source, low, high, unit, **values):
    """A claim on time off."""
    return claim(reference, source, low, high, topic=Topic.DOWNTIME, unit=unit, **values)


def test_none_and_some_time_disagree_in_whatever_unit():
    claims = [off("a", CLINIC, 0, 0, Unit.DAY), off("b", GUIDE, 0, 0, Unit.DAY)]
    claims.append(off("c", ONE, 2, 4, Unit.WEEK))
    summary = summarise(claims, Topic.DOWNTIME)
    assert (summary.unit, summary.low, summary.high) == (Unit.DAY, 0, 0)
    assert summary.disagrees
    assert summarise(claims[:2], Topic.DOWNTIME).agreement == Agreement.AGREE


def test_other_numbers_in_different_units_are_not_said_to_disagree():
    claims = [off("a", CLINIC, 1, 2, Unit.DAY), off("b", GUIDE, 1, 2, Unit.DAY)]
    claims.append(off("c", ONE, 2, 4, Unit.WEEK))
    assert summarise(claims, Topic.DOWNTIME).agreement == Agreement.AGREE


def test_one_source_that_says_none_and_some_does_not_disagree_with_itself():
    claims = [off("a", ONE, 0, 0, Unit.DAY), off("b", ONE, 2, 4, Unit.WEEK)]
    assert summarise(claims, Topic.DOWNTIME).agreement == Agreement.SINGLE


def test_sources_that_contradict_each_other_in_another_unit_disagree():
    claims = [claim("a", ONE, 3, 4), claim("b", TWO, 3, 5), claim("c", CLINIC, 4, 4)]
    weeks = [claim("d", GUIDE, 4, 6, unit=Unit.WEEK), claim("e", REGULATOR, 10, 10, unit=Unit.WEEK)]
    assert summarise(claims, Topic.SESSIONS).agreement == Agreement.AGREE
    summary = summarise([*claims, *weeks], Topic.SESSIONS)
    assert summary.unit == Unit.SESSION
    assert summary.disagrees
    assert not summarise([*claims, weeks[0]], Topic.SESSIONS).disagrees


def test_a_figure_known_to_be_false_is_in_no_range():
    claims = [claim("a", ONE, 3, 4), claim("b", CLINIC, 1, 1, verdict=Verdict.FALSE)]
    assert summarise(claims, Topic.SESSIONS) == summarise(claims[:1], Topic.SESSIONS)
    assert references(corrected(claims)) == ["b"]
    prices = [cost("a", ONE, 200, 300), cost("b", CLINIC, 5, 5, verdict=Verdict.FALSE)]
    assert summarise_costs(prices) == summarise_costs(prices[:1])


def test_an_answer_that_only_sellers_give_is_known_as_one():
    claims = [answer("a", GUIDE, "yes"), answer("b", CLINIC, "yes"), answer("c", ONE, "no")]
    (question,) = questions([*claims, answer("d", CLINIC, "no")])
    assert {a.answer: a.only_sellers for a in question.answers} == {"yes": True, "no": False}


def test_a_claim_that_tells_two_things_apart_explains_the_others():
    claims = [answer("a", GUIDE, "yes"), answer("b", CLINIC, "no"), answer("c", ONE, "depends")]
    (question,) = questions(claims)
    assert references(question.explained_by) == ["c"]
    (question,) = questions(claims[:2])
    assert question.explained_by == ()


def test_sources_without_a_number_are_counted_each_once(cellulite):
    summary = summarise([*cellulite, claim("f", ONE), claim("g", TWO)], Topic.SESSIONS)
    assert summary.source_count == 6
    assert summary.words_count == 2


def test_up_to_30_agrees_with_10_and_at_least_31_does_not():
    up_to_30, ten = claim("a", ONE, None, 30), claim("b", TWO, 10, 10)
    summary = summarise([up_to_30, ten], Topic.SESSIONS)
    assert summary.agreement == Agreement.AGREE
    assert (summary.low, summary.high) == (10, 30)
    summary = summarise([up_to_30, claim("c", TWO, 31, None)], Topic.SESSIONS)
    assert summary.agreement == Agreement.DISAGREE


def test_ranges_that_touch_in_one_number_agree():
    summary = summarise([claim("a", ONE, 8, 10), claim("b", TWO, 10, 15)], Topic.SESSIONS)
    assert summary.agreement == Agreement.AGREE


def test_an_end_that_everybody_leaves_open_stays_open():
    claims = [claim("a", ONE, None, 6), claim("b", TWO, None, 4)]
    assert summarise(claims, Topic.SESSIONS).low is None
    assert summarise(claims, Topic.SESSIONS).high == 6


def test_one_source_cannot_disagree_with_itself():
    claims = [claim("a", ONE, 3, 3), claim("b", ONE, 12, 12)]
    assert summarise(claims, Topic.SESSIONS).agreement == Agreement.SINGLE


def test_words_alone_are_no_number():
    summary = summarise([claim("a", ONE), claim("b", TWO)], Topic.SESSIONS)
    assert summary.agreement == Agreement.NONE
    assert (summary.low, summary.high, summary.unit) == (None, None, "")
    assert summary.source_count == 2
    assert summary.strongest == Kind.TRIAL


def test_a_topic_of_which_nobody_speaks_is_empty():
    summary = summarise([claim("a", ONE, 3, 4)], Topic.DOWNTIME)
    assert summary.claims == ()
    assert summary.strongest == ""
    assert not summary.only_sellers


def test_only_sellers_speak_when_no_source_is_without_gain():
    sellers = [claim("a", CLINIC, 3, 4), claim("b", GUIDE)]
    assert summarise(sellers, Topic.SESSIONS).only_sellers
    assert not summarise([*sellers, claim("c", ONE)], Topic.SESSIONS).only_sellers


@pytest.mark.parametrize("kind", Kind)
def test_sellers_are_makers_clinics_directories_and_unnamed_guides(kind):
    source = SourceFactory.build(pk=1, kind=kind)
    expected = kind in {Kind.MANUFACTURER, Kind.CLINIC, Kind.DIRECTORY, Kind.GUIDE}
    assert summarise([claim("a", source, 3, 4)], Topic.SESSIONS).only_sellers == expected


def test_the_strongest_source_is_one_with_a_number_if_any_has_one():
    claims = [claim("a", REGULATOR), claim("b", GUIDE, 3, 4)]
    assert summarise(claims, Topic.SESSIONS).strongest == Kind.GUIDE
    assert summarise(claims[:1], Topic.SESSIONS).strongest == Kind.REGULATOR


def test_at_a_tie_between_units_the_stronger_source_decides():
    claims = [claim("a", GUIDE, 3, 4), claim("b", REGULATOR, 4, 6, unit=Unit.WEEK)]
    assert summarise(claims, Topic.SESSIONS).unit == Unit.WEEK


def test_a_source_that_repeats_itself_has_one_vote_for_the_unit():
    claims = [claim(f"a{n}", GUIDE, 4 + n, 6 + n, unit=Unit.WEEK) for n in range(3)]
    claims += [claim("b", ONE, 3, 4), claim("c", TWO, 3, 4)]
    assert summarise(claims, Topic.SESSIONS).unit == Unit.SESSION


def test_costs_are_split_by_currency_and_by_what_they_buy():
    claims = [
        cost("a", CLINIC, 250, 400),
        cost("b", GUIDE, 200, 600, "USD"),
        cost("c", ONE, 200, 300, "USD"),
        cost("d", ONE, 900, 900, "USD", Claim.Per.AREA),
        claim("e", TWO, topic=Topic.COST),
    ]
    summaries = summarise_costs(claims)
    assert [(s.currency, s.per, references(s.claims)) for s in summaries] == [
        ("USD", "session", ["c", "b", "e"]),
        ("EUR", "session", ["a"]),
        ("USD", "area", ["d"]),
    ]
    assert [s.agreement for s in summaries] == ["agree", "single", "single"]
    assert (summaries[0].low, summaries[0].high) == (200, 600)


def test_costs_in_words_alone_are_kept_and_none_are_no_costs():
    (summary,) = summarise_costs([claim("a", ONE, topic=Topic.COST)])
    assert (references(summary.others), summary.ranges) == (["a"], ())
    assert summarise_costs([claim("b", ONE, 3, 4)]) == []


def test_a_coded_question_disagrees_when_answers_differ():
    claims = [
        answer("a", GUIDE, "yes"),
        answer("b", CLINIC, "yes"),
        answer("c", ONE, "unproven"),
    ]
    (question,) = questions(claims)
    assert question.disagrees
    assert [(a.answer, references(a.claims)) for a in question.answers] == [
        ("unproven", ["c"]),
        ("yes", ["b", "a"]),
    ]
    (question,) = questions(claims[:2])
    assert not question.disagrees


def test_an_opinion_answers_no_question():
    claims = [answer("a", GUIDE, "yes"), answer("b", ONE, "no", verdict=Verdict.OPINION)]
    (question,) = questions(claims)
    assert not question.disagrees


def test_the_two_sides_part_sellers_from_the_rest_each_by_strength():
    told = [("a", GUIDE), ("b", ONE), ("c", CLINIC), ("d", REGULATOR)]
    claims = [claim(name, source, topic=Topic.EVIDENCE) for name, source in told]
    claims.append(claim("e", ONE, 3, 4))
    sides = two_sides(claims, Topic.EVIDENCE)
    assert references(sides.sellers) == ["c", "a"]
    assert references(sides.others) == ["d", "b"]


def test_false_claims_come_before_misleading_ones_and_those_without_support():
    verdicts = [
        ("a", Verdict.UNSUPPORTED),
        ("b", Verdict.MISLEADING),
        ("c", Verdict.OK),
        ("d", Verdict.FALSE),
        ("e", Verdict.CONTESTED),
        ("f", Verdict.FALSE),
        ("g", Verdict.OPINION),
    ]
    claims = [claim(name, GUIDE, verdict=verdict) for name, verdict in reversed(verdicts)]
    assert references(corrected(claims)) == ["d", "f", "b", "a"]


def test_everything_said_is_filed_under_its_topic_opinions_too():
    claims = [
        claim("a", ONE, topic=Topic.NAME),
        claim("b", GUIDE, 3, 4, verdict=Verdict.OPINION),
        claim("c", ONE, 5, 5),
    ]
    filed = [(label, references(found)) for label, found in by_topic(claims)]
    assert filed == [("Number of sessions", ["c", "b"]), ("Names", ["a"])]


def test_numbers_are_kept_as_the_source_gives_them():
    summary = summarise([claim("a", ONE, "0.5", "1.25")], Topic.SESSIONS)
    assert ends(summary) == [(Decimal("0.5"), Decimal("1.25"))]
