"""Who does it, where, for how much, and what has been checked."""

from .bulk import BulkImport, BulkLine
from .change_log import DirectoryChange, DirectoryState
from .claim import ClaimRequest, Invitation
from .clinic import Clinic, Membership, OpeningHours, Photo
from .enquiry import (
    Enquiry,
    EnquiryEntry,
    EnquiryReading,
    OutgoingNotice,
    ReplyTemplate,
)
from .offer import Offer
from .photo_files import DiscardedPhoto, PhotosOfDay
from .place import Country, Currency, Language, Place
from .practitioner import Check, Practitioner
from .proposal import Proposal

__all__ = [
    "BulkImport",
    "BulkLine",
    "Check",
    "ClaimRequest",
    "Clinic",
    "Country",
    "Currency",
    "DirectoryChange",
    "DirectoryState",
    "DiscardedPhoto",
    "Enquiry",
    "EnquiryEntry",
    "EnquiryReading",
    "Invitation",
    "Language",
    "Membership",
    "Offer",
    "OpeningHours",
    "OutgoingNotice",
    "Photo",
    "PhotosOfDay",
    "Place",
    "Practitioner",
    "Proposal",
    "ReplyTemplate",
]
