"""The eighteen subjects on which the founding documents contradict each other or the evidence.

Each must be seen on a page for patients: as a correction with what is known, as a question on
which sources disagree, or as what each side says on the same page. Nothing is averaged away.
"""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.test_treatment_pages import fact, page
from treatments.catalogue import load_catalogue
from treatments.models import Claim, Treatment

# One worker makes them all, so that the catalogue is loaded once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("disagreements")]
GENERAL = "general"
TREATMENTS = [
    *("cellulite", "facial-rejuvenation", "hair-loss", "homeopathic-mesotherapy", "liposuction"),
    *("localised-fat", "lower-eyelid", "melasma", "musculoskeletal-pain", "submental-fat"),
]


@pytest.fixture(scope="module")
def pages(django_db_setup, django_db_blocker):
    """The page on the method and those of the treatments spoken of, by slug."""
    client = Client()
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue()
        asked = Treatment.objects.published().filter(slug__in=TREATMENTS)
        found = {t.slug: page(client, t.get_absolute_url()) for t in asked}
        found[GENERAL] = page(client, reverse("mesotherapy"))
        found["verdicts"] = dict(Claim.objects.values_list("reference", "verdict"))
        transaction.set_rollback(True)
    return found


def corrected(slug, *references):
    """Each claim stands with its verdict, and with what is known unless it has only no proof."""

    def check(pages):
        found = pages[slug]
        for reference in references:
            item = re.search(
                rf'<li class="claim-list__item" data-claim="{reference}".*?</li>', found.html, re.S
            )
            assert item, f"{reference} is not among the corrected claims of {slug}"
            verdict = pages["verdicts"][reference]
            assert verdict in ("false", "misleading", "unsupported")
            assert f'data-verdict="{verdict}"' in item[0]
            if verdict != "unsupported":
                assert "What is known:" in item[0]

    return check


def disagree(slug, topic, *references):
    """The key fact says that sources disagree, and every side is on the page."""

    def check(pages):
        assert "they disagree" in fact(pages[slug], topic)
        assert set(references) <= pages[slug].claims

    return check


def open_question(slug, title, *references):
    """The coded question is titled as open, and every side is on the page."""

    def check(pages):
        assert f"{title} sources disagree" in pages[slug].text
        assert set(references) <= pages[slug].claims

    return check


def together(slug, *references):
    """Every side is on one page."""

    def check(pages):
        assert set(references) <= pages[slug].claims

    return check


def says(slug, *phrases):
    """The page says it in its own words."""

    def check(pages):
        for phrase in phrases:
            assert phrase in pages[slug].text

    return check


