"""What becomes of an uploaded picture: nothing but the picture is left, or one clear sentence.

Most of it asks the decoder in this process, where it is quick; the last part asks it as the site
does, in a process of its own. What becomes of the photo then is in test_clinic_photos.py.
"""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from PIL import Image, ImageCms, PngImagePlugin

from clinics.photo_decoder import MAX_BYTES, MAX_WIDTH, Unacceptable, redraw
from clinics.photo_sizes import encode, files_of
from clinics.photos import SENTENCES, RefusedPhoto, clean

ROOT = Path(__file__).parent.parent
CANARY = b"CANARY-52.5163-13.3777"
NO_PICTURE = "This is not a JPEG, PNG or WebP picture."
DAMAGED = "This picture is damaged or incomplete. Save it again."
MOVES = "This picture moves. Send a still one."
TOO_MANY_PIXELS = "This picture has too many pixels: 40 million is the limit. Make it smaller."
# Start and end of picture, JFIF header, tables, frame, scan. No APP1 (EXIF, XMP), no APP2
# (colour profile, more pictures), no APP13 (IPTC), no comment.
ALLOWED_MARKERS = {0xD8, 0xE0, 0xDB, 0xC2, 0xC4, 0xDA, 0xDD, 0xD9}
SAMPLES = os.environ.get("MESOGUIDE_SAMPLE_IMAGES", "")


