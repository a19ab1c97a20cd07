"""Who may sign in with a password."""

from django.conf import settings
from django.contrib.auth.backends import ModelBackend


class PasswordBackend(ModelBackend):
    """Django's own, but a demonstration account can sign in only while DEBUG is on.

    A session that such an account has already opened ends too: the same question is
    asked on each request.
    """

    def user_can_authenticate(self, user) -> bool:
        if user.is_demonstration and not settings.DEBUG:
            return False
        return super().user_can_authenticate(user)
