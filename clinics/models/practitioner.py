"""Who injects, and what has been checked about person and premises."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from treatments.history import Versions
from treatments.text_folding import FoldedField

from .clinic import Clinic


class Practitioner(models.Model):
    """A person who gives treatments at a clinic. All of it is the clinic's word until checked."""

    class Profession(models.TextChoices):
        DERMATOLOGIST = "dermatologist", _("dermatologist")
        PLASTIC_SURGEON = "plastic-surgeon", _("plastic surgeon")
        AESTHETIC_DOCTOR = "aesthetic-doctor", _("doctor, aesthetic medicine")
        OTHER_DOCTOR = "other-doctor", _("doctor, other field")
        DENTIST = "dentist", _("dentist")
        NURSE = "nurse", _("nurse")
        PHARMACIST = "pharmacist", _("pharmacist")
        BEAUTICIAN = "beautician", _("beautician, not a health profession")

    clinic = models.ForeignKey(
        Clinic,
        models.CASCADE,
        related_name="practitioners",
        help_text=_("Where this person treats. Somebody who works at two clinics is in both."),
    )
    name = models.CharField(max_length=120, help_text=_("Name as on the professional register."))
    name_folded = FoldedField(source="name")
    profession = models.CharField(
        max_length=20,
        choices=Profession.choices,
        help_text=_("What the register says, not a title of your own."),
    )
    registration_body = models.CharField(
        max_length=120, blank=True, help_text=_("Register or council, such as GMC.")
    )
    registration_number = models.CharField(
        max_length=60, blank=True, help_text=_("So that patients can look it up, such as 1234567.")
    )
    practising_since = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1940), MaxValueValidator(2100)],
        help_text=_("Year of first registration."),
    )

    history = Versions(without=("name_folded",))

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("practitioner")
        verbose_name_plural = _("practitioners")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "name"], name="practitioner_once_a_clinic")
        ]

    def __str__(self):
        return self.name


class CheckQuerySet(models.QuerySet):
    def confirmed(self, today):
        """Checks that were confirmed and have not expired on the day `today`."""
        return self.filter(result=Check.Result.CONFIRMED).filter(
            Q(expires_on__isnull=True) | Q(expires_on__gte=today)
        )


class Check(models.Model):
    """One thing that an editor looked up, when, where, and with what result.

    There is no stored state: whether it still counts is worked out on the day of
    reading, so no job can forget to expire it.
    """

    class Kind(models.TextChoices):
        LICENCE = "licence", _("Licence on the register")
        QUALIFICATION = "qualification", _("Injector’s qualification")
        PREMISES = "premises", _("Premises registered")
        INSURANCE = "insurance", _("Insurance")

    class Result(models.TextChoices):
        CONFIRMED = "confirmed", _("confirmed")
        FAILED = "failed", _("could not be confirmed")

    class State(models.TextChoices):
        CONFIRMED = "confirmed", _("confirmed")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("could not be confirmed")

    clinic = models.ForeignKey(
        Clinic, models.CASCADE, related_name="checks", help_text=_("Whose listing shows it.")
    )
    practitioner = models.ForeignKey(
        Practitioner,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="checks",
        help_text=_("The person checked; empty when the premises were."),
    )
    kind = models.CharField(
        max_length=15, choices=Kind.choices, help_text=_("What was looked up. One thing a check.")
    )
    scope = models.CharField(
        max_length=200,
        blank=True,
        help_text=_("What exactly was checked, such as “licence to practise in France”."),
    )
    register = models.CharField(max_length=150, help_text=_("Where it was looked up."))
    number = models.CharField(
        max_length=60, blank=True, help_text=_("The number under which it stands there.")
    )
    link = models.URLField(
        blank=True, max_length=300, help_text=_("So that a reader can look it up too.")
    )
    result = models.CharField(
        max_length=10, choices=Result.choices, help_text=_("What you found, not what you expect.")
    )
    checked_on = models.DateField(help_text=_("The day on which you looked it up."))
    expires_on = models.DateField(
        null=True,
        blank=True,
        help_text=_("The last day on which it counts. Empty: it does not run out."),
    )

    objects = CheckQuerySet.as_manager()
    history = Versions(named_by=("kind", "practitioner", "checked_on"))

    class Meta:
        ordering = ["kind", "-checked_on", "pk"]
        verbose_name = _("check")
        verbose_name_plural = _("checks")
        indexes = [models.Index(fields=["expires_on"], name="check_expires_on")]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(checked_on__lte=F("expires_on")),
                name="check_expires_after_it_was_made",
                violation_error_message=_("A check cannot expire before it was made."),
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.get_result_display()} ({self.checked_on})"

    def state(self, today) -> "Check.State":
        """What the check is worth on the day `today`."""
        if self.result == self.Result.FAILED:
            return self.State.FAILED
        if self.expires_on and self.expires_on < today:
            return self.State.EXPIRED
        return self.State.CONFIRMED
