"""The history of a listing in the admin: its own people may read it, editors may go back."""

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from treatments.versions import user_name
from treatments.versions_admin import OptionalReason, ReasonForm

from .models import Clinic, Membership, Photo
from .permissions import is_editor, may_edit

# How many lines about people and claims stand below the versions.
MOST_NOTES = 50
# A change of memberships as Django's log of a form has it, in no language but this.
ABOUT_MEMBERS = f'"name": "{Membership._meta.verbose_name}"'


class NameForReader:
    """What people are called in the history of one clinic, for one reader.

    Editors read every user name. Staff read those of their colleagues and their own; of all
    others only whether it was an editor. Two queries, and one for each stranger.
    """

    def __init__(self, reader, clinic_id):
        self.reader = reader
        self.colleagues = set(
            Membership.objects.filter(clinic=clinic_id).values_list("user", flat=True)
        )
        self.strangers: dict[int, str] = {}

    def __call__(self, user) -> str:
        """The name, or a description, of a user."""
        if is_editor(self.reader) or user.pk == self.reader.pk or user.pk in self.colleagues:
            return user_name(user)
        if user.pk not in self.strangers:
            self.strangers[user.pk] = (
                gettext("an editor") if is_editor(user) else gettext("somebody who has left")
            )
        return self.strangers[user.pk]


class ListingReasonForm(ReasonForm):
    """The reason of a change to a listing. To hide a clinic from patients needs one."""

    def clean(self):
        """Ask why a published clinic is suspended."""
        cleaned = super().clean()
        was_published = self.initial.get("status") == Clinic.Status.PUBLISHED
        is_suspended = cleaned.get("status") == Clinic.Status.SUSPENDED
        if was_published and is_suspended and not cleaned.get("change_reason"):
            self.add_error(
                "change_reason", _("Patients can see this clinic now. Say why you suspend it.")
            )
        return cleaned


class ListingHistory(OptionalReason):
    """For pages of what belongs to a clinic: only those who may edit the clinic see its history.

    What was deleted is still that clinic's; a rival's history looks like one that never was.
    """

    reason_form = ListingReasonForm
    reason_help = _(
        "May be left empty. Whoever reviews the change reads it, and it is kept in the history of "
        "the clinic."
    )

    def form_for(self, request) -> type:
        """That of staff, where there is one; see `SafeEditing`, which the page is too."""
        return super(OptionalReason, self).form_for(request)

    def clinic_of_versions(self, key, row):
        """The primary key of the clinic of a row, which may be gone; None if it never was."""
        if self.model is Clinic:
            return key
        if row:
            return getattr(row, self.clinic_id_attribute)
        versions = self.model.history.filter(**{self.opts.pk.attname: key})
        return versions.values_list(self.clinic_id_attribute, flat=True).first()

    def may_see_history(self, request, key, row) -> bool:
        """By the clinic's key, so that it does not matter whether the row is still there."""
        return may_edit(request.user, self.clinic_of_versions(key, row))

    def may_return(self, request) -> bool:
        """Staff read. Going back may undo what our checks depend on, so it is for editors."""
        return is_editor(request.user)

    def seen_versions(self, request, key, row) -> dict:
        """Names as the reader may know them; nothing from a time at another clinic."""
        clinic_id = self.clinic_of_versions(key, row)
        seen = {"name_of": NameForReader(request.user, clinic_id)}
        if self.model is not Clinic and not is_editor(request.user):
            seen["within"] = Q(clinic=clinic_id)
        return seen

    def history_view(self, request, object_id, extra_context=None):
        """Say also what happened to its people: they are no part of the versions."""
        notes = self.notes_of(request, object_id) if self.model is Clinic else []
        return super().history_view(request, object_id, {"notes": notes} | (extra_context or {}))

    def notes_of(self, request, object_id) -> list[dict]:
        """When, who and what, from Django's own log: what no version of a row tells.

        Memberships and claims; neither forms, nor what versions have as their reason. One query,
        and those of the names. Nothing for somebody who may not see the clinic.
        """
        if not object_id.isdecimal() or not may_edit(request.user, int(object_id)):
            return []
        entries = LogEntry.objects.filter(
            content_type=get_content_type_for_model(Clinic), object_id=object_id
        )
        reasons = Clinic.history.filter(id=object_id).values("history_change_reason")
        # Django writes what a form did as a list, and what a program says as it is.
        told = entries.exclude(change_message="").exclude(change_message__in=reasons)
        told = told.filter(
            ~Q(change_message__startswith="[") | Q(change_message__contains=ABOUT_MEMBERS)
        )
        name_of = NameForReader(request.user, int(object_id))
        return [
            {"when": entry.action_time, "who": name_of(entry.user), "what": entry}
            for entry in told.select_related("user")[:MOST_NOTES]
        ]


class ClinicHistory(ListingHistory):
    """The same for the clinic itself, which only editors delete."""

    delete_confirmation_template = "admin/clinics/clinic/delete_confirmation.html"

    def needs_reason_to_delete(self, row) -> bool:
        """Whether patients see it."""
        return row.is_published

    def delete_view(self, request, object_id, extra_context=None):
        """Say what the history cannot bring back."""
        photos = Photo.objects.filter(clinic=object_id) if object_id.isdecimal() else ()
        lost = {"photos_lost": len(photos)}
        return super().delete_view(request, object_id, lost | (extra_context or {}))
