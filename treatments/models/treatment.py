"""A treatment and everything its page says, each part with its sources."""

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..history import Versions
from ..text_folding import FoldedField
from .source import Source
from .vocabulary import BodyArea, Concern, Substance


class TreatmentQuerySet(models.QuerySet):
    def published(self):
        """What the public sees."""
        return self.filter(is_published=True)

    def with_page_details(self):
        """Everything a treatment page prints. A fixed number of queries, about 25."""
        sourced = ["statements", "side_effects", "contraindications", "regulator_positions"]
        return self.prefetch_related(
            "aliases__sources",
            "area_links__body_area",
            "area_links__sources",
            "concern_links__concern",
            "concern_links__sources",
            "substance_links__substance__statuses__sources",
            "substance_links__sources",
            *(f"{name}__sources" for name in sourced),
            "claims__source",
            "claims__checked_against",
        )

    def with_key_facts(self):
        """What a list of treatments prints: claims with sources, areas, concerns. Six queries."""
        return self.prefetch_related(
            "claims__source", "body_areas", "concerns", "aliases", "statements"
        )


class Treatment(models.Model):
    """One procedure as patients look for it, such as mesotherapy for cellulite."""

    class Kind(models.TextChoices):
        PROCEDURE = "procedure", _("mesotherapy procedure")
        RELATED = "related", _("related method")
        COMPARISON = "comparison", _("for comparison")

    class Needles(models.TextChoices):
        YES = "yes", _("injections")
        NO = "no", _("no needles")
        EITHER = "either", _("with or without needles")

    class EvidenceLevel(models.TextChoices):
        """From the weakest to the strongest."""

        NONE = "none", _("no reliable evidence")
        VERY_LOW = "very_low", _("very weak")
        LOW = "low", _("weak")
        MODERATE = "moderate", _("moderate")
        HIGH = "high", _("strong")

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120, help_text=_("Full name, the heading of its page."))
    name_folded = FoldedField(source="name")
    short_name = models.CharField(
        max_length=60, help_text=_("Short name for lists and filters, such as Cellulite.")
    )
    short_name_folded = FoldedField(source="short_name")
    kind = models.CharField(max_length=15, choices=Kind.choices, default=Kind.PROCEDURE)
    needles = models.CharField(max_length=10, choices=Needles.choices, default=Needles.YES)
    evidence_level = models.CharField(max_length=10, choices=EvidenceLevel.choices)
    is_published = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    last_reviewed = models.DateField(
        null=True, blank=True, help_text=_("Only a review of the whole page moves this date.")
    )
    next_review_due = models.DateField(null=True, blank=True)
    reviewed_by = models.CharField(
        max_length=200,
        blank=True,
        help_text=_("Who signed: name and profession. Say so when no clinician has signed."),
    )
    body_areas = models.ManyToManyField(
        BodyArea, through="TreatmentArea", related_name="treatments"
    )
    concerns = models.ManyToManyField(
        Concern, through="TreatmentConcern", related_name="treatments"
    )
    substances = models.ManyToManyField(
        Substance, through="TreatmentSubstance", related_name="treatments"
    )

    objects = TreatmentQuerySet.as_manager()
    history = Versions(without=("name_folded", "short_name_folded"))

    class Meta:
        ordering = ["position", "name"]
        verbose_name = _("treatment")
        verbose_name_plural = _("treatments")
        constraints = [
            models.CheckConstraint(
                condition=Q(last_reviewed__isnull=True)
                | Q(next_review_due__isnull=True)
                | Q(last_reviewed__lt=F("next_review_due")),
                name="treatment_review_dates_ordered",
                violation_error_message=_("The next review must come after the last one."),
            )
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("treatment", args=[self.slug])

    def statements_in(self, section: str) -> list["Statement"]:
        """Its statements of one section, in order. No query when statements are loaded."""
        return [s for s in self.statements.all() if s.section == section]

    @property
    def summary_text(self) -> str:
        """The first sentence or two that say what it is. No query when loaded."""
        return next((s.text for s in self.statements_in(Statement.Section.SUMMARY)), "")

    @property
    def warning_text(self) -> str:
        """The warning at the head of its page; "" when there is none. No query when loaded."""
        return next((s.text for s in self.statements_in(Statement.Section.WARNING)), "")

    @property
    def is_offered(self) -> bool:
        """Whether clinics can list it: comparisons such as liposuction are read, not sought."""
        return self.kind != self.Kind.COMPARISON

    def is_review_overdue(self, today) -> bool:
        return bool(self.next_review_due and self.next_review_due < today)


class Alias(models.Model):
    """Another name under which patients meet the treatment."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=120)
    name_folded = FoldedField(source="name")
    sources = models.ManyToManyField(Source, related_name="+", blank=True)

    history = Versions("sources", without=("name_folded",))

    class Meta:
        ordering = ["pk"]
        verbose_name = _("other name")
        verbose_name_plural = _("other names")
        constraints = [
            models.UniqueConstraint(fields=["treatment", "name"], name="alias_once_a_treatment")
        ]

    def __str__(self):
        return self.name


class TreatmentArea(models.Model):
    """That a treatment is given in an area, and who says so."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="area_links")
    body_area = models.ForeignKey(BodyArea, models.PROTECT, related_name="treatment_links")
    note = models.CharField(max_length=200, blank=True)
    sources = models.ManyToManyField(Source, related_name="+", blank=True)

    history = Versions("sources")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("treated area")
        verbose_name_plural = _("treated areas")
        constraints = [
            models.UniqueConstraint(fields=["treatment", "body_area"], name="area_once_a_treatment")
        ]

    def __str__(self):
        return f"{self.treatment}: {self.body_area}"


class TreatmentConcern(models.Model):
    """That a treatment is sought for a concern, and who says so."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="concern_links")
    concern = models.ForeignKey(Concern, models.PROTECT, related_name="treatment_links")
    note = models.CharField(
        max_length=200, blank=True, help_text=_("Such as: claimed, but not appropriate.")
    )
    sources = models.ManyToManyField(Source, related_name="+", blank=True)

    history = Versions("sources")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("concern treated")
        verbose_name_plural = _("concerns treated")
        constraints = [
            models.UniqueConstraint(
                fields=["treatment", "concern"], name="concern_once_a_treatment"
            )
        ]

    def __str__(self):
        return f"{self.treatment}: {self.concern}"


class TreatmentSubstance(models.Model):
    """That a substance is injected in a treatment, and what is to be known about that use."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="substance_links")
    substance = models.ForeignKey(Substance, models.PROTECT, related_name="treatment_links")
    text = models.TextField(blank=True, help_text=_("Its standing for this use, in one sentence."))
    sources = models.ManyToManyField(Source, related_name="+", blank=True)

    history = Versions("sources")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("injected substance")
        verbose_name_plural = _("injected substances")
        constraints = [
            models.UniqueConstraint(
                fields=["treatment", "substance"], name="substance_once_a_treatment"
            )
        ]

    def __str__(self):
        return f"{self.treatment}: {self.substance}"


class Statement(models.Model):
    """One sourced sentence or paragraph of a page, filed under the section it belongs to."""

    class Section(models.TextChoices):
        WARNING = "warning", _("Warning")
        SUMMARY = "summary", _("In short")
        CLAIMED = "claimed", _("How it is claimed to work")
        KNOWN = "known", _("What is known")
        EVIDENCE = "evidence", _("Why we rate the evidence so")
        PERMANENCE = "permanence", _("Does it last?")
        PREPARATION = "preparation", _("Before")
        ANAESTHESIA = "anaesthesia", _("Pain relief")
        DURING = "during", _("During")
        DOWNTIME = "downtime", _("Time off")
        TIME_TO_RESULT = "time_to_result", _("When results show")
        MAINTENANCE = "maintenance", _("Repeat treatment")
        COST = "cost", _("Cost")
        AFTERCARE = "aftercare", _("After")
        FOR_WHOM = "for_whom", _("Who may consider it")
        NOT_FOR = "not_for", _("Who it is not for")
        CONTRAINDICATIONS = "contraindications", _("About this list")
        ALTERNATIVES = "alternatives", _("Alternatives")
        COMPARISON = "comparison", _("Compared with liposuction")
        QUESTIONS = "questions", _("Questions to ask")
        HISTORY = "history", _("History")
        UNSUPPORTED = "unsupported", _("Claims without support")
        REGULATION = "regulation", _("Approval")
        # Of mesotherapy in general: the pages on what to do after, and before booking.
        EMERGENCY = "emergency", _("After treatment: get emergency help")
        SEE_DOCTOR = "see_doctor", _("After treatment: see a doctor")
        REPORT = "report", _("After treatment: where to report it")
        CHECK_PERSON = "check_person", _("Before you book: the person")
        CHECK_PLACE = "check_place", _("Before you book: the place")
        CHECK_NEEDLES = "check_needles", _("Before you book: needles and vials")
        CHECK_PRODUCT = "check_product", _("Before you book: the product")
        CHECK_TALK = "check_talk", _("Before you book: the first talk")
        CHECK_PLAN = "check_plan", _("Before you book: the written plan")
        CHECK_TROUBLE = "check_trouble", _("Before you book: if something goes wrong")
        CHECK_AFTER = "check_after", _("Before you book: afterwards")
        WALK_AWAY = "walk_away", _("Before you book: walk away")

    # Sections of the page on what to do after a treatment, and of the one before booking.
    AFTER_SECTIONS = (Section.EMERGENCY, Section.SEE_DOCTOR, Section.REPORT)
    CHECK_SECTIONS = (
        Section.CHECK_PERSON,
        Section.CHECK_PLACE,
        Section.CHECK_NEEDLES,
        Section.CHECK_PRODUCT,
        Section.CHECK_TALK,
        Section.CHECK_PLAN,
        Section.CHECK_TROUBLE,
        Section.CHECK_AFTER,
    )

    treatment = models.ForeignKey(
        Treatment,
        models.CASCADE,
        related_name="statements",
        null=True,
        blank=True,
        help_text=_("Empty for a statement about mesotherapy in general."),
    )
    section = models.CharField(max_length=20, choices=Section.choices)
    text = models.TextField(help_text=_("Plain words. Say who says it when only sellers do."))
    is_ours = models.BooleanField(
        _("our own wording"),
        default=False,
        help_text=_("Plain prudence of ours that no single source states."),
    )
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="statements", blank=True)

    history = Versions("sources")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("statement")
        verbose_name_plural = _("statements")

    def __str__(self):
        return self.text[:100]

    @property
    def page_address(self) -> str:
        """The address of the public page that prints it."""
        if self.treatment is not None:
            return self.treatment.get_absolute_url()
        if self.section in self.AFTER_SECTIONS:
            return reverse("red-flags")
        if self.section in (*self.CHECK_SECTIONS, self.Section.WALK_AWAY):
            return reverse("before-you-book")
        return reverse("mesotherapy")


