"""Two people who edit the same listing at once never overwrite each other silently.

Each page of the admin carries a short digest of every value it was filled with. When it comes
back, a value that is stored otherwise by now was changed by somebody else meanwhile. What the
sender left alone then takes the newer value; what both changed is said beside the field, keeps
what was typed, and is written with the next press, for that page was filled anew.

The digests are no secret and no right: who alters them only fools himself.
"""

import hashlib
import json

from django import forms
from django.forms.models import InlineForeignKeyField
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from treatments.unique_rows import UniqueRows

from .errors_beside_fields import ErrorsBesideFields

STARTED_FROM = "started_from"
# Beside the fields of a row that was removed while somebody changed it.
WAS_REMOVED = "was_removed"


def as_sent(bound, value) -> list[str]:
    """A value of a form's field, stored or typed, as a browser would send it back."""
    if isinstance(value, bool):
        return [str(value)]
    if isinstance(bound.field, forms.FileField):
        return [str(getattr(value, "name", value) or "")]
    # The admin wraps some widgets in one that only draws links.
    widget = getattr(bound.field.widget, "widget", bound.field.widget)
    value = widget.format_value(bound.field.prepare_value(value))
    values = value if isinstance(value, list | tuple | set) else [value]
    return sorted(str(one).replace("\r\n", "\n") for one in values if one not in (None, ""))


def digest(sent: list[str]) -> str:
    """A short name for a value; equal for equal values."""
    return hashlib.sha256(json.dumps(sent).encode()).hexdigest()[:12]


def told_at_start(data) -> dict[str, dict]:
    """What the page was filled with that sent this: digests by field, by row; {} if not said."""
    try:
        told = json.loads(data.get(STARTED_FROM) or "{}")
    except (ValueError, RecursionError):
        return {}
    rows = told if isinstance(told, dict) else {}
    return {name: row for name, row in rows.items() if isinstance(row, dict)}


def row_name(model, key) -> str:
    """How a page names one of its rows."""
    return f"{model._meta.model_name}-{key}"


def started_from(edited) -> str:
    """What a page with these forms was filled with, for its hidden field."""
    rows = {
        row_name(type(form.instance), form.instance.pk): form.digests()
        for form in edited
        if isinstance(form, ComparedForm) and form.instance.pk
    }
    return json.dumps(rows, separators=(",", ":"))


class ComparedForm(ErrorsBesideFields):
    """A form that knows what its page was filled with.

    After validation `overwritten` has the names of the fields that somebody else changed
    meanwhile to something other than what was typed, `taken_over` those whose newer value was
    kept, and `was_removed` says that somebody removed the row. Runs no query.
    """

    # What was found out while saving, said above the form when it is shown again.
    refusals: tuple[str, ...] = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.overwritten: list[str] = []
        self.taken_over: list[str] = []
        self.was_removed = self.is_bound and self.add_prefix(WAS_REMOVED) in self.data
        self.is_compared = False

    def compared_fields(self) -> dict[str, forms.BoundField]:
        """The fields of the row that somebody may edit here."""
        key = self._meta.model._meta.pk.name
        return {
            name: self[name]
            for name, field in self.fields.items()
            if name not in (key, forms.formsets.DELETION_FIELD_NAME)
            and not isinstance(field, InlineForeignKeyField)
            and not field.disabled
        }

    def shown(self, name) -> list[str]:
        """What the field is filled with now, as a browser would send it back."""
        return as_sent(self[name], self.get_initial_for_field(self.fields[name], name))

    def digests(self) -> dict[str, str]:
        """What the form is filled with now, by field."""
        return {name: digest(self.shown(name)) for name in self.compared_fields()}

    @cached_property
    def changed_data(self):
        """As always, once what was left alone has taken the newer value."""
        self.compare()
        return super().changed_data

    def full_clean(self):
        """Refuse beside its field what would overwrite somebody's newer change."""
        self.compare()
        super().full_clean()
        if not self.is_bound:
            return
        for line in self.refusals:
            self.add_error(None, line)
        if self.was_removed:
            self.add_error(
                None, _("Somebody removed this row meanwhile. Save again to add it anew.")
            )
        for name in self.overwritten:
            self.add_error(
                name,
                _("Somebody changed this meanwhile to: %(value)s. Save again to replace it.")
                % {"value": self.stored_words(name) or _("nothing")},
            )

    def compare(self):
        """Find what somebody else changed, and take over what was left alone. Does it once."""
        if self.is_compared or not self.is_bound or self.instance.pk is None:
            return
        self.is_compared = True
        name_of_row = row_name(type(self.instance), self.instance.pk)
        start = told_at_start(self.data).get(name_of_row, {})
        fields = {name: one for name, one in self.compared_fields().items() if name in start}
        for name, bound in fields.items():
            stored, typed = self.shown(name), as_sent(bound, bound.data)
            if digest(stored) == start[name] or typed == stored:
                continue
            has_no_upload = isinstance(bound.field, forms.FileField) and not bound.data
            if has_no_upload or digest(typed) == start[name]:
                self.taken_over.append(name)
                if not has_no_upload:
                    self.put(name, stored)
            else:
                self.overwritten.append(name)

    def put(self, name, sent: list[str]):
        """Go on as if the browser had sent this."""
        if not getattr(self.data, "_mutable", True):
            self.data = self.data.copy()
        html_name = self.add_prefix(name)
        if sent == ["False"]:
            self.data.pop(html_name, None)
        else:
            self.data.setlist(html_name, sent)

    def stored_words(self, name) -> str:
        """What is stored now, as words. One query for a choice among rows."""
        field, stored = self.fields[name], self.shown(name)
        if isinstance(field, forms.BooleanField):
            return _("yes") if stored == ["True"] else _("no")
        queryset = getattr(field, "queryset", None)
        if queryset is not None and not isinstance(field.widget, forms.TextInput):
            rows = queryset.model._base_manager.filter(pk__in=stored)
            return ", ".join(sorted(str(row) for row in rows))
        labels = {str(key): str(label) for key, label in getattr(field, "choices", ())}
        return ", ".join(labels.get(one, one) for one in stored)


