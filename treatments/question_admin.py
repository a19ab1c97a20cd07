"""The editors' queue of readers' questions: read, answer, publish or decline."""

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, Q, Value, When
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .editing_forms import WordedForm
from .folded_search import FoldedSearch
from .history import one_change
from .list_filters import ConditionFilter, RelatedFilter
from .models import ReadersQuestion
from .permissions import EditedByEditors
from .record_pages import RecordPages
from .versions_admin import OptionalReason

Status = ReadersQuestion.Status
# A question is not our wording, and neither is what it asks after.
OUR_WORDS = ["answer"]
NEEDED_TO_PUBLISH = ("text_published", "answer", "signature", "answered_on")


class AnswerForm(WordedForm):
    """A question with its answer, and what is to become of it."""

    decision = forms.ChoiceField(
        label=_("Decision"),
        widget=forms.RadioSelect,
        help_text=_(
            "Nobody sees the question before it is published. A declined one is deleted some "
            "weeks later."
        ),
    )

    class Meta:
        widgets = {
            "text_published": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
            "answer": forms.Textarea(attrs={"rows": 10, "class": "vLargeTextField"}),
            "signature": forms.TextInput(attrs={"class": "vTextField"}),
            "reason_declined": forms.TextInput(attrs={"class": "vTextField"}),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        question = self.instance
        if "decision" not in self.fields:
            return
        self.fields["decision"].choices = [
            (
                Status.WAITING,
                _("Keep it waiting (an answer can be saved and finished later)")
                if question.status == Status.WAITING
                else _("Let it wait again"),
            ),
            (Status.PUBLISHED, _("Publish the question and its answer")),
            (Status.DECLINED, _("Decline it")),
        ]
        self.initial["decision"] = question.status
        if not question.text_published:
            self.initial["text_published"] = question.text_as_asked
        if not question.answered_on:
            self.initial["answered_on"] = timezone.localdate()

    def worded(self) -> list[str]:
        """Only the answer is read for words that sell: readers ask in their own words."""
        return [name for name in OUR_WORDS if name in self.fields]

    def clean(self):
        """Refuse to publish what has no signed answer, beside each field that is missing."""
        cleaned = super().clean()
        if cleaned.get("decision") == Status.PUBLISHED:
            for name in NEEDED_TO_PUBLISH:
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, _("Needed to publish the question."))
            if cleaned.get("answered_on") and cleaned["answered_on"] > timezone.localdate():
                self.add_error("answered_on", _("This day has not come yet."))
        if cleaned.get("decision") == Status.DECLINED and not cleaned.get("reason_declined"):
            self.add_error("reason_declined", _("Say why, in a few words. Only editors read it."))
        return cleaned


class StatusFilter(ConditionFilter):
    """Questions by status, the waiting ones first."""

    title = _("status")
    parameter_name = "status"

    def conditions(self):
        """Each status as an option."""
        return {code: (label, Q(status=code)) for code, label in Status.choices}


