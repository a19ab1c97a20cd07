"""Bulk files as they arrive: CSV as spreadsheets write it, and XLSX, read a row at a time.

Everything in a file is foreign. What could fill the memory or the day is measured before it is
opened; nothing in it is evaluated, and nothing is fetched.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from django.utils.translation import gettext as _
from openpyxl import load_workbook

from treatments.spreadsheet_text import as_written

# A clinic in all its columns is a third of a kilobyte, and with a long description one.
LARGEST_FILE = 60 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 60
LONGEST_CELL = 20_000
# A row of a CSV file, with all its line ends in quotation marks; below what Python’s csv allows a
# cell.
LONGEST_ROW = 120_000
# Of an XLSX file, unpacked: all of it, and the table of texts, which is held in memory.
LARGEST_UNPACKED = 160 * 1024 * 1024
LARGEST_TEXTS = 40 * 1024 * 1024
MOST_PARTS = 200

CSV, XLSX = "csv", "xlsx"
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class FileRefused(Exception):
    """Nothing of the file can be taken. Its text says why, and where if that is known."""


@dataclass(frozen=True)
class FileRow:
    """One row: the line of the file on which it begins, and its cells as texts.

    `problems` has what is wrong with single cells, by their place.
    """

    line: int
    cells: list[str]
    problems: dict[int, str] = field(default_factory=dict)


@dataclass
class OpenFile:
    """A file that is being read. `notes` says how it was understood, `share` how much is read."""

    header: list[str]
    rows: Iterable[FileRow]
    notes: list[str]
    share: "Share"


class Share:
    """How much of a file was read, from 0 to 1; None where its length is not known."""

    def __init__(self):
        self.done = 0
        self.whole = 0

    @property
    def value(self) -> float | None:
        return min(1.0, self.done / self.whole) if self.whole else None


def format_of(path: Path) -> str:
    """CSV or XLSX, by what the file begins with. Raises FileRefused for what is neither."""
    with path.open("rb") as file:
        begin = file.read(8)
    if path.stat().st_size > LARGEST_FILE:
        raise FileRefused(
            _("The file is larger than %(size)d MB. Split it, or save it as XLSX.")
            % {"size": LARGEST_FILE // 1024 // 1024}
        )
    if begin.startswith(_OLD_EXCEL):
        raise FileRefused(_("This is an old or a locked Excel file. Save it as XLSX or CSV."))
    return XLSX if begin.startswith(_ZIP) else CSV


@contextmanager
def open_rows(path: Path, known_names: Iterable[str]) -> Iterator[OpenFile]:
    """Open a file and read its header; its rows are read while they are taken.

    `known_names` are the columns that it may have, by which a CSV file shows what parts its cells.
    Raises FileRefused here and while rows are taken.
    """
    opened = _open_xlsx(path) if format_of(path) == XLSX else _open_csv(path, set(known_names))
    with opened as found:
        yield found


def _tidy_header(cells: Iterable[str]) -> list[str]:
    names = ["_".join(cell.strip(" \t\n\r\ufeff*'\"").lower().split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise FileRefused(
            _("The file has more than %(most)d columns. Is it the right one?")
            % {"most": MOST_COLUMNS}
        )
    if not any(names):
        raise FileRefused(_("The first line is empty. It must name the columns."))
    return names


def _checked(rows: Iterator[FileRow]) -> Iterator[FileRow]:
    """The rows that are not empty, as many as we take."""
    count = 0
    for row in rows:
        if not any(row.cells) and not row.problems:
            continue
        count += 1
        if count > MOST_ROWS:
            raise FileRefused(
                _("The file has more than %(most)d rows. Split it.") % {"most": MOST_ROWS}
            )
        yield row


# --- CSV


@contextmanager
def _open_csv(path: Path, known_names: set[str]) -> Iterator[OpenFile]:
    encoding, notes = _encoding_of(path)
    share = Share()
    share.whole = path.stat().st_size
    with path.open("rb") as raw:
        lines = _Lines(raw, encoding, share)
        with _understood(lines):
            first = next(lines, "").lstrip("\ufeff")
            separator = _separator_of(first, known_names)
            header = _names_in(first, separator)
        yield OpenFile(header, _checked(_csv_rows(lines, separator, header)), notes, share)


def _encoding_of(path: Path) -> tuple[str, list[str]]:
    """How the characters of the file are written, and what to say about it."""
    with path.open("rb") as raw:
        if raw.read(2) in _UTF_16:
            return "utf-16", []
        raw.seek(0)
        decoder = io.TextIOWrapper(raw, "utf-8-sig", newline="")
        try:
            while decoder.read(1 << 16):
                pass
        except UnicodeDecodeError:
            note = _(
                "The file is not in UTF-8. It was read as Western European (Windows). Look whether "
                "letters with accents are right."
            )
            return "cp1252", [note]
    return "utf-8-sig", []


class _Lines:
    """The lines of a file as texts, none longer than a row may be."""

    def __init__(self, raw, encoding, share):
        self.text = io.TextIOWrapper(raw, encoding, newline="")
        self.raw, self.share = raw, share
        self.number = 0
        self.characters = 0

    def __iter__(self):
        return self

    def __next__(self) -> str:
        line = self.text.readline(LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.characters += len(line)
        self.share.done = self.raw.tell()
        if self.characters > LONGEST_ROW:
            raise FileRefused(
                _(
                    "The row that ends on line %(line)d is too long. Perhaps a quotation mark "
                    "before it is never closed."
                )
                % {"line": self.number}
            )
        return line


@contextmanager
def _understood(lines: _Lines):
    try:
        yield
    except UnicodeError as error:
        raise FileRefused(
            _("The characters after line %(line)d cannot be read. Save the file as UTF-8.")
            % {"line": lines.number}
        ) from error
    except csv.Error as error:
        raise FileRefused(
            _("The row that ends on line %(line)d cannot be read: %(error)s.")
            % {"line": lines.number, "error": error}
        ) from error


def _separator_of(first: str, known_names: set[str]) -> str:
    """The sign between the cells, if exactly one makes column names of the first line."""
    found = {}
    for separator in (",", ";", "\t"):
        found[separator] = len(known_names.intersection(_names_in(first, separator)))
    best = max(found, key=found.get)
    if not found[best] or list(found.values()).count(found[best]) > 1:
        # One column alone has no separator at all; then none matters.
        if found[best] == 1:
            return ","
        raise FileRefused(
            _(
                "The first line names none of our columns. It must hold their names, as in a file "
                "that you export here."
            )
        )
    return best


def _names_in(first: str, separator: str) -> list[str]:
    return _tidy_header(next(csv.reader([first], delimiter=separator), []))


def _csv_rows(lines: _Lines, separator: str, header: list[str]) -> Iterator[FileRow]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        begin, lines.characters = lines.number + 1, 0
        with _understood(lines):
            cells = next(reader, None)
        if cells is None:
            return
        yield _row(begin, cells, header)


def _row(line: int, cells: list[str], header: list[str]) -> FileRow:
    """A row of texts; its width is wrong if it was cut or a separator stands in a cell."""
    problems = {}
    if any(cells) and (len(cells) < len(header) or any(cells[len(header) :])):
        problems[-1] = _(
            "The row has %(cells)d cells, and the first line names %(columns)d columns."
        ) % {"cells": len(cells), "columns": len(header)}
    cells = [as_written(cell) for cell in cells[: len(header)]]
    for place, cell in enumerate(cells):
        if len(cell) > LONGEST_CELL:
            problems[place], cells[place] = _("This is too long."), ""
        elif "\0" in cell:
            problems[place], cells[place] = _("There are signs in it that cannot be read."), ""
    return FileRow(line, cells, problems)


# --- XLSX


@contextmanager
def _open_xlsx(path: Path) -> Iterator[OpenFile]:
    refuse_bombs(path)
    with path.open("rb") as raw:
        with _sheet_understood():
            # With defusedxml installed, entities in any part are refused.
            book = load_workbook(raw, read_only=True, data_only=False, keep_links=False)
        try:
            share = Share()
            with _sheet_understood():
                sheet = book.worksheets[0]
                if sheet.max_row and sheet.max_row <= MOST_ROWS + 1:
                    share.whole = sheet.max_row
                # The file’s own word on its size may be false.
                sheet.reset_dimensions()
                cells = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS + 1)
                rows = enumerate(cells, 1)
                _number, first = next(rows, (1, ()))
            header = _tidy_header([str(cell.value or "") for cell in first])
            found = _checked(_xlsx_rows(rows, header, share))
            yield OpenFile(header, found, [], share)
        finally:
            book.close()


def refuse_bombs(path: Path):
    """Raise FileRefused for an XLSX file that would unpack to too much. Unpacks nothing."""
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
    except (BadZipFile, OSError, ValueError) as error:
        raise FileRefused(_("This Excel file is damaged or has no table in it.")) from error
    sizes = {part.filename.lower(): part.file_size for part in parts}
    if "xl/workbook.xml" not in sizes:
        raise FileRefused(_("This is not an Excel file. Save it as XLSX or CSV."))
    is_large = len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED
    # All parts but the tables themselves are held in memory.
    in_memory = sum(size for name, size in sizes.items() if not name.startswith("xl/worksheets/"))
    if is_large or in_memory > LARGEST_TEXTS or len(sizes) < len(parts):
        raise FileRefused(
            _("This Excel file is too large when unpacked. Split it, or save it as CSV.")
        )


@contextmanager
def _sheet_understood():
    try:
        yield
    except FileRefused:
        raise
    except Exception as error:
        # Whatever openpyxl stumbles over while it reads on.
        raise FileRefused(_("This Excel file is damaged or has no table in it.")) from error


def _xlsx_rows(rows, header: list[str], share: Share) -> Iterator[FileRow]:
    width = len(header)
    while True:
        with _sheet_understood():
            line, cells = next(rows, (0, None))
        if cells is None:
            return
        share.done = line
        texts, problems = [], {}
        for place, cell in enumerate(cells):
            if cell.data_type in ("f", "e"):
                problems[min(place, width - 1)] = _(
                    "There is a formula in this cell. Write its result."
                )
                texts.append("")
            else:
                texts.append(_cell_text(cell.value))
        # An empty end of a row is not in the file.
        texts += [""] * (width - len(texts))
        row = _row(line, texts, header)
        yield FileRow(line, row.cells, {**row.problems, **problems})


def _cell_text(value) -> str:
    """What stands in a cell, as somebody would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # As many digits as a spreadsheet shows; it keeps more.
        return f"{value:.15g}" if abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
