"""Lists of clinics into drafts: what is new, what changed, what an editor has touched since.

A row is found again by its key. What an import stored leaves a digest behind, by
which a later import tells a changed list from a changed clinic.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path

from django.db import DatabaseError
from django.utils.text import slugify

from treatments.history import CHANGED, Change, one_change
from treatments.text_folding import fold

from .clinic_lists import ListedClinic, Mapping, RowRefused, listed_clinic, read_rows
from .list_values import clean
from .models import Clinic, OpeningHours, Place

# Rows that are looked up and written together.
BATCH = 500
# What an import writes, beside the opening hours. Everything else is an editor's alone.
IMPORTED_FIELDS = (
    *("name", "facility_type", "place_id", "address", "postcode", "latitude", "longitude"),
    *("phone", "email", "website"),
)
LONGEST_ADDRESS = Clinic._meta.get_field("address").max_length
SLUG_NAME_LENGTH = 80


class Result(StrEnum):
    """What became of one row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """One row of the report: the line of the file on which it starts, and what became of it."""

    line: int
    result: Result
    key: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()


@dataclass
class _Entry:
    """A row on its way into the database."""

    line: int
    listed: ListedClinic
    values: dict
    notes: tuple[str, ...]
    digest: str

    def outcome(self, result: Result, *further_notes: str) -> Outcome:
        notes = (*further_notes, *self.notes)
        return Outcome(self.line, result, self.listed.key, self.listed.name, notes)


def import_clinics(
    path: Path, mapping: Mapping, *, dry_run: bool = False, user=None, name: str = ""
) -> Iterator[Outcome]:
    """Bring the drafts of a list up to date, and yield what became of each row, in order.

    The list is read while the outcomes are taken, a batch at a time, each in a
    transaction of its own; with `dry_run` nothing is written. One query a batch where
    nothing changed, eight or so where all is new, a few more for each changed row. Memory
    grows only by one number for each key, some 60 MB for a million rows. The history names the
    file as the reason, by `name` where it is not that of the path, and `user` if somebody sent
    it in. Raises what `read_rows` raises.
    """
    imported = partial(one_change, user, f"Imported from {name or path.name}")
    places = _places_by_name()
    seen: set[int] = set()
    rows = read_rows(path, mapping.needed_columns)
    while batch := list(islice(rows, BATCH)):
        entries: list[_Entry | Outcome] = [
            _read_entry(line, row, mapping, places, seen) for line, row in batch
        ]
        yield from _import_batch(entries, dry_run, imported)


def imported_values(clinic: Clinic) -> dict:
    """What stands in a clinic where an import would write. One query unless prefetched."""
    spans = clinic.opening_hours.all()
    return {
        **{name: getattr(clinic, name) for name in IMPORTED_FIELDS},
        "hours": sorted((span.weekday, span.opens, span.closes) for span in spans),
    }


def digest_of(values: dict) -> str:
    """SHA-256 of imported values in hex, the same for equal values from file and database."""
    written = [str(values[name]) for name in IMPORTED_FIELDS]
    written += [f"{day} {opens:%H:%M}-{closes:%H:%M}" for day, opens, closes in values["hours"]]
    return hashlib.sha256("\x1f".join(written).encode()).hexdigest()


def _places_by_name() -> dict[tuple[str, str], int | None]:
    """Primary keys by folded name and country; None where a country has two of that name."""
    places: dict[tuple[str, str], int | None] = {}
    for pk, name, country in Place.objects.values_list("pk", "name", "country_id"):
        key = (fold(name), country)
        places[key] = None if key in places else pk
    return places


def _read_entry(line, row, mapping, places, seen) -> _Entry | Outcome:
    if isinstance(row, RowRefused):
        return Outcome(line, Result.REFUSED, notes=(str(row),))
    try:
        listed = listed_clinic(row, mapping)
    except RowRefused as refusal:
        name = clean(row.get(mapping.columns["name"], ""))
        return Outcome(line, Result.REFUSED, name=name[:150], notes=(str(refusal),))
    # Eight bytes instead of the key: a set of long lists must fit in memory.
    mark = int.from_bytes(hashlib.blake2b(listed.key.encode(), digest_size=8).digest())
    if mark in seen:
        note = "the key stands in an earlier row of this file"
        return Outcome(line, Result.DUPLICATE, listed.key, listed.name, (note,))
    seen.add(mark)
    place_id = places.get((fold(listed.city), listed.country))
    address, notes = _address(listed, place_id)
    values = {
        "name": listed.name,
        "facility_type": listed.facility_type,
        "place_id": place_id,
        "address": address,
        "postcode": listed.postcode,
        "latitude": listed.latitude,
        "longitude": listed.longitude,
        "phone": listed.phone,
        "email": listed.email,
        "website": listed.website,
        "hours": list(listed.hours),
    }
    return _Entry(line, listed, values, (*notes, *listed.notes), digest_of(values))


def _address(listed: ListedClinic, place_id: int | None) -> tuple[str, tuple[str, ...]]:
    """The street, and the town as the list has it where it is none of our places."""
    if place_id or not listed.city:
        return listed.address, ()
    address = ", ".join(filter(None, (listed.address, listed.city)))
    if len(address) > LONGEST_ADDRESS:
        return listed.address, ("town dropped: not one of our places, no room in the address",)
    return address, ("town kept in the address: not one of our places",)


