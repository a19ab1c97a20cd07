"""Who does it, where, for how much, and what has been checked."""

from .change_log import DirectoryChange, DirectoryState
from .clinic import Clinic, Membership, OpeningHours, Photo
from .offer import Offer
from .place import Country, Currency, Language, Place
from .practitioner import Check, Practitioner

__all__ = [
    "Check",
    "Clinic",
    "Country",
    "Currency",
    "DirectoryChange",
    "DirectoryState",
    "Language",
    "Membership",
    "Offer",
    "OpeningHours",
    "Photo",
    "Place",
    "Practitioner",
]
