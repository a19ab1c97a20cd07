"""Countries, towns, languages and currencies: what a clinic page refers to."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from treatments.history import Versions
from treatments.page_locale import page_locale
from treatments.text_folding import FoldedField


class Country(models.Model):
    """A country that has a place in the directory."""

    code = models.CharField(primary_key=True, max_length=2, help_text=_("ISO 3166 code, as FR."))
    slug = models.SlugField(
        unique=True, max_length=60, help_text=_("Its name in addresses, such as france.")
    )
    name = models.CharField(max_length=80, help_text=_("English name; pages show it translated."))
    name_folded = FoldedField(source="name")

    history = Versions(without=("name_folded",))

    class Meta:
        ordering = ["name"]
        verbose_name = _("country")
        verbose_name_plural = _("countries")

    def __str__(self):
        return self.local_name

    @property
    def local_name(self) -> str:
        """The country's name in the language of the page."""
        return page_locale().territories.get(self.code, self.name)


class Place(models.Model):
    """A town or city, with the coordinates of its centre."""

    slug = models.SlugField(
        unique=True, max_length=80, help_text=_("Its name in addresses, such as paris.")
    )
    name = models.CharField(max_length=100, help_text=_("As people there write it."))
    name_folded = FoldedField(source="name")
    country = models.ForeignKey(
        Country,
        models.PROTECT,
        related_name="places",
        help_text=_("The country that the town is in. Type its first letters."),
    )
    latitude = models.DecimalField(
        max_digits=8, decimal_places=5, help_text=_("Of its centre, such as 48.85341.")
    )
    longitude = models.DecimalField(
        max_digits=8, decimal_places=5, help_text=_("Of its centre, such as 2.34880.")
    )
    timezone = models.CharField(max_length=60, help_text=_("IANA name, such as Europe/Paris."))

    history = Versions(without=("name_folded",))

    class Meta:
        ordering = ["name"]
        verbose_name = _("place")
        verbose_name_plural = _("places")
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude__gte=-90, latitude__lte=90)
                & Q(longitude__gte=-180, longitude__lte=180),
                name="place_is_on_earth",
            )
        ]

    def __str__(self):
        return f"{self.name}, {self.country}"

    @property
    def country_name(self) -> str:
        """The country's name in the language of the page."""
        return self.country.local_name


class Language(models.Model):
    """A language spoken at a clinic."""

    code = models.CharField(primary_key=True, max_length=10, help_text=_("Such as fr or zh."))
    slug = models.SlugField(
        unique=True, max_length=60, help_text=_("Its name in addresses, such as french.")
    )
    name = models.CharField(max_length=60, help_text=_("English name; pages show it translated."))

    history = Versions()

    class Meta:
        ordering = ["name"]
        verbose_name = _("language")
        verbose_name_plural = _("languages")

    def __str__(self):
        return self.local_name

    @property
    def local_name(self) -> str:
        """The language's name in the language of the page."""
        return (page_locale().languages.get(self.code) or self.name).capitalize()


class Currency(models.Model):
    """A currency and the rate at which we compare it.

    Prices in a currency without a rate are shown, but not compared.
    """

    code = models.CharField(primary_key=True, max_length=3, help_text=_("ISO 4217, as EUR."))
    per_euro = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("Units of this currency for one euro. Empty: no rate held."),
    )
    rate_date = models.DateField(null=True, blank=True, help_text=_("Day of that rate."))
    rate_source = models.CharField(
        max_length=120, blank=True, help_text=_("Who published that rate.")
    )

    history = Versions(named_by=("code",))

    class Meta:
        ordering = ["code"]
        verbose_name = _("currency")
        verbose_name_plural = _("currencies")
        constraints = [
            models.CheckConstraint(
                condition=Q(per_euro__isnull=True, rate_date__isnull=True)
                | Q(per_euro__isnull=False, per_euro__gt=0, rate_date__isnull=False),
                name="currency_rate_is_dated",
                violation_error_message=_("A rate is above zero and has a date."),
            )
        ]

    def __str__(self):
        return self.code
