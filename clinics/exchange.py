"""Prices in one currency: converted at the dated rates that we hold.

The original price always stands beside a converted one. A price in a currency
without a rate is never compared and never converted.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import DecimalField, ExpressionWrapper, F

from .models import Currency

# What a visitor sees before choosing: the currency that all rates refer to.
DEFAULT_CURRENCY = "EUR"


@dataclass(frozen=True)
class Rates:
    """Rates of one moment: units of each currency for one euro, and the oldest date used."""

    per_euro: dict[str, Decimal]
    rate_date: date | None

    @property
    def codes(self) -> tuple[str, ...]:
        """Currencies that a visitor can choose, in alphabetical order."""
        return tuple(sorted(self.per_euro))

    def to_euro(self, amount: Decimal, currency: str) -> Decimal | None:
        """The amount in euro, or None without a rate."""
        rate = self.per_euro.get(currency)
        return None if rate is None else amount / rate

    def convert(self, amount: Decimal, currency: str, target: str) -> Decimal | None:
        """The amount in `target`, rounded to whole units, or None without a rate."""
        euro = self.to_euro(amount, currency)
        rate = self.per_euro.get(target)
        return None if euro is None or rate is None else round(euro * rate)


def current_rates() -> Rates:
    """The rates held now. One query."""
    held = list(Currency.objects.filter(per_euro__isnull=False))
    return Rates(
        per_euro={DEFAULT_CURRENCY: Decimal(1)}
        | {currency.code: currency.per_euro for currency in held},
        rate_date=min((currency.rate_date for currency in held), default=None),
    )


def in_euro(column: str):
    """A query expression: an offer's money column in euro, NULL without a rate."""
    return ExpressionWrapper(
        F(column) / F("currency__per_euro"),
        output_field=DecimalField(max_digits=18, decimal_places=6),
    )
