"""Rows on a clinic's page in the admin: hours, people, offers, checks, memberships."""

from dataclasses import dataclass

from django.contrib import admin
from django.contrib.admin.widgets import AdminTimeWidget
from django.db import models
from django.forms.formsets import TOTAL_FORM_COUNT
from django.template.loader import render_to_string
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from treatments.labelled_rows import LabelledRows
from treatments.permissions import EditedByEditors
from treatments.record_pages import RecordRows

from .concurrent_edits import ComparedForm, ComparedRows
from .listing_forms import (
    CheckForm,
    ChecksOfClinicFormSet,
    MembershipForm,
    OfferForm,
    OffersOfClinicFormSet,
    OpeningHoursFormSet,
)
from .lists_of_a_clinic import list_of
from .models import Check, CheckEvidence, Membership, Offer, OpeningHours, Practitioner
from .permissions import is_editor, may_edit, treatments_to_offer
from .review import needs_review
from .review_forms import (
    StaffOfferRowForm,
    StaffOffersFormSet,
    StaffPeopleFormSet,
    StaffPersonRowForm,
)

# For rows of more fields than a telephone shows side by side.
STACKED = "admin/edit_inline/stacked.html"
# Stored rows of one kind up to which they are edited on the clinic's page.
MOST_ON_THE_PAGE = 50


@dataclass(frozen=True)
class LongList:
    """Rows of a clinic that are too many for its page: what they are, how many, and where."""

    label: str
    count: int
    url: str


class ListedApart(RecordRows):
    """For an inline of a clinic whose rows have pages of their own, where many are edited."""

    def long_list(self, request, clinic) -> LongList | None:
        """The list that takes the place of these rows on the clinic's page; None if they stay.

        They stay for those who may not open the list, and when they were sent: the page of
        whoever sent them had them, and there may be more since. One query.
        """
        rows = self.model._meta.get_field("clinic").remote_field.get_accessor_name()
        listed = self.admin_site.get_model_admin(self.model)
        if f"{rows}-{TOTAL_FORM_COUNT}" in request.POST or not listed.has_view_permission(request):
            return None
        count = getattr(clinic, rows).count()
        if count <= MOST_ON_THE_PAGE:
            return None
        route = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        label = capfirst(self.model._meta.verbose_name_plural)
        return LongList(label, count, list_of(route, clinic.pk))


class OwnRows(RecordRows, admin.TabularInline):
    """Rows of a clinic that its staff may edit."""

    form = ComparedForm
    formset = ComparedRows
    extra = 0

    def has_view_permission(self, request, obj=None):
        return self.may_edit(request, obj)

    def has_add_permission(self, request, obj=None):
        return self.may_edit(request, obj)

    def has_change_permission(self, request, obj=None):
        return self.may_edit(request, obj)

    def has_delete_permission(self, request, obj=None):
        return self.may_edit(request, obj)

    def may_edit(self, request, clinic) -> bool:
        """Whether this person may edit this clinic.

        Without a clinic Django asks whether to look for rows at all, those of a page that
        the person was let into already.
        """
        return request.user.is_staff if clinic is None else may_edit(request.user, clinic.pk)


class OpeningHoursInline(LabelledRows, OwnRows):
    model = OpeningHours
    formset = OpeningHoursFormSet
    formfield_overrides = RecordRows.formfield_overrides | {
        models.TimeField: {"widget": AdminTimeWidget(format="%H:%M")}
    }
    # One empty row, so that a row can be added without JavaScript.
    extra = 1


class PractitionerInline(ListedApart, OwnRows):
    """People. Staff remove one on the person's own page, which refuses to lose checks."""

    model = Practitioner
    template = STACKED
    extra = 1
    show_change_link = True
    fields = [
        ("name", "profession"),
        ("registration_body", "registration_number", "practising_since"),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("checks")

    def get_formset(self, request, obj=None, **kwargs):
        if needs_review(request.user):
            kwargs |= {"form": StaffPersonRowForm, "formset": StaffPeopleFormSet}
        return super().get_formset(request, obj, **kwargs)

    def has_delete_permission(self, request, obj=None):
        return is_editor(request.user)


class OfferInline(ListedApart, OwnRows):
    """The short form of the offers; each links to the page with all of it."""

    model = Offer
    form = OfferForm
    formset = OffersOfClinicFormSet
    template = STACKED
    fields = [("treatment", "label"), ("price_low", "price_high", "currency", "unit")]
    show_change_link = True

    def get_formset(self, request, obj=None, **kwargs):
        if needs_review(request.user):
            kwargs |= {"form": StaffOfferRowForm, "formset": StaffOffersFormSet}
        return super().get_formset(request, obj, **kwargs)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("clinic", "treatment")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "treatment":
            kwargs["queryset"] = treatments_to_offer(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class CheckInline(EditedByEditors, ListedApart, admin.TabularInline):
    """Checks are an editor's word: clinic staff read theirs and change none."""

    model = Check
    form = CheckForm
    formset = ChecksOfClinicFormSet
    template = STACKED
    extra = 0
    staff_fields = (
        ("kind", "practitioner"),
        "scope",
        ("register", "number"),
        "link",
        ("result", "checked_on", "expires_on"),
    )

    def has_view_permission(self, request, obj=None):
        # As in OwnRows, the question without a clinic comes from inside its page.
        return request.user.is_staff if obj is None else may_edit(request.user, obj.pk)

    def get_fields(self, request, obj=None):
        # Staff read the rows, and have nothing to attach.
        evidence = ["evidence_file"] if is_editor(request.user) else []
        return [*self.staff_fields, *evidence]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("evidence")

    def get_formset(self, request, obj=None, **kwargs):
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.editor = request.user
        # An inline lives for one request. Staff may not open the page of a check.
        self.show_change_link = is_editor(request.user)
        return formset


class EvidenceInline(EditedByEditors, admin.TabularInline):
    """The files of a check: read and deleted here, added by the form above them."""

    model = CheckEvidence
    extra = 0
    fields = ["download", "kind", "size", "sha256", "uploaded_by", "uploaded_at"]
    readonly_fields = fields

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("uploaded_by", "of_check")

    @admin.display(description=_("file (opening it is noted)"))
    def download(self, obj):
        """The name as sent, with the way to the file."""
        return render_to_string("admin/clinics/evidence_link.html", {"evidence": obj})


class MembershipInline(LabelledRows, EditedByEditors, RecordRows, admin.TabularInline):
    model = Membership
    form = MembershipForm
    formset = ComparedRows
    extra = 0

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("user", "clinic")
