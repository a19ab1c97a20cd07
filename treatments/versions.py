"""The versions of a row, as a person reads them, and going back to one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models, transaction
from django.utils.formats import date_format, time_format
from django.utils.text import capfirst
from django.utils.translation import gettext

from .history import (
    CHANGED,
    DELETED,
    REDACTED,
    REMOVED,
    copies_of_links,
    has_versions,
    key_name,
    linked_fields,
    one_change,
    table_of,
)

# A new row, and one that was there before the history, have nothing to be compared with.
WITH_DIFFERENCES = (CHANGED, DELETED)
# The columns that a row is called by where its model says nothing; the first that it has counts.
NAMED_BY = (
    *("reference", "name", "slug", "position_text", "body_area", "concern", "substance"),
    *("text", "title"),
)


def user_name(user) -> str:
    """What a person is called in the history, for those who may know all names."""
    return user.get_username()


@dataclass(frozen=True)
class Difference:
    """One field before and after; "" is empty."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Version:
    """A row as it was after one change, with what the change changed.

    `part` and `number` name it in addresses; `can_return` says whether it is not what is stored
    now already.
    """

    record: models.Model
    part: str
    name: str
    kind: str
    when: datetime
    # "" where no account did it, or one that is gone.
    who: str
    why: str
    differences: tuple[Difference, ...]
    can_return: bool

    @property
    def number(self) -> int:
        return self.record.history_id

    @property
    def change(self) -> tuple:
        """The same for all versions that one change made: when, who and why."""
        return self.when, self.who, self.why


def parts_of(model: type[models.Model]) -> dict[str, tuple[type[models.Model], str]]:
    """Models with versions whose rows belong to one of this model: name -> model, owner column."""
    return {
        relation.related_model._meta.model_name: (relation.related_model, relation.field.attname)
        for relation in model._meta.related_objects
        if relation.one_to_many
        and has_versions(relation.related_model)
        and relation.on_delete is models.CASCADE
    }


def versions_of(
    model: type[models.Model],
    key,
    *,
    name_of: Callable = user_name,
    within: models.Q | None = None,
) -> list[Version]:
    """All versions of the row with this key and of its parts, the newest change first.

    In one change the row stands before its parts. The row itself may be gone. `name_of` says what
    a user is called; `within` are conditions on versions, where not all may be seen. About six
    queries for each kind of part.
    """
    found = _versions(model, {key_name(model): key}, name_of, within)
    found.sort(key=lambda version: version.number, reverse=True)
    for part, column in parts_of(model).values():
        found += _versions(part, {column: key}, name_of, within)
    return sorted(found, key=lambda version: version.when, reverse=True)


def version(model: type[models.Model], key, part: str, number, **seen) -> Version | None:
    """One version of a row or of one of its parts; None if there is none.

    `seen` are `name_of` and `within` of `versions_of`.
    """
    if not str(number).isdecimal():
        return None
    found = versions_of(model, key, **seen)
    return next((v for v in found if (v.part, v.number) == (part, int(number))), None)


def _versions(model, about: dict, name_of: Callable, within: models.Q | None) -> list[Version]:
    table, key = table_of(model), key_name(model)
    records = list(
        table.objects.filter(within or models.Q(), **about)
        .select_related("history_user")
        .order_by("history_date", "history_id")
    )
    texts = _Texts(model, records, name_of)
    keys = {getattr(record, key) for record in records}
    stored = set(model._base_manager.filter(pk__in=keys).values_list("pk", flat=True))
    last = {getattr(record, key): record for record in records}
    found, before = [], {}
    for record in records:
        row = getattr(record, key)
        earlier = before.get(row)
        values = texts.of(record) if record.history_type != DELETED else {}
        old = texts.of(earlier) if earlier and earlier.history_type != DELETED else {}
        # That what is gone belonged here goes without saying.
        known = texts.labels(about) if record.history_type == DELETED else ()
        differences = tuple(
            Difference(label, old.get(label, ""), values.get(label, ""))
            for label in (values or old)
            if old.get(label, "") != values.get(label, "") and label not in known
        )
        is_stored = row in stored
        found.append(
            Version(
                record=record,
                part=model._meta.model_name,
                name=f"{capfirst(model._meta.verbose_name)}: {texts.name(record)}",
                kind=record.history_type,
                when=record.history_date,
                who=name_of(record.history_user) if record.history_user else "",
                why=record.history_change_reason,
                differences=differences if record.history_type in WITH_DIFFERENCES else (),
                can_return=record.history_type not in (DELETED, REDACTED)
                and not _lacks_words(record)
                and (record is not last[row] if is_stored else not table.gone_with_row),
            )
        )
        before[row] = record
    return found


