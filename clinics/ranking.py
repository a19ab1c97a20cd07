"""The order of the directory. The page "how we rank" prints what stands here.

Nothing a clinic can pay for takes part, and there is no field for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from .exchange import in_euro
from .models import Check, Offer
from .models.offer import FRESH_DAYS, STALE_DAYS

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


def _daily_place(today: date):
    drawn = int.from_bytes(sha256(today.isoformat().encode()).digest()[:4]) // 2 + 1
    # As a 64-bit number: the product is above what a 32-bit column holds.
    key = Cast("shuffle_key", BigIntegerField())
    return key * Value(drawn) % Value(_SHUFFLE_PRIME)


def _as_number(condition) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _by_match(clinics, offers, today: date):
    fresh = offers.filter(
        clinic=OuterRef("pk"),
        price_low__isnull=False,
        price_confirmed_on__gte=today - timedelta(days=FRESH_DAYS),
    )
    checked = Check.objects.confirmed(today).filter(clinic=OuterRef("pk"))
    return clinics.annotate(
        has_fresh_price=_as_number(Exists(fresh)),
        has_check=_as_number(Exists(checked)),
        daily_place=_daily_place(today),
    ).order_by("-has_fresh_price", "-has_check", "daily_place", "pk")


def _by_price(clinics, offers, today: date):
    lowest = (
        offers.filter(
            clinic=OuterRef("pk"),
            unit=Offer.Unit.SESSION,
            price_confirmed_on__gte=today - timedelta(days=STALE_DAYS),
        )
        .order_by()
        .values("clinic")
        .annotate(lowest=Min(in_euro("price_low")))
        .values("lowest")
    )
    return clinics.annotate(lowest_price=Subquery(lowest)).order_by(
        F("lowest_price").asc(nulls_last=True), "name_folded", "pk"
    )


def _by_name(clinics, offers, today: date):
    return clinics.order_by("name_folded", "pk")


def _by_confirmation(clinics, offers, today: date):
    return clinics.order_by(F("confirmed_on").desc(nulls_last=True), "name_folded", "pk")


@dataclass(frozen=True)
class Sort:
    """A way to order results; `apply(clinics, matching offers, today)` gives the query."""

    value: str
    label: str
    explanation: str
    apply: Callable


SORTS = (
    Sort("match", _("best match"), _("As described above."), _by_match),
    Sort(
        "price",
        _("lowest price"),
        _(
            "The lowest price of one session among the offers that match, converted at the "
            "rates we hold. Prices not confirmed for 240 days, prices for an area or a "
            "millilitre, and currencies without a rate come last."
        ),
        _by_price,
    ),
    Sort("name", _("name"), _("By the alphabet, accents ignored."), _by_name),
    Sort(
        "confirmed",
        _("recently confirmed"),
        _("The clinic that last confirmed its whole listing comes first."),
        _by_confirmation,
    ),
)
