"""A search for "mesotherapy" as such: the question "what for?" stands before any clinic.

The word names a way of giving injections, not a treatment. What is known of it, what can go
wrong and what it costs depend on what it is wanted for.
"""

from dataclasses import dataclass

from treatments.facets import Pairs, query_string, without
from treatments.option_filters import Choices
from treatments.text_folding import fold

# The method in the languages of visitors; in search spelling, so without accents and capitals.
NAMES_OF_THE_METHOD = frozenset(
    fold(name)
    for name in (
        "mesotherapy",
        "meso therapy",
        "mésothérapie",
        "Mesotherapie",
        "mesoterapia",
        "mesoterapie",
        "mesoterapi",
        "mezoterapi",
        "mezoterapia",
        "mezoterápia",
        "mezoterapie",
        "mezoterapija",
        "mesoterapija",
        "mesoterapeia",
        "μεσοθεραπεία",
        "мезотерапия",
        "мезотерапія",
        "intradermotherapy",
        "local intradermal therapy",
    )
)


@dataclass(frozen=True)
class Use:
    """One thing that mesotherapy is wanted for, and the query that asks for clinics for it.

    `query` keeps every other choice of the visitor; the words give way, because the choice says
    more than they do.
    """

    treatment: str
    label: str
    query: str


def uses_to_choose_from(words: str, treatments: Choices, pairs: Pairs) -> list[Use]:
    """What the visitor may want it for; none unless the words are the method's bare name.

    `treatments` are the options of the facet, `pairs` the search as parameters. Whoever has
    chosen a treatment has answered, and is not asked. No query.
    """
    if fold(words) not in NAMES_OF_THE_METHOD or any(name == "treatment" for name, _ in pairs):
        return []
    kept = without(pairs, ("q", None))
    return [
        Use(slug, label, query_string([("treatment", slug), *kept]))
        for slug, label in treatments.items()
    ]
