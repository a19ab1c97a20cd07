"""Text on its way into a spreadsheet, which would run some of it, and back."""

# A spreadsheet takes a cell that begins so for a formula, and runs it.
# The last four are the wide signs of East Asian keyboards, which some read as the narrow ones.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_STRIPPED_BY_SPREADSHEETS = ("\t", "\r", "\n", "\0")
_QUOTES = "'\"\u2018\u2019\u201c\u201d"
_AROUND = _QUOTES + "\ufeff\0" + "".join(filter(str.isspace, map(chr, range(0x3001))))
# Excel takes UTF-8 for the code page of the computer unless the file begins with this mark;
# every other reader skips it.
BYTE_ORDER_MARK = "\ufeff"


def harmless(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet could take it for a formula.

    The apostrophe is the spreadsheets' own sign for "this is text". `as_written` takes it off.
    """
    return f"'{text}" if _is_risky(text) else text


def as_written(cell: str) -> str:
    """The text that `harmless` made this cell of; any other cell as it is."""
    return cell[1:] if cell.startswith("'") and _is_risky(cell[1:]) else cell


def harmless_as_text(text: str) -> str:
    """For a cell that says by itself that it is text: changed only where `as_written` would."""
    return text if as_written(text) == text else f"'{text}"


def _is_risky(text: str) -> bool:
    # Some programs drop quotation marks and white space around a cell.
    begin = text.lstrip(_QUOTES + "\ufeff ")
    if begin.startswith(_STRIPPED_BY_SPREADSHEETS):
        return True
    return begin.lstrip(_AROUND).startswith(_FORMULA_SIGNS)
