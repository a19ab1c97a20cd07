"""Who does it, where, for how much, and what has been checked."""

from .attention import DailyJob, DailyViews, PriceReminder
from .bulk import BulkImport, BulkLine
from .change_log import DirectoryChange, DirectoryState
from .claim import ClaimRequest, Invitation
from .clinic import Clinic, Membership, OpeningHours, Photo
from .correction import Correction
from .enquiry import (
    Enquiry,
    EnquiryEntry,
    EnquiryReading,
    OutgoingNotice,
    ReplyTemplate,
)
from .evidence import CheckEvidence
from .offer import Offer
from .photo_files import DiscardedPhoto, PhotosOfDay
from .place import Country, Currency, Language, Place
from .practitioner import Check, Practitioner
from .proposal import Proposal

__all__ = [
    "BulkImport",
    "BulkLine",
    "Check",
    "CheckEvidence",
    "ClaimRequest",
    "Clinic",
    "Correction",
    "Country",
    "Currency",
    "DailyJob",
    "DailyViews",
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
    "PriceReminder",
    "Proposal",
    "ReplyTemplate",
]
