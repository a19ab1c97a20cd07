"""Who changed what, when and why: one version of a row for each change.

django-simple-history makes the tables and notices what is saved and deleted. What belongs to
one change (a form with its rows and its many-to-many fields, or a file that is loaded) is
gathered in `one_change` and written once, at its end. A row that was stored before there were
versions of it has one of its old values the moment it is first touched. Nothing here or
elsewhere ever deletes a version; `redact` takes out what must not be kept, and says so.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from itertools import islice
from typing import NamedTuple

from django.db import connection, models, transaction
from django.db.models import Max
from django.utils import timezone
from simple_history.models import HistoricalRecords

CREATED, CHANGED, DELETED = "+", "~", "-"
# What a row said before the first change that the history saw; and that something was taken out.
FIRST_SEEN, REDACTED = "=", "!"
# What stands in a version in place of words that must not be kept.
REMOVED = "[removed]"
# Keys that one question names: databases take only so many.
BATCH = 5000


class _Written(NamedTuple):
    """A version to be stored. `reason` is None where it is that of the change."""

    columns: dict
    kind: str
    reason: str | None


@dataclass
class Change:
    """A change that is under way: the rows that it touched, and by whom and why.

    `reason` may be set until the change ends, for a form knows it only when it was read.
    """

    user: object | None = None
    reason: str = ""
    # All that this change was the first to touch has one moment, before its own.
    _began: datetime = field(default_factory=timezone.now)
    _rows: dict[tuple, tuple[str, str | None]] = field(default_factory=dict)
    _new: dict[type, list] = field(default_factory=dict)
    _deleted: list[tuple] = field(default_factory=list)
    _kept: set[tuple] = field(default_factory=set)
    _certain: set[tuple] = field(default_factory=set)

    @cached_property
    def moment(self) -> datetime:
        """The one time of all its versions: when the first of them is stored."""
        return timezone.now()

    def keep_before(self, model: type[models.Model], keys: Iterable):
        """Store what these rows say now, if there is no version of them yet.

        Saving and deleting do it by themselves, a row at a time. Call it before rows are changed
        past them, or are many. One query where all have versions, else one more for each link; two
        more where rows are moderated first.
        """
        new = [
            key
            for key in keys
            if (model, key) not in self._kept and self._rows.get((model, key), " ")[0] != CREATED
        ]
        self._kept.update((model, key) for key in new)
        _write_first_seen(model, new, self._began)

    def note_new(self, model: type[models.Model], keys: Iterable):
        """Remember many rows of one model that were just created and have no links yet."""
        keys = list(keys)
        self._new.setdefault(model, []).extend(keys)
        self._kept.update((model, key) for key in keys)

    def note(
        self, row: models.Model, kind: str, reason: str | None = None, *, is_certain: bool = False
    ):
        """Remember that a row was created, changed or deleted; costs no query.

        Needed for rows that were written past `save`, in bulk. `reason` is that of this row,
        where it differs from the change's. A row that is what its last version says gets no
        new one; `is_certain` promises that it is not, and saves comparing.
        """
        key = (type(row), row.pk)
        if is_certain:
            self._certain.add(key)
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

    def delete(self, model: type[models.Model], keys: Iterable):
        """Delete many rows of one model, with a version of each.

        Only for rows to which no other table refers, that are shown at once and of which nothing
        is redacted: it sends no signals. Two queries for each five thousand, and those of
        `keep_before`.
        """
        keys = list(keys)
        self.keep_before(model, keys)
        were_there = [
            key for key in keys if self._rows.pop((model, key), (CHANGED, ""))[0] != CREATED
        ]
        self._copy(model, were_there, DELETED)
        quote = connection.ops.quote_name
        for batch in _in_batches(keys):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"DELETE FROM {quote(model._meta.db_table)}"  # noqa: S608 (names of ours)
                    f" WHERE {quote(model._meta.pk.column)} IN {_places(batch)}",
                    batch,
                )

    def write(self):
        """Store the versions: a few queries for each kind of row, whatever the number of rows."""
        for model, keys in self._new.items():
            self._copy(model, keys, CREATED)
        self._copy_certain()
        versions: dict[type, list] = {}
        for model, columns, reason in self._deleted:
            versions.setdefault(model, []).append(_Written(columns, DELETED, reason))
        found: dict[type, list] = {}
        for (model, key), (kind, reason) in self._rows.items():
            found.setdefault(model, []).append((key, kind, reason))
        for model, noted in found.items():
            versions.setdefault(model, []).extend(_worth_a_version(model, noted, self._certain))
        for model, written in versions.items():
            table = table_of(model)
            kept = _without_what_nobody_saw(model, written)
            stored = table.objects.bulk_create(
                table(
                    history_date=self.moment,
                    history_type=one.kind,
                    history_user=self.user,
                    history_change_reason=self.reason if one.reason is None else one.reason,
                    **one.columns,
                )
                for one in kept
            )
            _write_links(model, [version for version in stored if version.history_type != DELETED])
            _forget_words_of_deleted(model, kept)

    def _copy_certain(self):
        """Let the database copy the rows that need not be compared, and forget them here."""
        groups: dict[tuple, list] = {}
        for (model, key), (kind, reason) in self._rows.items():
            is_certain = kind == CREATED or (model, key) in self._certain
            if is_certain and not table_of(model).is_shown:
                groups.setdefault((model, kind, reason), []).append(key)
        for (model, kind, reason), keys in groups.items():
            self._copy(model, keys, kind, reason)
            _copy_links(model, keys, self.moment, kind)
            for key in keys:
                del self._rows[model, key]

    def _copy(self, model: type[models.Model], keys: list, kind: str, reason: str | None = None):
        _copy(
            model,
            keys,
            history_date=connection.ops.adapt_datetimefield_value(self.moment),
            history_type=kind,
            history_user_id=self.user and self.user.pk,
            history_change_reason=self.reason if reason is None else reason,
        )


def key_name(model: type[models.Model]) -> str:
    """The column of the primary key, in the model and in its versions."""
    return model._meta.pk.attname


@cache
def table_of(model: type[models.Model]) -> type[models.Model]:
    """The model of the versions. Asked again and again, and slow to find by the manager."""
    return model.history.model


def _columns_of(row: models.Model) -> dict:
    tracked = table_of(type(row)).tracked_fields
    columns = {column.attname: getattr(row, column.attname) for column in tracked}
    for column in tracked:
        if isinstance(column, models.FileField):
            # The name of the file. The file itself has no versions.
            columns[column.attname] = str(columns[column.attname] or "")
    return columns


def _in_batches(keys: Iterable) -> Iterator[list]:
    rest = iter(keys)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _known_keys(model: type[models.Model], keys: Iterable) -> set:
    """Those of the keys of which there are versions."""
    name = key_name(model)
    known: set = set()
    for batch in _in_batches(keys):
        versions = table_of(model).objects.filter(**{f"{name}__in": batch})
        known.update(versions.order_by().values_list(name, flat=True).distinct())
    return known


def _write_first_seen(model: type[models.Model], keys: list, moment: datetime):
    if is_shown := table_of(model).is_shown:
        known = _known_keys(model, keys)
        rows = model._base_manager.in_bulk([key for key in keys if key not in known])
        keys = [key for key, row in rows.items() if is_shown(_columns_of(row))]
    for batch in _in_batches(keys):
        stored = _copy(
            model,
            batch,
            is_first=True,
            history_date=connection.ops.adapt_datetimefield_value(moment),
            history_type=FIRST_SEEN,
            history_change_reason="",
        )
        if stored:
            _copy_links(model, batch, moment, FIRST_SEEN)


def _places(keys: list) -> str:
    return f"({', '.join(['%s'] * len(keys))})"


def _copy(model: type[models.Model], keys: list, *, is_first: bool = False, **about) -> int:
    """Versions of rows, from table to table: one query for each five thousand.

    `is_first` leaves out rows that have one. Returns how many there are.
    """
    quote = connection.ops.quote_name
    table, source = quote(table_of(model)._meta.db_table), quote(model._meta.db_table)
    name = quote(model._meta.pk.column)
    columns = ", ".join(quote(column.column) for column in table_of(model).tracked_fields)
    places = ", ".join(["%s"] * len(about))
    has_one = f"EXISTS (SELECT 1 FROM {table} version WHERE version.{name} = {source}.{name})"  # noqa: S608 (names of ours)
    stored = 0
    for batch in _in_batches(keys):
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({columns}, {', '.join(about)})"  # noqa: S608 (names of ours)
                f" SELECT {columns}, {places} FROM {source} WHERE {name} IN {_places(batch)}"
                f"{f' AND NOT {has_one}' if is_first else ''} ORDER BY {name}",
                [*about.values(), *batch],
            )
            stored += cursor.rowcount
    return stored


def _copy_links(model: type[models.Model], keys: list, moment: datetime, kind: str):
    """The many-to-many rows of versions that were just copied: one query for each five thousand
    and each field."""
    table = table_of(model)
    quote = connection.ops.quote_name
    name = quote(model._meta.pk.column)
    for relation in linked_fields(model):
        through = relation.remote_field.through
        owner = quote(relation.m2m_column_name())
        columns = [quote(column.column) for column in through._meta.fields]
        copies = copies_of_links(model, relation).model._meta
        copied = ", ".join(f"link.{column}" for column in columns)
        for batch in _in_batches(keys):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {quote(copies.db_table)} ({', '.join(columns)}, history_id)"  # noqa: S608 (names of ours)
                    f" SELECT {copied}, version.history_id"
                    f" FROM {quote(table._meta.db_table)} version"
                    f" JOIN {quote(through._meta.db_table)} link ON link.{owner} = version.{name}"
                    f" WHERE version.{name} IN {_places(batch)}"
                    " AND version.history_date = %s AND version.history_type = %s"
                    f" ORDER BY link.{quote(through._meta.pk.column)}",
                    [*batch, connection.ops.adapt_datetimefield_value(moment), kind],
                )


def _worth_a_version(
    model: type[models.Model], noted: list[tuple], certain: set[tuple]
) -> list[_Written]:
    """Each row that is there and is not what its last version says."""
    # Read anew: what a form or a file left in memory need not be what was stored.
    rows = model._base_manager.in_bulk([key for key, _, _ in noted])
    columns = {key: _columns_of(row) for key, row in rows.items()}
    changed = {
        key: columns[key]
        for key, kind, _ in noted
        if kind == CHANGED and key in rows and (model, key) not in certain
    }
    same = _same_as_last_version(model, changed) if changed else set()
    return [
        _Written(columns[key], kind, reason)
        for key, kind, reason in noted
        if key in columns and key not in same
    ]


def _same_as_last_version(model: type[models.Model], rows: dict) -> set:
    """The keys of rows that are saved as they were; three queries, and two for each link."""
    table, name = table_of(model), key_name(model)
    last: dict = {}
    for batch in _in_batches(rows):
        of_rows = table.objects.filter(**{f"{name}__in": batch}).order_by()
        newest = of_rows.values(name).annotate(newest=Max("history_id")).values("newest")
        found = table.objects.filter(history_id__in=newest)
        last.update((getattr(version, name), version) for version in found)
    same = {
        key
        for key, version in last.items()
        if version.history_type != DELETED
        and all(getattr(version, column) == value for column, value in rows[key].items())
    }
    for relation in linked_fields(model):
        if not same:
            break
        target = relation.m2m_reverse_name()
        now: dict = {}
        for link in _links_of(relation, same):
            owner = getattr(link, relation.m2m_column_name())
            now.setdefault(owner, set()).add(getattr(link, target))
        then: dict = {}
        copies = copies_of_links(model, relation)
        numbers = [last[key].history_id for key in same]
        for batch in _in_batches(numbers):
            pairs = copies.filter(history_id__in=batch).values_list("history_id", target)
            for number, other in pairs:
                then.setdefault(number, set()).add(other)
        same = {key for key in same if now.get(key) == then.get(last[key].history_id)}
    return same


def _without_what_nobody_saw(model: type[models.Model], written: list) -> list[_Written]:
    """All, or for a model that is moderated first: what is or was shown."""
    is_shown = table_of(model).is_shown
    if not is_shown:
        return written
    name = key_name(model)
    hidden = [one.columns[name] for one in written if not is_shown(one.columns)]
    known = _known_keys(model, hidden)
    return [one for one in written if is_shown(one.columns) or one.columns[name] in known]


def _forget_words_of_deleted(model: type[models.Model], written: list[_Written]):
    name, words = key_name(model), table_of(model).gone_with_row
    deleted = [one.columns[name] for one in written if one.kind == DELETED]
    for batch in _in_batches(deleted if words else ()):
        redact(table_of(model).objects.filter(**{f"{name}__in": batch}), words)


def redact(versions: models.QuerySet, columns: Iterable[str]) -> int:
    """Put `REMOVED` in place of what these versions say in these columns of text.

    Empty ones stay empty. Returns how many cells were overwritten; one query for each column.
    Recording that it was done is the caller's; see `record_redaction`.
    """
    return sum(
        versions.exclude(**{column: ""}).exclude(**{column: REMOVED}).update(**{column: REMOVED})
        for column in columns
    )


def record_redaction(model: type[models.Model], key, *, user=None, reason: str):
    """Store a version that says that words were taken out of those before it. Three queries."""
    table = table_of(model)
    newest = table.objects.filter(**{key_name(model): key}).latest("history_date", "history_id")
    columns = {c.attname: getattr(newest, c.attname) for c in table.tracked_fields}
    table.objects.create(
        history_date=timezone.now(),
        history_type=REDACTED,
        history_user=user,
        history_change_reason=reason,
        **columns,
    )


def _links_of(relation: models.ManyToManyField, keys: Iterable) -> Iterator[models.Model]:
    """The rows of the table between, of the owners with these keys."""
    through, column = relation.remote_field.through, relation.m2m_column_name()
    for batch in _in_batches(keys):
        yield from through._base_manager.filter(**{f"{column}__in": batch})


def _write_links(model: type[models.Model], versions: list):
    """Copy the many-to-many rows, such as sources, of rows whose versions were just stored."""
    name = key_name(model)
    by_row = {getattr(version, name): version for version in versions}
    for relation in linked_fields(model):
        column = relation.m2m_column_name()
        names = [column.attname for column in relation.remote_field.through._meta.fields]
        copies = copies_of_links(model, relation)
        copies.bulk_create(
            copies.model(
                history=by_row[getattr(link, column)],
                **{name: getattr(link, name) for name in names},
            )
            for link in _links_of(relation, by_row)
        )


def has_versions(model: type[models.Model]) -> bool:
    """Whether the model keeps versions of its rows."""
    return hasattr(model._meta, "simple_history_manager_attribute")


@cache
def linked_fields(model: type[models.Model]) -> list[models.ManyToManyField]:
    """The many-to-many fields whose rows belong to a version."""
    return table_of(model)._history_m2m_fields


@cache
def _table_of_links(
    model: type[models.Model], relation: models.ManyToManyField
) -> type[models.Model]:
    return getattr(table_of(model), relation.name).model


def copies_of_links(model: type[models.Model], relation: models.ManyToManyField) -> models.Manager:
    """The many-to-many rows as versions have them, each with the number of its version."""
    return _table_of_links(model, relation).objects


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

    `named_by` are the columns that a row is called by in its history. With `is_shown`, given the
    columns of a row, there are no versions of it before it was first shown. The columns in
    `gone_with_row` are taken out of all versions when the row is deleted. What is changed
    outside `one_change` is written at once, a version for each save.
    """

    def __init__(
        self,
        *linked: str,
        without: tuple[str, ...] = (),
        named_by: tuple[str, ...] = (),
        is_shown: Callable[[dict], bool] | None = None,
        gone_with_row: tuple[str, ...] = (),
        **options,
    ):
        super().__init__(
            m2m_fields=linked,
            excluded_fields=list(without),
            history_change_reason_field=models.TextField(blank=True, default=""),
            **options,
        )
        self.rules = {
            "named_by": named_by,
            "is_shown": is_shown and staticmethod(is_shown),
            "gone_with_row": gone_with_row,
        }

    def finalize(self, sender, **named):
        """Also watch what is about to be saved."""
        super().finalize(sender, **named)
        if sender is self.cls:
            for name, rule in self.rules.items():
                setattr(getattr(sender, self.manager_name).model, name, rule)
            models.signals.pre_save.connect(self.pre_save, sender=sender, weak=False)

    def pre_save(self, instance, raw=False, **named):
        """Keep what is stored, if there is no version of it."""
        if not raw and instance.pk is not None:
            self.keep_before(type(instance), [instance.pk])

    def pre_delete(self, instance, **named):
        """Keep what is stored, with the links that are about to go."""
        super().pre_delete(instance, **named)
        self.keep_before(type(instance), [instance.pk])

    def keep_before(self, model, keys):
        """By the change under way, or else at once."""
        change = _under_way.get() or Change()
        change.keep_before(model, keys)

    def create_historical_record(self, instance, history_type, using=None, *, is_certain=False):
        """Leave it to the change under way, if there is one."""
        change = _under_way.get()
        if change:
            change.note(instance, history_type, is_certain=is_certain)
            return
        reason = self.get_change_reason_for_object(instance, history_type, using)
        change = Change(None, reason)
        # What was created has no links yet. What is moderated first is looked at first.
        if history_type == CREATED and not table_of(type(instance)).is_shown:
            change.note_new(type(instance), [instance.pk])
        else:
            change.note(instance, history_type, is_certain=is_certain)
        with transaction.atomic():
            change.write()

    def m2m_changed(self, instance, action, attr, pk_set, reverse, model, **named):
        """Also from the other side: `source.claims.add(claim)` changes the claim."""
        if not action.endswith("clear") and not pk_set:
            return
        if not reverse:
            if action.startswith("pre_"):
                self.keep_before(type(instance), [instance.pk])
            else:
                # Only links that were not there are added.
                added = action == "post_add"
                self.create_historical_record(instance, CHANGED, is_certain=added)
            return
        rows = model._base_manager
        if action == "pre_clear":
            # Afterwards nobody knows any more which rows they were.
            instance.rows_losing_link = list(rows.filter(**{attr: instance.pk}))
            self.keep_before(model, [row.pk for row in instance.rows_losing_link])
        elif action == "post_clear":
            for row in instance.__dict__.pop("rows_losing_link"):
                self.create_historical_record(row, CHANGED)
        elif action in ("pre_add", "pre_remove"):
            self.keep_before(model, pk_set)
        elif action in ("post_add", "post_remove"):
            for row in rows.filter(pk__in=pk_set):
                self.create_historical_record(row, CHANGED)

    def get_change_reason_for_object(self, instance, history_type, using) -> str:
        """The reason that was set on the row, or none."""
        return super().get_change_reason_for_object(instance, history_type, using) or ""