SUBJECTS = {
    "false and misleading claims": [
        corrected(GENERAL, "S003-07", "S004-01", "S004-47", "S000-32", "S000-34", "S004-21"),
        corrected(GENERAL, "S002-46", "S002-72", "S003-30"),
        corrected("facial-rejuvenation", "S004-07"),
        corrected("localised-fat", "S002-21", "S002-56", "S001-01", "S001-08", "S002-47"),
        corrected("cellulite", "S000-10", "S003-09"),
        corrected("homeopathic-mesotherapy", "S003-22"),
        corrected("lower-eyelid", "S004-37"),
        corrected("liposuction", "S004-12"),
    ],
    "number of sessions": [
        disagree("cellulite", "sessions", "S000-20", "S002-51", "S003-41", "S003-43", "S004-33"),
        disagree("localised-fat", "sessions", "S004-28", "localised-fat-sessions-park-2008"),
        disagree("facial-rejuvenation", "sessions", "S004-44"),
        disagree("lower-eyelid", "sessions", "S004-41", "lower-eyelid-sessions-ablon-2004"),
        disagree("hair-loss", "sessions", "hair-loss-sessions-uk-wimpole"),
    ],
    "time between sessions": [
        disagree("localised-fat", "interval", "S004-29", "localised-fat-interval-salti-2008"),
        # Weeks, a month and 15 days: shown each in its own unit, none turned into another.
        together("facial-rejuvenation", "S004-45", "facial-rejuvenation-interval-amin-2006"),
        disagree("lower-eyelid", "interval", "S004-42", "lower-eyelid-interval-ablon-2004"),
        together("cellulite", "S004-34"),
    ],
    "length of a session": [
        disagree("cellulite", "session_length", "S000-23", "S002-32", "S003-40"),
    ],
    "does it destroy fat cells": [
        open_question(
            "localised-fat",
            "Does it destroy fat cells?",
            "S000-15",
            "S000-36",
            "S002-36",
            "S001-16",
        ),
        together("cellulite", "S003-25", "S003-26"),
    ],
    "into which layer": [
        open_question(GENERAL, "Into which layer does it go?", "S000-04", "S001-06", "S003-24"),
    ],
    "does it last": [
        open_question(
            "localised-fat", "Is the result permanent?", "S000-16", "S000-17", "S002-21", "S002-56"
        ),
        # Months between treatments and weeks of treatment a year cannot be compared.
        says("cellulite", "6 to 12 months, or 4 to 6 weeks each year"),
        together("cellulite", "S000-18", "S002-57", "S003-37"),
        together("cellulite", "S003-36"),
    ],
    "how well it works": [
        open_question(
            "cellulite",
            "Does it work for cellulite?",
            *("S003-34", "S002-14", "S004-35", "cellulite-evidence-has-2014"),
        ),
        together("localised-fat", "S004-31", "localised-fat-evidence-park-2008"),
        together("facial-rejuvenation", "S004-46", "facial-rejuvenation-evidence-amin-2006"),
        together("lower-eyelid", "lower-eyelid-evidence-eyelid-rct-2011"),
        together("hair-loss", "hair-loss-evidence-marzban-2017", "hair-loss-evidence-saceda-2022"),
        together("melasma", "melasma-evidence-txa-fpsam-2024", "melasma-evidence-txa-sr-2024"),
        together("musculoskeletal-pain", "musculoskeletal-pain-evidence-faetani-2021"),
    ],
    "time to a result": [
        together("localised-fat", "S000-27", "S000-28"),
        together("cellulite", "S001-17", "S000-26"),
        together("submental-fat", "submental-fat-time-to-result-hc-belkyra"),
    ],
    "recovery and side effects": [
        together(GENERAL, "S000-32", "S001-22", "S002-43", "S002-44", "S002-72"),
        together("localised-fat", "S001-20", "S000-35", "S002-71"),
        together("cellulite", "S003-47", "S003-52", "S003-53"),
        says("cellulite", "Slow skin infection (mycobacteria)"),
    ],
    "pain and pain relief": [
        together(GENERAL, "S000-24", "S002-34", "S004-17", "S001-12"),
        together("cellulite", "S000-09", "S000-25", "S002-23", "S004-18", "S004-24"),
    ],
    "preparation": [
        open_question(GENERAL, "Is there anything to prepare?", "S000-21", "S002-31"),
        together("cellulite", "S001-26", "S001-27", "S003-39"),
    ],
    "who may have it": [
        open_question(
            "localised-fat", "Is it for people who are overweight?", "S001-30", "S002-55"
        ),
        together("localised-fat", "S002-13", "S004-32"),
        together("cellulite", "S001-31", "S001-32", "S003-43"),
        says("cellulite", "Pregnancy"),
    ],
    "who gives it, and where": [
        together(GENERAL, "S001-05", "S002-58", "S002-59", "S003-18"),
    ],
    "cost": [
        together("cellulite", "S002-61"),
        together("liposuction", "S004-14"),
        says("cellulite", "no country and no year"),
    ],
    "history": [
        together(GENERAL, "S001-02", "S001-04", "S002-01", "S003-02", "S003-03", "S004-26"),
        together("cellulite", "S003-01", "S003-04"),
    ],
    "compared with liposuction": [
        together("liposuction", "S000-12", "S000-14", "liposuction-evidence-hernandez-2011"),
        together("liposuction", "S004-23"),
        together("localised-fat", "S000-16", "S002-21"),
    ],
    "regulators": [
        says("cellulite", "struck out only article 2 in 2012"),
        says("localised-fat", "Sources date the first ban between 2002 and 2011"),
        says("facial-rejuvenation", "group with the lowest risk"),
        says("cellulite", "The Italian Society of Mesotherapy, whose members give it, supports it"),
    ],
}


def test_there_are_eighteen_subjects():
    assert len(SUBJECTS) == 18


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_disagreement_is_on_a_page_for_patients(pages, subject):
    for check in SUBJECTS[subject]:
        check(pages)
