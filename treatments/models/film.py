"""Films about a treatment: our own files with captions, or pages elsewhere that are linked."""

import secrets
from urllib.parse import urlsplit

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..history import Versions
from ..page_locale import language_name
from .source import Source
from .treatment import Treatment

SUFFIXES = {"video/mp4": "mp4", "video/webm": "webm"}


def film_path(film, sent_name) -> str:
    """Where a film is stored: a name that nobody chose, with the ending of what it is."""
    return f"films/{secrets.token_hex(16)}.{SUFFIXES[film.media_type]}"


def captions_path(film, sent_name) -> str:
    """Where captions are stored; nothing of the name that was sent is kept."""
    return f"films/{secrets.token_hex(16)}.vtt"


class Film(models.Model):
    """A film that shows or explains a treatment, with who made it and what it says in words.

    It is a file of ours or a page elsewhere, never both. A page elsewhere is only linked:
    nothing of it loads before a reader follows the link.
    """

    class MediaType(models.TextChoices):
        MP4 = "video/mp4", _("MP4")
        WEBM = "video/webm", _("WebM")

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="films")
    title = models.CharField(max_length=150, help_text=_("What it shows, in plain words."))
    source = models.ForeignKey(
        Source,
        models.PROTECT,
        related_name="films",
        verbose_name=_("made by"),
        help_text=_(
            "Who made it. When that is somebody who gains from a sale, readers are told so."
        ),
    )
    address = models.URLField(
        _("page elsewhere"),
        max_length=500,
        blank=True,
        help_text=_("Only https. Leave empty when the film itself is stored here."),
    )
    file = models.FileField(
        upload_to=film_path,
        blank=True,
        help_text=_("MP4 or WebM, at most 60 MB. Leave empty for a page elsewhere."),
    )
    media_type = models.CharField(
        max_length=10, choices=MediaType.choices, blank=True, editable=False
    )
    captions = models.FileField(
        upload_to=captions_path,
        blank=True,
        help_text=_("A WebVTT file with all that is said and heard. Needed with a film file."),
    )
    language = models.CharField(
        max_length=2,
        help_text=_("What is spoken in it, and what its captions are in: two letters, such as en."),
    )
    seconds = models.PositiveIntegerField(
        _("length in seconds"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(6 * 60 * 60)],
        help_text=_("Leave empty when you do not know."),
    )
    summary = models.TextField(
        help_text=_(
            "What the film shows and says, in words, for those who cannot or do not want to "
            "watch it. Say what is only claimed."
        )
    )
    is_published = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)

    # Without the files: a film that had to go is gone, and no version can bring it back.
    history = Versions(without=("file", "captions", "media_type"))

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("film")
        verbose_name_plural = _("films")
        constraints = [
            models.CheckConstraint(
                condition=Q(file="", address__gt="") | Q(file__gt="", address=""),
                name="film_is_a_file_or_a_page",
                violation_error_message=_(
                    "Give the file of the film or the page it is on: one of the two, not both."
                ),
            ),
            models.CheckConstraint(
                condition=Q(file="", captions="", media_type="")
                | Q(file__gt="", captions__gt="", media_type__gt=""),
                name="film_file_has_captions",
                violation_error_message=_(
                    "A film file needs captions, and captions need a film file."
                ),
            ),
            models.CheckConstraint(
                condition=Q(address="") | Q(address__startswith="https://"),
                name="film_page_is_https",
                violation_error_message=_("The address must begin with https://."),
            ),
            models.CheckConstraint(
                condition=~Q(summary="") & ~Q(language=""), name="film_has_summary_and_language"
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def site(self) -> str:
        """The host that the link opens, as a reader knows it; "" for a file of ours."""
        host = urlsplit(self.address).hostname or ""
        return host.removeprefix("www.")

    @property
    def language_name(self) -> str:
        """What is spoken in it, in the language of the page."""
        return language_name(self.language)

    @property
    def minutes(self) -> int:
        """Whole minutes of its length, without `seconds_left`."""
        return (self.seconds or 0) // 60

    @property
    def seconds_left(self) -> int:
        """What its length has beyond `minutes`."""
        return (self.seconds or 0) % 60
