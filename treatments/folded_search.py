"""Search in the lists of the admin, in the spelling of the public search: accents do not matter."""

from django.contrib.admin.utils import get_fields_from_path, lookup_spawns_duplicates
from django.db.models import Q

from .text_folding import fold


class FoldedSearch:
    """For a ModelAdmin whose `search_fields` name folded columns, `..._folded`, among others.

    Each word must begin a word of a folded column or be part of another column. Related rows are
    found first, by themselves: a join would look at the same text again for each row of the list.
    """

    def get_search_results(self, request, queryset, search_term):
        """The rows that have every word, and whether some may come twice. No query."""
        words = search_term.replace("\0", "").split()
        for word in words:
            condition = Q(pk__in=[])
            for name in self.search_fields:
                condition |= self.has_word(name, word)
            queryset = queryset.filter(condition)
        twice = any(lookup_spawns_duplicates(self.opts, name) for name in self.search_fields)
        return queryset, twice and bool(words)

    def has_word(self, name: str, word: str) -> Q:
        """That this column has the word; of a related row, that it is among those that do."""
        relation, _, column = name.rpartition("__")
        if column.endswith("_folded"):
            # A word of signs alone folds to nothing, which every row would have.
            parts = fold(word).split() or [word]
            found = Q(*[(f"{column}__contains", f" {part}") for part in parts])
        else:
            found = Q(**{f"{column}__icontains": word})
        if not relation:
            return found
        related = get_fields_from_path(self.model, relation)[-1].related_model
        return Q(**{f"{relation}__in": related._base_manager.filter(found)})
