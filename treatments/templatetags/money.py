"""Amounts of money as people of the page's language write them."""

import re
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_symbol
from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ..page_locale import page_locale

register = template.Library()

_DECIMALS = re.compile(r"\.0+")


def format_money(amount: Decimal, currency: str) -> str:
    """The amount with its currency; whole amounts without decimals."""
    return _written(amount, currency, get_language())


# Prices repeat, and Babel reads the pattern of the currency anew for each of them.
@lru_cache(maxsize=50_000)
def _written(amount: Decimal, currency: str, _language: str) -> str:
    locale = page_locale()
    pattern = locale.currency_formats["standard"].pattern
    if amount == amount.to_integral_value():
        pattern = _DECIMALS.sub("", pattern)
    if get_currency_symbol(currency, locale)[-1].isalpha():
        # "KWD 1.500", not "KWD1.500"
        pattern = pattern.replace("¤#", "¤\xa0#")
    digits = "." in pattern
    return format_currency(amount, currency, format=pattern, locale=locale, currency_digits=digits)


@register.simple_tag
def money(amount, currency) -> str:
    """{% money 120 "EUR" %} gives €120. Empty for no amount."""
    return "" if amount is None else format_money(Decimal(amount), str(currency))


@register.simple_tag
def money_range(low, high, currency) -> str:
    """{% money_range 120 140 "EUR" %} gives €120 to €140; one amount when both are equal."""
    if low is None:
        return ""
    if low == high:
        return money(low, currency)
    return _("%(low)s to %(high)s") % {
        "low": money(low, currency),
        "high": money(high, currency),
    }
