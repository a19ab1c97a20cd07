"""What a column of a bulk file means: its text in a cell, and the value in the database.

Reading, writing, the page that explains the columns and the tests all go by `SHEETS`. A stored
value has exactly one text (`Sheet.cells_of`), so that what was exported is found unchanged when it
comes back.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import groupby

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.db.models.functions import Cast
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from treatments.models import BodyArea, Treatment
from treatments.wording import flags_in, reasons

from .list_values import DAYS, parse_hours
from .listing_forms import ClinicForm, OfferForm, international_number
from .models import Clinic, Currency, Language, Offer, OpeningHours, Place
from .permissions import treatments_to_offer

# Between the values of a cell that has several. A semicolon is read too.
SEPARATOR = ", "

_DAY_NAMES = [name.capitalize() for name in DAYS]
_WHOLE = re.compile(r"(\d{1,5})(?:\.0+)?")
_NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,15})?")
_THOUSANDS = re.compile(r"-?\d{1,3},\d{3}")
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00:00)?")
_DAY_WITH_DOTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
# Control characters but line ends and tabs; lone halves of characters, which no file can hold.
_UNSEEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Access(StrEnum):
    """What clinic staff may do with a column; editors may change all but keys."""

    KEY = "key"
    AT_ONCE = "at once"
    REVIEWED = "reviewed"
    EDITORS = "editors"


def tidy(text: str) -> str:
    """A text as it is kept: line ends as one sign, nothing unseen, nothing around it."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


class Known:
    """What cells refer to by a short name. Five queries, each when first asked for.

    Treatments are those that `user` may offer; the names of others are still read in a row that
    exists.
    """

    def __init__(self, user):
        self.user = user

    @cached_property
    def places(self) -> dict[str, int]:
        return dict(Place.objects.values_list("slug", "pk"))

    @cached_property
    def place_slugs(self) -> dict[int, str]:
        return {pk: slug for slug, pk in self.places.items()}

    @cached_property
    def languages(self) -> dict[str, str]:
        return {code: code for code in Language.objects.values_list("pk", flat=True)}

    @cached_property
    def currencies(self) -> dict[str, str]:
        return {code: code for code in Currency.objects.values_list("pk", flat=True)}

    @cached_property
    def body_areas(self) -> dict[str, int]:
        return dict(BodyArea.objects.values_list("slug", "pk"))

    @cached_property
    def treatments(self) -> dict[str, int]:
        return dict(Treatment.objects.values_list("slug", "pk"))

    @cached_property
    def treatment_slugs(self) -> dict[int, str]:
        return {pk: slug for slug, pk in self.treatments.items()}

    @cached_property
    def offered(self) -> frozenset[int]:
        """Keys of the treatments that a new offer may name."""
        return frozenset(treatments_to_offer(self.user).values_list("pk", flat=True))


@dataclass(frozen=True)
class Column:
    """A column of text; `field` is the model's. `about` is for people, `example` is a cell."""

    name: str
    field: models.Field
    about: str
    example: str = ""
    access: Access = Access.REVIEWED

    @property
    def is_linked(self) -> bool:
        """Whether the value stands in rows of another table."""
        return False

    def texts(self, rows: Sequence[models.Model], known: Known) -> Iterable[str]:
        """The texts of the stored values, in the order of the rows."""
        return [self.text(row, known) for row in rows]

    def text(self, row: models.Model, known: Known) -> str:
        value = getattr(row, self.field.attname)
        return "" if value is None else str(value)

    def read(self, cell: str, known: Known) -> str:
        """The text of what the cell means. Raises ValidationError in plain words."""
        text = tidy(cell)
        return self.field.clean(text, None) if text else self.empty()

    def empty(self) -> str:
        """The text of an empty cell. Raises ValidationError where there must be something."""
        if not (self.field.null or self.field.blank):
            raise ValidationError(_("This cell cannot be empty."))
        return ""

    def value(self, text: str, known: Known):
        """The value for the model of a text that `read` returned. Raises KeyError for a name
        that is gone."""
        return None if text == "" and self.field.null else text

    def is_kept(self, stored: str, text: str) -> bool:
        """Whether what is stored stays, whatever text the file has."""
        return False

    def is_same(self, stored: str, cell: str) -> bool:
        """Whether a cell says what is stored, whatever became of line ends and margins."""
        return stored == cell or (bool(stored) == bool(cell) and tidy(stored) == tidy(cell))


