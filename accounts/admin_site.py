"""The admin as a whole: its name, who gets in, and the pages of one's own account."""

import functools

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from . import account_pages, two_factor
from .sessions import sessions_of

ABOUT_ACCOUNTS = ("accounts", "auth", "axes")
# What can be opened before the second step: turning it on, or passing it.
TURN_ON = "turn_on"
OWN_PAGES = [
    ("account/", account_pages.account, "account"),
    ("turn-on-second-step/", account_pages.turn_on, TURN_ON),
    ("turn-off-second-step/", account_pages.turn_off, "turn_off"),
    ("new-recovery-codes/", account_pages.new_codes, "new_codes"),
    ("end-sessions/", account_pages.end_sessions, "end_sessions"),
]


class MesoguideAdminSite(AdminSite):
    """Where editors and clinic staff work."""

    site_header = _("Mesoguide")
    site_title = _("Mesoguide admin")
    index_title = _("What you may edit")
    password_change_template = "accounts/password.html"  # noqa: S105  (a page, not a secret)

    def get_app_list(self, request, app_label=None):
        """Django's list, with what is about accounts last: it is opened least."""
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: app["app_label"] in ABOUT_ACCOUNTS)

    def has_permission(self, request) -> bool:
        """Whether somebody may work here: active, let in, and past the second step."""
        return super().has_permission(request) and not two_factor.is_missing(request)

    def admin_view(self, view, cacheable=False):
        """Send whoever owes the second step to it, from each page of the admin."""
        guarded = super().admin_view(view, cacheable)

        def inner(request, *args, **kwargs):
            if super(MesoguideAdminSite, self).has_permission(request) and two_factor.is_missing(
                request
            ):
                if request.path == reverse("admin:logout"):
                    return self.logout(request)
                return self.to_second_step(request)
            return guarded(request, *args, **kwargs)

        return functools.update_wrapper(inner, view)

    def own_page(self, view, name):
        """A page of one's own account, which only its owner sees and no browser keeps."""

        @never_cache
        @sensitive_post_parameters()
        def inner(request):
            if not super(MesoguideAdminSite, self).has_permission(request):
                return self.to_login(request)
            has_to_set_up = name == TURN_ON and not two_factor.app_of(request.user)
            if two_factor.is_missing(request) and not has_to_set_up:
                return self.to_second_step(request)
            return view(self, request)

        return inner

    def get_urls(self):
        """All routes of Django's but "view on site", and ours.

        That one redirects whoever may sign in to the address of any object of any model,
        a rival's draft among them. Our pages link to the address itself.
        """
        code = never_cache(functools.partial(account_pages.code_page, self))
        return [
            path("sign-in-code/", code, name="sign_in_code"),
            *(path(route, self.own_page(view, name), name=name) for route, view, name in OWN_PAGES),
            *(url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"),
        ]

    def to_login(self, request):
        """A redirect to the password, and afterwards to the page asked for."""
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))

    def to_second_step(self, request):
        """A redirect to the code, or to setting up an app for somebody who has none."""
        has_app = two_factor.app_of(request.user) is not None
        return redirect("admin:sign_in_code" if has_app else f"admin:{TURN_ON}")

    @method_decorator(never_cache)
    def login(self, request, extra_context=None):
        """Ask for name and password, as Django's own does; then perhaps for a code."""
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        context = {
            **self.each_context(request),
            "title": _("Sign in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        if REDIRECT_FIELD_NAME not in {*request.GET, *request.POST}:
            context[REDIRECT_FIELD_NAME] = reverse("admin:index")
        request.current_app = self.name
        return account_pages.PasswordPage.as_view(
            extra_context=context,
            authentication_form=AdminAuthenticationForm,
            template_name="admin/login.html",
        )(request)

    def password_change(self, request, extra_context=None):
        """Change one's own password; whoever is signed in with the old one elsewhere is not."""
        context = account_pages.frame(self, request, _("Change your password"))
        response = super().password_change(request, context | (extra_context or {}))
        if response.status_code == 302:
            sessions_of(request.user).exclude(pk=request.session.session_key).delete()
            messages.success(
                request, _("Your password is changed. You are signed out everywhere else.")
            )
        return response

    def password_change_done(self, request, extra_context=None):
        """Go back to one's account, which says that it is done."""
        return redirect("admin:account")
