"""The language of the page, as Babel knows it: for names of countries, money and numbers."""

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language


def page_locale() -> Locale:
    """Babel's locale for the active language; English when Babel does not know it."""
    try:
        return Locale.parse((get_language() or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def country_name(code: str) -> str:
    """The country's name in the language of the page; the code itself when unknown."""
    return page_locale().territories.get(code.upper(), code)


def language_name(code: str) -> str:
    """The language's name in the language of the page; the code itself when unknown."""
    return page_locale().languages.get(code.lower(), code)