@dataclass(frozen=True)
class PhoneColumn(Column):
    """A telephone number, kept as written from abroad."""

    def read(self, cell, known):
        return self.field.clean(international_number(tidy(cell)), None)


@dataclass(frozen=True)
class AddressColumn(Column):
    """A web address; https is put before one that begins with the host."""

    def read(self, cell, known):
        text = tidy(cell)
        return super().read(f"https://{text}" if text and "://" not in text else text, known)


@dataclass(frozen=True)
class ChoiceColumn(Column):
    """One of a list of codes. `when_empty` is the code that an empty cell stands for."""

    when_empty: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(code for code, _label in self.field.flatchoices if code)

    def read(self, cell, known):
        text = tidy(cell)
        if text == "":
            return self.when_empty or self.empty()
        if text.lower() not in self.codes:
            raise ValidationError(
                _("Write one of these: %(codes)s.") % {"codes": ", ".join(self.codes)}
            )
        return text.lower()


@dataclass(frozen=True)
class YesNoColumn(Column):
    """Yes or no."""

    words = {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"}

    def text(self, row, known):
        return "yes" if getattr(row, self.field.attname) else "no"

    def read(self, cell, known):
        word = self.words.get(tidy(cell).lower() or "no")
        if word is None:
            raise ValidationError(_("Write yes or no."))
        return word

    def value(self, text, known):
        return text == "yes"


@dataclass(frozen=True)
class NumberColumn(Column):
    """A number with decimals, always with all digits that the database keeps."""

    def text(self, row, known):
        value = getattr(row, self.field.attname)
        return "" if value is None else f"{value:.{self.field.decimal_places}f}"

    def read(self, cell, known):
        text = tidy(cell)
        if not text:
            return self.empty()
        if not _NUMBER.fullmatch(text) or _THOUSANDS.fullmatch(text):
            raise ValidationError(_("Write only digits and a point, such as 1250.50."))
        number = Decimal(text.replace(",", "."))
        kept = round(number, self.field.decimal_places)
        # The field says how many decimals there may be.
        value = self.field.clean(kept if kept == number else number, None)
        return f"{value:.{self.field.decimal_places}f}"

    def value(self, text, known):
        return Decimal(text) if text else None


@dataclass(frozen=True)
class CountColumn(Column):
    """A whole number."""

    def read(self, cell, known):
        text = tidy(cell)
        if not text:
            return self.empty()
        match = _WHOLE.fullmatch(text)
        if not match:
            raise ValidationError(_("Write a whole number, such as 4."))
        return str(self.field.clean(int(match[1]), None))

    def value(self, text, known):
        return int(text) if text else None


@dataclass(frozen=True)
class DayColumn(Column):
    """A day of the calendar."""

    def read(self, cell, known):
        text = tidy(cell)
        if not text:
            return self.empty()
        if match := _DAY.fullmatch(text):
            year, month, day = map(int, match.groups())
        elif match := _DAY_WITH_DOTS.fullmatch(text):
            day, month, year = map(int, match.groups())
        else:
            raise ValidationError(_("Write the day as year-month-day, such as 2026-03-31."))
        try:
            return date(year, month, day).isoformat()
        except ValueError as error:
            raise ValidationError(_("There is no such day.")) from error

    def value(self, text, known):
        return date.fromisoformat(text) if text else None


@dataclass(frozen=True)
class LatestDayColumn(DayColumn):
    """A day that only moves on: a file of last week does not take back this week’s word."""

    def is_kept(self, stored, text):
        return text < stored


@dataclass(frozen=True)
class ReferenceColumn(Column):
    """One row of another table, by the name that `Known` lists under `listed`."""

    listed: str = ""
    # Where the key in the database is not itself the name.
    names: str = ""

    def text(self, row, known):
        key = getattr(row, self.field.attname)
        if key is None:
            return ""
        return getattr(known, self.names).get(key, "") if self.names else key

    def read(self, cell, known):
        text = tidy(cell)
        if not text:
            return self.empty()
        found = getattr(known, self.listed)
        for name in (text, text.lower(), text.upper()):
            if name in found:
                return name
        raise ValidationError(_("We have nothing with the key “%(key)s”.") % {"key": text[:60]})

    def value(self, text, known):
        return getattr(known, self.listed)[text] if text else None


@dataclass(frozen=True)
class LinksColumn(Column):
    """Several rows of another table, in the order of their names."""

    listed: str = ""

    @property
    def is_linked(self):
        return True

    @property
    def through(self) -> type[models.Model]:
        """The table between; its columns are `own_column` and `other_column`."""
        return self.field.remote_field.through

    @property
    def own_column(self) -> str:
        return self.field.m2m_column_name()

    @property
    def other_column(self) -> str:
        return self.field.m2m_reverse_name()

    def texts(self, rows, known):
        found: dict[int, list] = {}
        links = self.through._base_manager.filter(
            **{f"{self.own_column}__in": [row.pk for row in rows]}
        )
        for own, other in links.values_list(self.own_column, self.other_column):
            found.setdefault(own, []).append(other)
        return [self.text_of(found.get(row.pk, ()), known) for row in rows]

    def text_of(self, keys: Iterable, known: Known) -> str:
        """The text of rows with these keys."""
        listed = getattr(known, self.listed)
        if not keys:
            return ""
        name_of = {key: name for name, key in listed.items()}
        return SEPARATOR.join(sorted(name_of.get(key, str(key)) for key in keys))

    def read(self, cell, known):
        # Codes such as zh-Hant are written in either case.
        listed = {name.lower(): name for name in getattr(known, self.listed)}
        names = {part.strip().lower() for part in re.split("[,;]", tidy(cell))} - {""}
        if unknown := sorted(names - set(listed)):
            raise ValidationError(
                _("We have nothing with the key “%(key)s”.") % {"key": unknown[0][:60]}
            )
        return SEPARATOR.join(sorted(listed[name] for name in names))

    def value(self, text, known):
        """The keys, as a list."""
        listed = getattr(known, self.listed)
        return [listed[name] for name in text.split(SEPARATOR)] if text else []


@dataclass(frozen=True)
class HoursColumn(Column):
    """The opening hours of a week, such as `Mo-Fr 09:00-13:00,14:00-17:30; Sa 10:00-12:00`."""

    @property
    def is_linked(self):
        return True

    def texts(self, rows, known):
        found: dict[int, list[tuple]] = {}
        for _pk, clinic, span in stored_hours([row.pk for row in rows]):
            found.setdefault(clinic, []).append(span)
        return [hours_text(tuple(sorted(found.get(row.pk, ())))) for row in rows]

    def read(self, cell, known):
        text = tidy(cell)
        hours = parse_hours(text) if text else ()
        if hours is None:
            raise ValidationError(
                _("Write the hours as Mo-Fr 09:00-13:00,14:00-17:30; Sa 10:00-12:00.")
            )
        return hours_text(hours)

    def value(self, text, known):
        """Weekday, opening and closing of each span."""
        return parse_hours(text) if text else ()


def stored_hours(clinics: Iterable[int]) -> Iterator[tuple[int, int, tuple]]:
    """Key, clinic and weekday, opening and closing of the spans of these clinics, in no order. One
    query."""
    spans = OpeningHours.objects.filter(clinic__in=clinics).order_by()
    # As texts: they are many, and reading each as a time takes longer than the query.
    opens, closes = (Cast(name, models.CharField()) for name in ("opens", "closes"))
    for pk, clinic, day, *times in spans.values_list("pk", "clinic_id", "weekday", opens, closes):
        yield pk, clinic, (day, *map(_time, times))


_time = lru_cache(maxsize=2048)(time.fromisoformat)


# Most clinics keep one of a few dozen timetables.
@lru_cache(maxsize=2048)
def hours_text(spans: tuple[tuple, ...]) -> str:
    """The one text of these spans (weekday, opens, closes), which are in order."""
    week = [
        (day, ",".join(f"{opens:%H:%M}-{closes:%H:%M}" for _day, opens, closes in day_spans))
        for day, day_spans in groupby(spans, key=lambda span: span[0])
    ]
    parts: list[list] = []
    for day, times in week:
        if parts and parts[-1][1] == day - 1 and parts[-1][2] == times:
            parts[-1][1] = day
        else:
            parts.append([day, day, times])
    return "; ".join(
        f"{_DAY_NAMES[first]}{'' if first == last else '-' + _DAY_NAMES[last]} {times}"
        for first, last, times in parts
    )


# --- What must hold between columns. The database holds the same, but row by row and in its own
# words; a test compares these with its constraints.


@dataclass(frozen=True)
class Rule:
    """A constraint of the table, and the column beside which its breach is shown."""

    column: str
    holds: Callable[[models.Model], bool]


def _both_or_neither(first, second) -> bool:
    return (first is None) == (second is None)


RULES = {
    Clinic: {
        "clinic_published_has_place_and_type": Rule(
            "status",
            lambda row: (
                row.status != Clinic.Status.PUBLISHED or bool(row.place_id and row.facility_type)
            ),
        ),
        "clinic_is_on_earth": Rule(
            "latitude",
            lambda row: (
                _both_or_neither(row.latitude, row.longitude)
                and (
                    row.latitude is None or (abs(row.latitude) <= 90 and abs(row.longitude) <= 180)
                )
            ),
        ),
    },
    Offer: {
        "offer_price_range_ordered": Rule(
            "price_low",
            lambda row: (
                _both_or_neither(row.price_low, row.price_high)
                and (row.price_low is None or 0 <= row.price_low <= row.price_high)
            ),
        ),
        "offer_price_has_currency": Rule(
            "currency",
            lambda row: (
                row.currency_id is not None
                or row.price_low is row.course_price is row.consultation_fee is None
            ),
        ),
        "offer_course_price_has_sessions": Rule(
            "course_sessions",
            lambda row: (
                _both_or_neither(row.course_price, row.course_sessions)
                and (row.course_price is None or (row.course_price >= 0 < row.course_sessions))
            ),
        ),
        "offer_sessions_ordered": Rule(
            "sessions_low",
            lambda row: (
                _both_or_neither(row.sessions_low, row.sessions_high)
                and (row.sessions_low is None or 1 <= row.sessions_low <= row.sessions_high)
            ),
        ),
        "offer_consultation_fee_not_negative": Rule(
            "consultation_fee",
            lambda row: row.consultation_fee is None or row.consultation_fee >= 0,
        ),
    },
}


def broken_rules(row: models.Model) -> list[tuple[str, str]]:
    """Column and message of each rule that the row would break. Runs no query."""
    rules = RULES[type(row)]
    return [
        (rules[constraint.name].column, constraint.get_violation_error_message())
        for constraint in row._meta.constraints
        if constraint.name in rules and not rules[constraint.name].holds(row)
    ]


# --- The sheets


@dataclass(frozen=True)
class Sheet:
    """A kind of bulk file: one row of it is one row of `model`."""

    name: str
    label: str
    model: type[models.Model]
    columns: tuple[Column, ...]
    # What a seller wrote: flagged words cannot come in.
    sellers_words: tuple[str, ...] = ()
    may_name_medicines: tuple[str, ...] = ()
    by_name: dict[str, Column] = field(init=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the columns that together name a row."""
        return tuple(column.name for column in self.columns if column.access == Access.KEY)

    @property
    def header(self) -> list[str]:
        return [column.name for column in self.columns]

    def rows(self) -> models.QuerySet:
        """All rows, with what `cells_of` needs of them, in the order of their keys."""
        rows = self.model.objects.order_by("pk")
        if self.model is Offer:
            # A clinic is much wider than its short name.
            rows = rows.annotate(clinic_slug=F("clinic__slug"))
        return rows

    def cells_of(self, rows: Sequence[models.Model], known: Known) -> list[dict[str, str]]:
        """The texts of stored rows by column. One query for each column that is linked."""
        columns = [column.texts(rows, known) for column in self.columns]
        return [dict(zip(self.header, cells, strict=True)) for cells in zip(*columns, strict=True)]

    def flagged(self, name: str, text: str) -> list[str]:
        """Why this text cannot stand in a listing, a line for each wording."""
        if name not in self.sellers_words:
            return []
        flags = flags_in(text)
        if name in self.may_name_medicines:
            flags = [flag for flag in flags if flag.rule.code != "prescription"]
        return reasons(flags)


@dataclass(frozen=True)
class ClinicKeyColumn(Column):
    """The short name of an offer's clinic."""

    def text(self, row, known):
        return row.clinic_slug


def _column(kind, model, name, about, example="", access=Access.REVIEWED, **options):
    return kind(name, model._meta.get_field(name), about, example, access, **options)


def _clinic(kind, name, about, example="", access=Access.AT_ONCE, **options):
    return _column(kind, Clinic, name, about, example, access, **options)


def _offer(kind, name, about, example="", access=Access.REVIEWED, **options):
    return _column(kind, Offer, name, about, example, access, **options)


_t = gettext_lazy

CLINICS = Sheet(
    "clinics",
    _t("Clinics: one row a clinic"),
    Clinic,
    (
        _clinic(
            Column,
            "slug",
            _t("The last part of the address of the clinic’s page. It names the clinic here."),
            "aurora-lyon",
            Access.KEY,
        ),
        _clinic(Column, "name", _t("The name on the door."), "Aurora", Access.EDITORS),
        _clinic(
            ChoiceColumn,
            "facility_type",
            _t("The kind of house. Empty: not stated."),
            "medical-clinic",
            Access.EDITORS,
        ),
        _clinic(
            ReferenceColumn,
            "place",
            _t("The town, by its key. Empty: not stated."),
            "lyon",
            Access.EDITORS,
            listed="places",
            names="place_slugs",
        ),
        _clinic(Column, "address", _t("Street and number."), "1 Example Street"),
        _clinic(Column, "postcode", _t("Postcode."), "69001"),
        _clinic(
            NumberColumn,
            "latitude",
            _t("Degrees north, with a minus for south. Both ends or neither."),
            "45.76404",
            Access.EDITORS,
        ),
        _clinic(
            NumberColumn,
            "longitude",
            _t("Degrees east, with a minus for west."),
            "4.83566",
            Access.EDITORS,
        ),
        _clinic(PhoneColumn, "phone", _t("With + and the country code."), "+33 1 99 00 12 34"),
        _clinic(Column, "email", _t("One address."), "desk@aurora.example"),
        _clinic(AddressColumn, "website", _t("The web address."), "https://aurora.example"),
        _clinic(
            LinksColumn,
            "languages",
            _t("Codes of the languages spoken there, with commas between them."),
            "en, fr",
            listed="languages",
        ),
        HoursColumn(
            "opening_hours",
            Clinic._meta.get_field("opening_hours"),
            _t("Days and times; a comma between times of one day, a semicolon between days."),
            "Mo-Fr 09:00-13:00,14:00-17:30; Sa 10:00-12:00",
            Access.AT_ONCE,
        ),
        _clinic(
            Column,
            "description",
            _t("Plain facts in your own words. No promises of results."),
            "Two rooms, step-free.",
            Access.REVIEWED,
        ),
        _clinic(
            ChoiceColumn,
            "status",
            _t("A new clinic is a draft."),
            "draft",
            Access.EDITORS,
            when_empty=Clinic.Status.DRAFT,
        ),
        _clinic(YesNoColumn, "is_sample", _t("Whether it is fictional."), "no", Access.EDITORS),
        _clinic(
            LatestDayColumn,
            "confirmed_on",
            _t("Day on which the clinic last said: all still correct. Only a later day is taken."),
            "2026-03-31",
            Access.EDITORS,
        ),
    ),
    sellers_words=ClinicForm.sellers_words,
)

OFFERS = Sheet(
    "offers",
    _t("Offers: one row an offer"),
    Offer,
    (
        ClinicKeyColumn(
            "clinic",
            Offer._meta.get_field("clinic"),
            _t("The last part of the address of the clinic’s page."),
            "aurora-lyon",
            Access.KEY,
        ),
        _offer(
            ReferenceColumn,
            "treatment",
            _t("The last part of the address of the treatment’s page."),
            "cellulite-mesotherapy",
            Access.KEY,
            listed="treatments",
            names="treatment_slugs",
        ),
        _offer(
            Column,
            "label",
            _t("Only to tell two offers of one treatment apart. These three name the offer."),
            "small area",
            Access.KEY,
        ),
        _offer(
            LinksColumn,
            "body_areas",
            _t("Keys of the body areas, with commas between them."),
            "abdomen, thighs",
            listed="body_areas",
        ),
        _offer(NumberColumn, "price_low", _t("Lowest price. Both ends or neither."), "100.00"),
        _offer(NumberColumn, "price_high", _t("Highest price; the same if fixed."), "150.00"),
        _offer(
            ReferenceColumn,
            "currency",
            _t("Code of the currency of all prices in the row."),
            "EUR",
            listed="currencies",
        ),
        _offer(
            ChoiceColumn,
            "unit",
            _t("What the price buys."),
            "session",
            when_empty=Offer.Unit.SESSION,
        ),
        _offer(CountColumn, "sessions_low", _t("Fewest sessions usually planned."), "3"),
        _offer(CountColumn, "sessions_high", _t("Most sessions usually planned."), "6"),
        _offer(NumberColumn, "course_price", _t("Price of a course paid together."), "500.00"),
        _offer(CountColumn, "course_sessions", _t("Sessions in that course."), "5"),
        _offer(
            ChoiceColumn,
            "refund_rule",
            _t("What happens to unused sessions. Empty: the clinic has not said."),
            "none",
            when_empty=Offer.RefundRule.NOT_SAID,
        ),
        _offer(
            NumberColumn,
            "consultation_fee",
            _t("0 if the first consultation is free. Empty: not stated."),
            "0.00",
        ),
        _offer(
            ChoiceColumn,
            "anaesthesia",
            _t("Pain relief. Empty: the clinic has not said."),
            "cream",
            when_empty=Offer.Anaesthesia.NOT_SAID,
        ),
        _offer(
            Column,
            "product",
            _t("What is injected: name and maker. Empty: the clinic has not said."),
            "",
        ),
        _offer(
            LatestDayColumn,
            "price_confirmed_on",
            _t(
                "Day on which the clinic last confirmed the price. Only a later day is taken. A "
                "price that an editor changes is dated today."
            ),
            "2026-03-31",
            Access.EDITORS,
        ),
    ),
    sellers_words=OfferForm.sellers_words,
    may_name_medicines=OfferForm.may_name_medicines,
)

SHEETS = {sheet.name: sheet for sheet in (CLINICS, OFFERS)}
