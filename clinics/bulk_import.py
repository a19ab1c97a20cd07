"""Writing what a check of a bulk file has found: to the listing, or to review.

Rows are compared once more under a lock. One that is not what the check saw, because somebody
changed it in between, is refused and not overwritten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from treatments.history import CHANGED, CREATED, Change, has_versions, one_change

from .bulk_changes import REFUSED, Comparison, Found, Given
from .bulk_columns import HoursColumn, LinksColumn, stored_hours
from .models import BulkLine, Clinic, OpeningHours
from .review import CannotBeDone, submit

Outcome = BulkLine.Outcome
# Rows of one INSERT; a database takes only so many values in a statement.
ROWS_A_STATEMENT = 500
# What a database says of a row, and not of itself.
REFUSALS = (IntegrityError, DataError)


@dataclass
class Written:
    """What became of one line of a file. `remark` says why it was refused."""

    line: BulkLine
    outcome: str
    remark: str = ""


def write_lines(comparison: Comparison, lines: Sequence[BulkLine], file_name: str) -> list[Written]:
    """Write these lines, all of one import, in one transaction; say what became of each.

    About twenty queries for lines that are stored, ten more for each that goes to review.
    """
    why = _("Imported from %(file)s.") % {"file": file_name}
    try:
        with one_change(comparison.user, why) as change:
            return _write(comparison, lines, change, why, file_name)
    except REFUSALS:
        # One row spoils a whole statement: write them one by one and lose only that one.
        return [_write_alone(comparison, line, why, file_name) for line in lines]


def _write_alone(comparison, line, why, file_name) -> Written:
    try:
        with one_change(comparison.user, why) as change:
            return _write(comparison, [line], change, why, file_name)[0]
    except REFUSALS:
        return Written(line, Outcome.REFUSED, _("The database refused this row."))


def _write(comparison, lines, change: Change, why, file_name) -> list[Written]:
    keys = [tuple(line.key) for line in lines]
    _lock(comparison, keys)
    there = comparison.surroundings(keys)
    written, to_store, to_review = [], [], []
    for line, key in zip(lines, keys, strict=True):
        cells = {name: after for name, _before, after in line.changes}
        found = comparison.find(Given(line.number, cells), key, there, is_again=True)
        refusal = _refusal(line, found)
        written.append(Written(line, Outcome.REFUSED if refusal else Outcome.WRITTEN, refusal))
        if refusal:
            continue
        if found.reviewed:
            to_review.append((written[-1], found))
        if found.stored_columns or comparison.is_editor:
            to_store.append(found)
    if to_store:
        _store(comparison, to_store, change, why)
    for result, found in to_review:
        _send(comparison, result, found, file_name)
    return written


def _refusal(line: BulkLine, found: Found) -> str:
    """Why a line is not written after all, or ""."""
    if found.result == REFUSED:
        return " ".join(message for _column, message in found.problems)
    if (found.seen, found.result, found.changes) != (line.seen, line.result, line.changes):
        return _("Somebody changed this after the check. Check the file again.")
    return ""


def _lock(comparison: Comparison, keys):
    """Wait for whoever is saving one of these clinics."""
    slugs = sorted({key[0] for key in keys})
    own = Clinic.objects.select_for_update().filter(slug__in=slugs).order_by("pk")
    list(own.values_list("pk"))


def _send(comparison: Comparison, result: Written, found: Found, file_name):
    """Send to review what waits for somebody else’s look."""
    model = comparison.sheet.model
    clinic = Clinic.objects.filter(pk=found.clinic_id).only("pk").first()
    try:
        with transaction.atomic():
            submit(
                user=comparison.user,
                clinic=clinic,
                model=model,
                row=found.row if found.row.pk else None,
                values=found.reviewed,
                origin=file_name,
            )
    except ValidationError as error:
        result.outcome, result.remark = Outcome.REFUSED, " ".join(error.messages)
    except CannotBeDone as error:
        result.outcome, result.remark = Outcome.REFUSED, str(error)
    else:
        result.outcome = Outcome.SENT


# --- To the listing at once


def _store(comparison: Comparison, found: list[Found], change: Change, why: str):
    model = comparison.sheet.model
    new = [one for one in found if one.row.pk is None]
    old = [one for one in found if one.row.pk is not None]
    _keep_before(change, model, [one.row.pk for one in old])
    model.objects.bulk_create([one.row for one in new], batch_size=ROWS_A_STATEMENT)
    _update(comparison, old)
    for column in comparison.sheet.columns:
        if column.is_linked:
            _link(column, [one for one in found if column.name in one.linked], change)
    if model is not Clinic:
        # The stamp that caches and the site map read.
        clinics = {one.row.clinic_id for one in found}
        Clinic.objects.filter(pk__in=clinics).update(updated_at=timezone.now())
    if has_versions(model):
        for rows, kind_of_change in ((new, CREATED), (old, CHANGED)):
            for one in rows:
                # Opening hours are rows of their own, with versions of their own.
                is_certain = any(name != "opening_hours" for name in one.stored_columns)
                change.note(one.row, kind_of_change, is_certain=is_certain)
    kind = ContentType.objects.get_for_model(model)
    LogEntry.objects.bulk_create(
        [
            LogEntry(
                user_id=comparison.user.pk,
                content_type_id=kind.pk,
                object_id=str(one.row.pk),
                object_repr=one.name[:200],
                action_flag=flag,
                change_message=why,
            )
            for rows, flag in ((new, ADDITION), (old, CHANGE))
            for one in rows
        ],
        batch_size=ROWS_A_STATEMENT,
    )


def _update(comparison: Comparison, found: list[Found]):
    """Store the changed columns of rows that are there. One query for each 500 rows."""
    model = comparison.sheet.model
    names = {name for one in found for name in one.stored_columns}
    fields = [
        column.field.name
        for column in comparison.sheet.columns
        if column.name in names and not column.is_linked
    ]
    if model is Clinic:
        fields += ["updated_at", *(["name_folded"] if "name" in names else [])]
    if not fields:
        return
    # Quicker by far than an UPDATE with a case for each row. No row is new: all are locked.
    model.objects.bulk_create(
        [one.row for one in found],
        batch_size=ROWS_A_STATEMENT,
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=fields,
    )


def _link(column, found: list[Found], change: Change):
    """Replace the rows of another table that a column stands for."""
    if not found:
        return
    wanted = {one.row.pk: set(one.linked[column.name]) for one in found}
    if isinstance(column, LinksColumn):
        _replace_links(column, wanted)
    elif isinstance(column, HoursColumn):
        _replace_hours(wanted, change)


def _replace_links(column: LinksColumn, wanted: dict[int, set]):
    """Make these the rows of the table between; `wanted` has keys by owner."""
    table = column.through._base_manager
    stored = table.filter(**{f"{column.own_column}__in": wanted})
    gone = []
    for pk, owner, key in stored.values_list("pk", column.own_column, column.other_column):
        if key in wanted[owner]:
            wanted[owner].remove(key)
        else:
            gone.append(pk)
    if gone:
        table.filter(pk__in=gone).delete()
    rows = [
        column.through(**{column.own_column: owner, column.other_column: key})
        for owner, keys in wanted.items()
        for key in sorted(keys)
    ]
    table.bulk_create(rows, batch_size=ROWS_A_STATEMENT)


def _replace_hours(wanted: dict[int, set], change: Change):
    """Make these the opening hours; spans that stay the same stay the rows they are."""
    gone = []
    for pk, clinic, span in stored_hours(wanted):
        if span in wanted[clinic]:
            wanted[clinic].remove(span)
        else:
            gone.append(pk)
    # First, because no two spans of a day begin at one time.
    change.delete(OpeningHours, gone)
    spans = ((clinic, *span) for clinic, spans in wanted.items() for span in sorted(spans))
    while batch := list(islice(spans, ROWS_A_STATEMENT)):
        change.note_new(OpeningHours, _insert_hours(batch))


def _insert_hours(spans: list[tuple]) -> list[int]:
    """Store spans of opening and return their keys. Ten spans a clinic are most of what a file of
    clinics writes, and the ORM takes ten times as long for them."""
    adapt = connection.ops.adapt_timefield_value
    values = [
        value
        for clinic, weekday, opens, closes in spans
        for value in (clinic, weekday, adapt(opens), adapt(closes))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO clinics_openinghours (clinic_id, weekday, opens, closes)"  # noqa: S608 (no values)
            f" VALUES {', '.join(['(%s, %s, %s, %s)'] * len(spans))} RETURNING id",
            values,
        )
        return [key for (key,) in cursor.fetchall()]


def _keep_before(change: Change, model: type[models.Model], keys: list):
    """Let the history note what rows say that it has not seen yet."""
    if keys and has_versions(model):
        change.keep_before(model, keys)
