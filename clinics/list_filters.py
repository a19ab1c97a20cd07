"""Filters of the directory's lists in the admin."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from treatments.list_filters import ConditionFilter

from .desk import CHECK_AHEAD
from .models.offer import FRESH_DAYS, STALE_DAYS


class PriceAgeFilter(ConditionFilter):
    """Offers by how old the clinic's word on the price is, as visitors are told it."""

    title = _("age of the price")
    parameter_name = "price_age"

    def conditions(self):
        """The same bounds as `Offer.freshness`."""
        today = timezone.localdate()
        fresh = today - timedelta(days=FRESH_DAYS)
        stale = today - timedelta(days=STALE_DAYS)
        return {
            "fresh": (_("fresh"), Q(price_confirmed_on__gte=fresh)),
            "ageing": (
                _("ageing"),
                Q(price_confirmed_on__lt=fresh, price_confirmed_on__gte=stale),
            ),
            "stale": (_("stale, not in the sort by price"), Q(price_confirmed_on__lt=stale)),
            "never": (_("never confirmed"), Q(price_confirmed_on=None)),
        }


class ExpiryFilter(ConditionFilter):
    """Checks by whether they still count."""

    title = _("expiry")
    parameter_name = "expiry"

    def conditions(self):
        """`soon` is what the desk calls so."""
        today = timezone.localdate()
        soon = today + CHECK_AHEAD
        return {
            "expired": (_("expired"), Q(expires_on__lt=today)),
            "soon": (_("within 30 days"), Q(expires_on__gte=today, expires_on__lte=soon)),
            "later": (_("later"), Q(expires_on__gt=soon)),
            "never": (_("does not expire"), Q(expires_on=None)),
        }