def upload(image, form, name="photo.jpg", trailing=b"", **options):
    """An uploaded file made of a Pillow image."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return ContentFile(buffer.getvalue() + trailing, name)


def picture(mode="RGB", size=(60, 40), colour="teal"):
    return Image.new("RGB", size, colour).convert(mode)


def result(upload):
    """The largest JPEG that patients would get of an upload, and the picture in it."""
    upload.seek(0)
    picture = redraw(upload.read())
    stored = encode(picture, files_of("x.jpg", picture.width)[-1])
    return stored, Image.open(io.BytesIO(stored))


def refusal(upload) -> str:
    """The sentence with which the decoder refuses an upload."""
    upload.seek(0)
    with pytest.raises(Unacceptable) as refused:
        redraw(upload.read())
    return str(SENTENCES[str(refused.value)])


def files_in(folder) -> list[Path]:
    """All files in a folder and below."""
    return [path for path in folder.rglob("*") if path.is_file()]


def markers(stored) -> set[int]:
    """The kinds of segment in a JPEG. Bytes of the scans are told from markers by their zero."""
    found, position = {0xD8}, 2
    while position < len(stored):
        assert stored[position] == 0xFF
        marker = stored[position + 1]
        found.add(marker)
        if marker == 0xD9:
            assert position + 2 == len(stored), "bytes after the end of the picture"
            return found
        position += 2 + struct.unpack(">H", stored[position + 2 : position + 4])[0]
        if marker == 0xDA:
            while stored[position] != 0xFF or stored[position + 1] == 0:
                position += 1
    raise AssertionError("no end of picture")


def assert_clean(stored):
    """No metadata of any kind, and none of the bytes that the hostile files carry."""
    assert markers(stored) <= ALLOWED_MARKERS
    # Nothing shorter: three given bytes turn up in a compressed picture by chance.
    for trace in (CANARY, b"Exif", b"adobe", b"ICC_PROFILE", b"8BIM", b"<script"):
        assert trace not in stored
    reread = Image.open(io.BytesIO(stored))
    reread.load()
    kept = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    assert set(reread.info) <= kept
    assert dict(reread.getexif()) == {}


def exif_with_place(orientation=1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = CANARY.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 58.0), 3: "E", 4: (13.0, 22.0, 39.0)})
    return exif.tobytes()


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + CANARY + b"</x:xmpmeta>"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_jpeg_loses_place_comment_profile_and_what_follows_the_picture():
    dirty = upload(
        picture(),
        "JPEG",
        exif=exif_with_place(),
        xmp=XMP,
        icc_profile=SRGB,
        comment=CANARY,
        trailing=b"<script>alert('" + CANARY + b"')</script>",
    )
    assert dirty.read().count(CANARY) == 4
    stored, image = result(dirty)
    assert_clean(stored)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (60, 40))


def test_png_loses_its_text_and_exif():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", CANARY.decode())
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    dirty = upload(picture(), "PNG", pnginfo=text, exif=exif_with_place(), icc_profile=SRGB)
    assert CANARY in dirty.read()
    assert_clean(result(dirty)[0])


def test_webp_loses_exif_and_xmp():
    dirty = upload(picture(), "WEBP", exif=exif_with_place(), xmp=XMP, icc_profile=SRGB)
    assert CANARY in dirty.read()
    assert_clean(result(dirty)[0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(orientation):
    """Drawn red at the left; each way to lie is undone by turning it as EXIF says."""
    upright = picture(size=(64, 32), colour="white")
    upright.paste("red", (0, 0, 16, 32))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    lying = upright.transpose(undo[orientation]) if orientation in undo else upright
    stored, image = result(upload(lying, "JPEG", exif=exif_with_place(orientation)))
    assert_clean(stored)
    assert image.size == (64, 32)
    red, white = image.getpixel((4, 16)), image.getpixel((60, 16))
    assert red[0] > 240
    assert red[1] < 60
    assert min(white) > 240


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 1200), (1600, 1200)),
        ((3200, 1600), (1600, 800)),
        ((800, 3200), (600, 2400)),
        ((1200, 1700), (1200, 1700)),
        ((10, 10), (10, 10)),
        ((20_000, 1), (1600, 1)),
    ],
)
def test_a_picture_has_at_most_1600_by_2400_pixels(size, expected):
    assert redraw(upload(picture(size=size), "PNG").read()).size == expected
    # Lying on its side, it has the same size once it stands.
    lying = picture(size=size[::-1])
    turned = upload(lying, "PNG", exif=exif_with_place(orientation=6))
    assert redraw(turned.read()).size == expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_any_kind_of_png_becomes_eight_bits_of_red_green_and_blue(mode):
    deep = mode == "I;16"
    # Wide enough to be made smaller, which not every kind can be as it is.
    size = (1700, 20)
    image = Image.new(mode, size, 32_768) if deep else picture(mode, size, colour="white")
    stored, image = result(upload(image, "PNG"))
    assert_clean(stored)
    assert image.mode == "RGB"
    expected = 128 if deep else 255
    assert all(abs(value - expected) <= 2 for value in image.getpixel((5, 5)))


def test_a_picture_for_printing_becomes_one_for_the_screen():
    stored, image = result(upload(picture("CMYK", colour="white"), "JPEG"))
    assert_clean(stored)
    assert image.mode == "RGB"
    assert min(image.getpixel((5, 5))) > 250


def test_colours_of_another_profile_are_brought_to_srgb():
    """In a profile whose curve is a straight line, half of the light is lighter than #808080."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        entry = profile.index(name)
        start = struct.unpack(">I", profile[entry + 4 : entry + 8])[0]
        # A curve with no points is a straight line.
        profile[start : start + 12] = b"curv" + bytes(8)
    half = Image.new("RGB", (20, 20), (128, 128, 128))
    _, image = result(upload(half, "PNG", icc_profile=bytes(profile)))
    assert image.getpixel((5, 5)) == pytest.approx((188, 188, 188), abs=3)


@pytest.mark.parametrize(
    "profile",
    [b"", b"no profile at all" * 20, SRGB[:200], b"x" * 5_000_000],
    # SRGB holds the time at which it was made, which no two workers share.
    ids=["empty", "words", "cut off", "too large"],
)
def test_a_broken_profile_does_not_lose_the_picture(profile):
    stored, image = result(upload(picture(colour="white"), "JPEG", icc_profile=profile))
    assert_clean(stored)
    assert min(image.getpixel((5, 5))) > 250


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_transparent_parts_are_white(form):
    stored, image = result(upload(Image.new("RGBA", (30, 20), (0, 0, 0, 0)), form))
    assert_clean(stored)
    assert min(image.getpixel((5, 5))) > 250


