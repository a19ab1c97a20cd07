"""What a clinic offers: one treatment, where on the body, at what price, with what product."""

from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from treatments.history import Versions
from treatments.models import BodyArea, Treatment

from .clinic import Clinic
from .place import Currency

# A price is fresh this many days after the clinic confirmed it, then ageing, then
# stale: a stale price is shown with its date, but takes no part in sorting by price.
FRESH_DAYS = 180
STALE_DAYS = 240


class OfferQuerySet(models.QuerySet):
    def public(self):
        """Offers that a visitor may see or count: published clinic, published treatment."""
        return self.filter(clinic__status=Clinic.Status.PUBLISHED, treatment__is_published=True)

    def confirmed_since(self, day):
        """Offers whose price the clinic confirmed on `day` or later."""
        return self.filter(price_confirmed_on__gte=day)


class Offer(models.Model):
    """One treatment at one clinic."""

    class Unit(models.TextChoices):
        SESSION = "session", _("a session")
        AREA = "area", _("an area, each session")
        ML = "ml", _("a millilitre")

    class Anaesthesia(models.TextChoices):
        NOT_SAID = "not-said", _("clinic has not said")
        NONE = "none", _("none")
        CREAM = "cream", _("numbing cream")
        LOCAL = "local", _("local anaesthetic")

    class RefundRule(models.TextChoices):
        NOT_SAID = "not-said", _("clinic has not said")
        NONE = "none", _("unused sessions are not refunded")
        SHARE = "share", _("unused sessions are refunded at the course price for each")
        SINGLE = "single", _("sessions used are charged at the single price, the rest refunded")

    class Freshness(models.TextChoices):
        FRESH = "fresh", _("confirmed")
        AGEING = "ageing", _("not confirmed for six months")
        STALE = "stale", _("out of date: ask the clinic")
        NEVER = "never", _("never confirmed")

    clinic = models.ForeignKey(
        Clinic,
        models.CASCADE,
        related_name="offers",
        help_text=_("Where it is offered. It cannot be moved later."),
    )
    treatment = models.ForeignKey(
        Treatment,
        models.PROTECT,
        related_name="offers",
        help_text=_("What you do. If yours is not in the list, write to us."),
    )
    label = models.CharField(
        max_length=80,
        blank=True,
        help_text=_("Only to tell two offers of one treatment apart, such as “small area”."),
    )
    body_areas = models.ManyToManyField(
        BodyArea,
        related_name="offers",
        blank=True,
        help_text=_("Where on the body you do it. Tick none if you do not want to say."),
    )
    price_low = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Lowest price. Leave both empty if you do not state prices."),
    )
    price_high = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Highest price. The same as the lowest for a fixed price."),
    )
    currency = models.ForeignKey(
        Currency,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="offers",
        help_text=_("The money that patients pay in, such as EUR. Needed with a price."),
    )
    unit = models.CharField(
        max_length=10,
        choices=Unit.choices,
        default=Unit.SESSION,
        help_text=_("What the price buys."),
    )
    sessions_low = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Fewest sessions that you usually plan."),
    )
    sessions_high = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Most sessions that you usually plan."),
    )
    course_price = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Price of a course paid together, if you sell one."),
    )
    course_sessions = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Sessions in that course."),
    )
    refund_rule = models.CharField(
        max_length=10,
        choices=RefundRule.choices,
        default=RefundRule.NOT_SAID,
        help_text=_("What a patient gets back who stops before the end of a paid course."),
    )
    consultation_fee = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("0 if the first consultation is free. Empty: not stated."),
    )
    anaesthesia = models.CharField(
        max_length=10,
        choices=Anaesthesia.choices,
        default=Anaesthesia.NOT_SAID,
        help_text=_("What you give against pain. “None” is an answer too."),
    )
    product = models.CharField(
        max_length=150,
        blank=True,
        help_text=_("What is injected: name and maker. Empty shows “clinic has not said”."),
    )
    price_confirmed_on = models.DateField(
        null=True, blank=True, help_text=_("Day on which the clinic last confirmed this price.")
    )

    objects = OfferQuerySet.as_manager()
    history = Versions(
        "body_areas", named_by=("treatment", "label"), no_db_index=["treatment", "currency"]
    )

    class Meta:
        ordering = ["treatment__position", "treatment__name", "pk"]
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        indexes = [models.Index(fields=["price_confirmed_on"], name="offer_price_confirmed_on")]
        # A comparison with nothing is neither true nor false, and passes; so both are asked for.
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "treatment", "label"], name="offer_once_a_label"
            ),
            models.CheckConstraint(
                condition=Q(price_low__isnull=True, price_high__isnull=True)
                | Q(
                    price_high__isnull=False,
                    price_low__isnull=False,
                    price_low__gte=0,
                    price_low__lte=F("price_high"),
                ),
                name="offer_price_range_ordered",
                violation_error_message=_(
                    "Give both ends of the price, the lower one first; the same twice if fixed."
                ),
            ),
            models.CheckConstraint(
                condition=Q(currency__isnull=False)
                | Q(
                    price_low__isnull=True,
                    course_price__isnull=True,
                    consultation_fee__isnull=True,
                ),
                name="offer_price_has_currency",
                violation_error_message=_("A price needs its currency."),
            ),
            models.CheckConstraint(
                condition=Q(course_price__isnull=True, course_sessions__isnull=True)
                | Q(
                    course_price__isnull=False,
                    course_sessions__isnull=False,
                    course_price__gte=0,
                    course_sessions__gte=1,
                ),
                name="offer_course_price_has_sessions",
                violation_error_message=_("A course price needs the number of sessions in it."),
            ),
            models.CheckConstraint(
                condition=Q(sessions_low__isnull=True, sessions_high__isnull=True)
                | Q(
                    sessions_low__isnull=False,
                    sessions_high__isnull=False,
                    sessions_low__gte=1,
                    sessions_low__lte=F("sessions_high"),
                ),
                name="offer_sessions_ordered",
                violation_error_message=_("Give both ends of the sessions, the lower one first."),
            ),
            models.CheckConstraint(
                condition=Q(consultation_fee__isnull=True) | Q(consultation_fee__gte=0),
                name="offer_consultation_fee_not_negative",
            ),
        ]

    def __str__(self):
        return f"{self.clinic}: {self.treatment.short_name}"

    @property
    def has_price(self) -> bool:
        return self.price_low is not None

    @property
    def says_pain_relief(self) -> bool:
        return self.anaesthesia != self.Anaesthesia.NOT_SAID

    @property
    def names_product(self) -> bool:
        return bool(self.product)

    def freshness(self, today) -> "Offer.Freshness":
        """How old the clinic's word on this price is, on the day `today`."""
        if self.price_confirmed_on is None:
            return self.Freshness.NEVER
        age = today - self.price_confirmed_on
        if age <= timedelta(days=FRESH_DAYS):
            return self.Freshness.FRESH
        if age <= timedelta(days=STALE_DAYS):
            return self.Freshness.AGEING
        return self.Freshness.STALE
