"""The evidence on a treatment as a file: complete, cited, and harmless in a spreadsheet."""

import csv
import io

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import ClaimFactory, SourceFactory, TreatmentFactory
from treatments.evidence_table import CHECKED, COLUMNS, SAYS
from treatments.models import Claim, Source
from treatments.spreadsheet_text import BYTE_ORDER_MARK, harmless

EVIDENCE_BUDGET = 4


def table(client, treatment) -> list[dict[str, str]]:
    response = client.get(reverse("treatment-evidence", args=[treatment.slug]))
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


@pytest.mark.django_db
def test_a_claim_is_printed_whole_with_who_says_it(client):
    treatment = TreatmentFactory()
    source = SourceFactory(
        title="A trial, with a comma",
        publisher="Müller “M.” et al.",
        kind=Source.Kind.TRIAL,
        year=2019,
        url="https://example.org/trial",
    )
    claim = ClaimFactory(
        reference="S900-01",
        source=source,
        locator="table 2",
        topic=Claim.Topic.COST,
        words="It costs\nso much; or more.",
        low="250.00",
        high="400.50",
        unit=Claim.Unit.MONEY,
        currency="EUR",
        per=Claim.Per.AREA,
        qualifier="about",
        question="is-dear",
        answer="yes",
        verdict=Claim.Verdict.CONTESTED,
        known="Others ask less.",
    )
    claim.treatments.add(treatment)
    assert table(client, treatment) == [
        {
            "claim": "S900-01",
            "topic": "cost",
            "words": "It costs\nso much; or more.",
            "low": "250",
            "high": "400.5",
            "unit": "money",
            "currency": "EUR",
            "per": "area",
            "qualifier": "about",
            "question": "is-dear",
            "answer": "yes",
            "verdict": "contested",
            "what_is_known": "Others ask less.",
            "role_of_source": SAYS,
            "kind_of_source": "trial",
            "gains_from_a_sale": "no",
            "citation": "A trial, with a comma",
            "publisher": "Müller “M.” et al.",
            "year": "2019",
            "url": "https://example.org/trial",
            "locator": "table 2",
        }
    ]


@pytest.mark.django_db
def test_a_number_stands_only_in_the_row_of_the_source_that_gives_it(client):
    treatment = TreatmentFactory()
    says, checked = SourceFactory(title="Says"), SourceFactory(title="Checked")
    claim = ClaimFactory(source=says, low=3, high=4, unit=Claim.Unit.SESSION)
    claim.treatments.add(treatment)
    claim.checked_against.add(checked)
    rows = table(client, treatment)
    assert [(row["citation"], row["role_of_source"], row["low"], row["high"]) for row in rows] == [
        ("Says", SAYS, "3", "4"),
        ("Checked", CHECKED, "", ""),
    ]
    assert {row["claim"] for row in rows} == {claim.reference}
    assert rows[1]["words"] == rows[1]["unit"] == rows[1]["locator"] == ""


@pytest.mark.django_db
def test_an_unstated_end_is_empty_and_a_zero_is_a_zero(client):
    treatment = TreatmentFactory()
    for reference, low, high in (("a-1", None, 6), ("a-2", 0, 0), ("a-3", 100, None)):
        claim = ClaimFactory(reference=reference, low=low, high=high, unit=Claim.Unit.WEEK)
        claim.treatments.add(treatment)
    ends = [(row["low"], row["high"]) for row in table(client, treatment)]
    assert ends == [("", "6"), ("0", "0"), ("100", "")]


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_queries_is_fixed(client, django_assert_num_queries, number):
    treatment = TreatmentFactory()
    for _ in range(number):
        claim = ClaimFactory()
        claim.treatments.add(treatment)
        claim.checked_against.add(SourceFactory(), SourceFactory())
    with django_assert_num_queries(EVIDENCE_BUDGET):
        assert len(table(client, treatment)) == 3 * number


@pytest.mark.django_db
def test_it_is_a_file_that_a_spreadsheet_reads_and_a_search_engine_does_not(client):
    treatment = TreatmentFactory(slug="knee")
    response = client.get(reverse("treatment-evidence", args=["knee"]))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="knee-evidence.csv"'
    assert response["X-Robots-Tag"] == "noindex"
    assert response.content.decode() == f"{BYTE_ORDER_MARK}{','.join(COLUMNS)}\r\n"
    assert not response.cookies
    ClaimFactory().treatments.add(treatment)
    page = client.get(treatment.get_absolute_url()).content.decode()
    assert f'href="{reverse("treatment-evidence", args=["knee"])}"' in page


@pytest.mark.django_db
def test_nothing_of_other_or_unpublished_treatments_is_in_it(client):
    shown, other = TreatmentFactory(), TreatmentFactory()
    hidden = TreatmentFactory(is_published=False)
    ClaimFactory().treatments.add(other)
    ClaimFactory().treatments.add(hidden)
    shared = ClaimFactory()
    shared.treatments.add(shown, other, hidden)
    assert [row["claim"] for row in table(client, shown)] == [shared.reference]
    assert client.get(reverse("treatment-evidence", args=[hidden.slug])).status_code == 404
    assert client.post(reverse("treatment-evidence", args=[shown.slug])).status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =HYPERLINK(0)", "\uff1d1"]
)
def test_no_cell_is_a_formula(client, cell):
    treatment = TreatmentFactory()
    source = SourceFactory(title=cell, publisher=cell)
    claim = ClaimFactory(words=cell, source=source, qualifier=cell, known=cell)
    claim.treatments.add(treatment)
    (row,) = table(client, treatment)
    for column in ("words", "citation", "publisher", "qualifier", "what_is_known"):
        assert row[column] == f"'{cell}"


@given(st.text())
def test_a_harmless_cell_starts_no_formula_and_loses_nothing(text):
    cell = harmless(text)
    assert cell in (text, f"'{text}")
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert cell[:1] not in {"\t", "\r"}


@pytest.mark.parametrize("text", ["", "3 to 4", "a=b", "https://example.org/?a=-1", "'quoted'"])
def test_an_ordinary_cell_stays_as_it_is(text):
    assert harmless(text) == text
