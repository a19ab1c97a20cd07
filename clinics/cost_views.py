"""The page "What will it cost me" of a treatment."""

from decimal import Decimal

from django.http import QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from treatments import structured_data
from treatments.evidence import summarise
from treatments.models import Claim, Statement, Treatment

from .cost_basis import (
    StatedPrice,
    sessions_span,
    stated_prices,
    stated_sessions,
)
from .cost_form import CostForm
from .course_cost import Buys, PlannedCost, Span, planned_cost
from .exchange import DEFAULT_CURRENCY, Rates, current_rates
from .offers_summary import listed_plans, offers_of_treatment
from .price_picture import price_picture


@require_safe
def treatment_cost(request, slug):
    """A course and a first year as a range, from stated figures or the visitor's own.

    Eleven queries, of which five are for treatments that clinics can list.
    """
    treatment = get_object_or_404(
        Treatment.objects.published().prefetch_related(
            "claims__source", "statements__sources", "claims__checked_against"
        ),
        slug=slug,
    )
    claims, today = list(treatment.claims.all()), timezone.localdate()
    rates = current_rates()
    shown = request.GET.get("show_in", DEFAULT_CURRENCY)
    listing_currency = shown if shown in rates.codes else DEFAULT_CURRENCY
    offers = plans = None
    if treatment.is_offered:
        offers = offers_of_treatment(treatment, today, listing_currency)
        plans = listed_plans(treatment, rates, listing_currency)
    prices = stated_prices(claims, offers)
    sessions = stated_sessions(claims)
    form = CostForm(
        request.GET,
        _start(prices, sessions_span(sessions)),
        sorted({*rates.codes, *(price.currency for price in prices)}),
        list(rates.codes),
    )
    planned = planned_cost(form.plan) if form.is_valid() else None
    trail = [
        (_("Home"), reverse("home")),
        (_("Treatments"), reverse("treatment-list")),
        (treatment.short_name, treatment.get_absolute_url()),
        (_("Cost"), reverse("treatment-cost", args=[slug])),
    ]
    return render(
        request,
        "clinics/treatment_cost.html",
        {
            "treatment": treatment,
            "form": form,
            "planned": planned,
            "converted": _converted(planned, form, rates),
            "begun_with": _begun_with(prices, form),
            "mistaken_currency": _kept_under_another_currency(prices, form),
            "prices": [(price, _query(price, request.GET)) for price in prices],
            "sessions": sessions,
            "maintenance": summarise(claims, Claim.Topic.MAINTENANCE),
            "said_of_cost": treatment.statements_in(Statement.Section.COST),
            "said_of_repeats": treatment.statements_in(Statement.Section.MAINTENANCE),
            "said_of_pain_relief": treatment.statements_in(Statement.Section.ANAESTHESIA),
            "offers": offers,
            "plans": plans,
            "listing_currency": listing_currency,
            "picture": price_picture(offers, [p.summary for p in prices if p.summary])
            if offers
            else None,
            "shows_sample_listings": offers is not None and offers.has_samples,
            "canonical": request.build_absolute_uri(trail[-1][1]),
            "breadcrumb_data": structured_data.breadcrumbs(trail, request.build_absolute_uri),
        },
    )


def _plain(number: Decimal | None) -> str:
    """A figure as it is typed: no needless zeros; "" for none."""
    return "" if number is None else f"{number.normalize():f}"


def _start(prices: list[StatedPrice], sessions: Span | None) -> dict[str, str]:
    """The figures that the form begins with. A range with an open end is left empty."""
    price = next((price for price in prices if price.span), None)
    start = {"buys": Buys.SESSION.value, "currency": DEFAULT_CURRENCY, "areas": "1"}
    start["show_in"] = DEFAULT_CURRENCY
    if price:
        start |= _fields_of(price)
    if sessions:
        start |= {"sessions_low": _plain(sessions.low), "sessions_high": _plain(sessions.high)}
    return start


def _fields_of(price: StatedPrice) -> dict[str, str]:
    return {
        "price_low": _plain(price.low),
        "price_high": _plain(price.high),
        "buys": price.buys.value,
        "currency": price.currency,
    }


def _query(price: StatedPrice, asked: QueryDict) -> str:
    """The query string that begins with this price and keeps what else was asked.

    Amounts for consultation and pain relief are dropped when they were in another currency.
    """
    query = QueryDict(mutable=True)
    dropped = set(_fields_of(price))
    if asked.get("currency") not in (None, price.currency):
        dropped |= {
            f"{name}_{end}" for name in ("consultation", "anaesthesia") for end in ("low", "high")
        }
    for name in CostForm.base_fields:
        if name in asked and name not in dropped:
            query[name] = asked[name]
    query.update(_fields_of(price))
    return query.urlencode()


def _same_figures(price: StatedPrice, form: CostForm) -> bool:
    return price.span is not None and price.span == form.span("price")


def _begun_with(prices: list[StatedPrice], form: CostForm) -> StatedPrice | None:
    """The stated price that the valid form works with, unchanged; else None."""
    if not form.is_valid():
        return None
    data = form.cleaned_data
    return next(
        (
            price
            for price in prices
            if _same_figures(price, form)
            and (price.currency, price.buys) == (data["currency"], Buys(data["buys"]))
        ),
        None,
    )


def _kept_under_another_currency(prices: list[StatedPrice], form: CostForm) -> StatedPrice | None:
    """A stated price whose figures were kept while their currency was changed; else None.

    Choosing a currency does not convert what stands in the fields, which is easily thought.
    """
    if not form.is_valid() or _begun_with(prices, form):
        return None
    chosen = form.cleaned_data["currency"]
    return next((p for p in prices if _same_figures(p, form) and p.currency != chosen), None)


def _converted(planned: PlannedCost | None, form: CostForm, rates: Rates) -> dict | None:
    """Course and first year in the currency to show, and the day of the rates.

    None when nothing is known or the amounts are in that currency. `is_missing` is true when
    we hold no rate for the currency of the amounts.
    """
    if planned is None or planned.course is None:
        return None
    code, shown = form.cleaned_data["currency"], form.cleaned_data["show_in"]
    if code == shown:
        return None

    def convert(span: Span | None) -> Span | None:
        if span is None or rates.to_euro(span.low, code) is None:
            return None
        return Span(rates.convert(span.low, code, shown), rates.convert(span.high, code, shown))

    course = convert(planned.course)
    return {
        "course": course,
        "first_year": convert(planned.first_year),
        "currency": shown,
        "day": rates.rate_date,
        "is_missing": course is None,
    }
