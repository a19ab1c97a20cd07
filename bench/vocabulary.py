"""The words and terms of the generated directory: the same whatever its size.

Everything comes from one seeded generator, so that two runs speak of the same towns.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from babel import Locale
from django.utils.text import slugify

from treatments.text_folding import fold

SEED = 20_261_122
COUNTRIES, PLACES = 200, 5_000
TREATMENTS, CONCERNS, AREAS = 40, 20, 10
NAME_WORDS, FIRST_NAMES, LAST_NAMES = 20_000, 2_000, 4_000

# Units for one euro.
RATES = {
    "EUR": "1",
    "USD": "1.0842",
    "GBP": "0.85",
    "TRY": "45.2",
    "AED": "3.9817",
    "PLN": "4.25",
    "INR": "95.3128",
    "BRL": "6.2",
    "COP": "4510.75",
    "JPY": "165.5",
}
LANGUAGES = (
    *("en", "es", "fr", "ar", "de", "pt", "ru", "it", "tr", "zh", "pl", "nl", "uk", "ja", "hi"),
    *("ko", "fa", "ro", "el", "cs", "sv", "hu", "he", "vi", "id", "th", "bg", "da", "fi", "sr"),
)

ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t")
VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
CODAS = ("", "", "l", "n", "r", "s", "x")
ACCENTS = str.maketrans({"e": "é", "o": "ö", "a": "á"})


def zipf(count: int, exponent: float = 1.0) -> np.ndarray:
    """Probabilities that fall with rank, adding up to one."""
    weights = 1 / np.arange(1, count + 1) ** exponent
    return weights / weights.sum()


def draw(chance: np.random.Generator, probabilities: np.ndarray, count: int) -> np.ndarray:
    """`count` positions drawn with these probabilities, as int32."""
    limits = np.cumsum(probabilities)
    drawn = np.searchsorted(limits, chance.random(count) * limits[-1], side="right")
    return np.minimum(drawn, len(limits) - 1).astype(np.int32)


def invented_words(chance: np.random.Generator, count: int) -> list[str]:
    """Distinct words, also once folded; one in twenty carries accents."""
    words: dict[str, str] = {}
    while len(words) < count:
        parts = [
            chance.choice(kind, size=4 * count) for kind in (ONSETS, VOWELS, CODAS, ONSETS, VOWELS)
        ]
        ends = chance.choice(CODAS, size=4 * count)
        accented = chance.random(4 * count) < 0.05
        for pieces, end, has_accent in zip(zip(*parts, strict=True), ends, accented, strict=True):
            plain = "".join(pieces) + end
            words.setdefault(plain, plain.translate(ACCENTS) if has_accent else plain)
    return [word.capitalize() for word in list(words.values())[:count]]


@dataclass(frozen=True)
class Vocabulary:
    """Names and terms, most used first where anything is drawn by rank.

    `place_country` and `country_currency` hold positions; `place_share` is the probability
    that a clinic stands in a place. `treatment_concerns` and `treatment_areas` hold one row
    of booleans a treatment.
    """

    country_codes: list[str]
    country_names: list[str]
    country_slugs: list[str]
    country_currency: np.ndarray
    place_names: list[str]
    place_slugs: list[str]
    place_country: np.ndarray
    place_point: np.ndarray
    place_share: np.ndarray
    treatment_names: list[str]
    treatment_price: np.ndarray
    treatment_concerns: np.ndarray
    treatment_areas: np.ndarray
    words: list[str]
    first_names: list[str]
    last_names: list[str]
    treatment_slugs: list[str] = field(init=False)
    area_slugs: list[str] = field(init=False)
    concern_slugs: list[str] = field(init=False)
    currency_codes: list[str] = field(init=False)

    def __post_init__(self):
        slugs = [slugify(fold(name)) for name in self.treatment_names]
        object.__setattr__(self, "treatment_slugs", slugs)
        object.__setattr__(self, "area_slugs", [f"area-{i}" for i in range(AREAS)])
        object.__setattr__(self, "concern_slugs", [f"concern-{i}" for i in range(CONCERNS)])
        object.__setattr__(self, "currency_codes", list(RATES))


def vocabulary() -> Vocabulary:
    """Make the terms; takes half a second."""
    chance = np.random.default_rng(SEED)
    territories = Locale("en").territories
    codes = sorted(code for code in territories if re.fullmatch("[A-Y][A-WYZ]", code))
    codes = [str(code) for code in chance.permutation(codes)[:COUNTRIES]]
    words = invented_words(chance, NAME_WORDS + FIRST_NAMES + LAST_NAMES + PLACES + TREATMENTS)
    counts = (NAME_WORDS, FIRST_NAMES, LAST_NAMES, PLACES, TREATMENTS)
    ends = np.cumsum(counts)
    name_words, first, last, towns, treated = (
        words[end - count : end] for end, count in zip(ends, counts, strict=True)
    )
    of_country = zipf(COUNTRIES)
    # Every country has a town; the others follow the countries' sizes.
    place_country = np.concatenate(
        [np.arange(COUNTRIES), draw(chance, zipf(COUNTRIES, 0.7), PLACES - COUNTRIES)]
    ).astype(np.int32)
    share = np.empty(PLACES)
    for country in range(COUNTRIES):
        inside = np.flatnonzero(place_country == country)
        share[inside] = of_country[country] * zipf(len(inside))
    centre = np.stack([chance.uniform(-38, 62, COUNTRIES), chance.uniform(-160, 160, COUNTRIES)], 1)
    point = centre[place_country] + chance.normal(0, 2.5, (PLACES, 2))
    return Vocabulary(
        country_codes=codes,
        country_names=[territories[code] for code in codes],
        country_slugs=[slugify(fold(territories[code])) for code in codes],
        country_currency=np.where(
            np.arange(COUNTRIES) < len(RATES),
            np.arange(COUNTRIES),
            draw(chance, zipf(len(RATES)), COUNTRIES),
        ).astype(np.int8),
        place_names=towns,
        place_slugs=[
            slugify(f"{fold(town)}-{codes[country].lower()}")
            for town, country in zip(towns, place_country, strict=True)
        ],
        place_country=place_country,
        place_point=np.round(point, 5),
        place_share=share,
        treatment_names=treated,
        treatment_price=np.exp(chance.normal(np.log(140), 0.5, TREATMENTS)),
        treatment_concerns=one_to_three(chance, TREATMENTS, CONCERNS),
        treatment_areas=one_to_three(chance, TREATMENTS, AREAS),
        words=name_words,
        first_names=first,
        last_names=last,
    )


def one_to_three(chance: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A table of booleans with one to three set in each row."""
    table = np.zeros((rows, columns), dtype=bool)
    for row in table:
        row[chance.choice(columns, chance.integers(1, 4), replace=False)] = True
    return table
