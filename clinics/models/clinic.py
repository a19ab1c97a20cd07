"""A clinic, its hours and photos, and who may edit it."""

import random
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from treatments.history import Versions
from treatments.text_folding import FoldedField

from ..photo_sizes import PhotoAddress, PhotoSource, sources_of
from .place import Language, Place


def _shuffle_key() -> int:
    return random.randrange(1, 2**31)


class ClinicQuerySet(models.QuerySet):
    def published(self):
        """What the public sees, and nothing else."""
        return self.filter(status=Clinic.Status.PUBLISHED)

    def with_card_details(self):
        """Everything a card prints. Six queries, however many clinics."""
        return self.select_related("place__country").prefetch_related(
            "languages",
            "practitioners",
            "checks__practitioner",
            "offers__treatment",
            "offers__currency",
        )

    def with_page_details(self):
        """Everything the clinic's own page prints. Nine queries."""
        return self.with_card_details().prefetch_related(
            "offers__body_areas",
            "opening_hours",
            Prefetch("photos", Photo.objects.shown(), to_attr="shown_photos"),
        )

    def in_order(self, ids):
        """The clinics with these ids, as a list in the order of `ids`. Runs the query."""
        clinics = {clinic.pk: clinic for clinic in self.filter(pk__in=ids)}
        return [clinics[pk] for pk in ids if pk in clinics]


class Clinic(models.Model):
    """A place of business where treatments are given."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_REVIEW = "in_review", _("in review")
        PUBLISHED = "published", _("published")
        SUSPENDED = "suspended", _("suspended")

    class FacilityType(models.TextChoices):
        HOSPITAL = "hospital", _("hospital department")
        MEDICAL_CLINIC = "medical-clinic", _("medical clinic")
        PRACTICE = "doctors-practice", _("doctor’s practice")
        DENTAL = "dental-practice", _("dental practice")
        NURSE_LED = "nurse-led-clinic", _("nurse-led clinic")
        SPA = "beauty-spa", _("beauty spa, not a clinic")

    slug = models.SlugField(
        unique=True,
        max_length=120,
        help_text=_("The end of the page’s address. People keep it, so it should not change."),
    )
    name = models.CharField(max_length=150, help_text=_("The name on the door."))
    name_folded = FoldedField(source="name")
    facility_type = models.CharField(
        max_length=20,
        choices=FacilityType.choices,
        blank=True,
        help_text=_("A spa must not call itself a clinic. Leave empty if you are not sure."),
    )
    place = models.ForeignKey(
        Place,
        models.PROTECT,
        related_name="clinics",
        null=True,
        blank=True,
        help_text=_("The town. Type its first letters, then choose it."),
    )
    address = models.CharField(max_length=250, blank=True, help_text=_("Street and number."))
    postcode = models.CharField(
        max_length=20, blank=True, help_text=_("As on an envelope, such as 75004.")
    )
    latitude = models.DecimalField(
        max_digits=8,
        decimal_places=5,
        null=True,
        blank=True,
        help_text=_("North of the equator, such as 48.85341. Empty: the centre of the town."),
    )
    longitude = models.DecimalField(
        max_digits=8,
        decimal_places=5,
        null=True,
        blank=True,
        help_text=_("East of Greenwich, such as 2.34880. West of it with a minus."),
    )
    phone = models.CharField(
        max_length=30, blank=True, help_text=_("With country code: +33 1 23 45 67 89.")
    )
    email = models.EmailField(
        blank=True, help_text=_("Patients see it. Best one that several of you read.")
    )
    website = models.URLField(
        blank=True, max_length=300, help_text=_("Your own site, such as https://example.org.")
    )
    languages = models.ManyToManyField(
        Language,
        related_name="clinics",
        blank=True,
        help_text=_("Those in which a patient can be advised and treated at your clinic."),
    )
    description = models.TextField(
        blank=True,
        max_length=2000,
        help_text=_("Plain facts in your own words. No promises of results."),
    )
    status = models.CharField(
        max_length=10,
        choices=Status.choices,
        default=Status.DRAFT,
        help_text=_("Patients see the listing only while it is published."),
    )
    is_sample = models.BooleanField(
        _("sample listing"), default=False, help_text=_("Fictional. Every page says so.")
    )
    confirmed_on = models.DateField(
        null=True, blank=True, help_text=_("Day on which the clinic last said: all still correct.")
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    import_key = models.CharField(
        max_length=120,
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text=_("List and id it was imported from, so that an import finds it again."),
    )
    import_digest = models.CharField(max_length=64, blank=True, editable=False)
    # Spreads equals over the days of the month; see clinics/ranking.py.
    shuffle_key = models.PositiveIntegerField(default=_shuffle_key, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ClinicQuerySet.as_manager()
    # Without what nobody says: keys of the site's own, and when a row was written.
    history = Versions(
        "languages",
        without=("name_folded", "import_digest", "shuffle_key", "created_at", "updated_at"),
        no_db_index=["slug", "import_key", "place", "confirmed_by"],
    )

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("clinic")
        verbose_name_plural = _("clinics")
        indexes = [
            # The directory: published clinics of a place.
            models.Index(fields=["status", "place"], name="clinic_status_place"),
            # The list of all in the admin.
            models.Index(fields=["name", "id"], name="clinic_by_name"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="published") | (Q(place__isnull=False) & ~Q(facility_type="")),
                name="clinic_published_has_place_and_type",
                violation_error_message=_("A published clinic needs a place and a facility type."),
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    # A comparison with nothing is neither true nor false, and passes.
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__gte=-90,
                    latitude__lte=90,
                    longitude__gte=-180,
                    longitude__lte=180,
                ),
                name="clinic_is_on_earth",
            ),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("clinic", args=[self.slug])

    @property
    def is_published(self) -> bool:
        """The same meaning as `ClinicQuerySet.published()`."""
        return self.status == self.Status.PUBLISHED

    @property
    def initials(self) -> str:
        """Up to two capitals for the tile of a clinic without a photo."""
        words = [word for word in self.name.replace("-", " ").split() if word[0].isalpha()]
        return "".join(word[0].upper() for word in words if word[0].isupper())[:2] or "·"

    def local_time(self, now=None):
        """The time of day at the clinic, or None where the time zone is unknown."""
        if not self.place:
            return None
        return (now or timezone.now()).astimezone(ZoneInfo(self.place.timezone))


class OpeningHours(models.Model):
    """One span of opening on one day of the week, in the clinic's own time."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(
        choices=Weekday.choices,
        help_text=_("A day with a break has two rows: before it and after it."),
    )
    opens = models.TimeField(help_text=_("In your own time, such as 09:00."))
    closes = models.TimeField(help_text=_("Such as 17:30. A day without a row is closed."))

    history = Versions(named_by=("weekday", "opens", "closes"))

    class Meta:
        ordering = ["weekday", "opens"]
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__lt=F("closes")),
                name="hours_open_before_close",
                violation_error_message=_("Closing time must be after opening time."),
            ),
            models.UniqueConstraint(
                fields=["clinic", "weekday", "opens"], name="hours_once_a_start"
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="hours_weekday_exists"),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"


