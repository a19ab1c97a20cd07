"""Rows of a page of which no two may be alike, nor like one that somebody added meanwhile."""

from django import forms
from django.db.models import UniqueConstraint
from django.utils.translation import gettext_lazy as _

TAKEN = _("There is such a row already. Somebody may have added it meanwhile: open this page anew.")
CHANGE_PLACES = _("These rows would change places. Save one of them as something else first.")


class UniqueRows(forms.BaseInlineFormSet):
    """Says beside a row that another one is the same, and stores rows in an order that works.

    Django leaves out the rules that name the record which the rows belong to, so that a row which
    somebody else added meanwhile fails in the database. It also stores rows in the order of the
    page: one that takes what another gives up would fail too. What a press sent twice adds is
    there after the first one, and left as it is.

    A table may have one such rule.
    """

    def __init__(self, *args, **kwargs):
        # By row: the one that has to give up first what the row becomes.
        self.waits_for: dict[forms.ModelForm, forms.ModelForm] = {}
        self.in_order_of_storing: list[forms.ModelForm] | None = None
        super().__init__(*args, **kwargs)

    @property
    def initial_forms(self):
        """The forms of stored rows, in the order of the page; while they are stored, in that."""
        return self.in_order_of_storing or super().initial_forms

    def validate_unique(self):
        """Compare with the stored rows too. One query for each rule that may be broken."""
        super().validate_unique()
        self.waits_for.clear()
        removed = self.deleted_forms
        changed = [
            form
            for form in self.forms
            if form.has_changed() and form.is_valid() and form not in removed
        ]
        if not changed or not self.instance.pk:
            return
        for rule in self.model._meta.constraints:
            if isinstance(rule, UniqueConstraint) and self.fk.name in rule.fields:
                self.compare(rule, changed, removed)
        for form in changed:
            if self.is_in_circle(form):
                form.add_error(None, CHANGE_PLACES)

    def compare(self, rule, changed, removed):
        """Refuse rows that become what a stored row is and stays. One query."""
        columns = [self.model._meta.get_field(name).attname for name in rule.fields]
        rows = self.model._base_manager.filter(**{self.fk.name: self.instance})
        holders = {tuple(values): key for key, *values in rows.values_list("pk", *columns)}
        form_of = {form.instance.pk: form for form in super().initial_forms if form.instance.pk}
        for form in changed:
            wanted = tuple(getattr(form.instance, column) for column in columns)
            holder = holders.get(wanted)
            if holder is None or holder == form.instance.pk:
                continue
            other = form_of.get(holder)
            if form.instance.pk is None and other is None and self.says_the_same(form, holder):
                form.changed_data = []
            elif other is None or (other not in changed and other not in removed):
                form.add_error(None, TAKEN)
            else:
                self.waits_for[form] = other

    def says_the_same(self, form, key) -> bool:
        """Whether a new row is, in all its fields, the stored one with this key. One query."""
        row = self.model._base_manager.get(pk=key)
        return not self.form(form.data, prefix=form.prefix, instance=row).has_changed()

    def is_in_circle(self, form) -> bool:
        """Whether a row waits, over others, for itself."""
        seen, other = set(), self.waits_for.get(form)
        while other is not None and other is not form and other not in seen:
            seen.add(other)
            other = self.waits_for.get(other)
        return other is form

    def save_existing_objects(self, commit=True):
        """Store and delete rows: first what is deleted, then each after what it waits for."""
        removed = self.deleted_forms
        order: dict[forms.ModelForm, None] = {}
        for form in sorted(super().initial_forms, key=lambda form: form not in removed):
            waiting = [form]
            while waiting[-1] in self.waits_for:
                waiting.append(self.waits_for[waiting[-1]])
            order |= dict.fromkeys(reversed(waiting))
        self.in_order_of_storing = list(order)
        try:
            return super().save_existing_objects(commit)
        finally:
            self.in_order_of_storing = None
