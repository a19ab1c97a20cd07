"""What a row of a bulk file would change, and whether it may.

The check and the import ask the same questions of the same functions, so that the second does what
the first has shown. A person who may edit some clinics only finds no others: the key of somebody
else's clinic and a key that does not exist get one answer.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from .bulk_columns import Access, Column, Known, Sheet, broken_rules
from .listing_forms import PRICE_FIELDS
from .models import BulkLine, Clinic, Offer, Proposal
from .permissions import clinics_of, is_editor
from .review import SUBJECTS, as_stored, as_value

UNCHANGED = "unchanged"
NEW, CHANGED, REFUSED = BulkLine.Result.NEW, BulkLine.Result.CHANGED, BulkLine.Result.REFUSED
LONGEST_NAME = 250


@dataclass(frozen=True)
class Given:
    """What a row of a file says: texts by column, of those columns that the file has.

    `problems` are columns ("" for the row) with what is wrong with their cells already.
    """

    line: int
    cells: dict[str, str]
    problems: tuple[tuple[str, str], ...] = ()


@dataclass
class Stored:
    """A row of the database as the check sees it, with what of it waits for review."""

    row: models.Model
    cells: dict[str, str]
    proposal: Proposal | None = None

    @property
    def seen(self) -> str:
        """A digest of everything that a change of this row depends on."""
        waits = self.proposal and [
            self.proposal.pk,
            self.proposal.status,
            self.proposal.kind,
            self.proposal.proposed,
        ]
        written = json.dumps([self.cells, waits], sort_keys=True)
        return hashlib.blake2b(written.encode(), digest_size=16).hexdigest()


@dataclass
class Found:
    """What became of one row of a file.

    `row` is as it would be, unsaved; `linked` and `reviewed` hold values by column that stand in
    other tables, or go to review.
    """

    line: int
    key: tuple[str, ...]
    name: str
    result: str = UNCHANGED
    changes: list[list[str]] = field(default_factory=list)
    problems: list[list[str]] = field(default_factory=list)
    seen: str = ""
    row: models.Model | None = None
    clinic_id: int | None = None
    linked: dict = field(default_factory=dict)
    reviewed: dict = field(default_factory=dict)

    @property
    def stored_columns(self) -> list[str]:
        """The columns that change at once, without review."""
        return [name for name, _before, _after in self.changes if name not in self.reviewed]

    def refuse(self, column: str, message: str):
        """Note what is wrong; such a row is not written."""
        self.problems.append([column, str(message)])
        self.result = REFUSED


@dataclass
class Surroundings:
    """What the database says about some rows of a file."""

    stored: dict[tuple[str, ...], Stored]
    clinics: dict[str, int]
    additions: dict[tuple[str, ...], Proposal]


class Comparison:
    """Rows of a sheet against the database, by the rights of one person."""

    def __init__(self, sheet: Sheet, user):
        self.sheet, self.user = sheet, user
        self.known = Known(user)
        self.is_editor = is_editor(user)
        blank = self.sheet.model()
        blank.clinic_slug = ""
        # What a new row says that the file says nothing about.
        self.blank_cells = {
            column.name: "" if column.is_linked else column.text(blank, self.known)
            for column in sheet.columns
        }

    # --- What is stored

    def key_of(self, given: Given) -> tuple[str, ...]:
        """The key as it would be stored, or as it stands there if it cannot be."""
        found = []
        for name in self.sheet.keys:
            cell = given.cells.get(name, "")
            try:
                found.append(self.sheet.by_name[name].read(cell, self.known))
            except ValidationError:
                found.append(cell)
        return tuple(found)

    def surroundings(self, keys: Iterable[tuple[str, ...]]) -> Surroundings:
        """Read what is stored about these keys. Up to six queries, however many they are."""
        keys = list(keys)
        slugs = {key[0] for key in keys if "\0" not in key[0]}
        clinics = dict(clinics_of(self.user).filter(slug__in=slugs).values_list("slug", "pk"))
        rows = self.sheet.rows()
        if self.sheet.model is Clinic:
            rows = list(rows.filter(pk__in=clinics.values()))
        else:
            named = {self.known.treatments.get(key[1]) for key in keys} - {None}
            rows = list(rows.filter(clinic__in=clinics.values(), treatment__in=named))
        by_row, additions = self._proposals(clinics)
        stored = {
            tuple(cells[name] for name in self.sheet.keys): Stored(row, cells, by_row.get(row.pk))
            for row, cells in zip(rows, self.sheet.cells_of(rows, self.known), strict=True)
        }
        return Surroundings(stored, clinics, additions)

    def _proposals(self, clinics: dict[str, int]):
        """What waits for review or was returned: by row, and new rows by key."""
        if self.is_editor:
            return {}, {}
        slugs = {pk: slug for slug, pk in clinics.items()}
        by_row, additions = {}, {}
        for one in Proposal.objects.open().filter(
            clinic__in=slugs, subject=SUBJECTS[self.sheet.model]
        ):
            if one.row_id is not None:
                by_row[one.row_id] = one
            elif self.sheet.model is Offer:
                treatment = self.known.treatment_slugs.get(int(one.proposed.get("treatment") or 0))
                additions[
                    slugs[one.clinic_id], treatment or "", one.proposed.get("label") or ""
                ] = one
        return by_row, additions

    # --- What would change

    def find(
        self, given: Given, key: tuple[str, ...], there: Surroundings, *, is_again: bool = False
    ) -> Found:
        """What a row of the file with this key would change. Runs no query but those of `Known`.

        `is_again`: its texts are those that an earlier check found, so nothing more follows.
        """
        stored = there.stored.get(key)
        found = Found(given.line, key, self._name(key, given, stored)[:LONGEST_NAME])
        for column, message in given.problems:
            found.refuse(column, message)
        if found.problems:
            return found
        if stored is None:
            stored = self._blank(found, given, there)
        if stored is None:
            return found
        found.row, found.seen = stored.row, stored.seen
        found.clinic_id = found.row.pk if self.sheet.model is Clinic else found.row.clinic_id
        self._compare(found, given, stored, is_again=is_again)
        if not is_again:
            self._date_price(found, given)
        if found.result == REFUSED:
            return found
        waits = stored.proposal is not None and stored.proposal.is_waiting
        if not found.changes and (found.row.pk is not None or waits):
            return found
        self._fill(found, stored)
        for column, message in broken_rules(found.row):
            found.refuse(column, message)
        if found.result != REFUSED:
            found.result = NEW if found.row.pk is None else CHANGED
            if self._waits_already(found, stored):
                found.result, found.changes, found.reviewed = UNCHANGED, [], {}
        return found

    def _name(self, key, given: Given, stored: Stored | None) -> str:
        if self.sheet.model is Clinic:
            return stored.row.name if stored else given.cells.get("name", "")
        return ", ".join(part for part in key if part)

    def _blank(self, found: Found, given: Given, there: Surroundings) -> Stored | None:
        """A new row for a key that is not there, or None with the reasons why there can be none."""
        column = self.sheet.keys[0]
        if self.sheet.model is Clinic:
            if not self.is_editor:
                found.refuse(column, _("None of your clinics has this key."))
                return None
            self._check_key(found)
            if not given.cells.get("name", "").strip():
                found.refuse("name", _("A new clinic needs a name."))
            row = Clinic(slug=found.key[0], status=Clinic.Status.DRAFT)
        else:
            clinic = there.clinics.get(found.key[0])
            if clinic is None:
                found.refuse(
                    column,
                    _("No clinic has this key.")
                    if self.is_editor
                    else _("None of your clinics has this key."),
                )
                return None
            treatment = self.known.treatments.get(found.key[1])
            if treatment not in self.known.offered:
                found.refuse("treatment", _("There is no treatment to offer with this key."))
            self._check_key(found)
            row = Offer(clinic_id=clinic, treatment_id=treatment, label=found.key[2])
        if found.problems:
            return None
        cells = {**self.blank_cells, **dict(zip(self.sheet.keys, found.key, strict=True))}
        addition = there.additions.get(found.key)
        if addition:
            cells |= self._proposed_cells(addition)
        return Stored(row, cells, addition)

    def _proposed_cells(self, addition: Proposal) -> dict[str, str]:
        """What a new row says that was sent in before, by column."""
        row, found = Offer(), {}
        for name, kept in addition.proposed.items():
            column = self.sheet.by_name[name]
            value = as_value(Offer, name, kept)
            if column.is_linked:
                found[name] = column.text_of(value, self.known)
            elif column.access != Access.KEY and (kept is not None or column.field.null):
                setattr(row, column.field.attname, value)
                found[name] = column.text(row, self.known)
        return found

    def _check_key(self, found: Found):
        for name, text in zip(self.sheet.keys, found.key, strict=True):
            if name in ("clinic", "treatment"):
                continue
            try:
                self.sheet.by_name[name].read(text, self.known)
            except ValidationError as error:
                found.refuse(name, " ".join(error.messages))
            for line in self.sheet.flagged(name, text):
                found.refuse(name, line)

    def _compare(self, found: Found, given: Given, stored: Stored, *, is_again: bool):
        """Note each column in which the file says something else than the database."""
        for name, cell in given.cells.items():
            column = self.sheet.by_name[name]
            if column.access == Access.KEY or column.is_same(stored.cells[name], cell):
                continue
            try:
                text = cell if is_again else column.read(cell, self.known)
            except ValidationError as error:
                found.refuse(name, " ".join(error.messages))
                continue
            if text == stored.cells[name] or column.is_kept(stored.cells[name], text):
                continue
            reason = self._why_not(found, column)
            if not (reason or is_again):
                reason = " ".join(self.sheet.flagged(name, text))
            if reason:
                found.refuse(name, reason)
                continue
            found.changes.append([name, stored.cells[name], text])

    def _why_not(self, found: Found, column: Column) -> str:
        """Why this person cannot change this column of this row, or ""."""
        if column.access == Access.EDITORS and not self.is_editor:
            return _("Only an editor can change this. Leave it as it was, or leave out the column.")
        if column.name == "status" and found.row.pk is None:
            return _("A new clinic is a draft. Publish it once you have looked at it.")
        return ""

    def _date_price(self, found: Found, given: Given):
        """A price that an editor changes is confirmed today, as in the form of an offer."""
        if self.sheet.model is not Offer or not self.is_editor or found.problems:
            return
        changed = {name for name, _before, _after in found.changes}
        if "price_confirmed_on" in changed or not changed & PRICE_FIELDS:
            return
        if found.row.pk is None and "price_confirmed_on" in given.cells:
            return
        before = self.sheet.by_name["price_confirmed_on"].text(found.row, self.known)
        today = timezone.localdate().isoformat()
        if before != today:
            found.changes.append(["price_confirmed_on", before, today])

    def _fill(self, found: Found, stored: Stored):
        """Put what is new into the row, over what waits for review already."""
        waits = stored.proposal
        if waits and waits.kind != Proposal.Kind.REMOVE:
            for name, text in waits.proposed.items():
                column = self.sheet.model._meta.get_field(name)
                if not column.many_to_many and (text is not None or column.null):
                    value = as_value(self.sheet.model, name, text)
                    setattr(found.row, column.attname, value)
        for name, _before, text in found.changes:
            column = self.sheet.by_name[name]
            try:
                value = column.value(text, self.known)
            except KeyError:
                found.refuse(name, _("What this cell names is no longer there."))
                continue
            if not self.is_editor and column.access == Access.REVIEWED:
                found.reviewed[name] = value
            elif column.is_linked:
                found.linked[name] = value
            if not column.is_linked:
                setattr(found.row, column.field.attname, value)
        if self.sheet.model is Offer and not self.is_editor and found.row.pk is None:
            found.reviewed |= {"treatment": found.row.treatment_id, "label": found.row.label}

    def _waits_already(self, found: Found, stored: Stored) -> bool:
        """Whether all of it was sent in before and nobody has decided yet."""
        waits = stored.proposal
        if not (found.reviewed and waits and waits.is_waiting):
            return False
        if found.stored_columns:
            return False
        missing = object()
        return all(
            waits.proposed.get(name, missing) == as_stored(self.sheet.model, name, value)
            for name, value in found.reviewed.items()
        )
