"""The same work by tantivy, a search engine that is embedded like the index, from PyPI.

One document a clinic, a field a facet, driven as its users do: one search for total, page
and the counts of all facets without a choice, and one more for each facet with a choice,
with that choice left out. Documents hold the options of all their offers together, so
treatment, area and price need not be of one and the same offer.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tantivy

from clinics.selection import PER_PAGE, Selection

from .brute_force import BruteForce
from .mix import Request
from .vocabulary import RATES

MANY = 10_000
BUSIEST_TOWNS = 10
HEAP_BYTES = 256_000_000
NO_RANK = 2**40
Query, Occur = tantivy.Query, tantivy.Occur


def schema(facets) -> tantivy.Schema:
    """A facet is text that is not cut up, indexed and kept in columns."""
    builder = tantivy.SchemaBuilder()
    for name in facets:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("price_low", "match", "price", "name", "confirmed", "pk"):
        builder.add_integer_field(name, fast=True, indexed=name == "price_low")
    return builder.build()


class TantivyIndex:
    """The published clinics of a world, in a folder."""

    def __init__(self, right: BruteForce, folder: Path):
        self.facets = right.options
        self.schema = schema(self.facets)
        self.index = tantivy.Index(self.schema, path=str(folder))
        self.fill(right)
        self.index.reload()
        self.searcher = self.index.searcher()

    def fill(self, right: BruteForce) -> None:
        """Add every published clinic, and wait for the merging of files."""
        writer = self.index.writer(heap_size=HEAP_BYTES, num_threads=1)
        for document in documents(right):
            writer.add_document(tantivy.Document(**document))
        writer.commit()
        writer.wait_merging_threads()

    def answer(self, request: Request) -> tuple[int, list[int], dict[str, dict[str, int]]]:
        """Total, primary keys of the page, and the counts of every facet, in 1 + k searches."""
        asked = request.selection
        query = self.query(asked)
        found = self.searcher.search(
            query,
            limit=PER_PAGE,
            offset=(request.page - 1) * PER_PAGE,
            order_by_field=asked.sort,
            order=tantivy.Order.Asc,
        )
        addresses = [address for _key, address in found.hits]
        ids = self.searcher.fast_field_values("pk", addresses)
        unchosen = [name for name in self.facets if not asked.chosen.get(name)]
        counts = self.counts(query, unchosen, asked)
        for name in self.facets:
            if asked.chosen.get(name):
                counts |= self.counts(self.query(asked.without(name)), [name], asked)
        return found.count, ids, counts

    def query(self, asked: Selection) -> tantivy.Query:
        conditions = [
            (Occur.Must, Query.term_set_query(self.schema, name, list(values)))
            for name, values in asked.chosen.items()
        ]
        if asked.price_max is not None:
            euro = float(asked.price_max) / float(RATES[asked.currency])
            conditions.append(
                (
                    Occur.Must,
                    Query.range_query(
                        self.schema,
                        "price_low",
                        tantivy.FieldType.Integer,
                        upper_bound=int(euro * 100),
                    ),
                )
            )
        return Query.boolean_query(conditions) if conditions else Query.all_query()

    def counts(self, query, names: list[str], asked: Selection) -> dict[str, dict[str, int]]:
        """How many documents have each option; of towns only what a page would show."""
        shown = MANY if asked.chosen.get("country") else BUSIEST_TOWNS
        wanted = {
            name: {"terms": {"field": name, "size": shown if name == "city" else MANY}}
            for name in names
        }
        found = self.searcher.aggregate(query, wanted)
        return {
            name: {bucket["key"]: bucket["doc_count"] for bucket in found[name]["buckets"]}
            for name in names
        }


def documents(right: BruteForce) -> Iterator[dict]:
    """What tantivy is given of each published clinic, its orders worked out beforehand."""
    world, offers = right.world, right.world.offers
    euro = offers.price_low * 10**6 // right.rates[offers.currency]
    lowest = np.full(world.size, NO_RANK)
    np.minimum.at(lowest, offers.clinic[right.is_comparable], euro[right.is_comparable])
    numbers = {name: rank_of_all(right, name) for name in ("match", "price", "name", "confirmed")}
    numbers |= {"price_low": lowest, "pk": np.arange(1, world.size + 1)}
    listed = {name: number.tolist() for name, number in numbers.items()}
    columns = {name: list(options_of_each(right, name)) for name in right.options}
    for clinic in np.flatnonzero(world.is_published).tolist():
        document = {name: column[clinic] for name, column in columns.items()}
        yield document | {name: number[clinic] for name, number in listed.items()}


def options_of_each(right: BruteForce, name: str) -> Iterator[list[str]]:
    """For each clinic in turn its options of one facet."""
    values, facet = right.options[name], right.clinic_facets.get(name)
    if facet is not None and facet.ndim == 1:
        yield from ([values[position]] for position in facet.tolist())
        return
    clinics, positions = np.nonzero(right.held_by_clinics(name))
    ends = np.cumsum(np.bincount(clinics, minlength=right.world.size)).tolist()
    named = [values[position] for position in positions.tolist()]
    start = 0
    for end in ends:
        yield named[start:end]
        start = end


def rank_of_all(right: BruteForce, sort: str) -> np.ndarray:
    """Each clinic's place in an order when nothing is chosen."""
    everything = np.arange(right.world.size)
    rank = np.empty(right.world.size, dtype=np.int64)
    rank[right.ordered(Selection(sort=sort), everything, right.is_public)] = everything
    return rank
