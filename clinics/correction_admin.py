"""What readers say is wrong: read and closed by the people of the clinic, and by moderators."""

from typing import ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from treatments.permissions import is_moderator
from treatments.record_pages import RecordPages

from .corrections import close, corrections_of
from .models import Correction
from .own_clinic_filter import OwnClinicFilter


class ClosingForm(forms.ModelForm):
    """How a correction ended. It is closed once."""

    class Meta:
        model = Correction
        fields = ["status"]
        labels = {"status": _("How it ended")}
        widgets = {"status": forms.RadioSelect}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "status" in self.fields:
            waiting = Correction.Status.WAITING
            choices = [pair for pair in Correction.Status.choices if pair[0] != waiting]
            self.fields["status"].choices = choices


class CorrectionAdmin(RecordPages, admin.ModelAdmin):
    """A correction with the reader's words. Nobody adds or changes one."""

    form = ClosingForm
    list_display = ["what", "clinic", "status", "sent_at"]
    list_filter = [OwnClinicFilter, "status", "what"]
    list_select_related = ["clinic"]
    told = ["clinic_name", "what", "words", "sent_at"]
    outcome = ["closed_by_name", "closed_at"]
    readonly_fields = [*told, *outcome]

    class Media:
        css: ClassVar = {"all": ["css/admin-home.css"]}

    # --- Whose

    def get_queryset(self, request):
        own = corrections_of(request.user)
        return super().get_queryset(request).filter(pk__in=own.values("pk"))

    def is_reader(self, request, obj) -> bool:
        """Without a correction: whether there may be one for this person to read."""
        if obj is None:
            return request.user.is_active and request.user.is_staff
        return corrections_of(request.user).filter(pk=obj.pk).exists()

    def has_module_permission(self, request):
        return self.is_reader(request, None)

    def has_view_permission(self, request, obj=None):
        return self.is_reader(request, obj)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        if obj is not None and obj.status != Correction.Status.WAITING:
            return False
        return self.is_reader(request, obj)

    def has_delete_permission(self, request, obj=None):
        # A clinic must not make what patients say disappear; after 180 days all of it goes.
        return obj is not None and is_moderator(request.user)

    def get_actions(self, request):
        """None: each is looked at by itself."""
        return {}

    def history_view(self, request, object_id, extra_context=None):
        """Ask for the row first: Django's page tells strangers if it exists."""
        if self.get_object(request, object_id) is None:
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    # --- One correction

    def get_fieldsets(self, request, obj=None):
        is_waiting = self.has_change_permission(request, obj)
        ending = ["status"] if is_waiting else ["status", *self.outcome]
        return [
            (_("What a reader told"), {"fields": self.told}),
            (_("How it ended"), {"fields": ending}),
        ]

    def get_form(self, request, obj=None, change=False, **kwargs):
        if not self.has_change_permission(request, obj):
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    @admin.display(description=_("clinic"))
    def clinic_name(self, obj):
        """Its name: as a field it would link to a page that moderators cannot open."""
        return obj.clinic.name

    @admin.display(description=_("closed by"))
    def closed_by_name(self, obj):
        return obj.closed_by.get_username() if obj.closed_by else ""

    def save_model(self, request, obj, form, change):
        """Close it; what somebody else has said meanwhile stays."""
        if not close(obj, request.user, form.cleaned_data["status"]):
            self.message_user(request, _("Somebody has closed it already."), messages.ERROR)

    def log_change(self, request, obj, message):
        """Say how it ended, and nothing of what the reader wrote."""
        return super().log_change(request, obj, str(obj.get_status_display()))
