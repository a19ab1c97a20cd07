"""The pages of signing in with a code and of one's own account, as the admin site serves them.

Each takes the admin site first, for the frame around it. Who may open them is asked in
accounts/admin_site.py.
"""

import secrets

from axes.handlers.proxy import AxesProxyHandler
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.views import LoginView
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from . import sign_in, two_factor
from .forms import CodeForm, FirstCodeForm, PasswordAndCodeForm
from .notices import tell
from .sessions import sessions_of
from .sign_in_throttle import locked_page

# The secret of an app that is being set up, in the session until a code has confirmed it.
NEW_SECRET = "second_step_secret"  # noqa: S105  (the name of a place, not a secret)


class PasswordPage(LoginView):
    """The first step. With a second one to come nobody is signed in yet."""

    def form_valid(self, form):
        """Go on to the code where the person has turned that on, else sign in."""
        user = form.get_user()
        if two_factor.app_of(user) is None:
            return super().form_valid(form)
        sign_in.begin(self.request, user, self.get_success_url())
        return redirect("admin:sign_in_code")


def frame(site, request, title: str) -> dict:
    """The context of a page of this module: the admin's, without its list of what to edit."""
    return {
        **site.each_context(request),
        "title": title,
        "available_apps": [],
        "is_nav_sidebar_enabled": False,
    }


def is_locked(request, user) -> bool:
    """Whether this person has made too many wrong tries here, of whatever kind."""
    credentials = {get_user_model().USERNAME_FIELD: user.get_username()}
    return not AxesProxyHandler.is_allowed(request, credentials)


def code_page(site, request):
    """The second step of a sign-in. Somebody without a first one is sent to it."""
    user, goal = sign_in.person(request), "admin:index"
    if user is not None:
        goal = sign_in.next_page(request)
    elif two_factor.is_missing(request):
        if two_factor.app_of(request.user) is None:
            return site.to_second_step(request)
        # The step was turned on elsewhere while this session was open.
        user = request.user
    if user is None:
        return site.to_login(request)
    if request.method == "POST" and is_locked(request, user):
        return locked_page(request)
    form = CodeForm(request.POST or None, request=request, user=user)
    if form.is_valid():
        sign_in.finish(request, user, form.device)
        left = two_factor.recovery_codes_left(user)
        if form.device.name != two_factor.APP and left < two_factor.FEW_CODES:
            messages.warning(
                request, _("Few recovery codes are left: %(left)d. Make new ones.") % {"left": left}
            )
        return redirect(goal)
    context = frame(site, request, _("Your code")) | {"form": form, "has_permission": False}
    return render(request, "accounts/code.html", context)


def account(site, request):
    """One's own account: the second step, and where one is signed in."""
    user = request.user
    app = two_factor.app_of(user)
    context = frame(site, request, _("Your account")) | {
        "app": app,
        "is_required": two_factor.is_required_of(user),
        "codes_left": two_factor.recovery_codes_left(user) if app else 0,
        "sessions": sessions_of(user),
        "current_key": request.session.session_key,
    }
    return render(request, "accounts/account.html", context)


def turn_on(site, request):
    """Set up an app: show its secret, and store it once a code proves that the app has it."""
    user = request.user
    if two_factor.app_of(user):
        return redirect("admin:account")
    key = request.session.get(NEW_SECRET)
    if key is None:
        key = request.session[NEW_SECRET] = secrets.token_hex(two_factor.SECRET_BYTES)
    secret = two_factor.AppSecret(user, key)
    form = FirstCodeForm(request.POST or None, secret=secret)
    if form.is_valid():
        del request.session[NEW_SECRET]
        sign_in.finish(request, user, form.device)
        sessions_of(user).exclude(pk=request.session.session_key).delete()
        tell(user, "second_step_on")
        return codes_page(site, request, user, is_new=True)
    context = frame(site, request, _("Turn on the second step")) | {
        "form": form,
        "secret": secret,
        "is_required": two_factor.is_required_of(user),
    }
    return render(request, "accounts/turn_on.html", context)


def codes_page(site, request, user, *, is_new: bool):
    """Show new recovery codes, the one time that they can be read."""
    context = frame(site, request, _("Your recovery codes")) | {
        "codes": two_factor.new_recovery_codes(user),
        "is_new": is_new,
    }
    return render(request, "accounts/recovery_codes.html", context)


def new_codes(site, request):
    """Make recovery codes anew, for whoever gives password and code."""
    form = _password_and_code(request)
    if form is None:
        return locked_page(request)
    if form.is_valid():
        tell(request.user, "new_recovery_codes")
        return codes_page(site, request, request.user, is_new=False)
    context = frame(site, request, _("Make new recovery codes")) | {"form": form}
    return render(request, "accounts/new_codes.html", context)


def turn_off(site, request):
    """Turn the second step off, for whoever gives password and code."""
    form = _password_and_code(request)
    if form is None:
        return locked_page(request)
    if form.is_valid():
        two_factor.turn_off(request.user)
        tell(request.user, "second_step_off")
        messages.success(request, _("The second step is off."))
        return redirect("admin:account")
    context = frame(site, request, _("Turn off the second step")) | {
        "form": form,
        "is_required": two_factor.is_required_of(request.user),
    }
    return render(request, "accounts/turn_off.html", context)


def _password_and_code(request):
    if request.method == "POST" and is_locked(request, request.user):
        return None
    return PasswordAndCodeForm(request.POST or None, request=request, user=request.user)


def end_sessions(site, request):
    """Sign out one of one's other browsers, or all of them. Only by POST; never this one."""
    if request.method == "POST":
        others = sessions_of(request.user).exclude(pk=request.session.session_key)
        asked = request.POST.get("session", "")
        chosen = [session.pk for session in others if asked in ("others", session.reference)]
        others.filter(pk__in=chosen).delete()
        if chosen:
            messages.success(request, _("Signed out there."))
    return redirect("admin:account")
