"""Who changed what of the catalogue, when and why: one version of a row for each change.

django-simple-history makes the tables and notices what is saved and deleted. What belongs to
one change (a form with its rows and its many-to-many fields, or a file that is loaded) is
gathered in `one_change` and written once, at its end. Nothing here or elsewhere ever deletes a
version.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache

from django.db import models, transaction
from django.utils import timezone
from simple_history.models import HistoricalRecords

CREATED, CHANGED, DELETED = "+", "~", "-"


@dataclass
class Change:
    """A change that is under way: the rows that it touched, and by whom and why.

    `reason` may be set until the change ends, for a form knows it only when it was read.
    """

    user: object | None = None
    reason: str = ""
    _rows: dict[tuple, tuple[str, str | None]] = field(default_factory=dict)
    _deleted: list[tuple] = field(default_factory=list)

    def note(self, row: models.Model, kind: str, reason: str | None = None):
        """Remember that a row was created, changed or deleted; costs no query.

        Needed for rows that were written past `save`, in bulk. `reason` is that of this row,
        where it differs from the change's.
        """
        key = (type(row), row.pk)
        before = self._rows.get(key)
        if kind == DELETED:
            self._rows.pop(key, None)
            if not before or before[0] != CREATED:
                # Read now: afterwards the row has no primary key any more.
                self._deleted.append((type(row), _columns_of(row), reason))
        elif before:
            self._rows[key] = (before[0], reason or before[1])
        else:
            self._rows[key] = (kind, reason)

    def write(self):
        """Store the versions: per kind of row one query to read, and one for each table."""
        moment = timezone.now()
        versions: dict[type, list] = {}
        for model, columns, reason in self._deleted:
            versions.setdefault(model, []).append((columns, DELETED, reason))
        found: dict[type, list] = {}
        for (model, key), (kind, reason) in self._rows.items():
            found.setdefault(model, []).append((key, kind, reason))
        for model, noted in found.items():
            # Read anew: what a form or a file left in memory need not be what was stored.
            rows = model._base_manager.in_bulk([key for key, _, _ in noted])
            versions.setdefault(model, []).extend(
                (_columns_of(rows[key]), kind, reason) for key, kind, reason in noted if key in rows
            )
        for model, written in versions.items():
            table = model.history.model
            stored = table.objects.bulk_create(
                table(
                    history_date=moment,
                    history_type=kind,
                    history_user=self.user,
                    history_change_reason=self.reason if reason is None else reason,
                    **columns,
                )
                for columns, kind, reason in written
            )
            _write_links(model, [version for version in stored if version.history_type != DELETED])


@cache
def _tracked_columns(model: type[models.Model]) -> tuple[str, ...]:
    # Kept, because each look at `model.history` makes a class.
    return tuple(column.attname for column in model.history.model.tracked_fields)


def _columns_of(row: models.Model) -> dict:
    return {column: getattr(row, column) for column in _tracked_columns(type(row))}


def _write_links(model: type[models.Model], versions: list):
    """Copy the many-to-many rows, such as sources, of rows whose versions were just stored."""
    by_row = {version.id: version for version in versions}
    for relation in linked_fields(model):
        through = relation.remote_field.through
        column = relation.m2m_column_name()
        names = [column.attname for column in through._meta.fields]
        copies = getattr(model.history.model, relation.name).model.objects
        links = through._base_manager
        if len(by_row) < model._base_manager.count():
            links = links.filter(**{f"{column}__in": by_row})
        copies.bulk_create(
            copies.model(
                history=by_row[getattr(link, column)],
                **{name: getattr(link, name) for name in names},
            )
            for link in links.all()
            if getattr(link, column) in by_row
        )


def has_versions(model: type[models.Model]) -> bool:
    """Whether the model keeps versions of its rows."""
    return hasattr(model._meta, "simple_history_manager_attribute")


def linked_fields(model: type[models.Model]) -> list[models.ManyToManyField]:
    """The many-to-many fields whose rows belong to a version."""
    return model.history.model._history_m2m_fields


_under_way: ContextVar[Change | None] = ContextVar("change under way", default=None)


@contextmanager
def one_change(user=None, reason: str = "") -> Iterator[Change]:
    """All that happens inside is one change, by one person, for one reason.

    Written at the end, in a transaction with what it is about; an exception leaves nothing. A
    change inside another belongs to the outer one.
    """
    outer = _under_way.get()
    if outer:
        yield outer
        return
    change = Change(user, reason)
    token = _under_way.set(change)
    try:
        with transaction.atomic():
            yield change
            change.write()
    finally:
        _under_way.reset(token)


class Versions(HistoricalRecords):
    """The versions of a model: `history = Versions("sources")` keeps its sources with them.

    What is changed outside `one_change` is written at once, a version for each save.
    """

    def __init__(self, *linked: str, without: tuple[str, ...] = (), **options):
        super().__init__(
            m2m_fields=linked,
            excluded_fields=list(without),
            history_change_reason_field=models.TextField(blank=True, default=""),
            **options,
        )

    def create_historical_record(self, instance, history_type, using=None):
        """Leave it to the change under way, if there is one."""
        change = _under_way.get()
        if change:
            change.note(instance, history_type)
        else:
            super().create_historical_record(instance, history_type, using)

    def m2m_changed(self, instance, action, attr, pk_set, reverse, model, **named):
        """Also from the other side: `source.claims.add(claim)` changes the claim."""
        if not reverse:
            super().m2m_changed(instance, action, attr, pk_set, reverse, **named)
            return
        rows = model._base_manager
        if action == "pre_clear":
            # Afterwards nobody knows any more which rows they were.
            instance.rows_losing_link = list(rows.filter(**{attr: instance.pk}))
        elif action == "post_clear":
            for row in instance.__dict__.pop("rows_losing_link"):
                self.create_historical_record(row, CHANGED)
        elif action in ("post_add", "post_remove"):
            for row in rows.filter(pk__in=pk_set):
                self.create_historical_record(row, CHANGED)

    def get_change_reason_for_object(self, instance, history_type, using) -> str:
        """The reason that was set on the row, or none."""
        return super().get_change_reason_for_object(instance, history_type, using) or ""
