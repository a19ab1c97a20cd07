"""The directory in the admin: editors edit everything, clinic staff their own clinics.

Which clinics are somebody's own is said in clinics/permissions.py alone. Narrowing the
list is not enough, so each way in asks there: what a page finds, what a form offers to
choose from, which rows a filter names.
"""

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from treatments.folded_search import FoldedSearch
from treatments.grouped_choices import GroupedChoices
from treatments.list_filters import RelatedFilter
from treatments.permissions import EditedByEditors
from treatments.record_pages import RecordPages
from treatments.versions_admin import OptionalReason

from .bulk_admin import BulkImportAdmin, ExportedRows
from .claim_admin import ClaimRequestAdmin, InvitationAdmin
from .confirmation import confirm_all
from .correction_admin import CorrectionAdmin
from .enquiry_admin import EnquiryAdmin
from .list_filters import ExpiryFilter, PriceAgeFilter
from .list_pages import KeysFirstPaginator
from .listing_forms import CheckForm, ClinicForm, OfferForm
from .listing_history_admin import ClinicHistory, ListingHistory
from .listing_inlines import (
    CheckInline,
    EvidenceInline,
    ListedApart,
    MembershipInline,
    OfferInline,
    OpeningHoursInline,
    PractitionerInline,
)
from .lists_of_a_clinic import clinic_asked_for
from .models import (
    BulkImport,
    Check,
    ClaimRequest,
    Clinic,
    Correction,
    Country,
    Currency,
    Enquiry,
    Invitation,
    Language,
    Offer,
    Place,
    Practitioner,
    Proposal,
    ReplyTemplate,
)
from .own_clinic_filter import OwnClinicFilter
from .permissions import clinics_of, clinics_owned_by, is_editor, may_edit, treatments_to_offer
from .photo_admin import PhotoPages
from .proposal_admin import ProposalAdmin
from .review_forms import StaffClinicForm, StaffOfferForm, StaffPersonForm
from .safe_editing_admin import SafeEditing, SentIn

# --- Pages that editors and clinic staff share


class OwnClinicsAdmin(GroupedChoices, FoldedSearch, RecordPages, SafeEditing):
    """Pages that show clinic staff what belongs to their own clinics, and editors all."""

    # From the model to its clinic: the lookup for lists, and the attribute with its id.
    clinic_lookup = "clinic"
    clinic_id_attribute = "clinic_id"
    paginator = KeysFirstPaginator
    # Filters of staff name no rows of others: only words of ours, and counts of their own rows.
    editors_list_filter = ()
    staff_list_filter = ()

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        if is_editor(request.user):
            return rows
        return rows.filter(**{f"{self.clinic_lookup}__in": clinics_of(request.user)})

    def may_edit(self, request, obj) -> bool:
        """Without an object: whether there may be something for this person to edit here."""
        if obj is None:
            return request.user.is_active and request.user.is_staff
        return may_edit(request.user, getattr(obj, self.clinic_id_attribute))

    def has_module_permission(self, request):
        return self.may_edit(request, None)

    def has_view_permission(self, request, obj=None):
        return self.may_edit(request, obj)

    def has_add_permission(self, request):
        return self.may_edit(request, None)

    def has_change_permission(self, request, obj=None):
        return self.may_edit(request, obj)

    def has_delete_permission(self, request, obj=None):
        return self.may_edit(request, obj)

    def get_list_filter(self, request):
        return self.editors_list_filter if is_editor(request.user) else self.staff_list_filter

    def get_autocomplete_fields(self, request):
        # Staff have few rows to choose from, and may not search what the choices come from.
        return super().get_autocomplete_fields(request) if is_editor(request.user) else ()


class PartOfClinicAdmin(OwnClinicsAdmin):
    """What belongs to one clinic, and stays with it in the hands of staff."""

    list_select_related = ["clinic"]
    # Columns by which editors may sort: of all clinics together only those with an index.
    editors_sortable_by = ()

    def get_ordering(self, request):
        """The newest first for editors, who see those of all clinics; no sorting of all of them."""
        return ["-pk"] if is_editor(request.user) else super().get_ordering(request)

    def get_sortable_by(self, request):
        """All columns for staff, whose lists are short."""
        if is_editor(request.user):
            return self.editors_sortable_by
        return super().get_sortable_by(request)

    def get_list_filter(self, request):
        return (OwnClinicFilter, *super().get_list_filter(request))

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        if obj and not is_editor(request.user):
            # Disabled, not left out: the form must still find a double of the same clinic.
            form.base_fields["clinic"].disabled = True
        return form

    def get_changeform_initial_data(self, request):
        initial = super().get_changeform_initial_data(request)
        # Whoever comes from the list of one clinic adds to that one.
        listed = clinic_asked_for(QueryDict(initial.pop("_changelist_filters", "")))
        if listed is not None and may_edit(request.user, listed):
            initial.setdefault("clinic", listed)
        elif not is_editor(request.user):
            own = list(clinics_of(request.user)[:2])
            if len(own) == 1:
                initial["clinic"] = own[0].pk
        return initial

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "clinic":
            kwargs["queryset"] = clinics_of(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Clinic)
