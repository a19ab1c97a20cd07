"""Text on its way into a spreadsheet, which would run some of it."""

# A spreadsheet takes a cell that begins so for a formula, and runs it.
# The last four are the wide signs of East Asian keyboards, which some read as the narrow ones.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_STRIPPED_BY_SPREADSHEETS = ("\t", "\r", "\n")
# Excel takes UTF-8 for the code page of the computer unless the file begins with this mark;
# every other reader skips it.
BYTE_ORDER_MARK = "\ufeff"


def harmless(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet could take it for a formula.

    The apostrophe is the spreadsheets' own sign for "this is text".
    """
    risky = text.startswith(_STRIPPED_BY_SPREADSHEETS) or text.lstrip().startswith(_FORMULA_SIGNS)
    return f"'{text}" if risky else text
