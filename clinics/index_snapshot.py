"""The index in a file, so that a process that starts need not read the whole database.

The file is only a head start: it names the moment it is of, and whatever changed since is
read from the database as always. A file that is damaged, of another version of the code or
of another database is not used.
"""

import contextlib
import json
import logging
import os
import tempfile
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from .change_log import Moment
from .facet_index import FacetIndex
from .listing_facts import clinic_facets, offer_facets
from .numbering import Filling
from .offer_columns import CodedClinics, Column
from .result_order import ResultOrder
from .vocabulary import Vocabulary

log = logging.getLogger(__name__)

# Raise it whenever the meaning of anything in the file changes.
FORMAT = 2
_ARRAYS = ("pks", "places", "confirmed", "shuffle_keys", "latitudes", "longitudes")
# What reading a damaged or foreign file may raise.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile)


class _Writer:
    """Collects bitmaps and codes, and the description by which they are found again."""

    def __init__(self):
        self.bitmaps: list[bytes] = []
        self.codes: list[np.ndarray] = []

    def bitmap(self, bitmap: BitMap) -> int:
        self.bitmaps.append(bitmap.serialize())
        return len(self.bitmaps) - 1

    def coded(self, coded: CodedClinics) -> list[int]:
        self.codes.append(coded.codes)
        return [self.bitmap(coded.clinics), len(self.codes) - 1]


def _joined(parts: list[np.ndarray], kind) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(part) for part in parts], np.int64)
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind), lengths


def write_snapshot(path: Path, index: FacetIndex, moment: Moment) -> None:
    """Write the index, which is of `moment`. The file is there whole or not at all."""
    writer = _Writer()
    rates = index.vocabulary.rates
    description = {
        "format": FORMAT,
        "facets": [*clinic_facets(), *offer_facets()],
        "moment": [moment.version, moment.stamp],
        "day": index.day.isoformat(),
        "currencies": index.vocabulary.currencies,
        "rates": {code: str(rate) for code, rate in sorted(rates.per_euro.items())},
        "members": writer.bitmap(index.members),
        "at_their_town": writer.bitmap(index.at_their_town),
        "options": [
            [facet, key, writer.bitmap(clinics)]
            for facet, options in index.options.items()
            for key, clinics in options.items()
        ],
        "columns": [
            {
                "place": [column.treatment, column.nth],
                "holders": writer.bitmap(column.holders),
                "current": writer.bitmap(column.current),
                "options": [
                    [facet, key, writer.bitmap(clinics)]
                    for facet, options in column.options.items()
                    for key, clinics in options.items()
                ],
                "prices": writer.coded(column.prices),
                "bands": [[band, writer.bitmap(priced)] for band, priced in column.bands.items()],
                "plans": writer.coded(column.plans),
            }
            for column in index.offers.columns.values()
        ],
        "words": [
            [word, clinics] if isinstance(clinics, int) else [word, None, writer.bitmap(clinics)]
            for word, clinics in index.words.all_words.items()
        ],
    }
    bitmaps, bitmap_lengths = _joined(
        [np.frombuffer(written, np.uint8) for written in writer.bitmaps], np.uint8
    )
    codes, code_lengths = _joined(writer.codes, np.uint32)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                description=np.frombuffer(json.dumps(description).encode(), np.uint8),
                bitmaps=bitmaps,
                bitmap_lengths=bitmap_lengths,
                codes=codes,
                code_lengths=code_lengths,
                by_name=index.by_name.sequence,
                prices=index.offers.prices.rows,
                plans=index.offers.plans.rows,
                band_of_code=index.offers.band_of_code,
                **{name: getattr(index, name) for name in _ARRAYS},
            )
        Path(unfinished).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(unfinished).unlink()
        raise


def read_snapshot(path: Path, vocabulary: Vocabulary) -> tuple[FacetIndex, Moment] | None:
    """The index in the file and the moment it is of; None if it cannot be used.

    `vocabulary` is the one of now.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return _restored({name: file[name] for name in file.files}, vocabulary)
    except _UNREADABLE as error:
        log.warning("The index in %s is not used: %s", path, error)
        return None


def _parts(joined: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    return np.split(joined, np.cumsum(lengths)[:-1]) if len(lengths) else []


def _restored(held: dict[str, np.ndarray], vocabulary) -> tuple[FacetIndex, Moment] | None:
    description = json.loads(held["description"].tobytes())
    expected = {
        "format": FORMAT,
        "facets": [*clinic_facets(), *offer_facets()],
        "currencies": list(vocabulary.currencies),
    }
    if any(description[name] != value for name, value in expected.items()):
        return None
    bitmaps = [
        BitMap.deserialize(part.tobytes())
        for part in _parts(held["bitmaps"], held["bitmap_lengths"])
    ]
    codes = _parts(held["codes"], held["code_lengths"])
    index = FacetIndex(vocabulary, date.fromisoformat(description["day"]))
    for name in _ARRAYS:
        setattr(index, name, held[name])
    index.filling = Filling.below(len(index.pks))
    index.members = bitmaps[description["members"]]
    index.at_their_town = bitmaps[description["at_their_town"]]
    for facet, key, place in description["options"]:
        index.options.setdefault(facet, {})[key] = bitmaps[place]
    offers = index.offers
    offers.prices.restore(held["prices"])
    offers.plans.restore(held["plans"])
    offers.band_of_code = held["band_of_code"]
    for found in description["columns"]:
        column = Column(*found["place"], bitmaps[found["holders"]], bitmaps[found["current"]])
        for facet, key, place in found["options"]:
            column.options.setdefault(facet, {})[key] = bitmaps[place]
        for band, place in found["bands"]:
            column.bands[band] = bitmaps[place]
        for name in ("prices", "plans"):
            place, coded = found[name]
            setattr(column, name, CodedClinics.restored(bitmaps[place], codes[coded]))
        offers.columns[column.treatment, column.nth] = column
    index.words.restore(
        {
            word: alone if alone is not None else bitmaps[rest[0]]
            for word, alone, *rest in description["words"]
        }
    )
    index.by_name = ResultOrder(held["by_name"])
    rates = {code: str(rate) for code, rate in sorted(vocabulary.rates.per_euro.items())}
    if rates != description["rates"]:
        offers.take_rates(vocabulary.rates)
    index.take_vocabulary(vocabulary)
    return index, Moment(*description["moment"])
