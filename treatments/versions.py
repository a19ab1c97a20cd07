"""The versions of a row, as a person reads them, and going back to one of them."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext

from .history import CREATED, DELETED, has_versions, linked_fields, one_change

# The columns that a row is called by; the first that it has counts.
NAMED_BY = (
    *("reference", "slug", "name", "position_text", "body_area", "concern", "substance"),
    *("text", "title"),
)


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
    who: str
    why: str
    differences: tuple[Difference, ...]
    can_return: bool

    @property
    def number(self) -> int:
        return self.record.history_id


def parts_of(model: type[models.Model]) -> dict[str, tuple[type[models.Model], str]]:
    """Models with versions whose rows belong to one of this model: name -> model, owner column."""
    return {
        relation.related_model._meta.model_name: (relation.related_model, relation.field.attname)
        for relation in model._meta.related_objects
        if relation.one_to_many
        and has_versions(relation.related_model)
        and relation.on_delete is models.CASCADE
    }


def versions_of(model: type[models.Model], key) -> list[Version]:
    """All versions of the row with this key and of its parts, the newest first.

    The row itself may be gone. About six queries for each kind of part.
    """
    found = _versions(model, {model._meta.pk.attname: key})
    for part, column in parts_of(model).values():
        found += _versions(part, {column: key})
    return sorted(found, key=lambda version: (version.when, version.number), reverse=True)


def version(model: type[models.Model], key, part: str, number) -> Version | None:
    """One version of a row or of one of its parts; None if there is none."""
    if not str(number).isdecimal():
        return None
    return next(
        (v for v in versions_of(model, key) if (v.part, v.number) == (part, int(number))), None
    )


def _versions(model, about: dict) -> list[Version]:
    table = model.history.model
    records = list(
        table.objects.filter(**about)
        .select_related("history_user")
        .order_by("history_date", "history_id")
    )
    texts = _Texts(model, records)
    stored = set(
        model._base_manager.filter(pk__in={r.id for r in records}).values_list("pk", flat=True)
    )
    last = {record.id: record for record in records}
    found, before = [], {}
    for record in records:
        earlier = before.get(record.id)
        values = texts.of(record) if record.history_type != DELETED else {}
        old = texts.of(earlier) if earlier and earlier.history_type != DELETED else {}
        differences = tuple(
            Difference(label, old.get(label, ""), values.get(label, ""))
            for label in (values or old)
            if old.get(label, "") != values.get(label, "")
        )
        is_stored = record.id in stored
        found.append(
            Version(
                record=record,
                part=model._meta.model_name,
                name=f"{capfirst(model._meta.verbose_name)}: {texts.name(record)}",
                kind=record.history_type,
                when=record.history_date,
                who=record.history_user.get_username() if record.history_user else "",
                why=record.history_change_reason,
                differences=differences if record.history_type != CREATED else (),
                can_return=record.history_type != DELETED
                and (record is not last[record.id] or not is_stored),
            )
        )
        before[record.id] = record
    return found


class _Texts:
    """The columns of versions as text. Two queries for each relation, whatever the number."""

    def __init__(self, model, records):
        self.model = model
        self.targets = {
            column.attname: _names(
                column.related_model, {getattr(r, column.attname) for r in records}
            )
            for column in model.history.model.tracked_fields
            if column.is_relation
        }
        self.linked: dict[str, dict[int, list[str]]] = {}
        for relation in linked_fields(model):
            copies = getattr(model.history.model, relation.name).model
            pairs = list(
                copies.objects.filter(history_id__in=[r.history_id for r in records]).values_list(
                    "history_id", relation.m2m_reverse_name()
                )
            )
            names = _names(relation.related_model, {key for _, key in pairs})
            listed = self.linked.setdefault(relation.name, {})
            for number, key in pairs:
                listed.setdefault(number, []).append(names[key])

    def of(self, record) -> dict[str, str]:
        """Label of each column -> its value as text."""
        values = {}
        for column in self.model.history.model.tracked_fields:
            if column.primary_key:
                continue
            value = getattr(record, column.attname)
            if column.is_relation:
                text = self.targets[column.attname].get(value, "")
            elif column.choices:
                text = str(dict(column.flatchoices).get(value, value))
            elif isinstance(value, bool):
                text = gettext("yes") if value else gettext("no")
            else:
                text = "" if value is None else str(value)
            values[capfirst(column.verbose_name)] = text
        for name, listed in self.linked.items():
            label = capfirst(self.model._meta.get_field(name).verbose_name)
            values[label] = ", ".join(sorted(listed.get(record.history_id, [])))
        return values

    def name(self, record) -> str:
        """What the row was called."""
        tracked = {column.name: column for column in self.model.history.model.tracked_fields}
        texts = self.of(record)
        for name in NAMED_BY:
            if name in tracked:
                return texts[capfirst(tracked[name].verbose_name)][:100]
        return str(record.id)


def _names(model, keys) -> dict:
    """What the rows with these keys are called, or were called when they were deleted."""
    keys = {key for key in keys if key is not None}
    names = {key: _short(row) for key, row in model._base_manager.in_bulk(keys).items()}
    if len(names) < len(keys) and has_versions(model):
        gone = model.history.model.objects.filter(id__in=keys - names.keys())
        for record in gone.order_by("history_date", "history_id"):
            names[record.id] = gettext("%(name)s (deleted)") % {"name": _short(record)}
    return {key: names.get(key, gettext("deleted")) for key in keys}


def _short(row) -> str:
    """The slug where there is one: titles of sources are long."""
    return getattr(row, "slug", None) or str(row)


def compare(shown: Version) -> tuple[Difference, ...]:
    """How the version differs from what is stored now: before is now, after is the version."""
    model = shown.record.instance_type
    record = shown.record
    latest = model.history.model.objects.filter(id=record.id).first()
    texts = _Texts(model, [record, latest])
    then = texts.of(record)
    exists = model._base_manager.filter(pk=record.id).exists()
    now = texts.of(latest) if exists else {}
    return tuple(
        Difference(label, now.get(label, ""), value)
        for label, value in then.items()
        if now.get(label, "") != value
    )


def return_to(shown: Version, *, user, reason: str) -> models.Model:
    """Make the stored row what it was in this version, as a change of its own; return it.

    Sources that are gone stay away. Raises ValidationError, and changes nothing, when the row
    cannot be so any more: what it belonged to is gone, or another has its place.
    """
    record = shown.record
    model = record.instance_type
    with one_change(user, reason):
        row = model._base_manager.filter(pk=record.id).first() or model(pk=record.id)
        for column in model.history.model.tracked_fields:
            setattr(row, column.attname, getattr(record, column.attname))
        try:
            row.full_clean()
        except ObjectDoesNotExist as error:
            raise ValidationError(gettext("What it belonged to is gone.")) from error
        row.save()
        for relation in linked_fields(model):
            copies = getattr(model.history.model, relation.name).model.objects
            keys = copies.filter(history=record).values_list(relation.m2m_reverse_name())
            linked = relation.related_model._base_manager.filter(pk__in=keys)
            getattr(row, relation.name).set(linked)
    return row
