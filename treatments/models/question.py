"""What readers ask about a treatment, and what an editor answers."""

import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..history import Versions
from .source import Source
from .treatment import Treatment

# How long a question is kept that nobody has answered, and one that was declined.
WAITING_DAYS = 180
DECLINED_DAYS = 30


class ReadersQuestionQuerySet(models.QuerySet):
    def published(self):
        """What the public sees of published treatments, the latest answer first."""
        return self.filter(
            status=ReadersQuestion.Status.PUBLISHED, treatment__is_published=True
        ).order_by("-answered_on", "-pk")

    def waiting(self):
        """What an editor has still to read, the oldest first."""
        return self.filter(status=ReadersQuestion.Status.WAITING).order_by("asked_at", "pk")

    def to_be_forgotten(self, now: datetime.datetime):
        """What is no longer kept: too long without an answer, or declined and past its time."""
        return self.filter(
            Q(
                status=ReadersQuestion.Status.WAITING,
                asked_at__lt=now - datetime.timedelta(days=WAITING_DAYS),
            )
            | Q(
                status=ReadersQuestion.Status.DECLINED,
                decided_at__lt=now - datetime.timedelta(days=DECLINED_DAYS),
            )
        )


class ReadersQuestion(models.Model):
    """A question from somebody who has no account. Nobody sees it before an editor publishes it.

    Who asked is not stored: no address of any kind, only the name that the person chose to
    show. Its history begins when it is published, without what the person wrote, and loses the
    question as published when the row is deleted; its name as an object says nothing of the
    text: what is forgotten must be gone everywhere.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        PUBLISHED = "published", _("published")
        DECLINED = "declined", _("declined")

    MOST_LETTERS = 600

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="readers_questions")
    text_as_asked = models.TextField(_("as it was asked"))
    name_shown = models.CharField(
        max_length=40, blank=True, help_text=_("What the reader wants to be called. May be empty.")
    )
    asked_at = models.DateTimeField(default=timezone.now)
    sending = models.CharField(
        max_length=64,
        unique=True,
        editable=False,
        help_text=_("Made of the form and its words: the same form sent twice is one question."),
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    decided_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When it was published or declined.")
    )
    text_published = models.TextField(
        _("question as published"),
        blank=True,
        help_text=_(
            "Shown to everybody. Take out what could tell who asked: names, places, dates, "
            "an illness that is not needed to understand the question."
        ),
    )
    answer = models.TextField(
        blank=True,
        help_text=_(
            "Plain words, about the treatment and never about the person. Say who says it, and "
            "when nobody knows. An empty line begins a new paragraph."
        ),
    )
    sources = models.ManyToManyField(
        Source,
        related_name="answers",
        blank=True,
        help_text=_("What the answer rests on. Readers see each as a link."),
    )
    signature = models.CharField(
        _("signed"),
        max_length=120,
        blank=True,
        help_text=_("Name and role, such as “Ana Example, editor, not a clinician”."),
    )
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
    )
    answered_on = models.DateField(
        null=True, blank=True, help_text=_("The day the answer was last true and complete.")
    )
    reason_declined = models.CharField(
        max_length=300, blank=True, help_text=_("For editors only. Readers never see it.")
    )

    objects = ReadersQuestionQuerySet.as_manager()
    history = Versions(
        "sources",
        without=("text_as_asked", "name_shown", "asked_at", "sending", "reason_declined"),
        is_shown=lambda columns: columns["status"] == ReadersQuestion.Status.PUBLISHED,
        gone_with_row=("text_published",),
        named_by=("id",),
    )

    class Meta:
        ordering = ["asked_at", "pk"]
        verbose_name = _("reader’s question")
        verbose_name_plural = _("readers’ questions")
        indexes = [
            models.Index(fields=["status", "asked_at"], name="question_queue"),
            models.Index(
                fields=["treatment", "-answered_on"],
                name="question_shown",
                condition=Q(status="published"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="published")
                | Q(
                    text_published__gt="",
                    answer__gt="",
                    signature__gt="",
                    answered_on__isnull=False,
                ),
                name="question_published_with_signed_answer",
                violation_error_message=_(
                    "To publish it, fill in the question as published, the answer, who signs "
                    "and the date."
                ),
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_at__isnull=True)
                | (~Q(status="waiting") & Q(decided_at__isnull=False)),
                name="question_decided_when_not_waiting",
            ),
        ]

    def __str__(self):
        return f"{self._meta.verbose_name} {self.pk}"

    def get_absolute_url(self):
        """Where it stands among all answered questions on its treatment."""
        path = reverse("readers-questions", args=[self.treatment.slug])
        return f"{path}?question={self.pk}#question-{self.pk}"

    @property
    def was_edited(self) -> bool:
        """Whether what is published is not word for word what was asked."""
        return self.text_published.split() != self.text_as_asked.split()

    @property
    def what_is_missing(self) -> list[str]:
        """Labels of the fields without which it cannot be published; empty when it can be."""
        needed = ("text_published", "answer", "signature", "answered_on")
        return [
            str(self._meta.get_field(name).verbose_name)
            for name in needed
            if not getattr(self, name)
        ]

    def publish(self, editor):
        """Show it, decided now by this editor. Raises IntegrityError without a signed answer."""
        self.status = self.Status.PUBLISHED
        self.decided_at = timezone.now()
        self.answered_by = editor
        self.reason_declined = ""
        self.save()

    def decline(self, reason: str):
        """Take it out of the queue, or off the page, for a reason that editors alone see."""
        self.status = self.Status.DECLINED
        self.decided_at = timezone.now()
        self.reason_declined = reason
        self.save()

    def put_back(self):
        """Let it wait again, as if nothing had been decided."""
        self.status = self.Status.WAITING
        self.decided_at = None
        self.reason_declined = ""
        self.save()
