"""The numbers that stand for clinics in the index, and those that stand for none.

A roaring bitmap keeps 65 536 numbers to a container: as a list while it holds few of them,
as bits from 4 097 on. Two containers of bits are counted against each other in a fraction of
the time that a list of a few thousand takes. So the first numbers of each container stand
for no clinic: half of them are added to the clinics to be counted, the other half to the
option, which turns lists into bits and changes no count.
"""

from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from .bitmaps import bitmap_of

_CONTAINER = 65536
_FILLING = 4097
_NO_CLINICS = 2 * _FILLING
_CLINICS = _CONTAINER - _NO_CLINICS


def first_numbers(count: int) -> np.ndarray:
    """The first `count` numbers that can stand for a clinic, rising."""
    place = np.arange(count, dtype=np.int64)
    return (place // _CLINICS * _CONTAINER + _NO_CLINICS + place % _CLINICS).astype(np.uint32)


def numbers_after(number: int, count: int) -> list[int]:
    """The next `count` numbers above `number` that can stand for a clinic."""
    found: list[int] = []
    while len(found) < count:
        number += 1
        if number % _CONTAINER < _NO_CLINICS:
            number += _NO_CLINICS - number % _CONTAINER
        found.append(number)
    return found


@dataclass(frozen=True)
class Filling:
    """Numbers that stand for no clinic: some for sets of clinics, others for options.

    `containers` says of how many containers.
    """

    clinics: BitMap
    options: BitMap
    containers: int

    @classmethod
    def below(cls, size: int) -> "Filling":
        """Those in the containers of the numbers below `size`."""
        # Not as ranges: containers of ranges stay lists of ranges whatever is added to them.
        starts = np.arange(0, size, _CONTAINER, dtype=np.uint32)[:, np.newaxis]
        place = np.arange(_FILLING, dtype=np.uint32)
        return cls(
            bitmap_of((starts + place).ravel()),
            bitmap_of((starts + _FILLING + place).ravel()),
            len(starts),
        )


def may_be_clinic(size: int) -> np.ndarray:
    """For each number below `size` whether it can stand for a clinic."""
    return np.arange(size) % _CONTAINER >= _NO_CLINICS
