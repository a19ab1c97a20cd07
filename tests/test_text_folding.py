"""Search spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treatments.text_folding import fold, fold_each


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Acıbadem", "acibadem"),
        ("ŁÓDŹ", "lodz"),
        ("Klinik für Straße_7", "klinik fur strasse 7"),
        ("  Dr. O'Neil \u00a0 & Co ", "dr o neil co"),
        ("...", ""),
    ],
)
def test_accents_case_and_signs_make_no_difference(text, folded):
    assert fold(text) == folded


@given(st.lists(st.text()))
def test_many_are_folded_as_each_alone(texts):
    assert fold_each(texts) == [fold(text) for text in texts]
