"""What holds of a value in a list of clinics, and in which form it is kept.

Each function takes the cleaned text and the notes of its row: a value that does not
hold is dropped with a note. Nothing is guessed and nothing is repaired but spelling.
"""

import re
import unicodedata
from datetime import time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise

import phonenumbers
from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, URLValidator

from .models import Clinic

COUNTRY_CODES = {code for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", code)}
DAYS = {day: number for number, day in enumerate(("mo", "tu", "we", "th", "fr", "sa", "su"))}
# The last minute that a time of day can name; lists write it 24:00, 00:00 or 24/7.
END_OF_DAY = time(23, 59)

_PHONE = re.compile(r"[\d\s()+./-]+(?:\s*(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
# Characters that turn text around, with which one name can be made to look like another.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff]")
_CHECK_EMAIL = EmailValidator()
_CHECK_ADDRESS = URLValidator(schemes=["http", "https"])
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")


def clean(text: str | None) -> str:
    """The text without control characters, each run of white space as one space."""
    text = _TURNING.sub("", unicodedata.normalize("NFC", text or ""))
    # Line ends and tabs are control characters too, but part words.
    return _CONTROL.sub("", " ".join(text.split())).strip()


def longest(name: str) -> int:
    """How many characters a field of a clinic holds."""
    return Clinic._meta.get_field(name).max_length


def no_longer_than(name: str, value: str, notes: list[str]) -> str:
    """The value of the clinic's field `name`, if it fits: half an address helps nobody."""
    if len(value) <= longest(name):
        return value
    notes.append(f"{name} dropped: longer than {longest(name)} characters")
    return ""


def listed_country(value: str, notes: list[str]) -> str:
    """An ISO 3166 code of two letters."""
    code = value.upper()
    if not code or code in COUNTRY_CODES:
        return code
    notes.append("country dropped: not a two-letter code")
    return ""


def listed_coordinates(
    latitude: str, longitude: str, notes: list[str]
) -> tuple[Decimal, Decimal] | tuple[None, None]:
    """Latitude and longitude in degrees, both or neither; not 0, 0, which stands for unknown."""
    if not latitude and not longitude:
        return None, None
    try:
        # Five digits are about a metre, and what the column holds.
        pair = [Decimal(value).quantize(Decimal("0.00001")) for value in (latitude, longitude)]
        # Comparing raises, too, where one is not a number.
        is_on_earth = abs(pair[0]) <= 90 and abs(pair[1]) <= 180
    except InvalidOperation:
        is_on_earth = False
    if is_on_earth and any(pair):
        return pair[0], pair[1]
    notes.append("coordinates dropped: not a place on Earth")
    return None, None


def listed_phone(value: str, country: str, notes: list[str]) -> str:
    """The number in international form, read as one of `country`. Of several only the first."""
    if not value:
        return ""
    for candidate in (value, re.split(r"[,;/]| or ", value)[0].strip()):
        if not _PHONE.fullmatch(candidate):
            continue
        try:
            number = phonenumbers.parse(candidate, country or None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            if candidate != value:
                notes.append("only the first of several phone numbers taken")
            style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
            return phonenumbers.format_number(number, style)[: longest("phone")]
    notes.append("phone dropped: not a valid number")
    return ""


def listed_email(value: str, notes: list[str]) -> str:
    """One address; two in one cell are none."""
    if not value:
        return ""
    try:
        _CHECK_EMAIL(value)
    except ValidationError:
        notes.append("email dropped: not a valid address")
        return ""
    return no_longer_than("email", value, notes)


def listed_website(value: str, notes: list[str]) -> str:
    """A web address, with http:// before it where the list leaves that out."""
    if not value:
        return ""
    address = value if "://" in value else f"http://{value}"
    try:
        _CHECK_ADDRESS(address)
    except ValidationError:
        notes.append("website dropped: not a valid address")
        return ""
    return no_longer_than("website", address, notes)


def listed_hours(value: str, notes: list[str]) -> tuple[tuple[int, time, time], ...]:
    """Weekday, opening and closing of each span; see `parse_hours`."""
    hours = parse_hours(value) if value else ()
    if hours is None:
        notes.append("hours dropped: not understood")
        return ()
    return hours


# Most clinics of a list keep one of a few dozen timetables.
@lru_cache(maxsize=2048)
def parse_hours(text: str) -> tuple[tuple[int, time, time], ...] | None:
    """Weekday, opening and closing of `Mo-Fr 09:00-13:00,14:00-17:30; Sa ...`, or of `24/7`.

    None if any of it cannot be read, ends before it begins or overlaps: half of a week
    would say of the other half that the clinic is closed.
    """
    if text.replace(" ", "") == "24/7":
        return tuple((day, time(0), END_OF_DAY) for day in range(7))
    spans = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        names, _space, times = part.partition(" ")
        days = _weekdays(names)
        if days is None or not times:
            return None
        for span in times.split(","):
            hours = _opening(span.strip())
            if hours is None:
                return None
            spans += [(day, *hours) for day in days]
    spans.sort()
    for (day, _opens, closes), (next_day, opens, _closes) in pairwise(spans):
        if day == next_day and opens < closes:
            return None
    return tuple(spans)


def _weekdays(names: str) -> list[int] | None:
    """The days of `Mo`, `Mo-Fr` or `Sa,Su`; None if one is unknown."""
    days = []
    for name in names.lower().split(","):
        first, dash, last = name.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            return None
        if not dash:
            days.append(DAYS[first])
        elif DAYS[first] < DAYS[last]:
            days += range(DAYS[first], DAYS[last] + 1)
        else:
            return None
    return days


def _opening(span: str) -> tuple[time, time] | None:
    match = _SPAN.fullmatch(span)
    if not match:
        return None
    opens_hour, opens_minute, closes_hour, closes_minute = map(int, match.groups())
    try:
        opens = time(opens_hour, opens_minute)
        ends_at_midnight = closes_hour % 24 == 0 and closes_minute == 0 and opens > time(0)
        closes = END_OF_DAY if ends_at_midnight else time(closes_hour, closes_minute)
    except ValueError:
        return None
    return (opens, closes) if opens < closes else None
