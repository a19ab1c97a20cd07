"""Who may sign in with a password, and how often somebody may try."""

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib.auth.backends import ModelBackend


class ThrottledSignIn(AxesStandaloneBackend):
    """Stops whoever has tried too often; see accounts/sign_in_throttle.py."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        """Let code that has no request pass: nobody guesses from inside a command."""
        if request is None:
            return None
        return super().authenticate(request, username=username, password=password, **kwargs)


class PasswordBackend(ModelBackend):
    """Django's own, but a demonstration account can sign in only while DEBUG is on.

    A session that such an account has already opened ends too: the same question is
    asked on each request.
    """

    def user_can_authenticate(self, user) -> bool:
        if user.is_demonstration and not settings.DEBUG:
            return False
        return super().user_can_authenticate(user)
