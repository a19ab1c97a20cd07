"""One object with all that the home of a clinic prints."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils import timezone
from django.utils.functional import cached_property

from .home import CheckLine, Line, Thing, Weeks, checks_of, last_weeks, what_it_holds, what_waits
from .missing_facts import MissingFact, missing_facts
from .models import Clinic
from .permissions import clinics_as_member

# More on the first page of the admin would not help anybody to choose.
MOST_LISTED = 50


@dataclass(frozen=True)
class Home:
    """A clinic with what waits there, what its listing lacks and holds, and its last weeks."""

    clinic: Clinic
    today: date

    @cached_property
    def waiting(self) -> list[Thing]:
        """What waits, what harms already first. Four queries."""
        return what_waits([self.clinic.pk], self.today)[self.clinic.pk]

    @cached_property
    def missing(self) -> list[MissingFact]:
        """What the listing does not say, what patients ask first on top. No query."""
        return missing_facts(self.clinic)

    @cached_property
    def holds(self) -> list[Line]:
        """The parts of the listing with how much there is. No query."""
        return what_it_holds(self.clinic)

    @cached_property
    def checks(self) -> list[CheckLine]:
        """The checks, those that end first on top. No query."""
        return checks_of(self.clinic, self.today)

    @cached_property
    def weeks(self) -> Weeks:
        """How it was looked at. Two queries."""
        return last_weeks(self.clinic, self.today)

    @property
    def is_confirmed_today(self) -> bool:
        """Whether somebody has pressed “everything still correct” today."""
        return self.clinic.confirmed_on == self.today

    @property
    def contact(self) -> str:
        """Where to write to us; may be empty."""
        return settings.CONTACT_EMAIL


def home_of(clinic: Clinic) -> Home:
    """The home of a clinic, read anew with all that belongs to it. Nine queries, and more later."""
    loaded = Clinic.objects.with_page_details().select_related("confirmed_by")
    return Home(loaded.get(pk=clinic.pk), timezone.localdate())


def homes_of(user) -> list[tuple[Clinic, list[Thing]]]:
    """The clinics that somebody works for, each with what waits there.

    A fixed number of queries, however many clinics.
    """
    clinics = list(clinics_as_member(user).select_related("place")[:MOST_LISTED])
    waiting = what_waits([clinic.pk for clinic in clinics], timezone.localdate())
    return [(clinic, waiting[clinic.pk]) for clinic in clinics]
