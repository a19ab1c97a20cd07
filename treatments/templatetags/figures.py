"""Numbers of claims in words: "3 to 4 sessions", "up to 30 minutes", "€250 to €400"."""

from decimal import Decimal

from babel.numbers import format_decimal
from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..evidence import TopicSummary
from ..models import Claim
from ..page_locale import country_name, page_locale
from .money import format_money

register = template.Library()

# Qualifiers that are read before the number; all others are notes and stand after it.
_READ_BEFORE = ("about", "at least", "up to", "more than", "sometimes", "several", "a few")


def _number(value: Decimal) -> str:
    return format_decimal(value.normalize() if value else Decimal(0), locale=page_locale())


def _unit(unit: str, amount: Decimal) -> str:
    n = 1 if amount == 1 else 2
    return {
        "session": ngettext("session", "sessions", n),
        "minute": ngettext("minute", "minutes", n),
        "hour": ngettext("hour", "hours", n),
        "day": ngettext("day", "days", n),
        "week": ngettext("week", "weeks", n),
        "month": ngettext("month", "months", n),
        "year": ngettext("year", "years", n),
        "week_per_year": ngettext("week each year", "weeks each year", n),
        "percent": "%",
    }.get(unit, "")


def range_in_words(
    low: Decimal | None, high: Decimal | None, unit: str = "", currency: str = ""
) -> str:
    """A range with its unit; "up to" and "at least" for an open end; "" for no number."""
    if low is None and high is None:
        return ""
    if low == high == 0 and not currency:
        return _("none")

    def write(value: Decimal) -> str:
        return format_money(value, currency) if currency else _number(value)

    if low is None:
        words = _("up to %(high)s") % {"high": write(high)}
    elif high is None:
        words = _("at least %(low)s") % {"low": write(low)}
    elif low == high:
        words = write(low)
    else:
        words = _("%(low)s to %(high)s") % {"low": write(low), "high": write(high)}
    return f"{words} {_unit(unit, high if high is not None else low)}".strip()


@register.filter
def spans(summary: TopicSummary) -> str:
    """The whole span of a topic, such as "3 to 15 sessions"; "" when nobody gives a number.

    "or more" follows when some source sets no upper end and others do.
    """
    words = range_in_words(summary.low, summary.high, summary.unit, summary.currency)
    if summary.high is not None and any(r.high is None for r in summary.ranges):
        return _("%(span)s or more") % {"span": words}
    return words


@register.filter
def headline(summary: TopicSummary) -> str:
    """The span in every unit that sources use, such as "none, or 2 to 4 weeks"."""
    return _(", or ").join([spans(summary), *(spans(other) for other in summary.in_other_units)])


@register.filter
def claimed_figure(claim: Claim) -> str:
    """The number of one claim with its qualifier, such as "at least 8 to 10 sessions"."""
    words = range_in_words(claim.low, claim.high, claim.unit, claim.currency)
    if not words:
        return claim.qualifier
    if claim.qualifier in _READ_BEFORE and claim.low is not None:
        open_ended = claim.high is None and claim.qualifier in ("at least", "more than")
        if open_ended:
            words = range_in_words(claim.low, claim.low, claim.unit, claim.currency)
        return f"{claim.qualifier} {words}"
    return words


@register.filter
def figure_note(claim: Claim) -> str:
    """A qualifier that is no part of the number, such as "in the study"; else ""."""
    has_number = claim.low is not None or claim.high is not None
    return claim.qualifier if has_number and claim.qualifier not in _READ_BEFORE else ""


@register.filter
def number(value: Decimal) -> str:
    """A number without needless zeros, as the language of the page writes it."""
    return _number(Decimal(value))


@register.filter
def time_in(amount: Decimal, unit: str) -> str:
    """One amount with its unit: {{ 3|time_in:"week" }} gives "3 weeks"."""
    return (
        range_in_words(amount, amount, unit)
        if amount
        else f"{_number(Decimal(0))} {_unit(unit, amount)}"
    )


@register.filter
def country(code: str) -> str:
    """The name of a country from its ISO code; "" for an empty code."""
    return country_name(code) if code else ""
