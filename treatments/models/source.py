"""Where facts come from: the source, and each single claim that we take from it."""

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..history import Versions


class Source(models.Model):
    """A document, page, law, study or label that says something about a treatment."""

    class Kind(models.TextChoices):
        """Kinds in the order in which they count: the strongest first."""

        REGULATOR = "regulator", _("regulator")
        SYSTEMATIC_REVIEW = "systematic_review", _("systematic review")
        GUIDELINE = "guideline", _("guideline or consensus")
        TRIAL = "trial", _("controlled trial")
        CASE_SERIES = "case_series", _("case series")
        NARRATIVE_REVIEW = "narrative_review", _("narrative review")
        PUBLIC_HEALTH = "public_health", _("public health body")
        PRESS = "press", _("press")
        MANUFACTURER = "manufacturer", _("maker of the product")
        CLINIC = "clinic", _("clinic")
        DIRECTORY = "directory", _("directory")
        GUIDE = "guide", _("guide without a named author")

    class Reading(models.TextChoices):
        """How we came to know what the source says."""

        DIRECT = "directly", _("read at its address, whole or in part")
        REPORT = "through_a_report", _("read through a report of it")
        MEMORY = "cited_from_memory", _("cited from memory, not read again")
        FOUNDING = "founding_document", _("one of our five founding documents")

    class Confidence(models.TextChoices):
        HIGH = "high", _("high")
        MEDIUM = "medium", _("medium")
        LOW = "low", _("low")

    # Sellers and guides without an author: they gain from a sale, or hide who does.
    SELLER_KINDS = (Kind.MANUFACTURER, Kind.CLINIC, Kind.DIRECTORY, Kind.GUIDE)

    slug = models.SlugField(
        unique=True, max_length=60, help_text=_("Short name used in addresses, such as has-2014.")
    )
    title = models.CharField(
        max_length=400, help_text=_("The title as printed. For a guide without one, describe it.")
    )
    publisher = models.CharField(
        max_length=200,
        blank=True,
        help_text=_("Authors or publisher. Leave empty when the text names none."),
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    study_design = models.CharField(
        max_length=60,
        blank=True,
        help_text=_("The finer kind, such as outbreak report or court ruling."),
    )
    year = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text=_("Year of publication. Leave empty when undated; do not guess."),
    )
    dated = models.CharField(
        max_length=60,
        blank=True,
        help_text=_("The date as the source gives it, when it is more or less than a year."),
    )
    url = models.URLField(
        max_length=500, blank=True, help_text=_("Its own address, if it was read there.")
    )
    other_urls = models.TextField(
        blank=True, help_text=_("Addresses of copies or reports, one a line.")
    )
    interest = models.CharField(
        max_length=300,
        blank=True,
        help_text=_("What the author or publisher gains if readers believe it."),
    )
    reading = models.CharField(max_length=20, choices=Reading.choices)
    confidence = models.CharField(
        max_length=10,
        choices=Confidence.choices,
        help_text=_("How far we trust it for what it is cited for."),
    )
    note = models.TextField(blank=True, help_text=_("Limits that a reader should know."))

    history = Versions()

    class Meta:
        ordering = ["slug"]
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("source", args=[self.slug])

    @property
    def name(self) -> str:
        """The short name on a plot or in a list: publisher, else title."""
        return self.publisher or self.title

    @property
    def sells(self) -> bool:
        """Whether it gains from a sale, or does not say who wrote it."""
        return self.kind in self.SELLER_KINDS

    @property
    def rank(self) -> int:
        """Place in the order of kinds; 0 is the strongest."""
        return list(self.Kind).index(self.kind)

    @property
    def group(self) -> str:
        """One of regulator, review, trial, press, seller: the colours of a range plot."""
        kind = self.Kind
        if self.kind in (kind.REGULATOR, kind.PUBLIC_HEALTH):
            return "regulator"
        if self.kind in (kind.SYSTEMATIC_REVIEW, kind.GUIDELINE, kind.NARRATIVE_REVIEW):
            return "review"
        if self.kind in (kind.TRIAL, kind.CASE_SERIES):
            return "trial"
        return "press" if self.kind == kind.PRESS else "seller"

    @property
    def addresses_of_copies(self) -> list[str]:
        return self.other_urls.split()


