"""The knowledge in the admin. Editors only; clinic staff see none of it.

What belongs to a treatment in large numbers (statements, side effects and the like) has
pages of its own, and the treatment's page lists it with links: all of it as fields on one
page would be hundreds of boxes, more than a form may send.
"""

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.db import transaction
from django.db.models import Q
from django.forms import Script
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .editing_forms import (
    ABOUT_THE_CHANGE,
    CatalogueForm,
    ClaimForm,
    RowsForm,
    RowsFormSet,
    SourceForm,
    TreatmentForm,
    is_public,
)
from .film_form import FilmForm
from .folded_search import FoldedSearch
from .labelled_rows import LabelledRows
from .list_filters import ConditionFilter, RelatedFilter
from .models import (
    Alias,
    BodyArea,
    Claim,
    Concern,
    Contraindication,
    Film,
    LoadedContent,
    ReadersQuestion,
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
from .question_admin import ReadersQuestionAdmin
from .record_pages import RecordPages, RecordRows
from .versions_admin import VersionPages
from .wording import reasons


class EditorAdmin(EditedByEditors, FoldedSearch, RecordPages, admin.ModelAdmin):
    """What all pages of this module share."""

    def view_on_site(self, obj):
        """The address of the page that visitors see, or None where there is none.

        Django's own way, a redirect by content type and id, tells anyone who may sign in
        the address of any object, so clinics.admin takes that route away.
        """
        return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else None


class CatalogueAdmin(VersionPages, EditorAdmin):
    """Pages of the catalogue: each change has its reason, and a place in the history."""

    form = CatalogueForm

    class Media:
        js = [Script("js/wording.js", defer=True)]

    # --- Saving

    def get_fieldsets(self, request, obj=None):
        """The row's own fields, and the change's at the end, next to the buttons."""
        names = flatten_fieldsets(super().get_fieldsets(request, obj))
        return [
            (None, {"fields": [name for name in names if name not in ABOUT_THE_CHANGE]}),
            (_("This change"), {"fields": ABOUT_THE_CHANGE}),
        ]

    def get_actions(self, request):
        """Without deleting many at once: each deletion has a reason of its own."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request, obj, form, change):
        """Store the row if it changed, and say what its editor should look at again."""
        if not change or form.changed_columns:
            super().save_model(request, obj, form, change)
        lines = [*reasons(form.flags), *getattr(form, "warnings", list)()]
        for line in lines:
            self.message_user(request, line, messages.WARNING)

    def needs_reason_to_delete(self, row) -> bool:
        """Whether visitors see it."""
        return is_public(row)


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

    def has_add_permission(self, request, obj=None):
        # Else a forged form adds empty rows.
        return False


class EditedRows(LabelledRows, EditedByEditors, RecordRows, admin.TabularInline):
    """Rows that are short enough to be edited where they are listed."""

    extra = 0
    form = RowsForm
    formset = RowsFormSet
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


class ReviewFilter(ConditionFilter):
    """Treatments by the state of their review."""

    title = _("review")
    parameter_name = "review"

    def conditions(self):
        """Overdue is what its day has passed; what was never reviewed has no such day."""
        return {
            "overdue": (_("overdue"), Q(next_review_due__lt=timezone.localdate())),
            "never": (_("never reviewed"), Q(last_reviewed=None)),
        }

    def queryset(self, request, queryset):
        """The overdue ones with the longest overdue first."""
        rows = super().queryset(request, queryset)
        return rows.order_by("next_review_due", "pk") if self.value() == "overdue" else rows


@admin.register(Source)
class SourceAdmin(CatalogueAdmin):
    form = SourceForm
    list_display = ["slug", "publisher", "title", "kind", "year", "reading", "confidence"]
    list_filter = ["kind", "reading", "confidence"]
    search_fields = ["slug", "title", "publisher", "url"]
    inlines = [ClaimInline]


@admin.register(Claim)
class ClaimAdmin(CatalogueAdmin):
    form = ClaimForm
    list_display = ["reference", "source", "topic", "low", "high", "unit", "verdict", "words"]
    list_filter = ["topic", "verdict", "is_general", "unit", ("treatments", RelatedFilter)]
    list_select_related = ["source"]
    search_fields = ["reference", "words", "known", "locator", "source__slug", "source__title"]
    autocomplete_fields = ["source", "treatments", "checked_against"]


@admin.register(Treatment)
class TreatmentAdmin(CatalogueAdmin):
    form = TreatmentForm
    list_display = [
        "name",
        "kind",
        "evidence_level",
        "is_published",
        "last_reviewed",
        "next_review_due",
        "position",
    ]
    list_filter = [ReviewFilter, "kind", "evidence_level", "needles", "is_published"]
    search_fields = ["name_folded", "short_name_folded", "aliases__name_folded", "slug"]
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


class TermAdmin(CatalogueAdmin):
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


class PartOfTreatmentAdmin(CatalogueAdmin):
    """What a treatment's page is made of, one piece a page."""

    list_select_related = ["treatment"]
    autocomplete_fields = ["treatment", "sources"]


@admin.register(Statement)
class StatementAdmin(PartOfTreatmentAdmin):
    list_display = ["text", "treatment", "section", "is_ours", "position"]
    list_filter = ["section", "is_ours", ("treatment", RelatedFilter)]
    search_fields = ["text", "treatment__name_folded"]


@admin.register(SideEffect)
class SideEffectAdmin(PartOfTreatmentAdmin):
    list_display = ["name", "treatment", "is_serious", "how_common", "percent", "severity"]
    list_filter = ["is_serious", "how_common", "severity", ("treatment", RelatedFilter)]
    search_fields = ["name", "detail", "treatment__name_folded"]


@admin.register(Contraindication)
class ContraindicationAdmin(PartOfTreatmentAdmin):
    list_display = ["name", "treatment", "strength"]
    list_filter = ["strength", ("treatment", RelatedFilter)]
    search_fields = ["name", "detail", "treatment__name_folded"]


@admin.register(RegulatorPosition)
class RegulatorPositionAdmin(PartOfTreatmentAdmin):
    list_display = ["authority", "country", "treatment", "position_text"]
    list_filter = ["country", ("treatment", RelatedFilter)]
    search_fields = ["authority", "position_text", "treatment__name_folded"]
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


# --- Readers' questions and films

admin.site.register(ReadersQuestion, ReadersQuestionAdmin)


@admin.register(Film)
class FilmAdmin(CatalogueAdmin):
    """Films. A file that no row names any more is deleted with the change that let it go."""

    form = FilmForm
    list_display = ["title", "treatment", "source", "language", "is_published", "position"]
    list_filter = ["is_published", ("treatment", RelatedFilter)]
    list_select_related = ["treatment", "source"]
    search_fields = ["title", "summary", "treatment__name_folded", "source__title"]
    autocomplete_fields = ["treatment", "source"]

    def view_on_site(self, obj):
        """Its place on the page of the treatment, once it is published."""
        is_shown = obj.is_published and obj.treatment.is_published
        return f"{obj.treatment.get_absolute_url()}#film-{obj.pk}" if is_shown else None

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        self.delete_files(form.replaced_files)

    def delete_model(self, request, obj):
        names = [stored.name for stored in (obj.file, obj.captions) if stored]
        super().delete_model(request, obj)
        self.delete_files(names)

    def delete_files(self, names):
        """Delete stored files once it is certain that no row names them."""
        for name in names:
            transaction.on_commit(lambda name=name: Film.file.field.storage.delete(name))
