"""Who is an editor: the one question that the admin of every app asks.

The tables of permissions that Django keeps are not used: somebody is an editor, who
may change all listings and all knowledge, or is not. A moderator decides on what others have
sent in, and changes neither knowledge nor accounts. Users and groups themselves stay with
superusers.
"""

from django.core.exceptions import PermissionDenied

EDITORS, MODERATORS = "Editors", "Moderators"


def is_editor(user) -> bool:
    """Whether this person may edit everything: a superuser, or in the group "Editors".

    Costs one query for the first question about a user object, none after it. A user
    object lives for one request, so a loss of rights counts from the next request on.
    """
    if not user.is_active:
        return False
    if user.is_superuser:
        return True
    if not hasattr(user, "in_group_of_editors"):
        user.in_group_of_editors = user.groups.filter(name=EDITORS).exists()
    return user.in_group_of_editors


def is_moderator(user) -> bool:
    """Whether this person may decide on what others have sent in: editors too.

    Costs one query for the first question about a user object besides that of `is_editor`.
    """
    if is_editor(user):
        return True
    if not user.is_active:
        return False
    if not hasattr(user, "in_group_of_moderators"):
        user.in_group_of_moderators = user.groups.filter(name=MODERATORS).exists()
    return user.in_group_of_moderators


class EditedByEditors:
    """For a ModelAdmin or an inline: editors may do everything, nobody else sees it."""

    def has_module_permission(self, request):
        return is_editor(request.user)

    def has_view_permission(self, request, obj=None):
        return is_editor(request.user)

    def has_add_permission(self, request, obj=None):
        return is_editor(request.user)

    def has_change_permission(self, request, obj=None):
        return is_editor(request.user)

    def has_delete_permission(self, request, obj=None):
        return is_editor(request.user)

    def history_view(self, request, object_id, extra_context=None):
        """Ask for permission first: Django looks for the object first, and tells if it exists."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)