class PhotoQuerySet(models.QuerySet):
    def complete(self):
        """Those that say what they show and that everyone shown agreed to."""
        return self.filter(has_consent=True).exclude(alt_text="")

    def shown(self):
        """What patients see of a clinic that they see, and nothing else."""
        return self.complete().filter(state__in=[Photo.State.READY, Photo.State.ONE_SIZE])


class Photo(models.Model):
    """A photograph of the clinic, drawn anew from the one that was sent; see clinics/photos.py.

    Patients see it once it is complete and its files are made (clinics/photo_making.py). Until
    then it is a draft, kept where no web server looks (clinics/photo_keeping.py). `image` names
    the largest JPEG of those files, from the beginning and for good, whether it is there or not.
    """

    class State(models.TextChoices):
        KEPT = "kept", _("kept, not public")
        READY = "ready", _("public in all sizes")
        # From the time before there were sizes.
        ONE_SIZE = "one-size", _("public in one size")
        LEAVING = "leaving", _("being taken off")
        DAMAGED = "damaged", _("could not be prepared")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="photos")
    image = models.ImageField(upload_to="clinics/", width_field="width", height_field="height")
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    alt_text = models.CharField(
        _("what it shows"),
        max_length=200,
        blank=True,
        help_text=_("In a few plain words, for people who cannot see it."),
    )
    has_consent = models.BooleanField(
        _("everyone shown has agreed"),
        default=False,
        help_text=_("Tick if nobody is shown, or everyone shown agreed in writing."),
    )
    position = models.PositiveSmallIntegerField(
        default=0, help_text=_("The photo with the lowest number comes first, such as 0.")
    )
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.KEPT, editable=False
    )
    # When a worker may take it next, and how often one took it without coming to an end.
    due_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = PhotoQuerySet.as_manager()
    # The name of the file, so that the history tells of another picture; never the file.
    history = Versions(
        named_by=("alt_text",), without=("width", "height", "state", "due_at", "attempts")
    )

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("photo")
        verbose_name_plural = _("photos")

    def __str__(self):
        return self.alt_text or gettext("Photo %(number)s") % {"number": self.pk}

    @property
    def is_complete(self) -> bool:
        """The same meaning as `PhotoQuerySet.complete()`."""
        return self.has_consent and self.alt_text != ""

    @property
    def is_shown(self) -> bool:
        """The same meaning as `PhotoQuerySet.shown()`."""
        return self.is_complete and self.state in (self.State.READY, self.State.ONE_SIZE)

    @property
    def sources(self) -> list[PhotoSource]:
        """Its public files, a source for each format, the best first and the JPEGs last."""
        if self.state == self.State.ONE_SIZE:
            return [PhotoSource("image/jpeg", [PhotoAddress(self.image.url, self.width)])]
        return sources_of(self.image.name, self.width, self.image.storage.url)


class Membership(models.Model):
    """That a person may edit a clinic's listing."""

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        STAFF = "staff", _("staff")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="memberships")
    role = models.CharField(
        max_length=10,
        choices=Role.choices,
        default=Role.STAFF,
        help_text=_("Staff edit the listing. An owner also invites and removes people."),
    )

    class Meta:
        ordering = ["clinic", "user"]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["user", "clinic"], name="membership_once_a_clinic")
        ]

    def __str__(self):
        return f"{self.user} · {self.clinic}"
