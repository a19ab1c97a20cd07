"""The inbox: where a clinic's own people read what patients ask, and answer.

Who belongs to a clinic reads its requests. Editors and superusers see how many there are and
their references, to know whether clinics answer, and read none unless they are members: what
patients write is not theirs. No word of a patient's gets into Django's log of changes.
"""

import csv

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from treatments.record_pages import RecordPages
from treatments.spreadsheet_text import BYTE_ORDER_MARK, harmless

from .enquiries import (
    add_note,
    answer,
    close,
    delete_enquiry,
    enquiries_of,
    hours_between,
    lines_of,
    record_reading,
    words_of,
)
from .enquiry_forms import AnswerForm, NoteForm, Time
from .lists_of_a_clinic import rows_asked_for
from .models import Enquiry, EnquiryEntry, EnquiryReading, Language, ReplyTemplate
from .own_clinic_filter import OwnClinicFilter
from .permissions import clinics_as_member, is_editor
from .sealed_text import UnreadableText

MOST_EXPORTED = 1000
SEALED_COLUMNS = ("name", "email", "phone", "treatment", "language", "time", "message")


def cell(value) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    return harmless("" if value is None else str(value))


class EnquiryAdmin(RecordPages, admin.ModelAdmin):
    """Requests of patients, by reference; reading one is written down."""

    list_display = [
        "reference",
        "status",
        "hours_waiting",
        "hours_to_first_answer",
        "clinic",
        "sent_at",
    ]
    list_filter = (OwnClinicFilter, "status")
    list_select_related = ["clinic"]
    search_fields = ["reference"]
    actions = ["export"]

    # --- Whose

    def is_reader(self, request, enquiry) -> bool:
        """Whether this person may read the words of this request. One query."""
        return clinics_as_member(request.user).filter(pk=enquiry.clinic_id).exists()

    def get_queryset(self, request):
        rows = super().get_queryset(request).defer("sealed")
        if is_editor(request.user):
            return rows
        return rows.filter(clinic__in=clinics_as_member(request.user))

    def has_module_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request, obj=None):
        if obj is None:
            return self.has_module_permission(request)
        return self.is_reader(request, obj)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and self.is_reader(request, obj)

    def get_list_display_links(self, request, list_display):
        """None for those who may open nothing."""
        return ["reference"] if clinics_as_member(request.user).exists() else None

    # --- The list

    @admin.display(description=_("hours waiting"), ordering="waiting_since")
    def hours_waiting(self, enquiry):
        """Whole hours since the patient's word that nobody has answered."""
        return hours_between(enquiry.waiting_since, timezone.now())

    @admin.display(description=_("hours to first answer"))
    def hours_to_first_answer(self, enquiry):
        """Whole hours from the request to the first answer."""
        return hours_between(enquiry.sent_at, enquiry.first_answered_at)

    def changelist_view(self, request, extra_context=None):
        """The list, and above it how many there are of each status, at the clinic asked for."""
        rows = rows_asked_for(request.GET, self.get_queryset(request))
        counts = dict(rows.order_by().values_list("status").annotate(total=Count("pk")))
        context = {
            "title": _("Requests of patients"),
            "counts": [(label, counts.get(key, 0)) for key, label in Enquiry.Status.choices],
            "reads_own_only": is_editor(request.user),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def get_actions(self, request):
        """Without "delete selected": a request is deleted on its own page, one at a time."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description=_("Export as CSV (you become responsible for the file)"))
    def export(self, request, queryset):
        """The selected requests of own clinics as CSV; each counts as read by this person."""
        own = enquiries_of(request.user).filter(pk__in=queryset.values("pk"))
        rows = list(own.select_related("clinic").order_by("pk")[:MOST_EXPORTED])
        response = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": 'attachment; filename="requests.csv"',
                "Cache-Control": "no-store",
            },
        )
        response.write(BYTE_ORDER_MARK)
        writer = csv.writer(response)
        writer.writerow(["reference", "clinic", "status", "sent", "first answer", *SEALED_COLUMNS])
        with transaction.atomic():
            for enquiry in rows:
                try:
                    words = words_of(enquiry)
                except UnreadableText:
                    words = {}
                else:
                    record_reading(enquiry, request.user, EnquiryReading.Way.EXPORT)
                first_answer = enquiry.first_answered_at
                plain = [enquiry.reference, enquiry.clinic.name, enquiry.get_status_display()]
                plain += [enquiry.sent_at.isoformat(), first_answer and first_answer.isoformat()]
                plain += [words.get(name) for name in SEALED_COLUMNS]
                writer.writerow(map(cell, plain))
                self.log_change(request, enquiry, str(_("Exported.")))
        return response

    # --- One request

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Read one request, answer it, note something, close it."""
        enquiry = self.get_object(request, object_id)
        if enquiry is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.is_reader(request, enquiry):
            raise PermissionDenied
        forms = {"answer_form": AnswerForm(), "note_form": NoteForm()}
        if request.method == "POST":
            done = self._act(request, enquiry, forms)
            if done:
                self.log_change(request, enquiry, str(done))
                self.message_user(request, done, messages.SUCCESS)
                return HttpResponseRedirect(request.path)
        return self._page(request, enquiry, forms)

    def _act(self, request, enquiry, forms):
        """Do what the button says; what was done in words, or "" if a form is not complete."""
        if "_close" in request.POST:
            close(enquiry)
            return _("Closed.")
        if "_note" in request.POST:
            form = forms["note_form"] = NoteForm(request.POST)
            if form.is_valid():
                add_note(enquiry, request.user, form.cleaned_data["note"])
                return _("Note added.")
        if "_answer" in request.POST:
            form = forms["answer_form"] = AnswerForm(request.POST)
            if form.is_valid():
                answer(enquiry, request.user, form.cleaned_data["text"])
                return _("Answered.")
        return ""

    def _page(self, request, enquiry, forms):
        context = {
            **self.admin_site.each_context(request),
            **forms,
            "title": _("Request of a patient"),
            "subtitle": enquiry.reference,
            "opts": self.opts,
            "original": enquiry,
            "waiting": hours_between(enquiry.waiting_since, timezone.now()),
        }
        try:
            words = words_of(enquiry)
            lines = lines_of(enquiry, EnquiryEntry.Kind.values)
        except UnreadableText:
            return TemplateResponse(
                request, "admin/clinics/enquiry/unreadable.html", context, status=500
            )
        readings = list(enquiry.readings.select_related("user")[:20])
        record_reading(enquiry, request.user, EnquiryReading.Way.PAGE)
        enquiry.refresh_from_db(fields=["status"])
        templates = list(
            ReplyTemplate.objects.filter(clinic=enquiry.clinic_id).select_related("language")
        )
        # Those in the patient's language first.
        templates.sort(key=lambda template: template.language_id != words["language"])
        chosen = [t for t in templates if str(t.pk) == request.GET.get("prepared", "")]
        if chosen and not forms["answer_form"].is_bound:
            context["answer_form"] = AnswerForm(initial={"text": chosen[0].text})
        context |= {
            "words": words,
            "language": Language.objects.filter(code=words["language"]).first(),
            "time": dict(Time.choices).get(words["time"], ""),
            "lines": lines,
            "readings": readings,
            "prepared": templates,
        }
        return TemplateResponse(request, "admin/clinics/enquiry/change_form.html", context)

    def delete_model(self, request, obj):
        delete_enquiry(obj)
