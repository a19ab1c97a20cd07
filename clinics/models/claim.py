"""How somebody comes to work on a listing: they claim it, or are invited by its owner."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .clinic import Clinic, Membership


class ClaimRequest(models.Model):
    """Somebody's word that a listing is of their clinic, until an editor has decided on it.

    It gives no rights by itself; clinics/claims.py says how it comes to give some.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("declined")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="claims")
    name = models.CharField(_("name"), max_length=120)
    position = models.CharField(_("position at the clinic"), max_length=120)
    email = models.EmailField(_("e-mail address"))
    registration_number = models.CharField(
        _("registration number"),
        max_length=60,
        help_text=_("Of the clinic or of its lead clinician, as on the register."),
    )
    evidence = models.TextField(_("other evidence"), blank=True, max_length=2000)
    is_email_at_clinic = models.BooleanField(
        _("address at the clinic’s own website"),
        default=False,
        help_text=_("Decided when the claim was made, by the website that was stored then."),
    )
    email_confirmed_at = models.DateTimeField(
        _("address confirmed"),
        null=True,
        help_text=_("When the link that was sent to that address was followed and confirmed."),
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    reason = models.TextField(_("reason"), blank=True, max_length=1000)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    # Of the form, so that sending it twice makes one claim.
    form_key = models.CharField(max_length=40, unique=True, editable=False)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("claim of a listing")
        verbose_name_plural = _("claims of listings")
        indexes = [models.Index(fields=["status", "created_at"], name="claim_status_created")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="waiting", decided_at__isnull=True)
                | (~Q(status="waiting") & Q(decided_at__isnull=False)),
                name="claim_decided_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="declined") | ~Q(reason=""),
                name="claim_declined_has_reason",
            ),
        ]

    def __str__(self):
        return f"{self.clinic}: {self.name}"

    @property
    def is_confirmed(self) -> bool:
        """Whether its address was confirmed."""
        return self.email_confirmed_at is not None

    @property
    def is_supported(self) -> bool:
        """Whether there is anything for an editor to go by: a confirmed address, or a text."""
        return self.is_confirmed or bool(self.evidence)


class InvitationQuerySet(models.QuerySet):
    def open(self):
        """Neither accepted nor taken back, and not expired."""
        return self.filter(
            accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now()
        )


class Invitation(models.Model):
    """That an owner asks the reader of one address to work on a listing.

    The link in the mail names this row and is signed; see clinics/claims.py.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(
        _("role"),
        max_length=10,
        choices=Membership.Role.choices,
        default=Membership.Role.STAFF,
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("sent"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    revoked_at = models.DateTimeField(_("taken back"), null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self):
        return f"{self.clinic}: {self.email}"

    @property
    def is_open(self) -> bool:
        """The same meaning as `InvitationQuerySet.open()`."""
        is_done = self.accepted_at or self.revoked_at
        return not is_done and self.expires_at > timezone.now()
