"""Claims and invitations in the admin: moderators decide on the first, and read the second."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from treatments.folded_search import FoldedSearch
from treatments.permissions import is_moderator
from treatments.record_pages import RecordPages

from . import claims
from .models import ClaimRequest


class ReadByModerators(FoldedSearch, RecordPages, admin.ModelAdmin):
    """Moderators see it; nobody adds a row by hand."""

    def has_module_permission(self, request):
        return is_moderator(request.user)

    def has_view_permission(self, request, obj=None):
        return is_moderator(request.user)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def history_view(self, request, object_id, extra_context=None):
        """Ask for permission first: Django looks for the object first, and tells if it exists."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)


class DecisionForm(forms.ModelForm):
    """What a moderator decides on a claim, and why."""

    decision = forms.ChoiceField(
        label=_("Your decision"),
        choices=[
            ("approve", _("Approve: make this person an owner of the listing")),
            ("decline", _("Decline")),
        ],
        help_text=_("Once decided it stays so. The person gets a mail."),
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=1000,
        help_text=_("Needed to decline. The person reads it in the mail."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    class Meta:
        model = ClaimRequest
        fields = []

    def clean(self):
        """Refuse a decision without grounds."""
        cleaned = super().clean()
        decision = cleaned.get("decision")
        if decision == "decline" and not cleaned.get("reason", "").strip():
            self.add_error("reason", _("Say why, in a sentence that the person will read."))
        if decision == "approve" and not self.instance.is_supported:
            self.add_error(
                "decision",
                _("The address is not confirmed yet, and there is no other evidence."),
            )
        return cleaned


class ClaimRequestAdmin(ReadByModerators):
    """A claim with all that speaks for it. It is decided once, and stays as it was decided."""

    form = DecisionForm
    list_display = ["clinic", "name", "position", "status", "has_proof", "created_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["clinic"]
    search_fields = ["clinic__name_folded", "name", "email"]
    told = ["clinic", "registered", "registration_number", "name", "position", "email"]
    proof = ["website", "is_email_at_clinic", "email_confirmed_at", "evidence", "owners"]
    outcome = ["status", "reason", "decided_by_name", "decided_at"]
    readonly_fields = [*told, *proof, "status", "decided_by_name", "decided_at", "created_at"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("clinic", "decided_by")

    def has_change_permission(self, request, obj=None):
        if obj is not None and obj.status != ClaimRequest.Status.WAITING:
            return False
        return is_moderator(request.user)

    def get_fieldsets(self, request, obj=None):
        is_waiting = obj is not None and obj.status == ClaimRequest.Status.WAITING
        decision = ["decision", "reason"] if is_waiting else self.outcome
        return [
            (_("What was told"), {"fields": [*self.told, "created_at"]}),
            (_("What speaks for it"), {"fields": self.proof}),
            (_("Decision"), {"fields": decision}),
        ]

    def get_form(self, request, obj=None, change=False, **kwargs):
        if not self.has_change_permission(request, obj):
            kwargs["form"] = forms.ModelForm
        # The rest is only read, and the decision is no column.
        return super().get_form(request, obj, change, **(kwargs | {"fields": []}))

    @admin.display(description=_("proof"), boolean=True)
    def has_proof(self, obj):
        """Whether an editor has anything to go by yet."""
        return obj.is_supported

    @admin.display(description=_("website that we hold"))
    def website(self, obj):
        return obj.clinic.website

    @admin.display(description=_("registration numbers that we hold"))
    def registered(self, obj):
        """Of the clinic's checks and people, to compare the claim with."""
        checks = obj.clinic.checks.exclude(number="").values_list("register", "number")
        people = obj.clinic.practitioners.exclude(registration_number="").values_list(
            "registration_body", "registration_number"
        )
        return "; ".join(" ".join(pair).strip() for pair in [*checks, *people])

    @admin.display(description=_("owners so far"))
    def owners(self, obj):
        members = obj.clinic.memberships.filter(role="owner").select_related("user")
        return ", ".join(member.user.get_username() for member in members)

    @admin.display(description=_("decided by"))
    def decided_by_name(self, obj):
        return obj.decided_by.get_username() if obj.decided_by else ""

    def save_model(self, request, obj, form, change):
        """Decide; what was decided meanwhile by somebody else stays."""
        try:
            if form.cleaned_data["decision"] == "approve":
                membership = claims.approve(obj, request.user)
                self.log_change(request, obj, str(_("Approved.")))
                self.log_change(
                    request,
                    obj.clinic,
                    _("%(user)s became an owner by claim %(claim)d.")
                    % {"user": membership.user.get_username(), "claim": obj.pk},
                )
            else:
                claims.decline(obj, request.user, form.cleaned_data["reason"].strip())
                self.log_change(request, obj, str(_("Declined.")))
        except claims.Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)

    def construct_change_message(self, request, form, formsets, add=False):
        """Words of what was done; `save_model` logs it itself, beside the decision."""
        return []

    def log_change(self, request, obj, message):
        """Record what `save_model` says, and not again that the form was saved."""
        return super().log_change(request, obj, message) if message else None


class InvitationAdmin(ReadByModerators):
    """Who was invited by whom. Owners send and take back invitations on a page of their own."""

    list_display = [
        *("clinic", "email", "role", "invited_by", "created_at"),
        *("expires_at", "accepted_at", "revoked_at"),
    ]
    list_filter = ["role", "created_at"]
    list_select_related = ["clinic", "invited_by"]
    search_fields = ["clinic__name_folded", "email"]