def _lacks_words(record) -> bool:
    """Whether something was taken out of this version, which nobody should bring back so."""
    return any(getattr(record, column.attname) == REMOVED for column in record.tracked_fields)


class _Texts:
    """The columns of versions as text. Two queries for each relation, whatever the number.

    `row` may be given to have what is stored now as text too.
    """

    def __init__(self, model, records, name_of, row=None):
        self.model = model
        rows = [*records, row] if row else records
        self.targets = {
            column.attname: _names(
                column.related_model, {getattr(r, column.attname) for r in rows}, name_of
            )
            for column in table_of(model).tracked_fields
            if column.is_relation
        }
        self.linked: dict[str, dict[int | None, list[str]]] = {}
        for relation in linked_fields(model):
            copies = copies_of_links(model, relation)
            numbers = [record.history_id for record in records]
            pairs = list(
                copies.filter(history_id__in=numbers).values_list(
                    "history_id", relation.m2m_reverse_name()
                )
            )
            if row:
                pairs += [(None, other.pk) for other in getattr(row, relation.name).all()]
            names = _names(relation.related_model, {key for _, key in pairs}, name_of)
            listed = self.linked.setdefault(relation.name, {})
            for number, key in pairs:
                listed.setdefault(number, []).append(names[key])

    def of(self, record) -> dict[str, str]:
        """Label of each column -> its value as text, of a version or of the stored row."""
        values = {}
        for column in table_of(self.model).tracked_fields:
            if column.primary_key:
                continue
            value = getattr(record, column.attname)
            if column.is_relation:
                text = self.targets[column.attname].get(value, "")
            elif column.choices:
                text = str(dict(column.flatchoices).get(value, value))
            else:
                text = _plain(value)
            values[capfirst(column.verbose_name)] = text
        for name, listed in self.linked.items():
            label = capfirst(self.model._meta.get_field(name).verbose_name)
            values[label] = ", ".join(sorted(listed.get(getattr(record, "history_id", None), [])))
        return values

    def labels(self, names) -> set[str]:
        """The labels of the columns with these names in the database."""
        tracked = table_of(self.model).tracked_fields
        return {capfirst(column.verbose_name) for column in tracked if column.attname in names}

    def name(self, record) -> str:
        """What the row was called."""
        tracked = {column.name: column for column in table_of(self.model).tracked_fields}
        texts = self.of(record)
        if own := table_of(self.model).named_by:
            said = [texts.get(capfirst(tracked[name].verbose_name), "") for name in own]
            return ", ".join(filter(None, said)) or str(getattr(record, key_name(self.model)))
        for name in NAMED_BY:
            if name in tracked:
                return texts[capfirst(tracked[name].verbose_name)][:100]
        return str(getattr(record, key_name(self.model)))


