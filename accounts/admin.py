from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied

from .models import User


class PermissionBeforeExistence:
    """Django's history page looks for the object first, and so tells strangers if it exists."""

    def history_view(self, request, object_id, extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)


@admin.register(User)
class AccountAdmin(PermissionBeforeExistence, UserAdmin):
    """Accounts of editors and clinic staff. Only superusers have the permission."""


admin.site.unregister(Group)


@admin.register(Group)
class AccountGroupAdmin(PermissionBeforeExistence, GroupAdmin):
    """Groups of accounts."""
