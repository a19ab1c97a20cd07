"""Claims that are in no database, single and at random, for tests of pure functions."""

from decimal import Decimal

from hypothesis import strategies as st

from tests.factories import SourceFactory
from treatments.models import Claim, Source

Kind, Unit, Per = Source.Kind, Claim.Unit, Claim.Per

# A measure: unit, currency, what is bought.
COUNTS = ((Unit.SESSION, "", ""), (Unit.WEEK, "", ""))
PRICES = (
    (Unit.MONEY, "EUR", Per.SESSION),
    (Unit.MONEY, "EUR", Per.AREA),
    (Unit.MONEY, "USD", Per.SESSION),
)

SOURCES = tuple(
    SourceFactory.build(pk=n, slug=f"{kind}-{n}", kind=kind)
    for n, kind in enumerate((Kind.TRIAL, Kind.REGULATOR, Kind.CLINIC, Kind.GUIDE, Kind.TRIAL), 1)
)


def claim(reference: str, source: Source, low=None, high=None, **values) -> Claim:
    """A claim on the number of sessions, unless `values` say otherwise, with a key of its own."""
    low, high = (None if end is None else Decimal(end) for end in (low, high))
    unit = "" if low is None and high is None else Unit.SESSION
    # By hand: hypothesis asks for thousands, and a factory takes a millisecond for each.
    return Claim(
        **{"topic": Claim.Topic.SESSIONS, "unit": unit, "words": f"Claim {reference}."} | values,
        pk=int.from_bytes(reference.encode()),
        reference=reference,
        source=source,
        low=low,
        high=high,
    )


def _in_order(ends):
    low, high = ends
    return (high, low) if None not in ends and low > high else ends


numbers = st.none() | st.integers(0, 40).map(Decimal)
# Both ends, one or none; a range without any is a claim in words.
ranges = st.tuples(numbers, numbers).map(_in_order)


@st.composite
def claim_lists(draw, measures=COUNTS, topic=Claim.Topic.SESSIONS, max_size=7):
    """Up to `max_size` claims on one topic, by five sources, some of them in words."""
    told = draw(
        st.lists(
            st.tuples(st.sampled_from(SOURCES), ranges, st.sampled_from(measures)),
            max_size=max_size,
        )
    )
    return [
        claim(
            f"c{n}",
            source,
            low,
            high,
            topic=topic,
            **(
                {}
                if low is None and high is None
                else {"unit": unit, "currency": currency, "per": per}
            ),
        )
        for n, (source, (low, high), (unit, currency, per)) in enumerate(told)
    ]
