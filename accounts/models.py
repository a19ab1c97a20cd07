"""Who may sign in: clinic staff and editors. Patients never need an account."""

from django.contrib.auth.models import AbstractUser
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