def _plain(value) -> str:
    """A value as a person writes it; "" for none."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, date) and not isinstance(value, datetime):
        return date_format(value, "j M Y")
    if isinstance(value, time):
        return time_format(value, "H:i")
    return "" if value is None else str(value)


def _names(model, keys, name_of: Callable) -> dict:
    """What the rows with these keys are called, or were called when they were deleted."""
    keys = {key for key in keys if key is not None}
    short = name_of if model is get_user_model() else _short
    names = {key: short(row) for key, row in model._base_manager.in_bulk(keys).items()}
    if len(names) < len(keys) and has_versions(model):
        column = key_name(model)
        gone = table_of(model).objects.filter(**{f"{column}__in": keys - names.keys()})
        for record in gone.order_by("history_date", "history_id"):
            said = gettext("%(name)s (deleted)") % {"name": _short(record)}
            names[getattr(record, column)] = said
    return {key: names.get(key, gettext("deleted")) for key in keys}


def _short(row) -> str:
    """The name, else the slug: titles of sources are long."""
    return getattr(row, "name", None) or getattr(row, "slug", None) or str(row)


def compare(shown: Version, name_of: Callable = user_name) -> tuple[Difference, ...]:
    """How the version differs from what is stored now: before is now, after is the version."""
    record = shown.record
    model = record.instance_type
    row = model._base_manager.filter(pk=getattr(record, key_name(model))).first()
    texts = _Texts(model, [record], name_of, row)
    now = texts.of(row) if row else {}
    return tuple(
        Difference(label, now.get(label, ""), value)
        for label, value in texts.of(record).items()
        if now.get(label, "") != value
    )


@dataclass(frozen=True)
class Returned:
    """A row that is again as it was.

    `parts` is how many of what was deleted with it came back too, and `lost` names those that
    could not, each with the reason.
    """

    row: models.Model
    parts: int = 0
    lost: tuple[str, ...] = ()


def return_to(shown: Version, *, user, reason: str) -> Returned:
    """Make the stored row what it was in this version, as a change of its own.

    A row that was deleted comes back with what was deleted with it, as far as that can be.
    Sources that are gone stay away, and so do files. Raises ValidationError, and changes
    nothing, when the row cannot be so any more: what it belonged to is gone, or another has its
    place.
    """
    record = shown.record
    model = record.instance_type
    key = getattr(record, key_name(model))
    with one_change(user, reason):
        was_gone = not model._base_manager.filter(pk=key).exists()
        row = _restore(record)
        parts, lost = _restore_parts(model, key) if was_gone else (0, [])
    return Returned(row, parts, tuple(lost))


def _restore(record) -> models.Model:
    if _lacks_words(record):
        raise ValidationError(gettext("Words were taken out of it, so it cannot come back."))
    model = record.instance_type
    key = getattr(record, key_name(model))
    row = model._base_manager.filter(pk=key).first() or model(pk=key)
    for column in table_of(model).tracked_fields:
        if isinstance(column, models.FileField):
            if row._state.adding:
                raise ValidationError(gettext("Its file was deleted with it. Send it in again."))
        else:
            setattr(row, column.attname, _still_there(column, getattr(record, column.attname)))
    try:
        row.full_clean()
    except ObjectDoesNotExist as error:
        raise ValidationError(gettext("What it belonged to is gone.")) from error
    row.save()
    for relation in linked_fields(model):
        copies = copies_of_links(model, relation)
        keys = copies.filter(history=record).values_list(relation.m2m_reverse_name())
        linked = relation.related_model._base_manager.filter(pk__in=keys)
        getattr(row, relation.name).set(linked)
    return row


def _still_there(column: models.Field, value):
    """The value; None for a row that is gone, where the database itself would have put None."""
    is_optional = column.is_relation and column.remote_field.on_delete is models.SET_NULL
    if not is_optional or value is None:
        return value
    return value if column.related_model._base_manager.filter(pk=value).exists() else None


def _restore_parts(model: type[models.Model], key) -> tuple[int, list[str]]:
    """Bring back what was deleted in the same change as the row with this key."""
    deleted = table_of(model).objects.filter(**{key_name(model): key}, history_type=DELETED)
    moment = deleted.latest("history_date", "history_id").history_date
    waiting = []
    for part, column in parts_of(model).values():
        gone = table_of(part).objects.filter(
            **{column: key}, history_type=DELETED, history_date=moment
        )
        waiting += [_last_before(record) for record in gone.order_by("history_id")]
    back, problems = 0, {}
    # A check comes back after its person, in whatever order they are listed.
    while waiting:
        problems = {}
        for record in waiting:
            try:
                with transaction.atomic():
                    _restore(record)
            except ValidationError as error:
                problems[record] = " ".join(error.messages)
            else:
                back += 1
        if len(problems) == len(waiting):
            break
        waiting = list(problems)
    return back, [f"{_name_of_version(record)}: {why}" for record, why in problems.items()]


def _last_before(deleted) -> models.Model:
    """The version before a deletion, which also has the links that the row had."""
    model = deleted.instance_type
    name = key_name(model)
    table = table_of(model)
    versions = table.objects.filter(**{name: getattr(deleted, name)})
    before = versions.filter(history_id__lt=deleted.history_id).exclude(
        history_type__in=[DELETED, REDACTED]
    )
    return before.order_by("-history_id").first() or deleted


def _name_of_version(record) -> str:
    model = record.instance_type
    texts = _Texts(model, [record], user_name)
    return f"{capfirst(model._meta.verbose_name)}: {texts.name(record)}"
