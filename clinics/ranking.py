"""The order of the directory. The page "how we rank" prints what stands here.

Nothing a clinic can pay for takes part, and there is no field for it.
"""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from django.utils.translation import gettext_lazy as _

DEFAULT_SORT = "match"

# A prime above every shuffle_key: multiplying the keys by a number drawn afresh each day
# and taking the rest gives each day another order of the same clinics.
_SHUFFLE_PRIME = 2_147_483_659


@dataclass(frozen=True)
class RankingRule:
    """One step of the order "best match": what it looks at, and why."""

    label: str
    explanation: str


RANKING_RULES = (
    RankingRule(
        _("The search decides who is listed"),
        _("Only clinics that match every filter and every word are listed. Nobody is added."),
    ),
    RankingRule(
        _("First: a price confirmed in the last 180 days"),
        _(
            "Clinics whose matching offer has a price that the clinic confirmed within "
            "180 days stand before those without one."
        ),
    ),
    RankingRule(
        _("Then: at least one confirmed check"),
        _(
            "Among these, clinics for which we confirmed a licence, qualification, premises or "
            "insurance, and whose check has not expired, stand first. More checks do not help: "
            "a large clinic gains nothing over a small one."
        ),
    ),
    RankingRule(
        _("Then: a new order every day"),
        _(
            "Clinics that are equal so far are shuffled afresh each day, the same for "
            "everybody, so that nobody owns the first place."
        ),
    ),
)


def drawn_on(day: date) -> int:
    """The number that shuffles the clinics of one day."""
    return int.from_bytes(sha256(day.isoformat().encode()).digest()[:4]) // 2 + 1


def shuffled_place(shuffle_keys, drawn: int):
    """Where clinics with these keys (a number or an array) stand on the day of `drawn`.

    Below 2**31 both, so that the product fits into 64 bits.
    """
    return shuffle_keys * drawn % _SHUFFLE_PRIME


@dataclass(frozen=True)
class Sort:
    """A way to order results. Clinics that are equal stand in the order of the day."""

    value: str
    label: str
    explanation: str
    needs_place: bool = False


SORTS = (
    Sort("match", _("best match"), _("As described above.")),
    Sort(
        "price",
        _("lowest price"),
        _(
            "The lowest price of one session among the offers that match, converted at the "
            "rates we hold. Prices not confirmed for 240 days, prices for an area or a "
            "millilitre, and currencies without a rate come last."
        ),
    ),
    Sort("name", _("name"), _("By the alphabet, accents ignored.")),
    Sort(
        "confirmed",
        _("recently confirmed"),
        _("The clinic that last confirmed its whole listing comes first."),
    ),
    Sort(
        "distance",
        _("distance"),
        _("The nearest clinic comes first. Offered when you name a place."),
        needs_place=True,
    ),
)
