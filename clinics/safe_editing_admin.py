"""How the pages of a listing are saved: one at a time, nothing overwritten unseen, and what has
to be reviewed sent in."""

import json

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.forms import Script
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from treatments.versions_admin import reason_in
from treatments.wording import rules_for_scripts

from .change_log import be_the_only_writer
from .concurrent_edits import ComparedForm, started_from
from .models import Clinic, Proposal
from .permissions import clinics_of, is_editor
from .review import (
    CannotBeDone,
    as_value,
    needs_review,
    open_proposals,
    submit,
)
from .review_forms import ProposedRows, ProposingForm


def why_in(form) -> str:
    """What was written into the box "why" of a page's own form, for those who review it."""
    return form.cleaned_data.get("change_reason", "")


class SafeEditing(admin.ModelAdmin):
    """Pages that say what somebody else changed meanwhile, and what waits for review.

    A page is saved by one person at a time, so that of two who press at one moment the second
    is compared with what the first has stored.
    """

    form = ComparedForm
    # The form of those whose changes are reviewed, where it is another one.
    staff_form: type | None = None
    change_form_template = "admin/clinics/listing_page.html"

    class Media:
        js = [Script("js/wording.js", defer=True)]

    def form_for(self, request) -> type:
        """The form of staff, where there is one, for those whose changes are reviewed."""
        return self.staff_form if self.staff_form and needs_review(request.user) else self.form

    def get_form(self, request, obj=None, change=False, **kwargs):
        kwargs.setdefault("form", self.form_for(request))
        form = super().get_form(request, obj, change, **kwargs)
        form.refusals = getattr(request, "refusals_of_review", ())
        return form

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Show or save a page; what review refuses is said above the form, with all as typed."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        try:
            with transaction.atomic():
                be_the_only_writer()
                response = super().changeform_view(request, object_id, form_url, extra_context)
            self.tell_sent(request)
            return response
        except (CannotBeDone, ValidationError) as error:
            request.refusals_of_review = tuple(getattr(error, "messages", None) or [str(error)])
            request.sent_in = []
        return super().changeform_view(request, object_id, form_url, extra_context)

    def clinic_of(self, obj):
        """The clinic that a page is about; None while there is no row."""
        return obj if self.model is Clinic else getattr(obj, "clinic", None)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        edited = [
            context["adminform"].form,
            *(form for rows in context["inline_admin_formsets"] for form in rows.formset.forms),
        ]
        compared = [form for form in edited if isinstance(form, ComparedForm)]
        context["started_from"] = started_from(compared)
        context["sends_in"] = needs_review(request.user)
        context["wording_rules"] = json.dumps(rules_for_scripts())
        if any(form.overwritten or form.was_removed for form in compared):
            context["saved_meanwhile"] = self.last_save(request, obj, compared)
            context["is_overwriting"] = True
        if obj is not None:
            context["open_proposals"] = self.proposals_about(obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def proposals_about(self, obj) -> list[Proposal]:
        """What waits for review or was returned, of this page. One query."""
        found = open_proposals(self.clinic_of(obj))
        if self.model is not Clinic:
            found = [one for one in found if one.row_id == obj.pk and self.is_subject(one)]
        return found

    def is_subject(self, proposal) -> bool:
        return proposal.subject == self.opts.model_name

    def last_save(self, request, obj, compared) -> dict | None:
        """Who saved what this page shows last, and when. Three queries.

        Staff read the names of colleagues only.
        """
        clinic = self.clinic_of(obj)
        pages = {(Clinic, clinic.pk), (self.model, obj.pk)}
        pages |= {(type(form.instance), form.instance.pk) for form in compared if form.overwritten}
        entries = LogEntry.objects.none()
        for model, key in sorted(pages, key=str):
            entries |= LogEntry.objects.filter(
                content_type=ContentType.objects.get_for_model(model), object_id=str(key)
            )
        entry = entries.select_related("user").order_by("-action_time", "-pk").first()
        if entry is None:
            return None
        is_known = (
            is_editor(request.user)
            or entry.user == request.user
            or clinic.memberships.filter(user=entry.user).exists()
        )
        return {"who": entry.user.get_username() if is_known else "", "when": entry.action_time}

    def construct_change_message(self, request, form, formsets, add=False):
        """Say also whose newer values were kept."""
        edited = [form, *(row for formset in formsets for row in formset.forms)]
        kept = [
            str(row.fields[name].label)
            for row in edited
            if isinstance(row, ComparedForm)
            for name in row.taken_over
        ]
        if kept:
            self.message_user(
                request,
                _("Somebody changed this meanwhile, and it was kept: %(fields)s.")
                % {"fields": ", ".join(kept)},
                messages.INFO,
            )
        if isinstance(form, ProposingForm):
            # The log is of what is stored.
            form.changed_data = [name for name in form.changed_data if name not in form.reviewed]
        return super().construct_change_message(request, form, formsets, add)

    def get_deleted_objects(self, objs, request):
        """What waits for review goes with its clinic, though nobody deletes it by itself."""
        found, counts, missing_rights, protected = super().get_deleted_objects(objs, request)
        missing_rights.discard(Proposal._meta.verbose_name)
        return found, counts, missing_rights, protected

    # --- What goes to review

    def save_model(self, request, obj, form, change):
        """Store what is public at once, and send in the rest."""
        super().save_model(request, obj, form, change)
        if isinstance(form, ProposingForm) and form.has_sent():
            self.note_sent(request, form.send(request.user, obj, why_in(form)))

    def save_formset(self, request, form, formset, change):
        """Store the rows, or send them in."""
        if not isinstance(formset, ProposedRows):
            super().save_formset(request, form, formset, change)
            return
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        self.note_sent(request, *formset.send(request.user, why_in(form)))

    def note_sent(self, request, *proposals):
        """Remember what waits now, to be said when all of the page is stored."""
        sent = [proposal for proposal in proposals if proposal]
        request.sent_in = [*getattr(request, "sent_in", ()), *sent]

    def tell_sent(self, request):
        """Say what waits now."""
        proposals = getattr(request, "sent_in", ())
        if proposals:
            self.message_user(
                request,
                ngettext(
                    "%(names)s: sent in for review. Patients see the listing as it was until a "
                    "moderator has looked at it.",
                    "%(names)s: all sent in for review. Patients see the listing as it was until "
                    "a moderator has looked at them.",
                    len(proposals),
                )
                % {"names": ", ".join(proposal.name for proposal in proposals)},
                messages.WARNING,
            )


class SentIn(SafeEditing):
    """Pages of rows of which staff send in all that they change, add or remove."""

    def addition(self, request) -> Proposal | None:
        """The row sent in earlier that this page changes before it is public."""
        key = request.GET.get("addition", "")
        if not (key.isdecimal() and len(key) < 19 and needs_review(request.user)):
            return None
        own = Proposal.objects.open().filter(
            kind=Proposal.Kind.ADD,
            subject=self.opts.model_name,
            clinic__in=clinics_of(request.user),
        )
        return own.filter(pk=int(key)).select_related("clinic").first()

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None and (addition := self.addition(request)):
            form.addition = addition
            form.base_fields["clinic"].disabled = True
            form.base_fields["clinic"].initial = addition.clinic_id
        return form

    def get_changeform_initial_data(self, request):
        initial = super().get_changeform_initial_data(request)
        if addition := self.addition(request):
            initial |= {
                name: as_value(self.model, name, stored)
                for name, stored in addition.proposed.items()
            }
            initial["clinic"] = addition.clinic_id
        return initial

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        addition = self.addition(request) if obj is None else None
        if addition:
            context["open_proposals"] = [addition]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request, obj, form, change):
        """Store the row, or send it in."""
        if not needs_review(request.user):
            super().save_model(request, obj, form, change)
            return
        request.was_sent = form.has_sent()
        if request.was_sent:
            self.note_sent(request, form.send(request.user, obj.clinic, why_in(form)))

    def save_related(self, request, form, formsets, change):
        """What was sent in has no relations yet."""
        if not needs_review(request.user):
            super().save_related(request, form, formsets, change)

    def log_addition(self, request, obj, message):
        """The log is of what is stored."""
        return super().log_addition(request, obj, message) if obj.pk else None

    def log_change(self, request, obj, message):
        """The log is of what is stored."""
        return None if hasattr(request, "was_sent") else super().log_change(request, obj, message)

    def response_add(self, request, obj, post_url_continue=None):
        """Go to the page of the clinic, where it is listed as waiting."""
        if not needs_review(request.user):
            return super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST:
            return HttpResponseRedirect(request.path)
        return HttpResponseRedirect(reverse("admin:clinics_clinic_change", args=[obj.clinic_id]))

    def response_change(self, request, obj):
        """Stay or go to the list; what was done is said already."""
        if not needs_review(request.user):
            return super().response_change(request, obj)
        if not request.was_sent:
            self.message_user(request, _("Nothing was changed."), messages.INFO)
        if "_continue" in request.POST:
            return HttpResponseRedirect(request.path)
        if "_addanother" in request.POST:
            return HttpResponseRedirect(reverse(f"admin:clinics_{self.opts.model_name}_add"))
        return self.response_post_save_change(request, obj)

    def get_actions(self, request):
        """Staff ask to remove a row on its own page."""
        actions = super().get_actions(request)
        if needs_review(request.user):
            actions.pop("delete_selected", None)
        return actions

    def delete_view(self, request, object_id, extra_context=None):
        """Delete the row, or ask for its removal."""
        if not needs_review(request.user):
            return super().delete_view(request, object_id, extra_context)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        if request.method == "POST":
            try:
                sent = submit(
                    user=request.user,
                    clinic=row.clinic,
                    model=self.model,
                    row=row,
                    values=None,
                    why=reason_in(request),
                )
            except CannotBeDone as error:
                raise PermissionDenied(str(error)) from error
            self.note_sent(request, sent)
            self.tell_sent(request)
            return HttpResponseRedirect(
                reverse("admin:clinics_clinic_change", args=[row.clinic_id])
            )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Ask to remove: %(name)s") % {"name": row},
            "opts": self.opts,
            "original": row,
        }
        return TemplateResponse(request, "admin/clinics/removal.html", context)