class ReadersQuestionAdmin(
    OptionalReason, EditedByEditors, FoldedSearch, RecordPages, admin.ModelAdmin
):
    """Waiting questions first, the oldest of them first. Readers alone add questions."""

    form = AnswerForm
    list_display = ["asked", "treatment", "asked_at", "status", "has_answer"]
    list_filter = [StatusFilter, ("treatment", RelatedFilter)]
    list_select_related = ["treatment"]
    search_fields = ["text_as_asked", "text_published", "answer", "treatment__name_folded"]
    actions = ["publish", "decline"]
    ordering = [
        Case(
            When(status=Status.WAITING, then=Value(0)),
            When(status=Status.PUBLISHED, then=Value(1)),
            default=Value(2),
        ),
        "asked_at",
        "pk",
    ]
    autocomplete_fields = ["sources"]
    readonly_fields = ["treatment", "text_as_asked", "asked_at", "status", "answered_by"]
    fieldsets = [
        (_("What was asked"), {"fields": ["treatment", "text_as_asked", "asked_at", "status"]}),
        (
            _("What readers will see"),
            {
                "fields": [
                    *("text_published", "name_shown", "answer", "sources"),
                    *("signature", "answered_on", "answered_by"),
                ]
            },
        ),
        (_("What becomes of it"), {"fields": ["decision", "reason_declined"]}),
    ]
    # Ours say that the history keeps what is deleted. Of a question it does not.
    delete_confirmation_template = "admin/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/delete_selected_confirmation.html"

    @admin.display(description=_("question"))
    def asked(self, question) -> str:
        """The beginning of what was asked."""
        return Truncator(question.text_as_asked).chars(120)

    @admin.display(description=_("answer"), boolean=True)
    def has_answer(self, question) -> bool:
        """Whether it could be published as it stands."""
        return not question.what_is_missing

    def has_add_permission(self, request):
        return False

    def view_on_site(self, question):
        """Its place on the page of the treatment, once it is published."""
        if question.status != Status.PUBLISHED or not question.treatment.is_published:
            return None
        return question.get_absolute_url()

    def changelist_view(self, request, extra_context=None):
        """Say in the title how many wait."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        waiting = ReadersQuestion.objects.waiting().count()
        title = ngettext(
            "Readers’ questions: %(count)d is waiting",
            "Readers’ questions: %(count)d are waiting",
            waiting,
        ) % {"count": waiting}
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def save_model(self, request, obj, form, change):
        """Store the answer and what was decided; to publish it is to answer for it."""
        decision = form.cleaned_data["decision"]
        if decision == Status.PUBLISHED:
            obj.publish(request.user)
        elif decision == Status.DECLINED:
            obj.decline(obj.reason_declined)
        else:
            obj.put_back()

    # --- Several at once, each time after a page that asks

    @admin.action(description=_("Publish selected questions"), permissions=["change"])
    def publish(self, request, queryset):
        """Ask first; then publish those that have a signed answer, and say which have none."""
        chosen = list(queryset.select_related("treatment"))
        ready = [q for q in chosen if not q.what_is_missing and q.status != Status.PUBLISHED]
        if "confirmed" not in request.POST:
            return self._ask(request, "publish", ready, [q for q in chosen if q not in ready])
        with one_change(request.user):
            for question in ready:
                question.publish(request.user)
                self.log_change(request, question, str(_("Published.")))
        self.message_user(
            request,
            ngettext("%(n)d question is published.", "%(n)d questions are published.", len(ready))
            % {"n": len(ready)},
            messages.SUCCESS,
        )
        return None

    @admin.action(description=_("Decline selected questions"), permissions=["change"])
    def decline(self, request, queryset):
        """Ask first, and why; then decline all of them."""
        chosen = list(queryset.select_related("treatment"))
        reason = request.POST.get("reason", "").replace("\0", "").strip()[:300]
        if "confirmed" not in request.POST or not reason:
            problem = _("Say why, in a few words.") if "confirmed" in request.POST else ""
            return self._ask(request, "decline", chosen, [], problem)
        with one_change(request.user):
            for question in chosen:
                question.decline(reason)
                self.log_change(request, question, str(_("Declined.")))
        self.message_user(
            request,
            ngettext("%(n)d question is declined.", "%(n)d questions are declined.", len(chosen))
            % {"n": len(chosen)},
            messages.SUCCESS,
        )
        return None

    def _ask(self, request, action, ready, left_out, problem="") -> TemplateResponse:
        titles = {
            "publish": _("Publish these questions?"),
            "decline": _("Decline these questions?"),
        }
        context = {
            **self.admin_site.each_context(request),
            "title": titles[action],
            "opts": self.opts,
            "action": action,
            "ready": ready,
            "left_out": left_out,
            "problem": problem,
            "checkbox_name": admin.helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/treatments/decide_questions.html", context)
