"""An independent judge of picture files: names every part of one, down to the last byte.

It decodes nothing, and asks no library: it only follows lengths. Whatever is not one of the parts
that a picture needs is named in what it returns, and a file whose parts do not add up to its size
is a ValueError. So there is no place left for metadata.
"""

# Of JPEG: tables, the frame, its scans. Everything else may carry words.
JPEG_NEEDS = {
    0xDB: "tables of quantization",
    0xC0: "frame",
    0xC2: "progressive frame",
    0xC4: "tables of codes",
    0xDA: "scan",
}
JFIF_BYTES = 14
# Of WebP: one lossy picture and nothing around it.
WEBP_NEEDS = {b"VP8 "}
# Of AVIF: boxes that describe the one picture, in their places, with how long they are; 0 for those
# that hold others or the picture.
AVIF_NEEDS = {
    "ftyp": 24,
    "mdat": 0,
    "meta": 0,
    "meta/hdlr": 25,
    "meta/pitm": 6,
    "meta/iloc": 22,
    "meta/iinf": 0,
    "meta/iinf/infe": 18,
    "meta/iprp": 0,
    "meta/iprp/ipco": 0,
    "meta/iprp/ipco/ispe": 12,
    "meta/iprp/ipco/pixi": 8,
    "meta/iprp/ipco/av1C": 4,
    "meta/iprp/ipco/colr": 11,
    "meta/iprp/ipma": 15,
}
# Boxes that could hold a name, word for word: a handler without one, and the one item.
NAMELESS = {
    "meta/hdlr": bytes(8) + b"pict" + bytes(13),
    "meta/iinf/infe": b"\2\0\0\0\0\1\0\0av01Color\0",
}
# How many bytes stand in a box before the boxes in it.
AVIF_CONTAINERS = {"meta": 4, "meta/iinf": 6, "meta/iprp": 0, "meta/iprp/ipco": 0}
# Of the coded picture: delimiter, sequence header, frame (whole, or header and tiles).
AV1_NEEDS = {1, 2, 3, 4, 6}


def what_else(content: bytes) -> set[str]:
    """The parts of a JPEG, WebP or AVIF that its picture does not need; empty for a clean file.

    Raises ValueError when the file is none of these or its parts do not fill it exactly.
    """
    if content[:2] == b"\xff\xd8":
        return _else_in_jpeg(content)
    if content[:4] == b"RIFF":
        return _else_in_webp(content)
    if content[4:8] == b"ftyp":
        return _else_in_avif(content)
    raise ValueError("no JPEG, WebP or AVIF")


# --- JPEG


def _else_in_jpeg(content: bytes) -> set[str]:
    found, at = set(), 2
    while True:
        if content[at] != 0xFF:
            raise ValueError(f"byte {at} belongs to nothing")
        marker = content[at + 1]
        if marker == 0xD9:
            if at + 2 != len(content):
                found.add(f"{len(content) - at - 2} bytes after the end")
            return found
        body = content[at + 4 : at + 2 + _number(content, at + 2, 2)]
        if marker == 0xE0:
            found |= _else_in_jfif(body)
        elif marker not in JPEG_NEEDS:
            found.add(f"segment {marker:02X}")
        at += 4 + len(body)
        if marker == 0xDA:
            at = _end_of_scan(content, at)


def _else_in_jfif(body: bytes) -> set[str]:
    if len(body) != JFIF_BYTES or body[:5] != b"JFIF\0":
        return {"a first segment that is no plain JFIF"}
    return {"thumbnail"} if body[12:14] != b"\0\0" else set()


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the next marker stands. In a scan FF is followed by 0, or starts the data anew."""
    while content[at] != 0xFF or content[at + 1] == 0 or 0xD0 <= content[at + 1] <= 0xD7:
        at += 1
    return at


# --- WebP


def _else_in_webp(content: bytes) -> set[str]:
    size = 8 + int.from_bytes(content[4:8], "little")
    found = {f"{len(content) - size} bytes after the end"} if size < len(content) else set()
    if content[8:12] != b"WEBP" or size > len(content):
        raise ValueError("no whole WebP")
    at, pictures = 12, 0
    while at < size:
        kind, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        pictures += kind in WEBP_NEEDS
        if kind not in WEBP_NEEDS or pictures > 1:
            found.add(f"chunk {kind.decode('latin-1')}")
        at += 8 + length
        if length % 2:
            found |= {"a word in the padding"} if content[at : at + 1] != b"\0" else set()
            at += 1
    if at != size:
        raise ValueError("the last chunk is cut off")
    return found


# --- AVIF


def _boxes(content: bytes, start: int, end: int, within: str = ""):
    """The boxes of a stretch of the file, with those in them: (path, start, end) of each body."""
    while start < end:
        size, kind = _number(content, start, 4), content[start + 4 : start + 8].decode("latin-1")
        if size < 8 or start + size > end:
            raise ValueError(f"box {kind} does not fit")
        path = f"{within}/{kind}" if within else kind
        yield path, start + 8, start + size
        if path in AVIF_CONTAINERS:
            inside = start + 8 + AVIF_CONTAINERS[path]
            yield from _boxes(content, inside, start + size, path)
        start += size


def _else_in_avif(content: bytes) -> set[str]:
    found, extents, stored = set(), [], []
    for path, start, end in _boxes(content, 0, len(content)):
        body = content[start:end]
        if path not in AVIF_NEEDS or AVIF_NEEDS[path] not in (0, len(body)):
            found.add(f"box {path}")
        elif NAMELESS.get(path, body) != body:
            found.add(f"words in {path}")
        elif path.endswith("/colr") and body[:4] != b"nclx":
            found.add("colour profile")
        if path == "meta/iloc":
            extents += _extents(body)
        if path == "mdat":
            stored.append((start, len(body)))
    # One item, and it fills what is stored: no other picture, no Exif, no XMP, nothing between.
    if len(extents) != 1 or extents != stored:
        return found | {"bytes that are not of the picture"}
    start, length = stored[0]
    return found | _else_in_av1(content[start : start + length])


def _extents(body: bytes) -> list[tuple[int, int]]:
    """Where the items lie, (offset, length) each, of a box as libavif writes it."""
    version, sizes, base = body[0], body[4], body[5] >> 4
    if version != 0 or sizes != 0x44 or base != 0:
        raise ValueError("places of items in an unknown form")
    found, at = [], 8
    for _item in range(_number(body, 6, 2)):
        count = _number(body, at + 4, 2)
        at += 6
        for _extent in range(count):
            found.append((_number(body, at, 4), _number(body, at + 4, 4)))
            at += 8
    return found


def _else_in_av1(coded: bytes) -> set[str]:
    """Units of a coded picture that it does not need: metadata and padding can carry words."""
    found, at = set(), 0
    while at < len(coded):
        head = coded[at]
        kind, has_extension, has_size = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
        at += 1 + has_extension
        length = len(coded) - at
        if has_size:
            length, at = _leb128(coded, at)
        if kind not in AV1_NEEDS:
            found.add(f"unit {kind}")
        at += length
    if at != len(coded):
        raise ValueError("the last unit is cut off")
    return found


def _leb128(content: bytes, at: int) -> tuple[int, int]:
    """A number of as many bytes as it needs, and where the next thing stands."""
    value = shift = 0
    while True:
        value |= (content[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if content[at - 1] < 128:
            return value, at


def _number(content: bytes, at: int, size: int) -> int:
    return int.from_bytes(content[at : at + size], "big")
