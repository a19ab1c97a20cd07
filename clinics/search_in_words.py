"""A search said in words: the heading of the page, the total above the list, the chips."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy, pgettext_lazy

from treatments.facets import inside_a_sentence
from treatments.option_filters import Choices

from .selection import Selection

# How the choices of a facet read after "Clinics", in the order in which they are said.
PHRASES = {
    "treatment": pgettext_lazy("clinics ...", "for %(options)s"),
    "concern": pgettext_lazy("clinics ...", "that treat %(options)s"),
    "area": pgettext_lazy("clinics ...", "on the %(options)s"),
    "city": pgettext_lazy("clinics ...", "in %(options)s"),
    "country": pgettext_lazy("clinics ...", "in %(options)s"),
    "profession": pgettext_lazy("clinics ...", "with a %(options)s"),
    "check": pgettext_lazy("clinics ...", ", with a confirmed check: %(options)s"),
    "product": pgettext_lazy("clinics ...", ", %(options)s"),
    "fresh": pgettext_lazy("clinics ...", ", price confirmed %(options)s"),
    "anaesthesia": pgettext_lazy("clinics ...", ", pain relief: %(options)s"),
    "language": pgettext_lazy("clinics ...", ", speaking %(options)s"),
    "facility": pgettext_lazy("clinics ...", ", %(options)s"),
}
# Facets whose options are names, which keep their capital letter.
NAMES = ("country", "city", "language")

# How each end of a range reads, on its chip and after a comma in the sentence.
RANGE_ENDS = {
    "price_min": _("from %(amount)s %(currency)s a session"),
    "price_max": _("up to %(amount)s %(currency)s a session"),
    "course_min": _("from %(amount)s %(currency)s a course"),
    "course_max": _("up to %(amount)s %(currency)s a course"),
    "sessions_min": ngettext_lazy(
        "at least %(amount)s session", "at least %(amount)s sessions", "amount"
    ),
    "sessions_max": ngettext_lazy(
        "at most %(amount)s session", "at most %(amount)s sessions", "amount"
    ),
}


@dataclass(frozen=True)
class SearchInWords:
    """A selection and what its parts are called.

    `labels` are the options of each facet with their labels, `place` the name of the place
    that distances are measured from.
    """

    selection: Selection
    labels: Mapping[str, Choices]
    place: str = ""

    def sentence(self, total: int) -> str:
        """The search with its total, such as "14 clinics for cellulite in Lyon"."""
        return self._said(ngettext("%(n)s clinic", "%(n)s clinics", total) % {"n": f"{total:n}"})

    @cached_property
    def title(self) -> str:
        """The sentence without its number."""
        return self._said(__("Clinics"))

    def range_end(self, name: str) -> str:
        """One end of a range, such as "up to 250 EUR a session". `name` is its parameter."""
        value = getattr(self.selection, name)
        if not name.startswith("sessions"):
            value = f"{value.normalize():f}"
        return str(RANGE_ENDS[name] % {"amount": value, "currency": self.selection.currency})

    @property
    def nearness(self) -> str:
        """The place and the distance from it, such as "within 25 km of Lyon, France"."""
        if self.selection.radius_km is None:
            return __("near %(place)s") % {"place": self.place}
        return __("within %(km)s km of %(place)s") % {
            "km": self.selection.radius_km,
            "place": self.place,
        }

    def _said(self, beginning: str) -> str:
        return " ".join([beginning, *self._phrases]).replace(" ,", ",")

    @cached_property
    def _phrases(self) -> list[str]:
        chosen = self.selection
        phrases = [
            str(pattern) % {"options": self._options(name)}
            for name, pattern in PHRASES.items()
            if chosen.chosen.get(name) and not (name == "country" and chosen.chosen.get("city"))
        ]
        if chosen.near and chosen.radius_km is not None:
            phrases.append(self.nearness)
        if chosen.words:
            phrases.append(__("matching “%(words)s”") % {"words": chosen.words})
        phrases += [
            __(", %(limit)s") % {"limit": self.range_end(name)}
            for name in RANGE_ENDS
            if getattr(chosen, name) is not None
        ]
        if chosen.near and chosen.radius_km is None and chosen.sort == "distance":
            phrases.append(__(", by distance from %(place)s") % {"place": self.place})
        return phrases

    def _options(self, name: str) -> str:
        labels = [self.labels[name][value] for value in self.selection.chosen[name]]
        if name not in NAMES:
            labels = [inside_a_sentence(label) for label in labels]
        if len(labels) == 1:
            return labels[0]
        every = name == "treatment" and self.selection.all_treatments
        pattern = __("%(first)s and %(last)s") if every else __("%(first)s or %(last)s")
        return pattern % {"first": ", ".join(labels[:-1]), "last": labels[-1]}
