"""The evidence on a treatment as rows of a table, to be opened in a spreadsheet.

Pure: takes claims whose sources are loaded, returns text.
"""

import csv
import io
from collections.abc import Iterable, Iterator

from .models import Claim, Source
from .spreadsheet_text import BYTE_ORDER_MARK, harmless

COLUMNS = (
    "claim",
    "topic",
    "words",
    "low",
    "high",
    "unit",
    "currency",
    "per",
    "qualifier",
    "question",
    "answer",
    "verdict",
    "what_is_known",
    "role_of_source",
    "kind_of_source",
    "gains_from_a_sale",
    "citation",
    "publisher",
    "year",
    "url",
    "locator",
)
# What a row's source does: the claim is its own, or we checked the claim against it.
SAYS, CHECKED = "says it", "checked against"


def evidence_rows(claims: Iterable[Claim]) -> Iterator[dict[str, str]]:
    """One row a claim and source: first who says it, then each source it was checked against.

    A number stands in the row of the source that gives it and in no other, in the source's own
    unit. Values are in English, whatever the language of the page: they are the catalogue's codes.
    No query if sources and `checked_against` are loaded.
    """
    for claim in claims:
        yield _of_claim(claim) | _of_source(claim.source, SAYS) | {"locator": claim.locator}
        for source in claim.checked_against.all():
            kept = {"claim": claim.reference, "topic": claim.topic}
            yield kept | _of_source(source, CHECKED)


def _of_claim(claim: Claim) -> dict[str, str]:
    return {
        "claim": claim.reference,
        "topic": claim.topic,
        "words": claim.words,
        "low": _number(claim.low),
        "high": _number(claim.high),
        "unit": claim.unit,
        "currency": claim.currency,
        "per": claim.per,
        "qualifier": claim.qualifier,
        "question": claim.question,
        "answer": claim.answer,
        "verdict": claim.verdict,
        "what_is_known": claim.known,
    }


def _of_source(source: Source, role: str) -> dict[str, str]:
    return {
        "role_of_source": role,
        "kind_of_source": source.kind,
        "gains_from_a_sale": "yes" if source.sells else "no",
        "citation": source.title,
        "publisher": source.publisher,
        "year": str(source.year or source.dated),
        "url": source.url or next(iter(source.addresses_of_copies), ""),
    }


def _number(value) -> str:
    return "" if value is None else f"{value.normalize():f}"


def evidence_csv(claims: Iterable[Claim]) -> str:
    """The rows as a file after RFC 4180, with a byte order mark, every cell harmless."""
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for row in evidence_rows(claims):
        writer.writerow({column: harmless(value) for column, value in row.items()})
    return text.getvalue()