class ClaimQuerySet(models.QuerySet):
    def public(self):
        """Claims that a public page shows: on a published treatment, or on the method."""
        shown = Q(is_general=True) | Q(treatments=None) | Q(treatments__is_published=True)
        return self.filter(shown).distinct()

    def with_source(self):
        """Load each claim's source and the sources it was checked against. Two queries."""
        return self.select_related("source").prefetch_related("checked_against", "treatments")


class Claim(models.Model):
    """One thing that one source says, in our own words, with the number if it gives one."""

    class Topic(models.TextChoices):
        SESSIONS = "sessions", _("Number of sessions")
        INTERVAL = "interval", _("Time between sessions")
        SESSION_LENGTH = "session_length", _("Length of a session")
        COURSE_LENGTH = "course_length", _("Length of a course")
        TIME_TO_RESULT = "time_to_result", _("Time to a result")
        MAINTENANCE = "maintenance", _("Repeat treatment")
        DOWNTIME = "downtime", _("Time off")
        COST = "cost", _("Cost")
        PERMANENCE = "permanence", _("Does it last?")
        EVIDENCE = "evidence", _("How well it works")
        MECHANISM = "mechanism", _("How it is said to work")
        INDICATIONS = "indications", _("What it is used for")
        AREAS = "areas", _("Areas treated")
        CANDIDATE = "candidate", _("Who it is for")
        CONTRAINDICATION = "contraindication", _("Who should not have it")
        SIDE_EFFECT = "side_effect", _("Side effects")
        SERIOUS_RISK = "serious_risk", _("Serious risks")
        PAIN = "pain", _("Pain")
        ANAESTHESIA = "anaesthesia", _("Pain relief")
        PREPARATION = "preparation", _("Before treatment")
        TECHNIQUE = "technique", _("How it is given")
        AFTERCARE = "aftercare", _("After treatment")
        SUBSTANCES = "substances", _("What is injected")
        REGULATION = "regulation", _("Approval and law")
        SETTING = "setting", _("Where it is done, and by whom")
        CHOOSING = "choosing", _("Choosing a clinic")
        LIPOSUCTION = "liposuction", _("Compared with liposuction")
        COMPARISON = "comparison", _("Compared with other treatments")
        HISTORY = "history", _("History")
        NAME = "name", _("Names")

    # Topics whose numbers are drawn as a range by source.
    NUMERIC_TOPICS = (
        Topic.SESSIONS,
        Topic.INTERVAL,
        Topic.SESSION_LENGTH,
        Topic.COURSE_LENGTH,
        Topic.TIME_TO_RESULT,
        Topic.MAINTENANCE,
        Topic.DOWNTIME,
        Topic.COST,
    )

    class Unit(models.TextChoices):
        SESSION = "session", _("sessions")
        MINUTE = "minute", _("minutes")
        HOUR = "hour", _("hours")
        DAY = "day", _("days")
        WEEK = "week", _("weeks")
        MONTH = "month", _("months")
        YEAR = "year", _("years")
        WEEK_PER_YEAR = "week_per_year", _("weeks each year")
        PERCENT = "percent", _("per cent")
        MONEY = "money", _("money")

    class Per(models.TextChoices):
        SESSION = "session", _("a session")
        AREA = "area", _("a treated area")
        COURSE = "course", _("the whole treatment")

    class Verdict(models.TextChoices):
        OK = "ok", _("no objection found")
        CONTESTED = "contested", _("sources disagree")
        UNSUPPORTED = "unsupported", _("no good evidence found")
        MISLEADING = "misleading", _("misleading")
        FALSE = "false", _("false")
        OPINION = "opinion", _("an opinion")
        DESCRIPTIVE = "descriptive", _("about the author, not the treatment")

    # Verdicts that put a claim under "what you may read elsewhere, and what is known".
    CORRECTED_VERDICTS = (Verdict.FALSE, Verdict.MISLEADING, Verdict.UNSUPPORTED)

    reference = models.SlugField(
        unique=True, max_length=80, help_text=_("Stays the same for ever, such as S000-20.")
    )
    source = models.ForeignKey(Source, models.PROTECT, related_name="claims")
    locator = models.CharField(
        max_length=200,
        help_text=_("Where in the source: line and first words, table, or the passage's subject."),
    )
    treatments = models.ManyToManyField(
        "treatments.Treatment",
        related_name="claims",
        blank=True,
        help_text=_("The treatments that it speaks of."),
    )
    is_general = models.BooleanField(
        _("about mesotherapy in general"),
        default=False,
        help_text=_("Shown on the page about mesotherapy as a method."),
    )
    topic = models.CharField(max_length=20, choices=Topic.choices)
    words = models.TextField(
        help_text=_("What the source says, in our own plain words. Never copy its text.")
    )
    low = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Lower end, as the source gives it. Empty for “up to”."),
    )
    high = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Upper end, as the source gives it. Empty for “at least”."),
    )
    unit = models.CharField(max_length=15, choices=Unit.choices, blank=True)
    currency = models.CharField(
        max_length=3, blank=True, help_text=_("Three-letter code. Only for money.")
    )
    per = models.CharField(max_length=10, choices=Per.choices, blank=True)
    qualifier = models.CharField(
        max_length=200, blank=True, help_text=_("Words such as “about”, “sometimes” or “per area”.")
    )
    question = models.SlugField(
        max_length=60,
        blank=True,
        help_text=_("For claims that answer one question, such as destroys-fat-cells."),
    )
    answer = models.SlugField(
        max_length=60, blank=True, help_text=_("The answer it gives, such as yes or no.")
    )
    verdict = models.CharField(max_length=15, choices=Verdict.choices, default=Verdict.OK)
    known = models.TextField(
        _("what is known"),
        blank=True,
        help_text=_("What better sources say about it. Required for a false or misleading claim."),
    )
    checked_against = models.ManyToManyField(Source, related_name="checks_of_claims", blank=True)

    objects = ClaimQuerySet.as_manager()
    history = Versions("treatments", "checked_against")

    class Meta:
        ordering = ["reference"]
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "locator"], name="claim_one_per_source_and_locator"
            ),
            models.CheckConstraint(
                condition=Q(low__isnull=True) | Q(high__isnull=True) | Q(low__lte=F("high")),
                name="claim_range_ordered",
                violation_error_message=_("The lower end is above the upper end."),
            ),
            models.CheckConstraint(
                condition=Q(low__isnull=True, high__isnull=True) | ~Q(unit=""),
                name="claim_number_has_unit",
                violation_error_message=_("A number needs a unit."),
            ),
            models.CheckConstraint(
                condition=Q(unit="money", per__gt="", currency__gt="") | ~Q(unit="money"),
                name="claim_money_has_currency",
                violation_error_message=_("An amount of money needs a currency and what it buys."),
            ),
            models.CheckConstraint(
                condition=Q(unit="money") | Q(currency=""), name="claim_currency_only_for_money"
            ),
            models.CheckConstraint(
                condition=~Q(verdict__in=["false", "misleading"]) | ~Q(known=""),
                name="claim_correction_says_what_is_known",
                violation_error_message=_("Say what is known about a false or misleading claim."),
            ),
        ]

    def __str__(self):
        return f"{self.reference}: {self.words[:80]}"

    @property
    def is_corrected(self) -> bool:
        """Whether readers are told that this claim does not hold."""
        return self.verdict in self.CORRECTED_VERDICTS