def test_a_transparent_colour_of_a_palette_is_white():
    image = picture("P", colour="black")
    stored, image = result(upload(image, "PNG", transparency=image.getpixel((0, 0))))
    assert_clean(stored)
    assert min(image.getpixel((5, 5))) > 250


def test_a_phones_picture_with_its_preview_is_the_picture():
    with_preview = upload(
        picture(),
        "MPO",
        save_all=True,
        append_images=[picture(size=(6, 4))],
        exif=exif_with_place(),
    )
    stored, image = result(with_preview)
    assert_clean(stored)
    assert image.size == (60, 40)


# --- Refused


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "ICO", "EPS", "PDF", "PPM", "TGA", "AVIF"])
def test_other_formats_are_refused_whatever_their_name(form):
    assert refusal(upload(picture(), form, name="photo.jpg")) == NO_PICTURE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><img src=x onerror=alert(1)>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"GIF89a/*" + b"\x00" * 20 + b"*/=1;alert(1)",
        b"PK\x03\x04" + b"\x00" * 40,
        b"push graphic-context\nfill 'url(https://example.org/)'\n",
        bytes(range(256)) * 8,
    ],
)
def test_what_is_no_picture_is_refused(content):
    assert refusal(ContentFile(content, "photo.png")) == NO_PICTURE


