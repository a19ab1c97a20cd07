"""Between sorted numbers in numpy and roaring bitmaps, without a Python loop over numbers."""

import struct

import numpy as np
from pyroaring import BitMap

# The portable format of roaring bitmaps without run containers, as its specification has it.
_COOKIE = 12346
_MOST_IN_ARRAY = 4096
_SMALL = 512


def bitmap_of(numbers: np.ndarray) -> BitMap:
    """The bitmap of strictly increasing numbers below 2**32.

    Large arrays are handed over in the serialized form: building from a list of Python
    numbers costs about ten times as much.
    """
    if len(numbers) < _SMALL:
        return BitMap(numbers.tolist())
    low = (numbers & 0xFFFF).astype("<u2")
    first, last = int(numbers[0]) >> 16, int(numbers[-1]) >> 16
    starts = np.searchsorted(numbers, np.arange(first, last + 2, dtype=np.int64) << 16).tolist()
    keys = [
        (key, start, end)
        for key, start, end in zip(range(first, last + 1), starts, starts[1:], strict=False)
        if start < end
    ]
    header, containers = [struct.pack("<II", _COOKIE, len(keys))], []
    for key, start, end in keys:
        header.append(struct.pack("<HH", key, end - start - 1))
        if end - start <= _MOST_IN_ARRAY:
            containers.append(low[start:end].tobytes())
        else:
            bits = np.zeros(65536, np.uint8)
            bits[low[start:end]] = 1
            containers.append(np.packbits(bits, bitorder="little").tobytes())
    offset = 8 + 8 * len(keys)
    for container in containers:
        header.append(struct.pack("<I", offset))
        offset += len(container)
    return BitMap.deserialize(b"".join(header + containers))


# Up to so many values are compared one after the other.
_FEW = 8


def places_of(wanted: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where `values`, in any order, hold one of those wanted: rising places."""
    if len(wanted) > _FEW:
        return np.flatnonzero(np.isin(values, wanted))
    found = [np.flatnonzero(values == value) for value in wanted]
    return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)


def numbers_of(bitmap: BitMap) -> np.ndarray:
    """The members of a bitmap, rising, as unsigned 32-bit numbers."""
    return np.frombuffer(bitmap.to_array(), dtype=np.uint32)


def grouped(keys: np.ndarray, numbers: np.ndarray) -> dict[int, BitMap]:
    """The numbers that stand beside each key, as one bitmap a key. Neither need be sorted."""
    if not len(keys):
        return {}
    # Not by numpy's `unique`, which looks for each in a table and takes five times as long.
    both = np.sort(keys.astype(np.int64) << 32 | numbers.astype(np.int64))
    both = both[np.diff(both, prepend=both[0] - 1) > 0]
    keys, numbers = both >> 32, (both & 0xFFFFFFFF).astype(np.uint32)
    starts = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    return {
        int(keys[start]): bitmap_of(numbers[start:stop])
        for start, stop in zip(starts, [*starts[1:], len(keys)], strict=True)
    }


def union(bitmaps) -> BitMap:
    """All members of any of the bitmaps; empty for none. A new bitmap."""
    bitmaps = list(bitmaps)
    if len(bitmaps) == 1:
        return bitmaps[0].copy()
    return BitMap.union(*bitmaps) if bitmaps else BitMap()
