"""The form behind "What will it cost me": figures that a visitor may change, in the address.

What the address does not name keeps the figure that sources or listings state; what it
names and leaves empty is not known. Nothing wrong is passed over: it has a message beside
its field, and no sum is worked out until it is mended.
"""

from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from .course_cost import Buys, Plan, Span
from .typed_fields import MAX_SESSIONS, PriceField, SharedField

MAX_AREAS = 20
# Two fields each, NAME_low and NAME_high.
RANGES = {
    "sessions": _("Number of sessions"),
    "price": _("Price"),
    "consultation": _("First consultation"),
    "anaesthesia": _("Pain relief, each session"),
    "repeats": _("Repeat sessions in the first year"),
}
WHAT_IT_BUYS = (
    (Buys.SESSION.value, _("one session, whatever the areas")),
    (Buys.AREA.value, _("one area, each session")),
    (Buys.COURSE.value, _("the whole course")),
)


UNKNOWN_CURRENCY = {
    "invalid_choice": _("We hold no rate for this currency. Choose another."),
    "required": _("Choose a currency."),
}


class CountField(SharedField, forms.IntegerField):
    """A whole number from `least` to `most`. Whatever else stands there has one message."""

    def __init__(self, least: int, most: int, **options):
        self.least, self.most = least, most
        super().__init__(**{**options, "min_value": least, "max_value": most})

    def clean(self, value) -> int | None:
        try:
            return super().clean(value)
        except forms.ValidationError as error:
            raise forms.ValidationError(
                _("Write a whole number from %(least)s to %(most)s."),
                params={"least": self.least, "most": self.most},
            ) from error


def _typed(label, inputmode: str) -> dict:
    attributes = {"inputmode": inputmode, "autocomplete": "off", "maxlength": 20}
    widget = forms.TextInput(attrs=attributes)
    return {"label": label, "required": False, "widget": widget}


def _amount(label) -> PriceField:
    return PriceField(**_typed(label, "decimal"))


def _count(label, least: int, most: int) -> CountField:
    return CountField(least, most, **_typed(label, "numeric"))


@dataclass(frozen=True)
class Pair:
    """Two fields of one range, with the name of the range in words."""

    name: str
    label: str
    low: BoundField
    high: BoundField


class CostForm(forms.Form):
    """A plan and its prices. All amounts are in `currency`; `show_in` only converts the sums."""

    sessions_low = _count(_("From"), 1, MAX_SESSIONS)
    sessions_high = _count(_("To"), 1, MAX_SESSIONS)
    price_low = _amount(_("From"))
    price_high = _amount(_("To"))
    buys = forms.ChoiceField(
        label=_("This price is for"),
        choices=WHAT_IT_BUYS,
        error_messages=dict.fromkeys(("invalid_choice", "required"), _("Choose one of the three.")),
    )
    areas = _count(_("Number of areas"), 1, MAX_AREAS)
    consultation_low = _amount(_("From"))
    consultation_high = _amount(_("To"))
    anaesthesia_low = _amount(_("From"))
    anaesthesia_high = _amount(_("To"))
    repeats_low = _count(_("From"), 0, MAX_SESSIONS)
    repeats_high = _count(_("To"), 0, MAX_SESSIONS)
    currency = forms.ChoiceField(
        label=_("Amounts are in"),
        error_messages=UNKNOWN_CURRENCY,
    )
    show_in = forms.ChoiceField(
        label=_("Show the sums in"),
        error_messages=UNKNOWN_CURRENCY,
    )

    def __init__(self, asked: QueryDict, start: dict[str, str], currencies: list[str], shown: list):
        """`start` has the text of each field that the address does not name.

        `currencies` can be typed in, and the sums be `shown` in one of those with a rate.
        """
        names = self.base_fields
        super().__init__({name: asked.get(name, start.get(name, "")) for name in names})
        self.fields["currency"].choices = [(code, code) for code in currencies]
        self.fields["show_in"].choices = [(code, code) for code in shown]
        for name in ("buys", "currency", "show_in"):
            self._ask_where_unknown(name)
        self._given_twice = [name for name in names if len(set(asked.getlist(name))) > 1]

    def _ask_where_unknown(self, name: str):
        """Let a list begin with nothing when what was asked is not in it.

        It would show its first option, which nobody chose and the next press would send.
        """
        field = self.fields[name]
        if not field.valid_value(self.data[name]):
            field.choices = [("", _("Choose")), *field.choices]

    def clean(self):
        """Refuse half a range, a range from high to low, and a figure given twice."""
        for name in RANGES:
            self._check_range(name)
        for name in self._given_twice:
            self.add_error(name, _("The address gives this more than once. Write it again."))
        return self.cleaned_data

    def _check_range(self, name: str):
        low_name, high_name = _ends(name)
        if low_name in self.errors or high_name in self.errors:
            return
        low, high = self.cleaned_data[low_name], self.cleaned_data[high_name]
        if (low is None) != (high is None):
            empty = low_name if low is None else high_name
            self.add_error(empty, _("Write both numbers. If there is only one, write it twice."))
        elif low is not None and low > high:
            self.add_error(low_name, _("The first number is above the second."))

    def span(self, name: str) -> Span | None:
        """A valid range by its name; None when it was left empty."""
        low, high = (self.cleaned_data[end] for end in _ends(name))
        return None if low is None else Span(Decimal(low), Decimal(high))

    @property
    def plan(self) -> Plan:
        """What a valid form asks for. No number of areas means one."""
        return Plan(
            price=self.span("price"),
            buys=Buys(self.cleaned_data["buys"]),
            sessions=self.span("sessions"),
            areas=self.cleaned_data["areas"] or 1,
            consultation=self.span("consultation"),
            anaesthesia=self.span("anaesthesia"),
            repeats=self.span("repeats"),
        )

    @property
    def pairs(self) -> dict[str, Pair]:
        """The ranges by name, for the page to print."""
        return {
            name: Pair(name, str(label), *(self[end] for end in _ends(name)))
            for name, label in RANGES.items()
        }

    @property
    def problems(self) -> list[tuple[BoundField, str, str]]:
        """For the head of the page: field, what it is called there, message."""
        of_range = {end: str(RANGES[name]) for name in RANGES for end in _ends(name)}
        return [
            (self[name], of_range.get(name, str(self.fields[name].label)), message)
            for name in self.fields
            for message in self.errors.get(name, [])
        ]


def _ends(name: str) -> tuple[str, str]:
    return f"{name}_low", f"{name}_high"