class ComparedRows(UniqueRows):
    """Rows of a page, of which somebody else may have removed some meanwhile.

    Django neither shows such a row again nor lets the page be saved without it. Here one that
    was left alone is left out, and one that was changed becomes a new row: with what was typed,
    and stored with the next press.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.is_bound and self.management_form.is_valid():
            self.set_removed_apart()

    def set_removed_apart(self):
        """Number the rows anew if some are gone. One query, which the page makes anyway."""
        told, stored = told_at_start(self.data), {str(row.pk) for row in self.get_queryset()}
        kept, gone = [], []
        # A form may say that there were billions.
        for number in range(min(self.initial_form_count(), self.total_form_count())):
            key = self.data.get(f"{self.prefix}-{number}-{self.model._meta.pk.name}", "")
            start = told.get(row_name(self.model, key))
            if start is None or key in stored:
                kept.append(number)
            else:
                gone.append((number, start))
        if not gone:
            return
        changed = [number for number, start in gone if self.was_changed(number, start)]
        new = range(self.initial_form_count(), self.total_form_count())
        order = [*kept, *changed, *new]
        self.data, self.files = self.data.copy(), self.files.copy()
        for sent in (self.data, self.files):
            self.number_anew(sent, order)
        for number in range(len(kept), len(kept) + len(changed)):
            self.data[f"{self.prefix}-{number}-{self.model._meta.pk.name}"] = ""
            self.data[f"{self.prefix}-{number}-{WAS_REMOVED}"] = "on"
        self.data[f"{self.prefix}-INITIAL_FORMS"] = len(kept)
        self.data[f"{self.prefix}-TOTAL_FORMS"] = len(order)
        del self.management_form

    def was_changed(self, number, start) -> bool:
        """Whether somebody changed the row that had this number, and does not delete it."""
        if f"{self.prefix}-{number}-{forms.formsets.DELETION_FIELD_NAME}" in self.data:
            return False
        form = self.form(self.data, self.files, prefix=f"{self.prefix}-{number}")
        return any(
            digest(as_sent(form[name], form[name].data)) != start[name]
            for name, field in form.fields.items()
            if name in start and not isinstance(field, forms.FileField)
        )

    def number_anew(self, sent, order):
        """Give the fields of the rows in `order` the numbers from 0, and drop all others."""
        before = f"{self.prefix}-"
        rows: dict[str, dict[str, list]] = {}
        for name in list(sent):
            number, _dash, field = name.removeprefix(before).partition("-")
            if name.startswith(before) and number.isdecimal() and field:
                rows.setdefault(number, {})[field] = sent.getlist(name)
                del sent[name]
        for number, earlier in enumerate(order):
            for field, values in rows.get(str(earlier), {}).items():
                sent.setlist(f"{before}{number}-{field}", values)