class SideEffect(models.Model):
    """An unwanted effect, from a bruise to a lasting harm."""

    class HowCommon(models.TextChoices):
        COMMON = "common", _("common")
        UNCOMMON = "uncommon", _("some people")
        RARE = "rare", _("single reports")
        UNKNOWN = "unknown", _("not known")

    class Severity(models.TextChoices):
        MILD = "mild", _("mild")
        MODERATE = "moderate", _("moderate")
        SEVERE = "severe", _("severe")

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="side_effects")
    name = models.CharField(max_length=200)
    is_serious = models.BooleanField(default=False)
    how_common = models.CharField(max_length=10, choices=HowCommon.choices)
    percent = models.DecimalField(
        max_digits=4,
        decimal_places=1,
        null=True,
        blank=True,
        help_text=_("Share of treated people in the cited study or label."),
    )
    severity = models.CharField(max_length=10, choices=Severity.choices)
    duration = models.CharField(max_length=200, blank=True, help_text=_("How long it lasts."))
    detail = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="+")

    history = Versions("sources")

    class Meta:
        ordering = ["-is_serious", "position", "pk"]
        verbose_name = _("side effect")
        verbose_name_plural = _("side effects")
        constraints = [
            models.UniqueConstraint(
                fields=["treatment", "name"], name="side_effect_once_a_treatment"
            ),
            models.CheckConstraint(
                condition=Q(percent__isnull=True) | Q(percent__gte=0, percent__lte=100),
                name="side_effect_percent_is_a_share",
            ),
        ]

    def __str__(self):
        return f"{self.treatment}: {self.name}"


