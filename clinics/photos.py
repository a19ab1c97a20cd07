"""Uploaded pictures: checked by decoding, stripped of everything but the picture, re-encoded.

Nothing of the file that was sent is kept: what is stored is drawn anew from its pixels.
"""

import secrets
import warnings
from dataclasses import dataclass
from io import BytesIO

from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 15 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 1600
JPEG_QUALITY = 82
# Printers' profiles have some two megabytes; a larger one is not worth the memory.
MAX_PROFILE_BYTES = 4 * 1024 * 1024

# Pillow only warns of a picture that is somewhat too large to be honest.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class RefusedPhoto(Exception):
    """The file cannot be taken. Its text is one sentence for the person who sent it."""


@dataclass(frozen=True)
class PreparedPhoto:
    """A JPEG that is ready to be stored. Width and height are in pixels."""

    file: ContentFile
    width: int
    height: int


def prepare(upload) -> PreparedPhoto:
    """Turn an uploaded file (a binary file object with a `size`) into a clean JPEG.

    It stands upright, is in sRGB on white, at most 1600 pixels on its longer side, carries
    no metadata, and has a random name. Raises RefusedPhoto, and only that, when the file is
    too large, is no JPEG, PNG or WebP (by content; its name is not looked at), moves, or
    cannot be decoded to its end.
    """
    if upload.size > MAX_BYTES:
        raise RefusedPhoto(_("This file is too large: a photo may have at most 15 MB."))
    image = _open(upload)
    # Before decoding: a few kilobytes can describe a picture that fills the memory.
    if image.width * image.height > MAX_PIXELS:
        raise RefusedPhoto(_too_many_pixels())
    # A JPEG with several frames is a phone's picture with its preview: the first one counts.
    if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
        raise RefusedPhoto(_("This picture moves. Send a still one."))
    try:
        picture = _redraw(image)
    except Exception as error:
        # Decoders fail on damaged files in any way they like, a MemoryError among them.
        raise RefusedPhoto(_("This picture is damaged or incomplete. Save it again.")) from error
    encoded = BytesIO()
    picture.save(encoded, "JPEG", quality=JPEG_QUALITY, progressive=True, optimize=True)
    name = f"{secrets.token_hex(16)}.jpg"
    return PreparedPhoto(ContentFile(encoded.getvalue(), name), picture.width, picture.height)


def _too_many_pixels() -> str:
    return _("This picture has too many pixels: 40 million is the limit. Make it smaller.")


def _open(upload) -> Image.Image:
    """Read the header only."""
    upload.seek(0)
    try:
        return Image.open(upload, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RefusedPhoto(_too_many_pixels()) from error
    except Exception as error:
        # As in `prepare`: a header can be damaged in as many ways as a picture.
        raise RefusedPhoto(_("This is not a JPEG, PNG or WebP picture.")) from error


def _redraw(image: Image.Image) -> Image.Image:
    """Decode and return a new picture that has the pixels of `image` and nothing else of it."""
    profile = image.info.get("icc_profile")
    if image.mode in ("1", "P", "PA"):
        # Colours by number cannot be mixed, so they cannot be made smaller.
        image = image.convert("RGBA")
    # First of all, so that the steps after it work on a small picture. It decodes too.
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    image = ImageOps.exif_transpose(image)
    image = _to_srgb(_flatten(image), profile)
    # Pasting copies pixels only; saving `image` itself would take its comments along.
    picture = Image.new("RGB", image.size)
    picture.paste(image)
    return picture


def _flatten(image: Image.Image) -> Image.Image:
    """Lay transparent parts on white, and bring 16 bits a pixel down to eight."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("LA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and len(profile) <= MAX_PROFILE_BYTES:
        try:
            return ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A profile that is broken or meant for other channels: the plain colours must do.
            pass
    return image.convert("RGB")
