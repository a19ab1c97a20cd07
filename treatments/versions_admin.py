"""Pages of the admin for what has versions: each change with its reason, and the way back."""

from django import forms
from django.contrib import messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_protect

from .history import CHANGED, has_versions, linked_fields, one_change
from .versions import compare, parts_of, return_to, user_name, version, versions_of

LONGEST_REASON = 500
# So that a page of many rows can show this part of its form below them.
CLASS_OF_REASON = "this-change"


def reason_in(request) -> str:
    """What was written into the box "why" of a page that is no form of Django's."""
    return request.POST.get("change_reason", "").replace("\0", "").strip()[:LONGEST_REASON]


class VersionPages:
    """For a ModelAdmin whose model has versions: all that a press of a button does is one change.

    Who may see the history and who may go back is asked of `may_see_history` and `may_return`;
    a history that somebody may not see looks like one that is not there.
    """

    versions_per_page = 50
    delete_confirmation_template = "admin/treatments/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/treatments/delete_selected_confirmation.html"

    # --- Whose, and what is needed

    def may_see_history(self, request, key, row) -> bool:
        """Whether this person may see the versions of the row with this key; it may be gone."""
        return True

    def may_return(self, request) -> bool:
        """Whether this person may make a row again what it was."""
        return self.has_change_permission(request)

    def seen_versions(self, request, key, row) -> dict:
        """What `versions_of` should leave out or name another way for this person."""
        return {"name_of": user_name}

    def needs_reason_to_delete(self, row) -> bool:
        """Whether a row may only be deleted with a reason."""
        return False

    # --- Saving

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Write all that one press of the button changes as one change."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        with one_change(request.user) as change:
            request.change_under_way = change
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_form(self, request, form, change):
        """Tell the history why."""
        request.change_under_way.reason = form.cleaned_data.get("change_reason", "")
        return super().save_form(request, form, change)

    # --- Deleting

    def delete_view(self, request, object_id, extra_context=None):
        """Ask why before something is deleted."""
        if request.method != "POST":
            return super().delete_view(request, object_id, extra_context)
        reason = reason_in(request)
        row = self.get_object(request, unquote(object_id))
        allowed = row and self.has_delete_permission(request, row)
        if allowed and self.needs_reason_to_delete(row) and not reason:
            self.message_user(request, _("Say why you delete this."), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        with one_change(request.user, reason) as change:
            request.change_under_way = change
            return super().delete_view(request, object_id, extra_context)

    def get_actions(self, request):
        """With our own way to delete several rows at once: it asks why."""
        actions = super().get_actions(request)
        if "delete_selected" in actions:
            _theirs, name, description = actions["delete_selected"]
            actions["delete_selected"] = (type(self).delete_with_reason, name, description)
        return actions

    def delete_with_reason(self, request, queryset):
        """Django's own "delete selected", as one change with a reason."""
        reason = reason_in(request)
        is_confirmed = bool(request.POST.get("post"))
        if is_confirmed and not reason and any(map(self.needs_reason_to_delete, queryset)):
            self.message_user(request, _("Say why you delete these."), messages.ERROR)
            # Django's action shows its page, and deletes nothing, when it is not confirmed.
            request.POST = request.POST.copy()
            del request.POST["post"]
        with one_change(request.user, reason) as change:
            request.change_under_way = change
            return delete_selected(self, request, queryset)

    def delete_model(self, request, obj):
        """Note those too that refer to the row, for they lose it."""
        self.keep_what_goes(request.change_under_way, [obj])
        super().delete_model(request, obj)

    def delete_queryset(self, request, queryset):
        """Note those too that refer to one of the rows, for they lose it."""
        self.keep_what_goes(request.change_under_way, list(queryset))
        super().delete_queryset(request, queryset)

    def keep_what_goes(self, change, rows):
        """Before these rows are deleted, with their parts and the links of others to them."""
        keys = [row.pk for row in rows]
        change.keep_before(self.model, keys)
        for part, column in parts_of(self.model).values():
            going = part._base_manager.filter(**{f"{column}__in": keys})
            change.keep_before(part, going.values_list("pk", flat=True))
        for relation in self.opts.get_fields(include_hidden=True):
            if relation.many_to_many and relation.auto_created and relation.concrete is False:
                owner = relation.related_model
                if has_versions(owner) and relation.field in linked_fields(owner):
                    about = {f"{relation.field.name}__in": rows}
                    losing = list(owner._base_manager.filter(**about).distinct())
                    change.keep_before(owner, [row.pk for row in losing])
                    for row in losing:
                        change.note(row, CHANGED)

    # --- History

    def get_urls(self):
        """One more page: a version, beside what is stored now."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_version"
        view = self.admin_site.admin_view(csrf_protect(self.version_view))
        route = "<path:object_id>/history/<str:part>/<str:number>/"
        return [path(route, view, name=name), *super().get_urls()]

    def history_view(self, request, object_id, extra_context=None):
        """Who changed what, when and why, the newest first; of a deleted row too."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key, row = self.key_and_row(request, object_id)
        found = versions_of(self.model, key, **self.seen_versions(request, key, row))
        if not found and row is None:
            raise Http404
        own = [one for one in found if one.part == self.opts.model_name]
        context = {
            **self.history_context(request, object_id, row, own or found),
            "page": Paginator(found, self.versions_per_page).get_page(request.GET.get("p")),
            "to_bring_back": next((one for one in own if one.can_return and not row), None),
            **(extra_context or {}),
        }
        context["title"] = _("History: %(name)s") % {"name": context["name"]}
        return TemplateResponse(request, "admin/treatments/versions.html", context)

    def version_view(self, request, object_id, part, number):
        """One version beside what is stored now, and the way back to it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        key, row = self.key_and_row(request, object_id)
        seen = self.seen_versions(request, key, row)
        shown = version(self.model, key, part, number, **seen)
        if shown is None:
            raise Http404
        context = {
            **self.history_context(request, object_id, row, [shown]),
            "title": _("An earlier version"),
            "shown": shown,
            "differences": compare(shown, seen["name_of"]),
        }
        if request.method == "POST":
            if not self.may_return(request):
                raise PermissionDenied
            if shown.can_return and self.go_back(request, shown, context):
                return HttpResponseRedirect(context["history_url"])
        return TemplateResponse(request, "admin/treatments/version.html", context)

    def go_back(self, request, shown, context) -> bool:
        """Make the row what it was in this version; whether that was done, else why not."""
        reason = reason_in(request)
        context["reason"] = reason
        if not reason:
            context["problems"] = [_("Say why you go back to it.")]
            return False
        try:
            with transaction.atomic():
                returned = return_to(shown, user=request.user, reason=reason)
        except ValidationError as error:
            context["problems"] = error.messages
            return False
        self.message_user(request, _("It is again as it was."), messages.SUCCESS)
        if returned.parts:
            said = ngettext(
                "%(count)d part of it came back too.",
                "%(count)d parts of it came back too.",
                returned.parts,
            )
            self.message_user(request, said % {"count": returned.parts}, messages.SUCCESS)
        for line in returned.lost:
            said = _("This did not come back. %(what)s") % {"what": line}
            self.message_user(request, said, messages.WARNING)
        return True

    def key_and_row(self, request, object_id):
        """The primary key in an address, and the row if there still is one.

        Raises Http404 for what is no key, and for a row that this person may not see.
        """
        try:
            key = self.opts.pk.to_python(unquote(object_id))
        except ValidationError as error:
            raise Http404 from error
        row = self.get_object(request, unquote(object_id))
        if not self.may_see_history(request, key, row):
            raise Http404
        return key, row

    def history_context(self, request, object_id, row, found) -> dict:
        """What both pages of the history need."""
        prefix = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": row,
            "name": str(row or found[0].name),
            "may_return": self.may_return(request),
            "list_url": reverse(f"{prefix}_changelist"),
            "row_url": reverse(f"{prefix}_change", args=[object_id]) if row else "",
            "history_url": reverse(f"{prefix}_history", args=[object_id]),
        }


class ReasonForm(forms.ModelForm):
    """A form with one more box: why. See `OptionalReason`."""

    change_reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


class OptionalReason(VersionPages):
    """Pages on which a reason may be given, and is asked for where `reason_form` says so."""

    reason_form = ReasonForm
    reason_help = _("May be left empty. Kept in the history.")

    def asks_why(self, request) -> bool:
        """Whether the page has the box for this person."""
        return True

    def form_for(self, request) -> type[forms.ModelForm]:
        """The page's own form, for this person."""
        return self.form

    def get_form(self, request, obj=None, change=False, **kwargs):
        """That form, with the box."""
        if not self.asks_why(request):
            return super().get_form(request, obj, change, **kwargs)
        form = kwargs.get("form") or self.form_for(request)
        if not issubclass(form, self.reason_form):
            kwargs["form"] = type(form.__name__, (self.reason_form, form), {})
        form = super().get_form(request, obj, change, **kwargs)
        if "change_reason" in form.base_fields:
            form.base_fields["change_reason"].help_text = self.reason_help
        return form

    def get_fieldsets(self, request, obj=None):
        """What the page has, and the change's own field at the end."""
        fieldsets = super().get_fieldsets(request, obj)
        return self.with_reason(fieldsets) if self.asks_why(request) else fieldsets

    def with_reason(self, fieldsets) -> list:
        """The fieldsets and one for the reason, whatever fields they have."""
        own = [
            (title, options | {"fields": without_reason(options["fields"])})
            for title, options in fieldsets
        ]
        about = {"fields": ["change_reason"], "classes": [CLASS_OF_REASON]}
        return [*own, (_("This change"), about)]


def without_reason(fields) -> list:
    """Names of fields, some in rows, without that of the reason."""
    return [name for name in fields if name != "change_reason"]