class Contraindication(models.Model):
    """A reason not to have the treatment, or to be careful."""

    class Strength(models.TextChoices):
        ABSOLUTE = "absolute", _("do not have it")
        RELATIVE = "relative", _("ask a doctor first")

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="contraindications")
    name = models.CharField(max_length=200)
    strength = models.CharField(max_length=10, choices=Strength.choices)
    detail = models.CharField(
        max_length=400, blank=True, help_text=_("Where sources differ, say who says what.")
    )
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="+")

    history = Versions("sources")

    class Meta:
        ordering = ["strength", "position", "pk"]
        verbose_name = _("contraindication")
        verbose_name_plural = _("contraindications")
        constraints = [
            models.UniqueConstraint(
                fields=["treatment", "name"], name="contraindication_once_a_treatment"
            )
        ]

    def __str__(self):
        return f"{self.treatment}: {self.name}"


class RegulatorPosition(models.Model):
    """What an authority, or a body that speaks for a profession, holds of the treatment."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="regulator_positions")
    country = models.CharField(
        max_length=2, blank=True, help_text=_("ISO code, such as FR; empty if not one country.")
    )
    authority = models.CharField(
        max_length=120, blank=True, help_text=_("Who speaks, such as HAS or CDC.")
    )
    position_text = models.TextField(_("position"))
    order = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="+")

    history = Versions("sources")

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("position of a regulator")
        verbose_name_plural = _("positions of regulators")

    def __str__(self):
        return f"{self.country or self.authority}: {self.position_text[:60]}"


class LoadedContent(models.Model):
    """What the last load of one content file left behind.

    `file_digest` tells whether the file changed since; `stored_digest` tells
    whether an editor changed the database since. Both are SHA-256 in hex.
    """

    key = models.CharField(max_length=80, unique=True)
    file_digest = models.CharField(max_length=64)
    stored_digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["key"]

    def __str__(self):
        return self.key
