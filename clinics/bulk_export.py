"""The listing as a bulk file, written while it is read.

CSV is UTF-8 with a byte order mark, every text harmless. XLSX holds nothing but texts, so that no
program evaluates or rounds what is in it. It is written by hand, because a response can take it in
pieces so, and no library makes one without finishing the file first.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from treatments.spreadsheet_text import BYTE_ORDER_MARK, harmless, harmless_as_text

from .bulk_columns import Column, CountColumn, DayColumn, Known, NumberColumn, Sheet, tidy

ROWS_AT_ONCE = 500
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# Cell style 1 says "this is text" and shows it as it stands; style 2 is the header's.
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        "</Types>"
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
        f'Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/>'
        '</font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2">'
        '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/>'
        '</border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" '
        'borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" '
        'borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" '
        'applyNumberFormat="1" quotePrefix="1"/><xf numFmtId="49" fontId="1" fillId="0" '
        'borderId="0" xfId="0" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle '
        'name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}


def csv_cell(column: Column, text: str) -> str:
    """A cell that no spreadsheet evaluates. Numbers and days stay what they are."""
    if isinstance(column, NumberColumn | CountColumn | DayColumn):
        return text
    return harmless(text)


def cells_in_order(sheet: Sheet, rows, known: Known) -> Iterator[list[str]]:
    """The texts of rows by column, 500 rows at a time; `rows` is a queryset of the sheet's."""
    found = rows.order_by("pk").iterator(chunk_size=ROWS_AT_ONCE)
    while batch := list(islice(found, ROWS_AT_ONCE)):
        for cells in sheet.cells_of(batch, known):
            yield [cells[name] for name in sheet.header]


def as_csv(sheet: Sheet, rows, known: Known) -> Iterator[bytes]:
    """A CSV file in pieces."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    written.write(BYTE_ORDER_MARK)
    writer.writerow(sheet.header)
    for cells in cells_in_order(sheet, rows, known):
        writer.writerow(map(csv_cell, sheet.columns, cells))
        if written.tell() > 1 << 16:
            yield _taken(written)
    yield _taken(written)


def _taken(written: io.StringIO) -> bytes:
    # What half a character is left of becomes a question mark: it must not end a download.
    piece = written.getvalue().encode("utf-8", "replace")
    written.seek(0)
    written.truncate()
    return piece


def as_xlsx(sheet: Sheet, rows, known: Known) -> Iterator[bytes]:
    """An XLSX file in pieces, of one table with a header that stays in view."""
    out = _Pieces()
    with ZipFile(out, "w") as archive:
        name = escape(sheet.name)
        parts = _PARTS | {
            "xl/workbook.xml": (
                f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="{name}" '
                'sheetId="1" r:id="rId1"/></sheets></workbook>'
            )
        }
        for part, text in parts.items():
            archive.writestr(_part(part), _XML + text)
        with archive.open(_part("xl/worksheets/sheet1.xml"), "w") as table:
            table.write(
                (
                    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
                    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
                    "</sheetView></sheetViews><sheetData>"
                ).encode()
            )
            table.write(_xlsx_row(sheet.header, style=2))
            for cells in cells_in_order(sheet, rows, known):
                table.write(_xlsx_row(cells))
                if out.size > 1 << 16:
                    yield out.taken()
            table.write(b"</sheetData></worksheet>")
    yield out.taken()


def _part(name: str) -> ZipInfo:
    # Always the same day, so that equal data make equal files.
    part = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    part.compress_type = ZIP_DEFLATED
    return part


def _xlsx_row(cells: Iterable[str], style: int = 1) -> bytes:
    # Without their places cells stand one after the other; an empty one keeps its place.
    row = "".join(
        f'<c s="{style}" t="str"><v>{_xml_text(cell)}</v></c>' if cell else "<c/>" for cell in cells
    )
    return f"<row>{row}</row>".encode()


def _xml_text(cell: str) -> str:
    return escape(harmless_as_text(tidy(cell)))


class _Pieces(io.RawIOBase):
    """Where ZipFile writes to; what was written can be taken away."""

    def __init__(self):
        super().__init__()
        self.kept: list[bytes] = []
        self.size = 0

    def writable(self):
        return True

    def write(self, data):
        self.kept.append(bytes(data))
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        """Everything since it was asked for last."""
        piece = b"".join(self.kept)
        self.kept, self.size = [], 0
        return piece
