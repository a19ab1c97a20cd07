"""The catalogue's own prose is read with seven years of school, medical words included.

The measure is Flesch and Kincaid's (1975), as textstat works it out. Names of substances and
illnesses are not left aside: a reader has to get through them too.
"""

import pytest
import textstat

from treatments.content_files import read_files

MOST_YEARS = 7.0
# Keys whose values are sentences of ours. Names, titles and quotations are not.
PROSE = {"text", "words", "known", "detail", "description", "note"}
FILES = read_files()


def prose(data):
    """Every sentence of ours in the data of a file."""
    if isinstance(data, dict):
        for key, value in data.items():
            if not isinstance(value, str):
                yield from prose(value)
            elif key in PROSE:
                # Notes without a full stop must not run into what comes next.
                yield value if value.rstrip().endswith((".", "?", "!")) else f"{value.rstrip()}."
    elif isinstance(data, list):
        for item in data:
            yield from prose(item)


def test_the_measure_tells_hard_from_easy():
    easy = "The skin may bruise. It fades in a week. Call a nurse if it gets worse."
    hard = (
        "Subcutaneous administration of adipocytolytic pharmaceuticals necessitates comprehensive "
        "preprocedural evaluation of cardiovascular comorbidities."
    )
    assert textstat.flesch_kincaid_grade(easy) < 3
    assert textstat.flesch_kincaid_grade(hard) > 20


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_is_read_with_seven_years_of_school(name):
    sentences = list(prose(FILES[name]))
    assert len(sentences) > 5
    assert round(textstat.flesch_kincaid_grade(" ".join(sentences)), 1) <= MOST_YEARS
