"""The bare limit: one AND and popcount over a dense bitset for each option.

In C where a compiler is found, or else in numpy; `Limit.written_in` says which.
"""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
LIBRARY = HERE.parent / "build" / "limit.so"
COMPILERS = ("cc", "gcc", "clang")


def compiled():
    """The C function, compiled for this machine into build/, or None without a compiler."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    LIBRARY.parent.mkdir(exist_ok=True)
    command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", "-o", LIBRARY]
    if subprocess.run([*command, HERE / "limit.c"], check=False).returncode:
        return None
    function = ctypes.CDLL(LIBRARY).count_options
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    function.argtypes = [pointer, size, pointer, size, pointer]
    function.restype = None
    return function


class Limit:
    """Dense bitsets of one row an option, over clinics in the order of their keys."""

    def __init__(self, table: np.ndarray):
        """`table` has a row of booleans for each option."""
        self.options = packed(table)
        self.counts = np.zeros(len(table), dtype=np.uint64)
        self.function = compiled()
        self.written_in = "C" if self.function else "numpy"

    @property
    def megabytes(self) -> float:
        return self.options.nbytes / 1e6

    def count(self, mask: np.ndarray) -> np.ndarray:
        """How many clinics of `mask` (see `packed`) each option has."""
        if self.function is None:
            return np.bitwise_count(self.options & mask).sum(axis=1)
        how_many, words = self.options.shape
        self.function(
            self.options.ctypes.data, how_many, mask.ctypes.data, words, self.counts.ctypes.data
        )
        return self.counts


def packed(table: np.ndarray) -> np.ndarray:
    """Booleans as words of 64 bits, each row filled up with zeros."""
    missing = -table.shape[-1] % 64
    widths = [(0, 0)] * (table.ndim - 1) + [(0, missing)]
    bits = np.packbits(np.pad(table, widths), axis=-1, bitorder="little")
    return np.ascontiguousarray(bits).view(np.uint64)
