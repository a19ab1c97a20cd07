"""Opens a picture that a stranger sent, in a process of its own that may not take much.

`clinics/photos.py` starts this file as a program. The picture comes on standard input. Three
numbers are its arguments: the open file that the clean JPEG goes to, and how many seconds of the
processor and how many bytes of memory it may take. One line of JSON on standard output says what
came of it. Nothing of Django is loaded, and no setting or secret is in reach.
"""

import json
import os
import resource
import sys
import warnings
from io import BytesIO

# WebPImagePlugin by name: else Pillow loads every decoder it has to find that one.
from PIL import Image, ImageCms, ImageOps, WebPImagePlugin

FORMATS = ("JPEG", "PNG", WebPImagePlugin.WebPImageFile.format)
MAX_BYTES = 15 * 1024 * 1024
MAX_PIXELS = 40_000_000
# What is kept fits into this; nothing is shown larger.
MAX_WIDTH = 1600
MAX_HEIGHT = 2400
# Printers' profiles have some two megabytes; a larger one is not worth the memory.
MAX_PROFILE_BYTES = 4 * 1024 * 1024
# Of the copy that all sizes are made from: no loss that an eye sees.
KEPT_QUALITY = 95

# Added to the politeness of this process: pages for visitors come first.
NICENESS = 5

# Pillow only warns of a picture that is somewhat too large to be honest.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class Unacceptable(Exception):
    """The picture cannot be taken. Its text is one of the keys of `SENTENCES` in photos.py."""


def redraw(content: bytes) -> Image.Image:
    """Decode a file and return a new picture that has its pixels and nothing else of it.

    It stands upright, is in sRGB on white, and at most 1600 pixels wide and 2400 high. Raises
    Unacceptable, and only that, for whatever is no JPEG, PNG or WebP (by content), has too many
    pixels, moves, or cannot be decoded to its end.
    """
    image = _open(content)
    # Before decoding: a few kilobytes can describe a picture that fills the memory.
    if image.width * image.height > MAX_PIXELS:
        raise Unacceptable("pixels")
    # A JPEG with several frames is a phone's picture with its preview: the first one counts.
    if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
        raise Unacceptable("moves")
    try:
        return _redraw(image)
    except MemoryError as error:
        raise Unacceptable("memory") from error
    except Exception as error:
        # Decoders fail on damaged files in any way they like.
        raise Unacceptable("damaged") from error


def _open(content: bytes) -> Image.Image:
    """Read the header only."""
    try:
        return Image.open(BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unacceptable("pixels") from error
    except MemoryError as error:
        raise Unacceptable("memory") from error
    except Exception as error:
        # As in `redraw`: a header can be damaged in as many ways as a picture.
        raise Unacceptable("format") from error


def _redraw(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    lies_on_its_side = image.getexif().get(0x0112) in (5, 6, 7, 8)
    box = (MAX_HEIGHT, MAX_WIDTH) if lies_on_its_side else (MAX_WIDTH, MAX_HEIGHT)
    if image.mode in ("1", "P", "PA"):
        # Colours by number cannot be mixed, so they cannot be made smaller.
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode.startswith("I"):
        # Sixteen bits of grey down to eight. Pillow cannot make these smaller either.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    # First of all, so that the steps after it work on a small picture. It decodes too.
    image.thumbnail(box, Image.Resampling.LANCZOS)
    image = ImageOps.exif_transpose(image)
    image = _to_srgb(_flatten(image), profile)
    # Pasting copies pixels only; saving `image` itself would take its comments along.
    picture = Image.new("RGB", image.size)
    picture.paste(image)
    return picture


def _flatten(image: Image.Image) -> Image.Image:
    """Lay transparent parts on white."""
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


def limit_this_process(cpu_seconds: int, memory_bytes: int):
    """From here on this process gets no more than that, and waits for those with more to do."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_BYTES, MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(target: int) -> dict:
    """Take the picture from standard input and write the clean one to the file `target`."""
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        return {"refused": "bytes"}
    try:
        picture = redraw(content)
    except Unacceptable as refusal:
        return {"refused": str(refusal)}
    with os.fdopen(target, "wb") as file:
        picture.save(file, "JPEG", quality=KEPT_QUALITY, subsampling=0)
    return {"width": picture.width, "height": picture.height}


if __name__ == "__main__":
    clean_file, *limits = map(int, sys.argv[1:])
    limit_this_process(*limits)
    print(json.dumps(main(clean_file)))  # noqa: T201  (this is how it answers)
