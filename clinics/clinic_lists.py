"""What a list of clinics says: a CSV file and a mapping in, checked values out.

Nothing here reads or writes the database. A value that does not hold is dropped with
a note; a row is refused only if it has no name or no key, or cannot be read.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from pathlib import Path

import yaml

from .list_values import (
    clean,
    listed_coordinates,
    listed_country,
    listed_email,
    listed_hours,
    listed_phone,
    listed_website,
    longest,
    no_longer_than,
)
from .models import Clinic

MAPPINGS_DIRECTORY = Path(__file__).parent / "mappings"
FIELDS = (
    *("name", "address", "postcode", "city", "country", "latitude", "longitude"),
    *("phone", "email", "website", "hours"),
)
# A field longer than this many characters means an unclosed quotation mark, not a value.
LONGEST_FIELD = 131_072
LONGEST_KEY = Clinic._meta.get_field("import_key").max_length


_SURROGATE = re.compile("[\ud800-\udfff]")


class MappingError(Exception):
    """The mapping cannot be used; the message says what to change."""


class ListError(Exception):
    """The file cannot be read as a list at all; the message says why."""


class RowRefused(Exception):
    """One row cannot become a clinic; the message says why."""


@dataclass(frozen=True)
class Mapping:
    """Which column of a list says what; read from a small YAML file."""

    key: list[str]
    columns: dict[str, str]
    list_name: str = ""
    facility_type_column: str = ""
    facility_types: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    refuse_column: str = ""
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Mapping":
        """Read and check a mapping. Raises MappingError or OSError."""
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise MappingError(f"{path} is not a YAML file: {error}") from error
        if not isinstance(content, dict):
            raise MappingError(f"{path} must hold the entries key and columns.")
        known = {"list", "key", "columns", "facility_type", "defaults", "refuse"}
        _refuse_unknown(content, known, "the mapping")
        facility_type = _entry(content, "facility_type", {"column", "values"})
        refuse = _entry(content, "refuse", {"column", "values"})
        mapping = cls(
            key=content.get("key") or [],
            columns=_entry(content, "columns", set(FIELDS)),
            list_name=str(content.get("list") or ""),
            facility_type_column=facility_type.get("column", ""),
            facility_types=facility_type.get("values") or {},
            defaults=_entry(content, "defaults", set(FIELDS)),
            refuse_column=refuse.get("column", ""),
            refused=refuse.get("values") or {},
        )
        if not (
            isinstance(mapping.key, list)
            and mapping.key
            and all(isinstance(column, str) for column in mapping.key)
        ):
            raise MappingError("key must list the columns that tell the rows apart.")
        if "name" not in mapping.columns:
            raise MappingError("columns must say which column holds the name.")
        _refuse_unknown(
            dict.fromkeys(mapping.facility_types.values()),
            set(Clinic.FacilityType.values),
            "the facility types",
        )
        return mapping

    @property
    def needed_columns(self) -> set[str]:
        """The columns that a file must have to be read with this mapping."""
        conditions = {self.facility_type_column, self.refuse_column} - {""}
        return {*self.key, *self.columns.values(), *conditions}


@dataclass(frozen=True)
class ListedClinic:
    """What one row says of a clinic, checked. What it does not say is empty."""

    key: str
    name: str
    facility_type: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    phone: str = ""
    email: str = ""
    website: str = ""
    hours: tuple[tuple[int, time, time], ...] = ()
    notes: tuple[str, ...] = ()


def read_rows(path: Path, needed: set[str]) -> Iterator[tuple[int, dict | RowRefused]]:
    """Yield each row with the line it starts on: a dict by column, or why it is refused.

    Reads as it goes, so that the size of the file does not matter. Raises ListError
    if the first line is not a header with the columns needed, OSError if there is no file.
    """
    csv.field_size_limit(LONGEST_FIELD)
    # Bytes that are not UTF-8 become lone surrogates: they spoil their own row, not the file.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        records = _records(file)
        line, header = next(records, (1, []))
        if isinstance(header, RowRefused) or not _is_utf8(header):
            raise ListError(f"{path} is not a CSV file in UTF-8.")
        header = [clean(column) for column in header]
        missing = sorted(needed - set(header))
        if missing:
            raise ListError(
                f"{path} has no column {', '.join(missing)}. "
                f"Its first line says: {', '.join(header)[:300]}"
            )
        for line, cells in records:
            if isinstance(cells, RowRefused):
                yield line, cells
            elif not _is_utf8(cells):
                yield line, RowRefused("is not in UTF-8")
            else:
                yield line, dict(zip(header, cells, strict=True))


def listed_clinic(row: dict[str, str], mapping: Mapping) -> ListedClinic:
    """What a row says under a mapping. Raises RowRefused."""
    refusal = mapping.refused.get(clean(row.get(mapping.refuse_column, "")))
    if refusal:
        raise RowRefused(refusal)
    parts = [clean(row[column]) for column in mapping.key]
    key = ":".join(([mapping.list_name] if mapping.list_name else []) + parts)
    if not all(parts):
        raise RowRefused("has no key")
    if len(key) > LONGEST_KEY:
        raise RowRefused(f"key longer than {LONGEST_KEY} characters")
    said = {
        name: clean(row[mapping.columns[name]] if name in mapping.columns else "")
        or mapping.defaults.get(name, "")
        for name in FIELDS
    }
    if not said["name"]:
        raise RowRefused("has no name")
    if len(said["name"]) > longest("name"):
        raise RowRefused(f"name longer than {longest('name')} characters")
    notes: list[str] = []
    country = listed_country(said["country"], notes)
    latitude, longitude = listed_coordinates(said["latitude"], said["longitude"], notes)
    return ListedClinic(
        key=key,
        name=said["name"],
        facility_type=_facility_type(row, mapping, notes),
        address=no_longer_than("address", said["address"], notes),
        postcode=no_longer_than("postcode", said["postcode"], notes),
        city=said["city"],
        country=country,
        latitude=latitude,
        longitude=longitude,
        phone=listed_phone(said["phone"], country, notes),
        email=listed_email(said["email"], notes),
        website=listed_website(said["website"], notes),
        hours=listed_hours(said["hours"], notes),
        notes=tuple(notes),
    )


class _Lines:
    """The lines of a file, with those of the record being read at hand to be read again."""

    def __init__(self, file):
        self._file = file
        self._returned = deque()
        self.number = 0
        self.taken = []

    def __iter__(self):
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._file)
        self.number += 1
        self.taken.append(line)
        return line

    def keep_only_first(self):
        """Give back all lines taken but the first."""
        self._returned.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1


def _records(file) -> Iterator[tuple[int, list[str] | RowRefused]]:
    """Yield each record of a CSV file with the line it starts on.

    Where a record does not fit the header, only its first line is lost: the
    quotation mark that was never closed must not swallow the records after it.
    """
    lines = _Lines(file)
    reader = csv.reader(lines)
    width = None
    while True:
        lines.taken.clear()
        try:
            cells = next(reader)
            problem = None
            if width is not None and cells and len(cells) != width:
                problem = f"has {len(cells)} columns instead of {width}"
        except StopIteration:
            return
        except csv.Error as error:
            cells, problem = [], f"cannot be read: {error}"
        first = lines.number - len(lines.taken) + 1
        if problem:
            lines.keep_only_first()
            reader = csv.reader(lines)
            yield first, RowRefused(problem)
        elif cells:
            width = width or len(cells)
            yield first, cells


def _is_utf8(cells: list[str]) -> bool:
    return not any(map(_SURROGATE.search, cells))


def _refuse_unknown(entries: dict, known: set[str], where: str) -> None:
    unknown = sorted(str(entry) for entry in set(entries) - known)
    if unknown:
        raise MappingError(
            f"{where} cannot have {', '.join(unknown)}; possible: {', '.join(sorted(known))}."
        )


def _entry(content: dict, name: str, known: set[str]) -> dict:
    entry = content.get(name) or {}
    if not isinstance(entry, dict):
        raise MappingError(f"{name} must be a list of names and values.")
    _refuse_unknown(entry, known, name)
    values = {**entry, **(entry.get("values") or {})}
    values.pop("values", None)
    for key, value in values.items():
        # YAML takes NO, the code of Norway, for "false".
        if not isinstance(key, str) or not isinstance(value, str):
            raise MappingError(f"{name}: put quotation marks around {key} and {value}.")
    return entry


def _facility_type(row, mapping: Mapping, notes: list[str]) -> str:
    if not mapping.facility_type_column:
        return ""
    category = clean(row[mapping.facility_type_column])
    if category and category not in mapping.facility_types:
        notes.append(f"no facility type for “{category[:60]}”")
    return mapping.facility_types.get(category, "")
