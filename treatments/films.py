"""Uploaded films and captions: what is taken and what is not, by what the file holds.

Films are not decoded here. What is looked at is their frame: that every part of an MP4 or WebM
file is as long as it says, that the file ends where the last part does, and that it begins with
nothing else. A page that is named like a film is none. The name and type that came with a file
are not looked at.
"""

import re
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.utils.translation import gettext as _

MAX_BYTES = 60 * 1024 * 1024
MAX_CAPTION_BYTES = 512 * 1024
MAX_CUES = 5000
# The description of a film: a few megabytes for hours of it.
MAX_DESCRIPTION_BYTES = 8 * 1024 * 1024
MAX_PARTS = 100_000

MP4, WEBM = "video/mp4", "video/webm"
# Kinds of MP4 that browsers play; QuickTime, HEIC pictures and others begin in the same way.
MP4_BRANDS = frozenset(
    [
        b"isom",
        b"iso2",
        b"iso3",
        b"iso4",
        b"iso5",
        b"iso6",
        b"mp41",
        b"mp42",
        b"avc1",
        b"M4V ",
        b"dash",
    ]
)
PICTURE_BRANDS = frozenset([b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"])
# Where phones write the place at which a film was made.
PLACE_MARKS = (b"\xa9xyz", b"com.apple.quicktime.location", b"loci")

EBML_HEADER, DOCUMENT_TYPE = 0x1A45DFA3, 0x4282
SEGMENT, TRACKS, CLUSTER = 0x18538067, 0x1654AE6B, 0x1F43B675
CUE_TIMES = re.compile(
    r"(?P<start>(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})[ \t]+-->[ \t]+"
    r"(?P<end>(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})(?P<settings>(?:[ \t]+[^<&]*)?)$"
)
CUE_MARKUP = re.compile(r"<(?!/?(?:b|i|u|v|c|lang|ruby|rt)(?:[ .][^<>]*)?>|[\d:.]+>)")


class RefusedFilm(Exception):
    """The file cannot be taken. Its text is one sentence for the person who sent it."""


def media_type_of(upload) -> str:
    """ "video/mp4" or "video/webm", by the content of `upload` (a binary file with a `size`).

    Raises RefusedFilm when it is too large, is neither, is cut off or has something after its
    end, or says where it was made.
    """
    if upload.size > MAX_BYTES:
        raise RefusedFilm(
            _("This file is too large: a film may have at most %(size)d MB.")
            % {"size": MAX_BYTES // 1024 // 1024}
        )
    upload.seek(0)
    start = upload.read(12)
    if start[4:8] == b"ftyp":
        _check_mp4(upload)
        return MP4
    if start[:4] == EBML_HEADER.to_bytes(4, "big"):
        _check_webm(upload)
        return WEBM
    raise RefusedFilm(_("This is not an MP4 or WebM film."))


def _damaged() -> RefusedFilm:
    return RefusedFilm(_("This film is damaged or incomplete. Save it again."))


# --- MP4: parts one after the other, each with its length and a name of four letters


def _check_mp4(upload):
    parts = {}
    for name, offset, length in _mp4_parts(upload):
        parts.setdefault(name, (offset, length))
    first_offset, first_length = parts[b"ftyp"]
    upload.seek(first_offset)
    kinds = upload.read(min(first_length, 400))
    brands = {kinds[at : at + 4] for at in (0, *range(8, len(kinds), 4))}
    if brands & PICTURE_BRANDS or not brands & MP4_BRANDS:
        raise RefusedFilm(_("This is not an MP4 or WebM film."))
    if b"moov" not in parts or not parts.keys() & {b"mdat", b"moof"}:
        raise _damaged()
    offset, length = parts[b"moov"]
    if length > MAX_DESCRIPTION_BYTES:
        raise _damaged()
    upload.seek(offset)
    description = upload.read(length)
    if b"mvhd" not in description or b"vide" not in description:
        raise RefusedFilm(_("There is no picture in this film."))
    _refuse_place(description)


def _mp4_parts(upload):
    """Yield (name, where its content begins, length of the content) of each outermost part."""
    at, count = 0, 0
    while at < upload.size:
        upload.seek(at)
        head = upload.read(16)
        count += 1
        if len(head) < 8 or count > MAX_PARTS:
            raise _damaged()
        length, name, head_length = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, head_length = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:
            # To the end of the file.
            length = upload.size - at
        if length < head_length or at + length > upload.size:
            raise _damaged()
        if not re.fullmatch(rb"[\x20-\x7e\xa9]{4}", name):
            raise _damaged()
        yield name, at + head_length, length - head_length
        at += length


def _refuse_place(description: bytes):
    if any(mark in description for mark in PLACE_MARKS):
        raise RefusedFilm(_("This film says where it was made. Save it again without the place."))


# --- WebM: elements with a number, a length, and elements inside


def _check_webm(upload):
    number, at, length = _webm_element(upload, 0)
    upload.seek(at)
    header_end = at + _known(length, upload.size - at)
    document_type = b""
    while at < header_end:
        number, at, length = _webm_element(upload, at)
        length = _known(length, header_end - at)
        if number == DOCUMENT_TYPE:
            upload.seek(at)
            document_type = upload.read(min(length, 16)).rstrip(b"\0")
        at += length
    if document_type != b"webm":
        raise RefusedFilm(_("This is not an MP4 or WebM film."))
    number, at, length = _webm_element(upload, header_end)
    if number != SEGMENT:
        raise _damaged()
    segment_end = upload.size if length is None else at + length
    # Nothing may come after the film; and what is shorter than it says was cut off.
    if segment_end != upload.size:
        raise _damaged()
    found, count = set(), 0
    while at < segment_end and count < MAX_PARTS:
        number, at, length = _webm_element(upload, at)
        found.add(number)
        count += 1
        if length is None:
            # A live recording: its clusters are not measured.
            break
        at += _known(length, segment_end - at)
    if not {TRACKS, CLUSTER} <= found:
        raise _damaged()


def _webm_element(upload, at: int) -> tuple[int, int, int | None]:
    """The number of the element at `at`, where its content begins, and its length if stated."""
    upload.seek(at)
    head = upload.read(12)
    if not head:
        raise _damaged()
    number_size = 9 - head[0].bit_length()
    if number_size > 4 or len(head) <= number_size:
        raise _damaged()
    length_size = 9 - head[number_size].bit_length()
    if length_size > 8 or len(head) < number_size + length_size:
        raise _damaged()
    number = int.from_bytes(head[:number_size], "big")
    stated = int.from_bytes(head[number_size : number_size + length_size], "big")
    bits = 7 * length_size
    length = stated & ((1 << bits) - 1)
    is_unknown = length == (1 << bits) - 1
    return number, at + number_size + length_size, None if is_unknown else length


def _known(length: int | None, most: int) -> int:
    if length is None or length > most:
        raise _damaged()
    return length


# --- Captions


@dataclass(frozen=True)
class Captions:
    """Checked captions as they are stored, and where the last of them ends, in seconds."""

    file: ContentFile
    seconds: float


def check_captions(upload) -> Captions:
    """Read a WebVTT file; return it anew, in UTF-8, with nothing in it but cues.

    Comments, styles and regions are left out: a style could load something from elsewhere.
    Raises RefusedFilm with the line that is wrong.
    """
    if upload.size > MAX_CAPTION_BYTES:
        raise RefusedFilm(_("These captions are too large: 512 kB is the limit."))
    upload.seek(0)
    try:
        text = upload.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedFilm(
            _("These captions are not in UTF-8. Save them again as UTF-8.")
        ) from error
    if "\0" in text:
        raise RefusedFilm(_("This is not a WebVTT file."))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not re.fullmatch(r"WEBVTT(?:[ \t].*)?", lines[0]):
        raise RefusedFilm(_("This is not a WebVTT file: its first line must be WEBVTT."))
    cues = _cues(lines)
    if not cues:
        raise RefusedFilm(_("There are no captions in this file."))
    stored = "WEBVTT\n\n" + "\n\n".join("\n".join(cue) for cue, _end in cues) + "\n"
    return Captions(ContentFile(stored.encode(), "captions.vtt"), max(end for _cue, end in cues))


def _cues(lines: list[str]) -> list[tuple[list[str], float]]:
    """The lines of each cue with when it ends. Raises RefusedFilm for one that cannot be read."""
    found, block, first = [], [], 0
    for number, line in enumerate([*lines[1:], ""], start=2):
        if line.strip():
            first = first if block else number
            block.append(line)
        elif block:
            cue = _cue(block, first)
            found += [cue] if cue else []
            block = []
    if len(found) > MAX_CUES:
        raise RefusedFilm(_("There are too many captions in this file."))
    return found


def _cue(block: list[str], number: int) -> tuple[list[str], float] | None:
    """One block of the file, which begins at line `number`; None when it is no cue."""
    timed = next((place for place, line in enumerate(block[:2]) if "-->" in line), None)
    if timed is None:
        if block[0].split()[0] in ("NOTE", "STYLE", "REGION"):
            return None
        raise _wrong_line(number)
    times = CUE_TIMES.fullmatch(block[timed].strip())
    if not times or _seconds(times["start"]) >= _seconds(times["end"]):
        raise _wrong_line(number + timed)
    words = block[timed + 1 :]
    for place, line in enumerate(words, start=timed + 1):
        if "-->" in line or CUE_MARKUP.search(line):
            raise _wrong_line(number + place)
    if not words:
        return None
    return [block[timed].strip(), *words], _seconds(times["end"])


def _seconds(stated: str) -> float:
    hours, minutes, seconds = ("0:" + stated if stated.count(":") == 1 else stated).split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _wrong_line(number: int) -> RefusedFilm:
    return RefusedFilm(_("Line %(number)d of these captions cannot be read.") % {"number": number})
