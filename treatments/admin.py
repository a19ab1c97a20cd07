"""The knowledge in the admin. Editors only; clinic staff see none of it.

What belongs to a treatment in large numbers (statements, side effects and the like) has
pages of its own, and the treatment's page lists it with links: all of it as fields on one
page would be hundreds of boxes, more than a form may send.
"""

from django.contrib import admin
from django.db import models

from .models import (
    Alias,
    BodyArea,
    Claim,
    Concern,
    Contraindication,
    LoadedContent,
    RegulatorPosition,
    SideEffect,
    Source,
    Statement,
    Substance,
    SubstanceStatus,
    Treatment,
    TreatmentArea,
    TreatmentConcern,
    TreatmentSubstance,
)
from .permissions import EditedByEditors

# The form field of Django 5.2 would take a bare "example.org" for http.
HTTPS_UNLESS_SAID = {models.URLField: {"assume_scheme": "https"}}


class EditorAdmin(EditedByEditors, admin.ModelAdmin):
    """What all pages of this module share."""

    formfield_overrides = HTTPS_UNLESS_SAID
    list_per_page = 50

    def view_on_site(self, obj):
        """The address of the page that visitors see, or None where there is none.

        Django's own way, a redirect by content type and id, tells anyone who may sign in
        the address of any object, so clinics.admin takes that route away.
        """
        return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else None


class LinkedRows(EditedByEditors, admin.TabularInline):
    """Rows that are only listed, each with a link to its own page."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True
    classes = ["collapse"]
    # Each row is headed by its name, and some names begin with that of the parent.
    parent = "treatment"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related(self.parent)

    def get_readonly_fields(self, request, obj=None):
        return self.fields


class EditedRows(EditedByEditors, admin.TabularInline):
    """Rows that are short enough to be edited where they are listed."""

    extra = 0
    classes = ["collapse"]
    autocomplete_fields = ["sources"]
    # What the row's name is made of.
    named_by = ["treatment"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related(*self.named_by).prefetch_related("sources")


class AliasInline(EditedRows):
    model = Alias


class TreatmentAreaInline(EditedRows):
    model = TreatmentArea
    autocomplete_fields = ["body_area", "sources"]
    named_by = ["treatment", "body_area"]


class TreatmentConcernInline(EditedRows):
    model = TreatmentConcern
    autocomplete_fields = ["concern", "sources"]
    named_by = ["treatment", "concern"]


class TreatmentSubstanceInline(EditedRows):
    model = TreatmentSubstance
    autocomplete_fields = ["substance", "sources"]
    named_by = ["treatment", "substance"]


class SubstanceStatusInline(EditedRows):
    model = SubstanceStatus
    named_by = ["substance"]


class StatementInline(LinkedRows):
    model = Statement
    fields = ["section", "text", "is_ours", "position"]


class SideEffectInline(LinkedRows):
    model = SideEffect
    fields = ["name", "is_serious", "how_common", "severity"]


class ContraindicationInline(LinkedRows):
    model = Contraindication
    fields = ["name", "strength"]


class RegulatorPositionInline(LinkedRows):
    model = RegulatorPosition
    fields = ["country", "authority", "position_text"]


class ClaimInline(LinkedRows):
    model = Claim
    fields = ["reference", "topic", "words", "verdict"]
    parent = "source"


@admin.register(Source)
class SourceAdmin(EditorAdmin):
    list_display = ["slug", "publisher", "title", "kind", "year", "reading", "confidence"]
    list_filter = ["kind", "reading", "confidence"]
    search_fields = ["slug", "title", "publisher", "url"]
    inlines = [ClaimInline]


@admin.register(Claim)
class ClaimAdmin(EditorAdmin):
    list_display = ["reference", "source", "topic", "low", "high", "unit", "verdict", "words"]
    list_filter = ["topic", "verdict", "is_general", "unit", "treatments"]
    list_select_related = ["source"]
    search_fields = ["reference", "words", "known", "locator", "source__slug", "source__title"]
    autocomplete_fields = ["source", "treatments", "checked_against"]


@admin.register(Treatment)
class TreatmentAdmin(EditorAdmin):
    list_display = [
        "name",
        "kind",
        "evidence_level",
        "is_published",
        "last_reviewed",
        "next_review_due",
        "position",
    ]
    list_filter = ["kind", "evidence_level", "needles", "is_published"]
    date_hierarchy = "next_review_due"
    search_fields = ["name", "short_name", "aliases__name"]
    inlines = [
        AliasInline,
        TreatmentAreaInline,
        TreatmentConcernInline,
        TreatmentSubstanceInline,
        StatementInline,
        SideEffectInline,
        ContraindicationInline,
        RegulatorPositionInline,
    ]

    def get_prepopulated_fields(self, request, obj=None):
        # The address of a page that exists must not follow a new name.
        return {} if obj else {"slug": ["short_name"]}

    def view_on_site(self, obj):
        return obj.get_absolute_url() if obj.is_published else None


class TermAdmin(EditorAdmin):
    """The words of the vocabulary: body areas, concerns, substances."""

    list_display = ["name", "slug", "position"]
    search_fields = ["name", "slug"]

    def get_prepopulated_fields(self, request, obj=None):
        # The slug is in people's bookmarks, as an option of a filter.
        return {} if obj else {"slug": ["name"]}


admin.site.register(BodyArea, TermAdmin)
admin.site.register(Concern, TermAdmin)


@admin.register(Substance)
class SubstanceAdmin(TermAdmin):
    inlines = [SubstanceStatusInline]


class PartOfTreatmentAdmin(EditorAdmin):
    """What a treatment's page is made of, one piece a page."""

    list_select_related = ["treatment"]
    autocomplete_fields = ["treatment", "sources"]


@admin.register(Statement)
class StatementAdmin(PartOfTreatmentAdmin):
    list_display = ["text", "treatment", "section", "is_ours", "position"]
    list_filter = ["section", "is_ours", "treatment"]
    search_fields = ["text", "treatment__name"]


@admin.register(SideEffect)
class SideEffectAdmin(PartOfTreatmentAdmin):
    list_display = ["name", "treatment", "is_serious", "how_common", "percent", "severity"]
    list_filter = ["is_serious", "how_common", "severity", "treatment"]
    search_fields = ["name", "detail", "treatment__name"]


@admin.register(Contraindication)
class ContraindicationAdmin(PartOfTreatmentAdmin):
    list_display = ["name", "treatment", "strength"]
    list_filter = ["strength", "treatment"]
    search_fields = ["name", "detail", "treatment__name"]


@admin.register(RegulatorPosition)
class RegulatorPositionAdmin(PartOfTreatmentAdmin):
    list_display = ["authority", "country", "treatment", "position_text"]
    list_filter = ["country", "treatment"]
    search_fields = ["authority", "position_text", "treatment__name"]
    # An authority may be empty where a country speaks; the row must still have a link.
    list_display_links = ["authority", "position_text"]


@admin.register(LoadedContent)
class LoadedContentAdmin(EditorAdmin):
    """What loading left behind: a record to read, written by the command alone."""

    list_display = ["key", "file_digest", "stored_digest"]
    search_fields = ["key"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
