"""What a patient asks a clinic, what becomes of it, and the notices that wait to be sent.

Whatever could say who the patient is or what for they ask is sealed (clinics/sealed_text.py);
the plain columns say only which clinic, when, and how far it has come.
"""

from functools import reduce
from operator import or_

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .claim import ClaimRequest, Invitation
from .clinic import Clinic
from .place import Language


class Enquiry(models.Model):
    """One request of one patient to one clinic.

    `sealed` holds name, e-mail, telephone, treatment, language, time and message. Of the
    patient's private link and of the key that a form sends along, only hashes are kept.
    """

    class Status(models.TextChoices):
        NEW = "new", _("new")
        READ = "read", _("read")
        ANSWERED = "answered", _("answered")
        CLOSED = "closed", _("closed")

    reference = models.CharField(max_length=12, unique=True, editable=False)
    # Not deleted along with its clinic: somebody waits for an answer.
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="enquiries", editable=False)
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.NEW, editable=False
    )
    sealed = models.TextField(editable=False)
    consent_version = models.CharField(max_length=20, editable=False)
    consent_digest = models.CharField(
        max_length=64, editable=False, help_text=_("SHA-256 of the words that were agreed to.")
    )
    form_key_hash = models.CharField(max_length=64, unique=True, editable=False)
    link_hash = models.CharField(max_length=64, unique=True, editable=False)
    sent_at = models.DateTimeField(default=timezone.now, editable=False)
    # Empty while it is not the clinic's turn.
    waiting_since = models.DateTimeField(null=True, editable=False)
    first_answered_at = models.DateTimeField(null=True, editable=False)
    delete_after = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["-sent_at", "-pk"]
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        indexes = [
            models.Index(fields=["clinic", "status"], name="enquiry_clinic_status"),
            models.Index(fields=["delete_after"], name="enquiry_delete_after"),
        ]

    def __str__(self):
        return self.reference

    @property
    def is_open(self) -> bool:
        """Whether the clinic has not closed it."""
        return self.status != self.Status.CLOSED


class EnquiryEntry(models.Model):
    """Something added to a request: by the patient, as the clinic's answer, or as its own note."""

    class Kind(models.TextChoices):
        ADDITION = "addition", _("added by the patient")
        ANSWER = "answer", _("answer of the clinic")
        NOTE = "note", _("note for the clinic only")

    enquiry = models.ForeignKey(Enquiry, models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    sealed = models.TextField()
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["written_at", "pk"]
        verbose_name = _("entry of a request")
        verbose_name_plural = _("entries of requests")

    def __str__(self):
        return f"{self.enquiry} · {self.get_kind_display()}"


class EnquiryReading(models.Model):
    """That somebody saw the patient's words, when and how. Goes when the request goes."""

    class Way(models.TextChoices):
        PAGE = "page", _("on its page")
        EXPORT = "export", _("in an export")

    enquiry = models.ForeignKey(Enquiry, models.CASCADE, related_name="readings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    way = models.CharField(max_length=10, choices=Way.choices)
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-read_at", "-pk"]
        verbose_name = _("reading of a request")
        verbose_name_plural = _("readings of requests")

    def __str__(self):
        return f"{self.enquiry} · {self.read_at:%Y-%m-%d %H:%M}"


class ReplyTemplate(models.Model):
    """An answer that a clinic has prepared, in one language."""

    clinic = models.ForeignKey(
        Clinic,
        models.CASCADE,
        related_name="reply_templates",
        help_text=_("Whose inbox offers it."),
    )
    language = models.ForeignKey(
        Language,
        models.PROTECT,
        related_name="+",
        help_text=_("What it is written in. Patients who chose this language get it first."),
    )
    title = models.CharField(max_length=80, help_text=_("For yourselves; patients do not see it."))
    text = models.TextField(
        max_length=3000,
        help_text=_("You can change it before each answer. Write no patient’s name here."),
    )

    class Meta:
        ordering = ["clinic", "language", "title"]
        verbose_name = _("prepared answer")
        verbose_name_plural = _("prepared answers")
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "language", "title"],
                name="reply_template_once_a_title",
                violation_error_message=_("There is an answer of this title in this language."),
            )
        ]

    def __str__(self):
        return self.title


# The columns of a notice that may say what it is about.
NOTICE_ABOUT = ("enquiry", "claim", "invitation", "clinic")


class OutgoingNotice(models.Model):
    """An e-mail that must be sent: its kind, what it is about and to whom.

    Written in the same transaction as what it is about; clinics/outbox.py sends it. What it says is
    made when it is sent, by clinics/mails.py, which also knows the address: that of `user`, or
    the one that belongs to what it is about.
    """

    class Kind(models.TextChoices):
        NEW = "new", _("a new request")
        ADDITION = "addition", _("the patient added something")
        ANSWER = "answer", _("the clinic answered")
        CLAIM_CONFIRM = "claim-confirm", _("confirm the address of a claim")
        CLAIM_APPROVED = "claim-approved", _("a claim was approved")
        CLAIM_DECLINED = "claim-declined", _("a claim was declined")
        INVITATION = "invitation", _("an invitation")
        PRICES_AGEING = "prices", _("prices get old")
        CHANGES_DECIDED = "changes", _("changes were decided on")
        CORRECTION = "correction", _("a reader says that something is wrong")

    kind = models.CharField(max_length=20, choices=Kind.choices)
    # What it is about: one of these.
    enquiry = models.ForeignKey(Enquiry, models.CASCADE, null=True, related_name="notices")
    claim = models.ForeignKey(ClaimRequest, models.CASCADE, null=True, related_name="notices")
    invitation = models.ForeignKey(Invitation, models.CASCADE, null=True, related_name="notices")
    clinic = models.ForeignKey(Clinic, models.CASCADE, null=True, related_name="notices")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    # The name of an error, never its words: a mail server may repeat what it was sent.
    last_error = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["due_at", "pk"]
        verbose_name = _("outgoing notice")
        verbose_name_plural = _("outgoing notices")
        indexes = [
            models.Index(fields=["due_at"], condition=Q(sent_at__isnull=True), name="notice_due")
        ]
        constraints = [
            models.CheckConstraint(
                condition=reduce(
                    or_,
                    (
                        Q(**{f"{name}__isnull": name != about for name in NOTICE_ABOUT})
                        for about in NOTICE_ABOUT
                    ),
                ),
                name="notice_is_about_one_thing",
            )
        ]

    def __str__(self):
        return f"{self.about} · {self.get_kind_display()}"

    @property
    def about(self) -> models.Model:
        """The request, claim, invitation or clinic that it is about."""
        return self.enquiry or self.claim or self.invitation or self.clinic
