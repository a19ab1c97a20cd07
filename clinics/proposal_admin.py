"""Changes to review: moderators decide on them, clinic staff see what became of their own."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Q, Value, When
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from treatments.list_filters import ConditionFilter
from treatments.permissions import is_editor, is_moderator
from treatments.record_pages import RecordPages

from .lists_of_a_clinic import rows_asked_for
from .models import Proposal
from .own_clinic_filter import OwnClinicFilter
from .permissions import clinics_as_member
from .review import (
    CannotBeDone,
    approve,
    differences,
    digest_of,
    give_back,
    may_decide,
    may_withdraw,
    row_of,
    withdraw,
)
from .word_differences import word_differences

Status = Proposal.Status
# Where staff go on with what they have sent in.
CHANGE_PAGES = {
    Proposal.Subject.CLINIC: "admin:clinics_clinic_change",
    Proposal.Subject.OFFER: "admin:clinics_offer_change",
    Proposal.Subject.PRACTITIONER: "admin:clinics_practitioner_change",
}
ADD_PAGES = {
    Proposal.Subject.OFFER: "admin:clinics_offer_add",
    Proposal.Subject.PRACTITIONER: "admin:clinics_practitioner_add",
}


class ReasonForm(forms.Form):
    """Why a change goes back to the clinic."""

    reason = forms.CharField(
        label=_("What should the clinic change?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The clinic’s people read it above their form, and can send it again."),
        error_messages={"required": _("Say why, in a sentence that the clinic will read.")},
    )


class ProposalStatusFilter(ConditionFilter):
    """Proposals by status, with how many of them the list has. One query."""

    title = _("status")
    parameter_name = "status"

    def conditions(self):
        """All of them: a status without a row says so."""
        return {code: (label, Q(status=code)) for code, label in Status.choices}


class ProposalAdmin(RecordPages, admin.ModelAdmin):
    """Waiting ones first, the oldest of them first. Nobody adds, edits or deletes one by hand."""

    list_display = ["name", "clinic", "kind", "status", "author", "created_at"]
    list_filter = [OwnClinicFilter, ProposalStatusFilter]
    list_select_related = ["clinic", "author"]
    search_fields = ["name", "clinic__name"]
    ordering = [
        Case(When(status=Status.WAITING, then=Value(0)), default=Value(1)),
        "created_at",
        "pk",
    ]

    # --- Whose

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        if is_moderator(request.user):
            return rows
        return rows.filter(clinic__in=clinics_as_member(request.user))

    def has_module_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request, obj=None):
        if obj is None or is_moderator(request.user):
            return self.has_module_permission(request)
        return may_withdraw(request.user, obj)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def history_view(self, request, object_id, extra_context=None):
        """Ask for permission first: Django looks for the object first, and tells if it exists."""
        if not is_moderator(request.user):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    # --- The list

    def changelist_view(self, request, extra_context=None):
        """Say in the title how many wait."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        waiting = rows_asked_for(request.GET, self.get_queryset(request).waiting()).count()
        title = ngettext(
            "Changes to review: %(count)d is waiting",
            "Changes to review: %(count)d are waiting",
            waiting,
        ) % {"count": waiting}
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    # --- One of them

    @method_decorator(never_cache)
    def change_view(self, request, object_id, form_url="", extra_context=None):
        """What would change, field by field, and what to do with it."""
        proposal = self.get_object(request, object_id)
        if proposal is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, proposal):
            raise PermissionDenied
        form = ReasonForm(request.POST if "_return" in request.POST else None)
        if request.method == "POST":
            try:
                done = self.act(request, proposal, form)
            except CannotBeDone as error:
                self.message_user(request, str(error), messages.ERROR)
                proposal = self.get_object(request, object_id)
            else:
                if done:
                    self.log_change(request, proposal, str(done))
                    if "_approve" in request.POST:
                        # So that whoever edits the clinic at this moment reads who changed it.
                        self.log_change(request, proposal.clinic, f"{proposal.name}: {done}")
                    self.message_user(request, done, messages.SUCCESS)
                    return HttpResponseRedirect(self.next_address(request, proposal))
        return self.page(request, proposal, form)

    def act(self, request, proposal, form):
        """Do what the button says; what was done in words, or "" if a form is not complete."""
        if "_approve" in request.POST:
            approve(proposal, request.user, request.POST.get("seen") or "not seen")
            return _("Approved. Patients see it now.")
        if "_withdraw" in request.POST:
            withdraw(proposal, request.user)
            return _("Taken back. Patients see the listing as it is.")
        if "_return" in request.POST and form.is_valid():
            give_back(proposal, request.user, form.cleaned_data["reason"])
            return _("Returned to the clinic.")
        return ""

    def next_address(self, request, proposal) -> str:
        """The next one that waits for this person; for staff, the page of their clinic."""
        if "_withdraw" in request.POST:
            return reverse("admin:clinics_clinic_change", args=[proposal.clinic_id])
        waiting = self.get_queryset(request).waiting().order_by("created_at", "pk")
        following = waiting.exclude(clinic__in=self.closed_to(request)).first()
        if following:
            return reverse("admin:clinics_proposal_change", args=[following.pk])
        return reverse("admin:clinics_proposal_changelist")

    def closed_to(self, request):
        """The clinics on whose changes this person may not decide."""
        own = clinics_as_member(request.user)
        # An editor's right does not depend on where they work.
        return own.none() if is_editor(request.user) else own

    def page(self, request, proposal, form):
        """The page, made of what is true now. About twelve queries."""
        found = differences(proposal)
        row = row_of(proposal)
        decides = proposal.is_waiting and may_decide(request.user, proposal)
        withdraws = proposal.is_open and may_withdraw(request.user, proposal)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{proposal.clinic.name}: {proposal.name}",
            "opts": self.opts,
            "original": proposal,
            "fields": [(one, word_differences(one.now, one.proposed)) for one in found],
            "has_moved": proposal.is_open and any(one.has_moved for one in found),
            "row_is_gone": proposal.is_open and row is None and proposal.row_id is not None,
            "decides": decides,
            "withdraws": withdraws,
            "clinic_address": self.clinic_address(request, proposal, withdraws),
            "edit_address": self.edit_address(proposal, row) if withdraws else "",
            "seen": digest_of(proposal),
            "form": form,
        }
        return TemplateResponse(request, "admin/clinics/proposal/change_form.html", context)

    def clinic_address(self, request, proposal, works_there) -> str:
        """The clinic's form for those who may open it, else its public page if there is one."""
        if works_there or is_editor(request.user):
            return reverse(CHANGE_PAGES[Proposal.Subject.CLINIC], args=[proposal.clinic_id])
        return proposal.clinic.get_absolute_url() if proposal.clinic.is_published else ""

    def edit_address(self, proposal, row) -> str:
        """The form that shows what was sent in, so that it can be changed and sent again."""
        if row is not None:
            return reverse(CHANGE_PAGES[proposal.subject], args=[row.pk])
        if proposal.kind == Proposal.Kind.ADD:
            return f"{reverse(ADD_PAGES[proposal.subject])}?addition={proposal.pk}"
        return ""
