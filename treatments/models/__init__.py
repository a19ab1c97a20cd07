"""What can be done to a person, and who says so. Knows nothing of clinics."""

from .film import Film
from .question import ReadersQuestion
from .source import Claim, Source
from .treatment import (
    Alias,
    Contraindication,
    LoadedContent,
    RegulatorPosition,
    SideEffect,
    Statement,
    Treatment,
    TreatmentArea,
    TreatmentConcern,
    TreatmentSubstance,
)
from .vocabulary import BodyArea, Concern, Substance, SubstanceStatus

__all__ = [
    "Alias",
    "BodyArea",
    "Claim",
    "Concern",
    "Contraindication",
    "Film",
    "LoadedContent",
    "ReadersQuestion",
    "RegulatorPosition",
    "SideEffect",
    "Source",
    "Statement",
    "Substance",
    "SubstanceStatus",
    "Treatment",
    "TreatmentArea",
    "TreatmentConcern",
    "TreatmentSubstance",
]
