"""The catalogue's own prose is read with seven years of school, medical words included.

The measure is Flesch and Kincaid's: 0.39 words a sentence + 11.8 syllables a word - 15.59
(Kincaid et al. 1975). Libraries that count syllables better fetch a dictionary from elsewhere
while they run; the count here is by rule, and held against words counted by hand. Names of
substances and illnesses are not left aside: a reader has to get through them too.
"""

import re

import pytest

from treatments.content_files import read_files

MOST_YEARS = 7.0
# Keys whose values are sentences of ours. Names, titles and quotations are not.
PROSE = {"text", "words", "known", "detail", "description", "note"}

# Counted by hand. Words that the catalogue uses often, the longest among them.
BY_HAND = """
injection-3 treatment-2 mesotherapy-5 cellulite-3 skin-1 medicine-3 doctor-2 surgery-3 fat-1
people-2 study-2 trial-2 evidence-3 authority-4 directory-4 article-3 cosmetic-3 liposuction-4
mycobacteria-6 infection-3 microneedling-4 homeopathic-5 phosphatidylcholine-6 hyaluronic-5
dutasteride-4 minoxidil-4 anaesthetic-4 approved-2 dissolve-2 needles-2 bruises-2 claimed-1
area-3 usually-4 results-2 sessions-2 repeated-3 year-1 months-1 every-3 quality-3 allergies-3
clinic-2 named-1 guide-1 says-1 believed-2 painful-2 injected-3 serious-3 approved-2 agency-3
"""


def syllables(word: str) -> int:
    """Syllables of an English word, by rule: groups of vowels, without those that are mute."""
    letters = re.sub("[^a-z]", "", word.lower())
    if len(letters) > 3:
        # Mute: the e of "named", "guides" and "guide", but not of "needed", "bruises", "needle".
        letters = re.sub(r"(?<![aeiouydt])ed$", "d", letters)
        letters = re.sub(r"(?<![aeiousxz])(?<![cs]h)(?<![cg])(?<![bcdfgkptz]l)es$", "s", letters)
        letters = re.sub(r"(?<![aeiouy])(?<!l)e$|(?<=[aeiouy]l)e$|(?<=[uo])e$", "", letters)
    groups = len(re.findall("[aeiouy]+", letters))
    # Two vowels that are spoken apart, as in "area", "mycobacteria", "hyaluronic", "homeopathic".
    apart = len(re.findall(r"[aeiou]?rea$|i[ao](?!u|n)|ya|eo(?!pl)|ua(?!r)", letters))
    return max(1, groups + apart)


def test_syllables_are_counted_about_as_by_hand():
    counted = dict(pair.rsplit("-", 1) for pair in BY_HAND.split())
    by_rule = {word: syllables(word) for word in counted}
    wrong = {word: n for word, n in by_rule.items() if n != int(counted[word])}
    assert len(wrong) <= len(counted) // 10, wrong
    total = sum(map(int, counted.values()))
    # Never fewer: an error must not make a text look easier than it is.
    assert total <= sum(by_rule.values()) <= total * 1.05


def prose(data):
    """Every sentence of ours in the data of a file."""
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, str):
                if key in PROSE:
                    yield value
            else:
                yield from prose(value)
    elif isinstance(data, list):
        for item in data:
            yield from prose(item)


def grade(texts) -> float:
    """Years of school that the texts ask for."""
    sentences, words, spoken = 0, 0, 0
    for text in texts:
        for sentence in re.split(r"(?<=[.?!])[”’)]*\s+", text):
            found = re.findall(r"[^\W\d_]+(?:['’][a-z]+)?|\d[\d.,]*", sentence)
            sentences += bool(found)
            words += len(found)
            spoken += sum(map(syllables, found))
    return 0.39 * words / sentences + 11.8 * spoken / words - 15.59


def test_the_measure_tells_hard_from_easy():
    easy = "The skin may bruise. It fades in a week. Call a nurse if it gets worse."
    hard = (
        "Subcutaneous administration of adipocytolytic pharmaceuticals necessitates comprehensive "
        "preprocedural evaluation of cardiovascular comorbidities."
    )
    assert grade([easy]) < 2
    assert grade([hard]) > 20


FILES = read_files()


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_is_read_with_seven_years_of_school(name):
    texts = list(prose(FILES[name]))
    assert len(texts) > 5
    assert round(grade(texts), 1) <= MOST_YEARS