def _import_batch(rows: list[_Entry | Outcome], dry_run: bool, imported) -> list[Outcome]:
    entries = [row for row in rows if isinstance(row, _Entry)]
    try:
        with imported() as change:
            outcomes = _write(entries, dry_run, change)
    except DatabaseError:
        # One row spoils a whole statement: write them one by one and lose only that one.
        outcomes = [_write_alone(entry, imported) for entry in entries]
    by_line = {outcome.line: outcome for outcome in outcomes}
    return [row if isinstance(row, Outcome) else by_line[row.line] for row in rows]


def _write_alone(entry: _Entry, imported) -> Outcome:
    try:
        with imported() as change:
            return _write([entry], dry_run=False, change=change)[0]
    except DatabaseError as error:
        return entry.outcome(Result.REFUSED, f"refused by the database: {clean(str(error))}")


def _write(entries: list[_Entry], dry_run: bool, change: Change) -> list[Outcome]:
    digests = dict(
        Clinic.objects.filter(import_key__in=[entry.listed.key for entry in entries]).values_list(
            "import_key", "import_digest"
        )
    )
    changed = [
        entry.listed.key
        for entry in entries
        if digests.get(entry.listed.key, entry.digest) != entry.digest
    ]
    # Locked until the batch is written: an editor's change must not fall between.
    held = {
        clinic.import_key: clinic
        for clinic in Clinic.objects.select_for_update()
        .filter(import_key__in=changed)
        .prefetch_related("opening_hours")
    }
    outcomes, new, updated = [], [], []
    for entry in entries:
        if entry.listed.key not in digests:
            new.append(entry)
            outcomes.append(entry.outcome(Result.CREATED))
            continue
        clinic = held.get(entry.listed.key)
        if clinic is None:
            outcomes.append(entry.outcome(Result.UNCHANGED))
        elif clinic.status != Clinic.Status.DRAFT:
            note = "changed in the list, but no longer a draft: compare by hand"
            outcomes.append(entry.outcome(Result.CONFLICT, note))
        elif digest_of(imported_values(clinic)) != clinic.import_digest:
            note = "changed in the list, but edited here since: the editor’s values kept"
            outcomes.append(entry.outcome(Result.CONFLICT, note))
        else:
            outcomes.append(entry.outcome(Result.UPDATED))
            updated.append((clinic, entry))
    if updated and not dry_run:
        _update(updated, change)
    if new and not dry_run:
        _create(new, change)
    return outcomes


def _update(updated: list[tuple[Clinic, _Entry]], change: Change) -> None:
    change.keep_before(Clinic, [clinic.pk for clinic, _ in updated])
    stored = [span for clinic, _ in updated for span in clinic.opening_hours.all()]
    change.keep_before(OpeningHours, [span.pk for span in stored])
    for clinic, entry in updated:
        _fill(clinic, entry)
        clinic.save(update_fields=[*IMPORTED_FIELDS, "name_folded", "import_digest", "updated_at"])
        change.note(clinic, CHANGED)
        _update_hours(clinic, entry, change)


def _update_hours(clinic: Clinic, entry: _Entry, change: Change) -> None:
    """Spans that the list still has stay the rows they are, with their history."""
    listed = {(span.weekday, span.opens, span.closes): span for span in _spans(clinic, entry)}
    gone = []
    for span in clinic.opening_hours.all():
        if listed.pop((span.weekday, span.opens, span.closes), None) is None:
            gone.append(span.pk)
    # First, because no two spans of a day begin at one time.
    clinic.opening_hours.filter(pk__in=gone).delete()
    _add_hours(listed.values(), change)


def _add_hours(spans: Iterable[OpeningHours], change: Change) -> None:
    stored = OpeningHours.objects.bulk_create(spans)
    change.note_new(OpeningHours, [span.pk for span in stored])


def _create(entries: list[_Entry], change: Change) -> None:
    clinics = []
    for entry, slug in zip(entries, _free_slugs(entries), strict=True):
        clinic = Clinic(slug=slug, status=Clinic.Status.DRAFT, import_key=entry.listed.key)
        _fill(clinic, entry)
        clinics.append(clinic)
    change.note_new(Clinic, [clinic.pk for clinic in Clinic.objects.bulk_create(clinics)])
    _add_hours(
        (
            span
            for clinic, entry in zip(clinics, entries, strict=True)
            for span in _spans(clinic, entry)
        ),
        change,
    )


def _fill(clinic: Clinic, entry: _Entry) -> None:
    for name in IMPORTED_FIELDS:
        setattr(clinic, name, entry.values[name])
    clinic.import_digest = entry.digest


def _spans(clinic: Clinic, entry: _Entry) -> list[OpeningHours]:
    return [
        OpeningHours(clinic_id=clinic.pk, weekday=weekday, opens=opens, closes=closes)
        for weekday, opens, closes in entry.values["hours"]
    ]


def _free_slugs(entries: list[_Entry]) -> list[str]:
    """For each a slug that no clinic has: the name, with the town, or with a piece of its key."""
    wishes = []
    for entry in entries:
        name = slugify(fold(entry.listed.name))[:SLUG_NAME_LENGTH].strip("-") or "clinic"
        town = slugify(fold(entry.listed.city))[:25].strip("-")
        mark = hashlib.sha256(entry.listed.key.encode()).hexdigest()[:12]
        wishes.append([name, *([f"{name}-{town}"] if town else []), f"{name}-{mark}"])
    every_wish = {slug for slugs in wishes for slug in slugs}
    taken = set(Clinic.objects.filter(slug__in=every_wish).values_list("slug", flat=True))
    slugs = []
    for wished in wishes:
        slug = next((slug for slug in wished if slug not in taken), wished[-1])
        taken.add(slug)
        slugs.append(slug)
    return slugs