@pytest.mark.parametrize(("form", "options"), [("JPEG", {}), ("PNG", {}), ("WEBP", {})])
def test_a_file_that_ends_too_early_is_refused(form, options):
    noise = Image.effect_noise((160, 120), 80).convert("RGB")
    content = upload(noise, form, **options).read()
    for sixteenth in range(16):
        cut = ContentFile(content[: len(content) * sixteenth // 16], "photo.jpg")
        assert refusal(cut) in (NO_PICTURE, DAMAGED)


def test_a_png_with_a_wrong_checksum_is_refused():
    content = bytearray(upload(picture(), "PNG").read())
    content[content.index(b"IDAT") + 6] ^= 0xFF
    assert refusal(ContentFile(bytes(content), "photo.png")) in (NO_PICTURE, DAMAGED)


@pytest.mark.parametrize(("form", "name"), [("WEBP", "photo.webp"), ("PNG", "photo.png")])
def test_moving_pictures_are_refused(form, name):
    frames = [picture(colour=colour) for colour in ("red", "green", "blue")]
    moving = upload(frames[0], form, name, save_all=True, append_images=frames[1:], duration=50)
    assert refusal(moving) == MOVES


def png_of_size(width, height) -> ContentFile:
    """A few bytes that say they are a large picture; its pixels are all missing."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))
    return ContentFile(content + chunk(b"IEND", b""), "photo.png")


@pytest.mark.parametrize(
    ("width", "height"),
    [(6325, 6325), (9000, 9000), (13_000, 13_000), (20_000, 20_000), (65_535, 65_535)],
)
def test_a_bomb_is_refused_before_it_is_decoded(width, height):
    assert refusal(png_of_size(width, height)) == TOO_MANY_PIXELS


def test_forty_million_pixels_are_decoded():
    """One pixel row less than the bomb above, so it is not its size that refuses this file."""
    assert refusal(png_of_size(8000, 5000)) == DAMAGED


def test_a_bomb_of_text_is_refused():
    text = PngImagePlugin.PngInfo()
    for number in range(70):
        text.add_text(f"key{number}", "x" * 1_000_000, zip=True)
    assert refusal(upload(picture(), "PNG", pnginfo=text)) in (NO_PICTURE, DAMAGED)


@pytest.mark.skipif(
    not Path(SAMPLES).is_dir() or not SAMPLES,
    reason="SAMPLE PICTURES NOT TRIED: MESOGUIDE_SAMPLE_IMAGES names no folder",
)
def test_a_folder_of_real_and_hostile_pictures():
    files = [path for path in sorted(Path(SAMPLES).rglob("*")) if path.is_file()]
    taken, refusals = 0, set()
    for path in files:
        try:
            stored, image = result(ContentFile(path.read_bytes(), path.name))
        except Unacceptable as refused:
            refusals.add(str(SENTENCES[str(refused)]))
        else:
            taken += 1
            assert_clean(stored)
            assert image.width <= MAX_WIDTH
    assert taken > 0
    assert refusals <= {NO_PICTURE, DAMAGED, MOVES, TOO_MANY_PIXELS}


# --- In a process of its own


def test_what_is_written_is_clean_upright_and_for_the_site_alone(tmp_path):
    lying = picture(size=(40, 60))
    sent = upload(
        lying, "JPEG", exif=exif_with_place(6), comment=CANARY, trailing=b"<script>" + CANARY
    )
    cleaned = clean(sent, tmp_path / "photos" / "a.jpg")
    stored = tmp_path / "photos" / "a.jpg"
    with Image.open(stored) as image:
        assert (cleaned.width, cleaned.height) == (60, 40) == image.size
    # Not progressive, which is all that tells it from what patients get.
    assert markers(stored.read_bytes()) <= ALLOWED_MARKERS | {0xC0}
    assert CANARY not in stored.read_bytes()
    assert (stored.stat().st_mode & 0o777, stored.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"GIF89a" + bytes(20), NO_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NO_PICTURE),
        (upload(picture(size=(900, 900)), "JPEG").read()[:-2000], DAMAGED),
        (b"", NO_PICTURE),
    ],
)
def test_a_refused_file_leaves_nothing(tmp_path, content, sentence):
    with pytest.raises(RefusedPhoto) as refused:
        clean(ContentFile(content, "photo.jpg"), tmp_path / "a.jpg")
    assert str(refused.value) == sentence
    assert files_in(tmp_path) == []


def test_a_large_file_is_refused_unread(tmp_path):
    class Unreadable(ContentFile):
        def read(self, *args):
            raise AssertionError("it was read")

    too_large = Unreadable(b"")
    too_large.size = MAX_BYTES + 1
    with pytest.raises(RefusedPhoto) as refused:
        clean(too_large, tmp_path / "a.jpg")
    assert str(refused.value) == "This file is too large: a photo may have at most 15 MB."
    assert files_in(tmp_path) == []


def test_a_file_that_says_less_than_its_size_is_cut_off(tmp_path):
    liar = ContentFile(bytes(MAX_BYTES + 1))
    liar.size = 10
    with pytest.raises(RefusedPhoto) as refused:
        clean(liar, tmp_path / "a.jpg")
    assert str(refused.value) == "This file is too large: a photo may have at most 15 MB."


def test_a_picture_that_takes_too_long_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("clinics.photos.PATIENCE_SECONDS", 0.001)
    with pytest.raises(RefusedPhoto) as refused:
        clean(upload(picture(), "JPEG"), tmp_path / "a.jpg")
    assert str(refused.value) == "This picture takes too long to open. Make it smaller."
    assert files_in(tmp_path) == []


MEASURED = """
import resource, sys
from pathlib import Path
from django.conf import settings
from django.core.files.base import ContentFile
from clinics.photos import clean

settings.configure(USE_I18N=False, PRIVATE_ROOT=Path(sys.argv[1]).parent)
content = Path(sys.argv[1]).read_bytes()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(clean(ContentFile(content), Path(sys.argv[1] + ".jpg")).width)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_forty_million_pixels_take_the_memory_of_another_process(tmp_path):
    bomb = tmp_path / "bomb.png"
    Image.new("1", (7300, 5470)).save(bomb)
    assert bomb.stat().st_size < 50_000
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, str(bomb)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    width, kilobytes_here, kilobytes_there = map(int, told)
    assert width == 1600
    assert kilobytes_here < 32_000
    # Else it was no bomb.
    assert kilobytes_there > 150_000
