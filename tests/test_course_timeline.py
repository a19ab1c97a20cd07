"""A course over time: what may be drawn of what sources say, and what may not."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.claim_strategies import SOURCES, claim, ranges
from tests.factories import SourceFactory
from treatments.course_timeline import MOST_DOTS, Missing, course_timeline
from treatments.models import Claim, Source

Topic, Unit = Claim.Topic, Claim.Unit

ONE, TWO = (SourceFactory.build(pk=100 + n, kind=Source.Kind.TRIAL) for n in range(2))
GUIDE = SourceFactory.build(pk=111, kind=Source.Kind.GUIDE)

# What a claim on a course may count: topic and unit.
COUNTED = (
    (Topic.SESSIONS, Unit.SESSION),
    (Topic.SESSIONS, Unit.WEEK),
    (Topic.INTERVAL, Unit.WEEK),
    (Topic.INTERVAL, Unit.MONTH),
    (Topic.COURSE_LENGTH, Unit.WEEK),
    (Topic.TIME_TO_RESULT, Unit.WEEK),
    (Topic.TIME_TO_RESULT, Unit.SESSION),
    (Topic.MAINTENANCE, Unit.MONTH),
)


@st.composite
def told(draw):
    """Up to eight claims on a course by five sources, some of them in words."""
    drawn = draw(
        st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(COUNTED), ranges), max_size=8)
    )
    return [
        claim(f"c{n}", source, low, high, topic=topic, unit="" if low is high is None else unit)
        for n, (source, (topic, unit), (low, high)) in enumerate(drawn)
    ]


def sessions(reference, source, low, high=None, **values):
    """A claim on the number of sessions; one number when only `low` is given."""
    return claim(reference, source, low, low if high is None else high, **values)


def apart(reference, source, low, high=None, unit=Unit.WEEK):
    """A claim on the time between sessions."""
    return claim(
        reference, source, low, low if high is None else high, topic=Topic.INTERVAL, unit=unit
    )


def tracks(course) -> list[tuple]:
    """Sessions, time between them, time from first to last, and whether it may be longer."""
    return [(track.sessions, track.gap, track.length, track.is_open) for track in course.tracks]


def drawn(timeline) -> list[tuple]:
    """Every course of every scale: its unit, its claims, its tracks."""
    return [
        (scale.unit, course.references, tracks(course))
        for scale in timeline.scales
        for course in scale.courses
    ]


# --- whatever the claims are


@given(told())
def test_every_claim_on_a_course_is_drawn_or_said_to_be_too_little(claims):
    timeline = course_timeline(claims)
    shown = {
        reference
        for part in (*(c for s in timeline.scales for c in s.courses), *timeline.not_drawn)
        for reference in part.references.split()
    }
    course = (Topic.SESSIONS, Topic.INTERVAL, Topic.COURSE_LENGTH)
    assert shown == {c.reference for c in claims if c.topic in course}


@given(told())
def test_a_course_is_never_put_together_from_two_sources(claims):
    for scale in course_timeline(claims).scales:
        for course in scale.courses:
            assert {c.source.pk for c in course.claims} == {course.source.pk}


@given(told())
def test_a_scale_holds_one_unit_and_everything_lies_inside_the_drawing(claims):
    for scale in course_timeline(claims).scales:
        units = {c.unit for course in scale.courses for c in course.claims} - {Unit.SESSION}
        assert units <= {scale.unit}
        full = scale.marks[-1].value
        for course in scale.courses:
            for track in course.tracks:
                assert 0 <= track.length <= full
                assert all(0 <= dot <= 100 for dot in (*track.dots, track.end))
                assert len(track.dots) in (0, track.sessions)


@given(told())
def test_the_order_of_claims_does_not_matter(claims):
    assert course_timeline(reversed(claims)) == course_timeline(claims)


@given(told())
def test_the_shortest_track_comes_first(claims):
    for scale in course_timeline(claims).scales:
        for course in scale.courses:
            lengths = [track.length for track in course.tracks]
            assert lengths == sorted(lengths)


# --- examples


def test_a_source_that_gives_both_is_drawn_at_its_shortest_and_its_longest():
    timeline = course_timeline([sessions("a", ONE, 3, 4), apart("b", ONE, 3, 4)])
    assert drawn(timeline) == [
        ("week", "a b", [(3, 3, 6, False), (4, 4, 12, False)]),
    ]
    (course,) = timeline.scales[0].courses
    assert course.tracks[0].dots == (0, 25, 50)
    assert course.tracks[1].dots == (0, Decimal("33.33"), Decimal("66.67"), 100)


def test_the_interval_of_one_source_is_not_lent_to_another():
    timeline = course_timeline([sessions("a", ONE, 10, 15), apart("b", TWO, 3)])
    assert not timeline.has_picture
    assert [(left.references, left.missing) for left in timeline.not_drawn] == [
        ("a", Missing.INTERVAL),
        ("b", Missing.SESSIONS),
    ]


def test_weeks_of_treatment_are_a_length_and_never_become_sessions():
    weeks = claim("a", GUIDE, 4, 6, unit=Unit.WEEK)
    timeline = course_timeline([weeks])
    assert drawn(timeline) == [("week", "a", [(None, None, 4, False), (None, None, 6, False)])]
    assert [track.dots for track in timeline.scales[0].courses[0].tracks] == [(), ()]


def test_months_have_a_scale_of_their_own():
    timeline = course_timeline(
        [
            sessions("a", ONE, 4),
            apart("b", ONE, 3, unit=Unit.MONTH),
            sessions("c", TWO, 4),
            apart("d", TWO, 4),
        ]
    )
    assert [(scale.unit, scale.courses[0].tracks[0].length) for scale in timeline.scales] == [
        ("week", 12),
        ("month", 9),
    ]


def test_an_open_end_goes_on_and_says_so():
    label = [claim("a", ONE, None, 6), claim("b", ONE, 4, None, topic=Topic.INTERVAL, unit="week")]
    timeline = course_timeline(label)
    assert drawn(timeline) == [("week", "a b", [(6, 4, 20, True)])]
    assert timeline.scales[0].marks[-1].value > 20


def test_a_single_session_needs_no_interval():
    timeline = course_timeline([sessions("a", ONE, 1, 2), apart("b", ONE, 6)])
    assert drawn(timeline) == [("week", "a b", [(1, None, 0, False), (2, 6, 6, False)])]
    alone = course_timeline([sessions("a", ONE, 1)])
    assert not alone.has_picture
    assert [left.missing for left in alone.not_drawn] == [Missing.SINGLE]
    beside = course_timeline([sessions("a", ONE, 1), sessions("b", TWO, 3), apart("c", TWO, 4)])
    assert [course.tracks[0].length for course in beside.scales[0].courses] == [0, 8]


def test_two_studies_in_one_source_are_not_paired_by_guess():
    claims = [sessions("a", ONE, 3), sessions("b", ONE, 12), apart("c", ONE, 1), apart("d", ONE, 4)]
    timeline = course_timeline(claims)
    assert not timeline.has_picture
    assert [(left.references, left.missing) for left in timeline.not_drawn] == [
        ("a b c d", Missing.PAIRING)
    ]


def test_the_shortest_and_the_longest_course_are_marked_when_sources_differ():
    claims = [
        *(sessions("a", ONE, 4), apart("b", ONE, 4)),
        *(sessions("c", TWO, 4), apart("d", TWO, 8)),
        *(sessions("e", GUIDE, 4), apart("f", GUIDE, 2)),
    ]
    (scale,) = course_timeline(claims).scales
    assert {c.references: (c.is_shortest, c.is_longest) for c in scale.courses} == {
        "a b": (False, False),
        "c d": (False, True),
        "e f": (True, False),
    }
    (alone,) = course_timeline(claims[:2]).scales
    assert [(c.is_shortest, c.is_longest) for c in alone.courses] == [(False, False)]


def test_nothing_is_called_longest_across_units_of_time():
    claims = [
        *(sessions("a", ONE, 4), apart("b", ONE, 4)),
        *(sessions("c", TWO, 4), apart("d", TWO, 8)),
        *(sessions("e", GUIDE, 4), apart("f", GUIDE, 3, unit=Unit.MONTH)),
    ]
    marked = [
        (c.is_shortest, c.is_longest) for s in course_timeline(claims).scales for c in s.courses
    ]
    assert marked == [(False, False)] * 3


def test_more_sessions_than_can_be_told_apart_are_a_bar():
    claims = [sessions("a", ONE, MOST_DOTS + 1), apart("b", ONE, 1)]
    (scale,) = course_timeline(claims).scales
    assert scale.courses[0].tracks[0].dots == ()


def test_an_opinion_draws_nothing():
    opinion = sessions("a", ONE, 3, 4, verdict=Claim.Verdict.OPINION)
    assert not course_timeline([opinion, apart("b", ONE, 3)]).has_picture


def test_repeats_are_a_band_with_both_ends_named_in_each_unit():
    claims = [
        claim("a", ONE, 6, 12, topic=Topic.MAINTENANCE, unit=Unit.MONTH),
        claim("b", TWO, 3, 6, topic=Topic.MAINTENANCE, unit=Unit.MONTH),
        claim("c", GUIDE, 4, 6, topic=Topic.MAINTENANCE, unit=Unit.WEEK_PER_YEAR),
    ]
    (band,) = course_timeline(claims).repeats.bands
    assert (band.unit, band.low, band.high) == ("month", 3, 12)
    assert [c.reference for c in band.says_low] == ["b"]
    assert [c.reference for c in band.says_high] == ["a"]
    assert (band.x, band.width) == (25, 75)
    assert course_timeline(claims).repeats.summary.source_count == 3


def test_results_counted_in_sessions_stand_on_no_scale_of_time():
    after = claim("a", ONE, 4, 4, topic=Topic.TIME_TO_RESULT, unit=Unit.SESSION)
    assert course_timeline([after]).results.bands == ()
