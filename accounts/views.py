"""The pages of a forgotten password. Its link works once and passes no second step."""

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views
from django.contrib.auth.signals import user_login_failed
from django.utils.translation import gettext_lazy as _

from .account_pages import frame
from .sessions import sessions_of
from .sign_in_throttle import locked_page

# What the table of wrong tries has room for.
LONGEST_NAME = 255


class InAdminFrame:
    """A page in the frame of the admin, for somebody who is not in it."""

    def get_context_data(self, **kwargs):
        """Add what the frame prints."""
        context = frame(admin.site, self.request, str(self.title))
        return super().get_context_data(**kwargs) | context | {"has_permission": False}


class ForgottenPassword(InAdminFrame, views.PasswordResetView):
    """Ask for the mail. The answer is the same whether or not the address has an account.

    Asking counts as a wrong try for this address, so that nobody sends mails through us by
    the thousand.
    """

    title = _("Forgotten password")
    template_name = "accounts/forgotten_password.html"
    email_template_name = "accounts/mail/new_password.txt"
    subject_template_name = "accounts/mail/new_password_subject.txt"
    # The host of a link comes from the settings, never from a request.
    extra_email_context = {"site_url": settings.SITE_URL}

    def form_valid(self, form):
        """Refuse whoever asks too often."""
        asked = {"username": f"mail to {form.cleaned_data['email']}"[:LONGEST_NAME]}
        if not AxesProxyHandler.is_allowed(self.request, asked):
            return locked_page(self.request)
        user_login_failed.send(sender=__name__, credentials=asked, request=self.request)
        if self.request.axes_locked_out:
            return locked_page(self.request)
        return super().form_valid(form)


class PasswordMailSent(InAdminFrame, views.PasswordResetDoneView):
    """What happens next, the same for everybody."""

    title = _("Look into your mail")
    template_name = "accounts/password_mail_sent.html"


class NewPassword(InAdminFrame, views.PasswordResetConfirmView):
    """Choose the password. Whoever is signed in with the old one is not any more."""

    title = _("Choose a new password")
    template_name = "accounts/new_password.html"

    def form_valid(self, form):
        """Store it and end all sessions of this person."""
        response = super().form_valid(form)
        sessions_of(self.user).delete()
        return response


class NewPasswordSet(InAdminFrame, views.PasswordResetCompleteView):
    """The way on."""

    title = _("Your new password is set")
    template_name = "accounts/new_password_set.html"
