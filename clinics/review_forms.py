"""The forms of clinic staff, whose reviewed fields are sent in and not stored.

They show what waits or was returned, so that nobody types it again, and say beside each such
field what patients still see.
"""

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from .concurrent_edits import ComparedForm, ComparedRows
from .listing_forms import (
    ClinicForm,
    OfferForm,
    OffersOfClinicFormSet,
    StaffPractitionerForm,
)
from .models import Proposal
from .review import (
    KEYS,
    REVIEWED,
    SUBJECTS,
    addition_like,
    as_value,
    as_words,
    open_proposal,
    public_values,
    submit,
)


class ProposingForm(ComparedForm):
    """A form of a row of the listing, of which `REVIEWED` says what has to wait.

    `proposal` is what waits or was returned about the row. An addition that is changed before
    it is public has no row; its page gives it as `initial` and sets `addition`.
    """

    proposal: Proposal | None = None
    addition: Proposal | None = None
    # Rows of a page leave it to their formset, which asks once for all.
    looks_up_proposal = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.looks_up_proposal and self.instance.pk:
            self.show(open_proposal(self.instance))

    def show(self, proposal: Proposal | None):
        """Fill the form with what was sent in. A query for each relation in it, else none."""
        self.proposal = proposal
        if proposal is None:
            return
        model = self._meta.model
        public = public_values(self.instance, proposal.proposed)
        if proposal.kind == Proposal.Kind.REMOVE:
            first = next(iter(self.compared_fields()), None)
            if first:
                self.fields[first].help_text = (
                    _("You asked to remove this. Patients see it until that is approved.")
                    if proposal.is_waiting
                    else _("You asked to remove this, and that was returned.")
                )
            return
        for name, stored in proposal.proposed.items():
            field = self.fields.get(name)
            if field is None:
                column = model._meta.get_field(name)
                # The row as it would become is what is validated.
                if not column.many_to_many:
                    setattr(self.instance, column.attname, as_value(model, name, stored))
            elif not field.disabled and stored != public[name]:
                field.widget.attrs["data-review"] = proposal.status
                self.initial[name] = as_value(model, name, stored)
                words = as_words(model, name, public[name]) or _("not stated")
                field.help_text = (
                    _("Waits for review. Patients still see: %(value)s")
                    if proposal.is_waiting
                    else _("Returned to you. Patients still see: %(value)s")
                ) % {"value": words}

    @property
    def reviewed(self) -> tuple[str, ...]:
        """The names of the fields that have to wait."""
        return REVIEWED[self._meta.model]

    def sent_values(self) -> dict:
        """What goes to review, by field."""
        return {
            name: self.cleaned_data[name]
            for name in self.reviewed
            if name in self.cleaned_data and not self.fields[name].disabled
        }

    def has_sent(self) -> bool:
        """Whether a field that waits for review was changed."""
        return bool(set(self.changed_data) & set(self.reviewed))

    def validate_unique(self):
        """Check the row as a whole: a short form leaves out fields that rules need."""
        super().validate_unique()
        row = self.instance
        if not self.has_changed():
            return
        try:
            row.validate_constraints(exclude=set(self.errors))
        except ValidationError as error:
            # What the form's own fields break has been said.
            told = self.non_field_errors()
            self.add_error(None, [line for line in error.messages if line not in told])
        if row.pk is None and type(row) in KEYS and not self.errors:
            double = addition_like(row.clinic_id, type(row), self.cleaned_data)
            if double and double != self.addition:
                self.add_error(None, _("The same waits for review already. Change that one."))

    def send(self, user, clinic, why="") -> Proposal | None:
        """Send in what was typed; see `submit` for what it returns and raises."""
        return submit(
            user=user,
            clinic=clinic,
            model=self._meta.model,
            row=self.instance if self.instance.pk else None,
            values=self.sent_values(),
            why=why,
            addition=self.addition,
        )


class StaffClinicForm(ProposingForm, ClinicForm):
    """A clinic as its staff edit it: the description waits, all else is stored."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.public_description = self.instance.description

    def save(self, commit=True):
        """Keep what is public of the fields that wait."""
        self.instance.description = self.public_description
        return super().save(commit)


class StaffOfferForm(ProposingForm, OfferForm):
    """An offer on its own page."""


class StaffOfferRowForm(StaffOfferForm):
    """An offer in a row of the clinic's page."""

    looks_up_proposal = False


class StaffPersonForm(ProposingForm, StaffPractitionerForm):
    """A practitioner on the person's own page."""


class StaffPersonRowForm(StaffPersonForm):
    """A practitioner in a row of the clinic's page."""

    looks_up_proposal = False


class ProposedRows(ComparedRows):
    """Rows of a clinic's page that are sent in; what waits is read once for all of them."""

    @cached_property
    def open_by_row(self) -> dict[int, Proposal]:
        found = Proposal.objects.open().filter(
            clinic=self.instance.pk, subject=SUBJECTS[self.model], row_id__isnull=False
        )
        return {proposal.row_id: proposal for proposal in found}

    def add_fields(self, form, index):
        """Show in the row what was sent in about it."""
        super().add_fields(form, index)
        if form.instance.pk:
            form.show(self.open_by_row.get(form.instance.pk))

    def send(self, user, why="") -> list[Proposal]:
        """Send in every changed, new and removed row; return what waits now."""
        removed = self.deleted_forms
        found = []
        for form in self.initial_forms:
            if form in removed:
                if form.instance.pk:
                    found.append(
                        submit(
                            user=user,
                            clinic=self.instance,
                            model=self.model,
                            row=form.instance,
                            values=None,
                            why=why,
                        )
                    )
            elif form.has_sent():
                found.append(form.send(user, self.instance, why))
        found += [
            form.send(user, self.instance, why)
            for form in self.extra_forms
            if form.has_changed() and form not in removed
        ]
        return [proposal for proposal in found if proposal]


class StaffOffersFormSet(ProposedRows, OffersOfClinicFormSet):
    """The offers of a clinic as its staff edit them."""


class StaffPeopleFormSet(ProposedRows):
    """The practitioners of a clinic as its staff edit them."""
