"""A course of treatment along time, source by source. Numbers for a drawing, no HTML.

Rules
- A course is drawn only from what one source says by itself: its number of sessions with
  its own time between them, or its own length of a course. Sessions of one source are
  never put at the intervals of another.
- Every unit of time has a scale of its own; nothing is converted from one to another.
- A course is drawn at its shortest and at its longest, never in between. Where a source
  leaves the longer end open the track goes on to the edge, and says so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from .evidence import SourceRange, TopicSummary, about, summarise
from .models import Claim, Source

Topic, Unit = Claim.Topic, Claim.Unit

_UNITS_OF_TIME = (Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR)
_STEPS = (1, 2, 3, 4, 5, 10, 15, 20, 25, 50)
_MOST_TICKS = 5
# An open end needs room, or "at least" would be drawn as "exactly".
_ROOM_BEYOND = Decimal("1.25")
# More than these are no longer told apart at the width of a phone.
MOST_DOTS = 20


class Missing(StrEnum):
    """Why what a source says of its course cannot be drawn."""

    INTERVAL = "interval"  # sessions, but not how far apart
    SESSIONS = "sessions"  # how far apart, but not how many
    PAIRING = "pairing"  # several of both, and not which belong together
    SINGLE = "single"  # one session, which takes no time between sessions
    NUMBERS = "numbers"  # words only


@dataclass(frozen=True)
class Track:
    """One line of a drawing, in per cent of the scale.

    `sessions` is the number drawn as `dots`; None for a length alone, drawn as a bar. `gap`
    is the time between two of them, None with a single session. `length` is the time from
    the first session to the last, in the unit of the scale. `is_open`: or longer.
    """

    sessions: int | None
    gap: Decimal | None
    length: Decimal
    is_open: bool
    dots: tuple[Decimal, ...]
    end: Decimal


@dataclass(frozen=True)
class SourcedCourse:
    """The course of one source: its claims, and one or two tracks, the shorter one first.

    Marked the shortest or the longest only where all courses are told in one unit.
    """

    claims: tuple[Claim, ...]
    tracks: tuple[Track, ...]
    is_shortest: bool = False
    is_longest: bool = False

    @property
    def source(self) -> Source:
        return self.claims[0].source

    @property
    def references(self) -> str:
        """The references of its claims, with blanks between."""
        return " ".join(claim.reference for claim in self.claims)


@dataclass(frozen=True)
class Mark:
    """A line on the scale: its number, and where it stands in per cent."""

    value: Decimal
    x: Decimal


@dataclass(frozen=True)
class Scale:
    """All courses that are told in one unit of time, on one scale from the first session."""

    unit: str
    courses: tuple[SourcedCourse, ...]
    marks: tuple[Mark, ...]

    @property
    def unit_label(self) -> str:
        """The unit in words, such as "weeks"."""
        return str(Unit(self.unit).label)


@dataclass(frozen=True)
class NotDrawn:
    """What a source says of its course that is too little to draw."""

    claims: tuple[Claim, ...]
    missing: Missing

    @property
    def source(self) -> Source:
        return self.claims[0].source

    @property
    def references(self) -> str:
        """The references of its claims, with blanks between."""
        return " ".join(claim.reference for claim in self.claims)


@dataclass(frozen=True)
class Band:
    """From the earliest to the latest time that sources give, with who says either end.

    `x` and `width` are per cent of a scale with `marks`. An end that all leave open is None;
    `is_open` when any source sets no later end.
    """

    unit: str
    low: Decimal | None
    high: Decimal | None
    says_low: tuple[Claim, ...]
    says_high: tuple[Claim, ...]
    is_open: bool
    marks: tuple[Mark, ...]
    x: Decimal
    width: Decimal

    @property
    def unit_label(self) -> str:
        """The unit in words, such as "months"."""
        return str(Unit(self.unit).label)

    @property
    def is_point(self) -> bool:
        return self.width == 0


@dataclass(frozen=True)
class Later:
    """What comes after the first session: a topic with a band for each unit of time.

    `summary` has everything said of it, words and numbers in other units too.
    """

    summary: TopicSummary
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class CourseTimeline:
    """The course by source, then when results show and when it is repeated."""

    scales: tuple[Scale, ...]
    not_drawn: tuple[NotDrawn, ...]
    results: Later
    repeats: Later

    @property
    def has_picture(self) -> bool:
        """Whether any course can be drawn."""
        return bool(self.scales)

    @property
    def has_anything(self) -> bool:
        """Whether any source speaks of the course at all."""
        return bool(self.scales or self.not_drawn)


@dataclass(frozen=True)
class _Course:
    """A course before it is laid out: (sessions, gap, length, is open) for each track."""

    claims: tuple[Claim, ...]
    unit: str
    tracks: tuple[tuple[int | None, Decimal | None, Decimal, bool], ...]


def course_timeline(claims: Iterable[Claim]) -> CourseTimeline:
    """Lay out everything that claims with loaded sources say of a course."""
    claims = list(claims)
    courses, not_drawn = _courses(claims)
    scales, single = _scales(courses)
    return CourseTimeline(
        scales=tuple(scales),
        not_drawn=tuple(single + not_drawn),
        results=_later(claims, Topic.TIME_TO_RESULT),
        repeats=_later(claims, Topic.MAINTENANCE),
    )


def _courses(claims: list[Claim]) -> tuple[list[_Course], list[NotDrawn]]:
    found: list[_Course] = []
    not_drawn: list[NotDrawn] = []
    every = [
        c
        for topic in (Topic.SESSIONS, Topic.INTERVAL, Topic.COURSE_LENGTH)
        for c in about(claims, topic)
    ]
    sources = {claim.source.pk: claim.source for claim in every}
    for source in sorted(sources.values(), key=lambda s: (s.rank, s.name, s.pk)):
        told = sorted(
            (claim for claim in every if claim.source.pk == source.pk),
            key=lambda claim: claim.reference,
        )
        drawn, left = _courses_of_source(told)
        found += drawn
        not_drawn += left
    return found, not_drawn


def _has_number(claim: Claim) -> bool:
    return claim.low is not None or claim.high is not None


def _courses_of_source(told: list[Claim]) -> tuple[list[_Course], list[NotDrawn]]:
    numbers = [claim for claim in told if _has_number(claim)]
    counts = [c for c in numbers if c.unit == Unit.SESSION]
    timed = [c for c in numbers if c.unit in _UNITS_OF_TIME]
    gaps = [c for c in timed if c.topic == Topic.INTERVAL]
    # "4 to 6 weeks of treatment" is a length, also where it was said of the sessions.
    lengths = [c for c in timed if c.topic != Topic.INTERVAL]
    is_unclear = len(counts) > 1 and len(gaps) > 1
    pairs = [] if is_unclear else [(count, gap) for count in counts for gap in gaps]
    courses = [course for pair in pairs if (course := _of_sessions(*pair))]
    used = {claim.pk for course in courses for claim in course.claims}
    courses += [
        _Course((c,), "", ((1, None, Decimal(0), False),))
        for c in counts
        if c.low == c.high == 1 and c.pk not in used
    ]
    courses += [course for c in lengths if (course := _of_length(c))]
    used = {claim.pk for course in courses for claim in course.claims}
    rest = tuple(claim for claim in told if claim.pk not in used)
    if not rest:
        return courses, []
    if is_unclear:
        missing = Missing.PAIRING
    elif any(claim in rest for claim in counts):
        missing = Missing.INTERVAL
    elif any(claim in rest for claim in gaps):
        missing = Missing.SESSIONS
    else:
        missing = Missing.NUMBERS
    return courses, [NotDrawn(rest, missing)]


def _of_sessions(count: Claim, gap: Claim) -> _Course | None:
    """The shortest and the longest course of one number of sessions at one interval."""
    tracks = []
    if count.low is not None and (gap.low is not None or count.low == 1):
        tracks.append(_track(count.low, gap.low, is_open=False))
    most = count.high if count.high is not None else count.low
    longest = gap.high if gap.high is not None else gap.low
    is_open = count.high is None or (gap.high is None and most > 1)
    last = _track(most, longest, is_open=is_open)
    if not tracks or last[:3] != tracks[0][:3]:
        tracks.append(last)
    elif is_open:
        tracks = [last]
    return _Course((count, gap), gap.unit, tuple(tracks))


def _track(sessions: Decimal, gap: Decimal | None, *, is_open: bool):
    if sessions <= 1:
        return (1, None, Decimal(0), is_open)
    return (int(sessions), gap, (int(sessions) - 1) * gap, is_open)


def _of_length(claim: Claim) -> _Course:
    """A course of which only the length is told."""
    ends = [end for end in (claim.low, claim.high) if end is not None]
    tracks = tuple((None, None, end, False) for end in dict.fromkeys(ends))
    if claim.high is None:
        tracks = tuple((*track[:3], True) for track in tracks)
    return _Course((claim,), claim.unit, tracks)


def _scales(courses: list[_Course]) -> tuple[list[Scale], list[NotDrawn]]:
    """Courses by unit. A single session has no time of its own: it joins the first scale."""
    units = [unit for unit in _UNITS_OF_TIME if any(c.unit == unit for c in courses)]
    if not units:
        return [], [NotDrawn(course.claims, Missing.SINGLE) for course in courses]
    scales = []
    for unit in units:
        joined = ("", unit) if unit == units[0] else (unit,)
        of_unit = [course for course in courses if course.unit in joined]
        scales.append(_scale(unit, of_unit, is_only=len(units) == 1))
    return scales, []


def _scale(unit: str, courses: list[_Course], *, is_only: bool) -> Scale:
    lengths = [track[2] for course in courses for track in course.tracks]
    top = max(*lengths, Decimal(1))
    goes_on = any(track[3] for course in courses for track in course.tracks)
    marks = _marks(top * _ROOM_BEYOND if goes_on else top)
    full = marks[-1].value
    # The longest in weeks may be shorter than one that is told in months.
    several = is_only and len({course.claims[0].source.pk for course in courses}) > 1
    shortest = min(course.tracks[0][2] for course in courses)
    return Scale(
        unit,
        tuple(
            SourcedCourse(
                course.claims,
                tuple(_laid_out(track, full) for track in course.tracks),
                is_shortest=several and course.tracks[0][2] == shortest < max(lengths),
                is_longest=several
                and not goes_on
                and course.tracks[-1][2] == max(lengths) > shortest,
            )
            for course in courses
        ),
        marks,
    )


def _laid_out(track: tuple, full: Decimal) -> Track:
    sessions, gap, length, is_open = track
    dots: tuple[Decimal, ...] = ()
    if sessions is not None and sessions <= MOST_DOTS:
        dots = tuple(_per_cent((gap or 0) * place, full) for place in range(sessions))
    return Track(sessions, gap, length, is_open, dots, _per_cent(length, full))


def _per_cent(value: Decimal, full: Decimal) -> Decimal:
    return round(Decimal(value) * 100 / full, 2)


def _marks(top: Decimal) -> tuple[Mark, ...]:
    """At most five steps from zero that reach `top`."""
    step = next(
        Decimal(step * scale)
        for scale in (1, 100, 10_000, 1_000_000, 10**8, 10**10)
        for step in _STEPS
        if step * scale * (_MOST_TICKS - 1) >= top
    )
    count = max(1, int((top / step).to_integral_value(ROUND_CEILING)))
    return tuple(Mark(step * n, _per_cent(step * n, step * count)) for n in range(count + 1))


def _later(claims: list[Claim], topic: str) -> Later:
    summary = summarise(claims, topic)
    measures = [summary, *summary.in_other_units]
    return Later(
        summary, tuple(_band(measure) for measure in measures if measure.unit in _UNITS_OF_TIME)
    )


def _band(summary: TopicSummary) -> Band:
    low, high, ranges = summary.low, summary.high, summary.ranges
    top = max(end for r in ranges for end in (r.low, r.high) if end is not None)
    is_open = any(r.high is None for r in ranges)
    marks = _marks(max(top * _ROOM_BEYOND if is_open else top, Decimal("0.5")))
    full = marks[-1].value
    start = _per_cent(low if low is not None else Decimal(0), full)
    end = Decimal(100) if is_open else _per_cent(high, full)
    return Band(
        unit=summary.unit,
        low=low,
        high=high,
        says_low=_who_says(ranges, lambda r: r.low == low),
        says_high=_who_says(ranges, lambda r: r.high == high),
        is_open=is_open,
        marks=marks,
        x=start,
        width=end - start,
    )


def _who_says(ranges: tuple[SourceRange, ...], says: Callable[[SourceRange], bool]):
    """The claims that give an end, one for each source."""
    found: dict[int, Claim] = {}
    for r in filter(says, ranges):
        found.setdefault(r.source.pk, r.claim)
    return tuple(found.values())
