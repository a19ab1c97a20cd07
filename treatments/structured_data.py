"""schema.org descriptions of treatments, saying only what the page shows."""

from collections.abc import Callable

from .models import ReadersQuestion, Treatment
from .treatment_page import TreatmentPage

Absolute = Callable[[str], str]


def treatment_page(page: TreatmentPage, absolute: Absolute) -> dict:
    """A MedicalWebPage about the treatment. `absolute` makes a full address of a path."""
    treatment = page.treatment
    is_surgery = treatment.kind == Treatment.Kind.COMPARISON
    therapy = {
        "@type": "MedicalProcedure" if is_surgery else "MedicalTherapy",
        "name": treatment.name,
        "alternateName": [alias.name for alias in treatment.aliases.all()],
        "bodyLocation": [link.body_area.name for link in treatment.area_links.all()],
        "contraindication": [reason.name for reason in treatment.contraindications.all()],
        "adverseOutcome": [_entity(effect.name) for effect in page.usual_effects],
        "seriousAdverseOutcome": [_entity(effect.name) for effect in page.serious_risks],
    }
    described = {
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "name": treatment.name,
        "description": treatment.summary_text,
        "url": absolute(treatment.get_absolute_url()),
        "lastReviewed": treatment.last_reviewed,
        "medicalAudience": {"@type": "MedicalAudience", "audienceType": "Patient"},
        "about": {key: value for key, value in therapy.items() if value},
        "citation": [{"@type": "CreativeWork", "name": source.title} for source in page.sources],
    }
    return {key: value for key, value in described.items() if value}


def _entity(name: str) -> dict:
    return {"@type": "MedicalEntity", "name": name}


def treatment_list(treatments: list[Treatment], absolute: Absolute) -> dict:
    """An ItemList of the treatments that the page lists."""
    return {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": position,
                "name": treatment.name,
                "url": absolute(treatment.get_absolute_url()),
            }
            for position, treatment in enumerate(treatments, start=1)
        ],
    }


def answered_questions(questions: list[ReadersQuestion]) -> dict:
    """A FAQPage: questions that the site itself answers, one answer each; {} without any."""
    if not questions:
        return {}
    return {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "mainEntity": [
            {
                "@type": "Question",
                "name": question.text_published,
                "acceptedAnswer": {
                    "@type": "Answer",
                    "text": question.answer,
                    "dateModified": question.answered_on,
                    "citation": [
                        {"@type": "CreativeWork", "name": source.title}
                        for source in question.sources.all()
                    ],
                },
            }
            for question in questions
        ],
    }


def breadcrumbs(trail: list[tuple[str, str]], absolute: Absolute) -> dict:
    """A BreadcrumbList of (name, path), from home to the page itself."""
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": position, "name": name, "item": absolute(path)}
            for position, (name, path) in enumerate(trail, start=1)
        ],
    }
