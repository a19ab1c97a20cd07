"""Who may sign in: clinic staff and editors. Patients never need an account."""

import hashlib

from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A member of clinic staff or an editor.

    It exists from the first migration because the user model cannot be exchanged
    later without rewriting every foreign key.
    """

    is_demonstration = models.BooleanField(
        _("demonstration account"),
        default=False,
        editable=False,
        help_text=_("Its password is public. It can sign in only while DEBUG is on."),
    )


class SignedInSession(AbstractBaseSession):
    """A session, and of whom. Without a person: a sign-in that has not got to its end.

    accounts/sessions.py writes it. Times are coarse, see `STEP` there.
    """

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    browser = models.CharField(max_length=30, blank=True)
    system = models.CharField(max_length=30, blank=True)
    signed_in_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta(AbstractBaseSession.Meta):
        default_permissions = ()

    def __str__(self):
        return self.reference

    @property
    def reference(self) -> str:
        """A name for forms to use: who reads it cannot use the session."""
        return hashlib.sha256(self.session_key.encode()).hexdigest()[:24]
