"""The words of the catalogue: body areas, concerns, and substances with their legal standing."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..history import Versions
from .source import Source


class Term(models.Model):
    """A word of the catalogue's vocabulary, used as an option of a facet."""

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=100, help_text=_("As a patient would say it."))
    position = models.PositiveSmallIntegerField(
        default=0, help_text=_("Order in lists; equal numbers sort by name.")
    )

    class Meta:
        abstract = True
        ordering = ["position", "name"]

    def __str__(self):
        return self.name


class BodyArea(Term):
    """A part of the body that can be treated, such as thighs."""

    history = Versions()

    class Meta(Term.Meta):
        verbose_name = _("body area")
        verbose_name_plural = _("body areas")


class Concern(Term):
    """What bothers the patient, such as dimpled skin."""

    history = Versions()

    class Meta(Term.Meta):
        verbose_name = _("concern")
        verbose_name_plural = _("concerns")


class Substance(Term):
    """Something that is injected, by itself or in a mixture."""

    description = models.TextField(blank=True, help_text=_("One plain sentence."))

    history = Versions()

    class Meta(Term.Meta):
        verbose_name = _("substance")
        verbose_name_plural = _("substances")


class SubstanceStatus(models.Model):
    """What the authority of one country says about one substance."""

    class Status(models.TextChoices):
        APPROVED = "approved", _("approved for a stated use")
        NOT_APPROVED = "not_approved", _("not approved")
        BANNED = "banned", _("banned")
        WARNED = "warned", _("official warning")
        WITHDRAWN = "withdrawn", _("no longer sold")

    substance = models.ForeignKey(Substance, models.CASCADE, related_name="statuses")
    country = models.CharField(
        max_length=2, blank=True, help_text=_("ISO code; empty for several countries.")
    )
    status = models.CharField(max_length=15, choices=Status.choices)
    text = models.CharField(max_length=400, help_text=_("For which use, and since when."))
    sources = models.ManyToManyField(Source, related_name="+")

    history = Versions("sources")

    class Meta:
        ordering = ["substance", "country", "pk"]
        verbose_name = _("status of a substance")
        verbose_name_plural = _("statuses of substances")

    def __str__(self):
        return f"{self.substance}: {self.get_status_display()} ({self.country})"