class ClinicAdmin(ExportedRows, PhotoPages, ClinicHistory, OwnClinicsAdmin):
    """A clinic with all that belongs to it.

    Staff edit how to reach and describe it. Its name, kind and town are what our checks
    are about, and whether it is shown is for editors to say.
    """

    clinic_lookup = "pk"
    clinic_id_attribute = "pk"
    change_form_template = "admin/clinics/clinic/change_form.html"
    form = ClinicForm
    staff_form = StaffClinicForm
    list_display = ["name", "place", "facility_type", "status", "is_sample", "confirmed_on"]
    editors_list_filter = (
        "status",
        "is_sample",
        "facility_type",
        ("place__country", RelatedFilter),
    )
    list_select_related = ["place__country"]
    search_fields = ["name_folded", "place__name_folded"]
    autocomplete_fields = ["place"]
    actions = ["confirm_all_correct"]
    inlines = [
        OpeningHoursInline,
        OfferInline,
        PractitionerInline,
        CheckInline,
        MembershipInline,
    ]
    save_on_top = True

    contact = (_("Contact"), {"fields": ["address", "postcode", "phone", "email", "website"]})
    about = (_("About the clinic"), {"fields": ["languages", "description"]})
    editors_fieldsets = [
        (None, {"fields": ["name", "slug", "facility_type", "status", "is_sample"]}),
        (_("Place"), {"fields": ["place", "latitude", "longitude"]}),
        contact,
        about,
        (_("Confirmation"), {"fields": ["confirmed_on", "confirmed_by_name"]}),
    ]
    staff_fieldsets = [
        (
            None,
            {
                "fields": ["name", "facility_type", "town", "status", "confirmed_on"],
                "description": _("Ask us if one of these has changed: our checks depend on them."),
            },
        ),
        contact,
        about,
    ]

    def get_fieldsets(self, request, obj=None):
        own = self.editors_fieldsets if is_editor(request.user) else self.staff_fieldsets
        return self.with_reason(own)

    def get_readonly_fields(self, request, obj=None):
        if is_editor(request.user):
            return ["confirmed_by_name"]
        return self.staff_fieldsets[0][1]["fields"]

    def get_inline_instances(self, request, obj=None):
        """Without rows that are too many for the page, for which it has links instead."""
        inlines = super().get_inline_instances(request, obj)
        if obj is None:
            return inlines
        apart = {
            inline: found
            for inline in inlines
            if isinstance(inline, ListedApart) and (found := inline.long_list(request, obj))
        }
        request.long_lists = list(apart.values())
        return [inline for inline in inlines if inline not in apart]

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        context["long_lists"] = getattr(request, "long_lists", ())
        # Editors have the rows of memberships on this page instead.
        if obj and not is_editor(request.user):
            context["is_owner"] = clinics_owned_by(request.user).filter(pk=obj.pk).exists()
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def get_prepopulated_fields(self, request, obj=None):
        # The address of a page that exists must not follow a new name.
        return {} if obj else {"slug": ["name"]}

    def has_add_permission(self, request):
        return is_editor(request.user)

    def has_delete_permission(self, request, obj=None):
        return is_editor(request.user)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "languages":
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def view_on_site(self, obj):
        return obj.get_absolute_url() if obj.is_published else None

    @admin.display(description=_("town"))
    def town(self, obj):
        """The place as words: as a field it would link to a page that staff cannot open."""
        return str(obj.place or "")

    @admin.display(description=_("confirmed by"))
    def confirmed_by_name(self, obj):
        """Who pressed “everything still correct”; nobody types a name here."""
        return obj.confirmed_by.get_username() if obj.confirmed_by else ""

    @admin.action(description=_("Everything still correct"), permissions=["change"])
    def confirm_all_correct(self, request, queryset):
        """Date the clinic's word, and the prices it states, with today."""
        with transaction.atomic():
            clinics = confirm_all(queryset, request.user)
            for clinic in clinics:
                self.log_change(request, clinic, str(_("Everything still correct.")))
        self.message_user(
            request,
            ngettext(
                "Thank you. %(count)d clinic is confirmed as of today, and its prices with it.",
                "Thank you. %(count)d clinics are confirmed as of today, and their prices with "
                "them.",
                len(clinics),
            )
            % {"count": len(clinics)},
            messages.SUCCESS,
        )


