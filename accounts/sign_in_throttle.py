"""How many wrong passwords and codes are answered, and what whoever made more of them reads."""

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.contrib import admin
from django.db.models import Sum
from django.shortcuts import render
from django.utils.translation import gettext as _

# Wrong tries that are answered within AXES_COOLOFF_TIME. One person at one place is stopped soon;
# a clinic behind one address has room for several; a name that is tried from many places is
# closed too, late enough that few can afford to lock its owner out.
PERSON_AT_A_PLACE, PLACE, PERSON = 5, 30, 50


class SignInThrottle(AxesDatabaseHandler):
    """The counting of django-axes, with a limit for each of the three things counted."""

    def get_failures(self, request, credentials=None) -> int:
        """1 if any of the three limits is reached, else 0. Three queries."""
        counted = self.get_user_attempts(request, credentials)
        return max(
            (attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0) // limit
            for attempts, limit in zip(counted, (PERSON_AT_A_PLACE, PLACE, PERSON), strict=True)
        )

    def reset_user_attempts(self, request, credentials=None) -> int:
        """Forget this person's own slips at this place, once they got in. Two queries.

        Not the rest of the place: somebody with an account of their own could otherwise guess
        at others' for ever, by signing in now and then.
        """
        own = self.filter_user_attempts(request, credentials)[0]
        return own.delete()[0]


def locked_page(request, original_response=None, credentials=None):
    """The answer to a try above the limits; the same whether or not there is such an account."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    response = render(
        request,
        "accounts/locked.html",
        {
            "title": _("Too many tries"),
            "minutes": minutes,
            "site_header": admin.site.site_header,
            "site_title": admin.site.site_title,
        },
        status=429,
    )
    response["Retry-After"] = str(minutes * 60)
    return response
