"""What a reader goes through before booking, and watches for after treatment.

The words are statements of the catalogue about mesotherapy in general; here is only which of
them belong together, and in which order. No HTML, no request, no query.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from .models import RegulatorPosition, Source, Statement
from .page_locale import country_name

Section = Statement.Section

# In the order of a first visit; what ends the visit comes last.
BEFORE_BOOKING = (
    (Section.CHECK_PERSON, _("The person who injects")),
    (Section.CHECK_PLACE, _("The place")),
    (Section.CHECK_NEEDLES, _("Needles and vials")),
    (Section.CHECK_PRODUCT, _("The product")),
    (Section.CHECK_TALK, _("The first talk")),
    (Section.CHECK_PLAN, _("The written plan")),
    (Section.CHECK_TROUBLE, _("If something goes wrong")),
    (Section.CHECK_AFTER, _("Afterwards")),
    (Section.WALK_AWAY, _("Walk away if")),
)
# The most urgent first.
AFTER_TREATMENT = (
    (Section.EMERGENCY, _("Call the emergency number now")),
    (Section.SEE_DOCTOR, _("See a doctor, today or tomorrow")),
    (Section.REPORT, _("Tell the authority")),
)


@dataclass(frozen=True)
class Part:
    """One part of a page: its title, and its statements in the editor's order."""

    section: str
    title: str
    statements: tuple[Statement, ...]


def parted(statements: Iterable[Statement], parts: Sequence[tuple[str, object]]) -> list[Part]:
    """The statements under the titles of their sections; every part, also an empty one."""
    every = list(statements)
    return [
        Part(section, str(title), tuple(s for s in every if s.section == section))
        for section, title in parts
    ]


@dataclass(frozen=True)
class Authorities:
    """Authorities of one country that the catalogue quotes, and where it read them."""

    country: str
    names: tuple[str, ...]
    sources: tuple[Source, ...]


def authorities_by_country(positions: Iterable[RegulatorPosition]) -> list[Authorities]:
    """Who speaks for each country, in the order of the countries' names.

    Positions come with their sources loaded. Those without a country or a named authority
    are left out, and of the sources all that are not the authority's own.
    """
    names: dict[str, dict[str, None]] = {}
    sources: dict[str, dict[int, Source]] = {}
    for position in positions:
        if position.country and position.authority:
            names.setdefault(position.country, {})[position.authority] = None
            found = sources.setdefault(position.country, {})
            for source in position.sources.all():
                if source.group == "regulator":
                    found[source.pk] = source
    return [
        Authorities(country, tuple(sorted(names[country])), tuple(sources[country].values()))
        for country in sorted(names, key=country_name)
    ]
