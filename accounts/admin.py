from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from . import two_factor
from .models import User
from .notices import tell
from .sessions import sessions_of


class PermissionBeforeExistence:
    """Django's history page looks for the object first, and so tells strangers if it exists."""

    def history_view(self, request, object_id, extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)


@admin.register(User)
class AccountAdmin(PermissionBeforeExistence, UserAdmin):
    """Accounts of editors and clinic staff. Only superusers have the permission."""

    actions = ["remove_second_step", "sign_out"]
    list_display = ["username", "email", "first_name", "last_name", "is_active", "last_login"]
    list_filter = ["is_active", "is_superuser", "groups", "is_demonstration"]
    list_per_page = 50
    show_facets = admin.ShowFacets.ALWAYS
    show_full_result_count = False

    @admin.action(description=_("Remove the second step (telephone lost)"), permissions=["change"])
    def remove_second_step(self, request, queryset):
        """Let people set up an app anew; what they are signed in to ends."""
        for user in queryset:
            two_factor.turn_off(user)
            sessions_of(user).exclude(pk=request.session.session_key).delete()
            tell(user, "second_step_off")
            self.log_change(request, user, str(_("Second step removed.")))
        self.message_user(request, _("They set up an app when they next sign in."))

    @admin.action(description=_("Sign out everywhere"), permissions=["change"])
    def sign_out(self, request, queryset):
        """End all sessions of these people, but the one that asks."""
        for user in queryset:
            sessions_of(user).exclude(pk=request.session.session_key).delete()
            self.log_change(request, user, str(_("Signed out everywhere.")))
        self.message_user(request, _("They are signed out."), messages.SUCCESS)


admin.site.unregister(Group)


@admin.register(Group)
class AccountGroupAdmin(PermissionBeforeExistence, GroupAdmin):
    """Groups of accounts."""


# Their pages would show the secrets of other people's apps.
admin.site.unregister([TOTPDevice, StaticDevice])


@admin.register(AccessAttempt)
class WrongTriesAdmin(PermissionBeforeExistence, admin.ModelAdmin):
    """Wrong passwords and codes of the last minutes. Deleting a row lets that person try again."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time"]
    search_fields = ["username", "ip_address"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["username", "ip_address", "user_agent", "failures_since_start", "attempt_time"]
    readonly_fields = fields

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