@admin.register(Offer)
class OfferAdmin(ExportedRows, ListingHistory, SentIn, PartOfClinicAdmin):
    form = OfferForm
    staff_form = StaffOfferForm
    list_display = [
        "treatment",
        "clinic",
        "label",
        "price_low",
        "price_high",
        "currency",
        "unit",
        "price_confirmed_on",
    ]
    # Each filter counts all offers: for editors two, which they use.
    editors_list_filter = (("treatment", RelatedFilter), PriceAgeFilter)
    staff_list_filter = (PriceAgeFilter, "unit")
    editors_sortable_by = ("price_confirmed_on",)
    list_select_related = ["clinic", "treatment", "currency"]
    search_fields = ["clinic__name_folded", "treatment__name_folded"]
    autocomplete_fields = ["clinic"]

    def get_readonly_fields(self, request, obj=None):
        fields = super().get_readonly_fields(request, obj)
        return fields if is_editor(request.user) else [*fields, "price_confirmed_on"]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "treatment":
            kwargs["queryset"] = treatments_to_offer(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "body_areas":
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(Practitioner)
class PractitionerAdmin(ListingHistory, SentIn, PartOfClinicAdmin):
    """A person. Deleting one who was checked would delete checks, so staff cannot."""

    staff_form = StaffPersonForm
    list_display = ["name", "clinic", "profession", "registration_body", "registration_number"]
    editors_list_filter = ("profession",)
    staff_list_filter = ("profession",)
    search_fields = ["name_folded", "registration_number", "clinic__name_folded"]
    autocomplete_fields = ["clinic"]

    def has_delete_permission(self, request, obj=None):
        allowed = super().has_delete_permission(request, obj)
        if obj is None or is_editor(request.user):
            return allowed
        return allowed and not obj.checks.exists()


@admin.register(ReplyTemplate)
class ReplyTemplateAdmin(PartOfClinicAdmin):
    """Answers that a clinic has prepared for its inbox."""

    list_display = ["title", "language", "clinic"]
    list_select_related = ["clinic", "language"]
    search_fields = ["title", "clinic__name_folded"]
    autocomplete_fields = ["clinic"]


admin.site.register(Enquiry, EnquiryAdmin)
admin.site.register(BulkImport, BulkImportAdmin)
admin.site.register(Proposal, ProposalAdmin)
admin.site.register(Correction, CorrectionAdmin)


# --- Pages for editors


class EditorAdmin(OptionalReason, EditedByEditors, FoldedSearch, RecordPages, admin.ModelAdmin):
    """What all pages for editors only share."""


@admin.register(Check)
class CheckAdmin(EditorAdmin):
    form = CheckForm
    paginator = KeysFirstPaginator
    list_display = [
        "clinic",
        "practitioner",
        "kind",
        "register",
        "result",
        "checked_on",
        "expires_on",
    ]
    list_filter = [OwnClinicFilter, ExpiryFilter, "kind", "result", "checked_on"]
    ordering = ["-checked_on", "-pk"]
    list_select_related = ["clinic", "practitioner"]
    search_fields = ["clinic__name_folded", "practitioner__name_folded", "number"]
    autocomplete_fields = ["clinic", "practitioner"]
    inlines = [EvidenceInline]

    def get_inlines(self, request, obj):
        # The form takes the first file; an empty table would only scroll.
        return self.inlines if obj and obj.evidence.exists() else []

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        form.editor = request.user
        return form


@admin.register(Country)
class CountryAdmin(EditorAdmin):
    list_display = ["code", "name", "slug"]
    search_fields = ["code", "name_folded"]


@admin.register(Place)
class PlaceAdmin(EditorAdmin):
    list_display = ["name", "country", "slug", "timezone"]
    list_filter = [("country", RelatedFilter)]
    list_select_related = ["country"]
    search_fields = ["name_folded", "country__name_folded"]
    autocomplete_fields = ["country"]


@admin.register(Language)
class LanguageAdmin(EditorAdmin):
    list_display = ["code", "name", "slug"]
    search_fields = ["code", "name"]


@admin.register(Currency)
class CurrencyAdmin(EditorAdmin):
    list_display = ["code", "per_euro", "rate_date", "rate_source"]
    search_fields = ["code"]


admin.site.register(ClaimRequest, ClaimRequestAdmin)
admin.site.register(Invitation, InvitationAdmin)
