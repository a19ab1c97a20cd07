"""The files of a photo that patients see: three widths, each in three formats.

No database and no request. The largest JPEG has the name that the photo has in the database;
the names of the others follow from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath

from PIL import Image

# In pixels. A photo that is narrower than one of them gets its own width instead, never more.
WIDTHS = (400, 800, 1600)
# Best first: a browser takes the first that it knows. Qualities at which people see no difference
# from one another, and the work that goes into a smaller file.
FORMATS = {
    "avif": {"quality": 60, "speed": 7},
    "webp": {"quality": 80, "method": 4},
    "jpg": {"quality": 82, "progressive": True, "optimize": True},
}
MEDIA_TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}
PILLOW_NAMES = {"avif": "AVIF", "webp": "WEBP", "jpg": "JPEG"}


@dataclass(frozen=True)
class PhotoFile:
    """One file of a photo. `name` is within the folder of uploads, `width` in pixels."""

    name: str
    width: int
    ending: str


@dataclass(frozen=True)
class PhotoAddress:
    """Where a browser finds one file, and how many pixels wide that is."""

    url: str
    width: int


@dataclass(frozen=True)
class PhotoSource:
    """The files of one format, the smallest first."""

    media_type: str
    files: list[PhotoAddress]

    @property
    def middle(self) -> PhotoAddress:
        """The one for a browser that cannot choose by width."""
        return self.files[len(self.files) // 2]


def widths_of(width: int) -> list[int]:
    """The widths that are made of a photo this wide, ascending."""
    return [*(smaller for smaller in WIDTHS if smaller < width), min(width, WIDTHS[-1])]


def files_of(name: str, width: int) -> list[PhotoFile]:
    """All files of the photo whose largest JPEG is `name`, by format and then by width.

    Nothing is looked up: these are the names, whether the files are there or not.
    """
    largest = widths_of(width)[-1]
    base = PurePosixPath(name).with_suffix("")
    return [
        PhotoFile(
            name if (ending, each) == ("jpg", largest) else f"{base}-{each}.{ending}", each, ending
        )
        for ending in FORMATS
        for each in widths_of(width)
    ]


def sources_of(name: str, width: int, url_of: Callable[[str], str]) -> list[PhotoSource]:
    """The files of a photo by format, best first, with the addresses that `url_of` gives them."""
    files = files_of(name, width)
    return [
        PhotoSource(
            MEDIA_TYPES[ending],
            [
                PhotoAddress(url_of(file.name), file.width)
                for file in files
                if file.ending == ending
            ],
        )
        for ending in FORMATS
    ]


def encode(picture: Image.Image, file: PhotoFile) -> bytes:
    """The bytes of one file of a photo: its pixels, and no metadata.

    `picture` is in RGB. About 50 to 800 ms, by size and format.
    """
    height = max(1, round(picture.height * file.width / picture.width))
    fitting = picture
    if file.width != picture.width:
        fitting = picture.resize((file.width, height), Image.Resampling.LANCZOS)
    # Pixels alone: saving a picture that was opened takes its comments along.
    plain = Image.new("RGB", fitting.size)
    plain.paste(fitting)
    buffer = BytesIO()
    plain.save(buffer, PILLOW_NAMES[file.ending], **FORMATS[file.ending])
    return buffer.getvalue()
