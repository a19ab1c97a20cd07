"""What can be done to a person, and who says so. Knows nothing of clinics."""

from .source import Claim, Source
from .treatment import (
    Alias,
    BodyArea,
    Concern,
    Contraindication,
    LoadedContent,
    RegulatorPosition,
    SideEffect,
    Statement,
    Substance,
    SubstanceStatus,
    Treatment,
    TreatmentArea,
    TreatmentConcern,
    TreatmentSubstance,
)

__all__ = [
    "Alias",
    "BodyArea",
    "Claim",
    "Concern",
    "Contraindication",
    "LoadedContent",
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
