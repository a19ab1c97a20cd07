"""What a clinic’s own page prints: for visitors, and for those who look before it is published."""

from django.utils import timezone

from .cards import priced
from .clinic_profile import (
    check_ledger,
    map_position,
    opening_state,
    weekly_hours,
    what_is_not_said,
)
from .enquiries import has_inbox
from .exchange import DEFAULT_CURRENCY, current_rates
from .models import Clinic


def clinics_with_page():
    """All clinics, with everything that `page_of` reads. Ten queries, run by the caller."""
    return Clinic.objects.with_page_details().annotate(has_inbox=has_inbox())


def page_of(clinic: Clinic, currency: str) -> dict:
    """The context of the template, for a clinic of `clinics_with_page`. Two queries.

    `currency` is the code of the one in which prices are shown too; one without a rate means
    the usual one.
    """
    today = timezone.localdate()
    rates = current_rates()
    if currency not in rates.per_euro:
        currency = DEFAULT_CURRENCY
    offers = [offer for offer in clinic.offers.all() if offer.treatment.is_published]
    now = clinic.local_time()
    return {
        "clinic": clinic,
        "offers": [priced(offer, rates, today, currency) for offer in offers],
        "ledger": check_ledger(clinic, today),
        "week": weekly_hours(clinic, now),
        "opening": opening_state(clinic, now),
        "not_said": what_is_not_said(clinic, offers),
        "position": map_position(clinic),
        "currency": currency,
        "rates": rates,
        "shows_sample_listings": clinic.is_sample,
    }
