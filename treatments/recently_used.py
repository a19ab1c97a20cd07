"""A bounded memory of one process: what was used longest ago makes room for what is new."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class RecentlyUsed(Generic[Kept]):
    """Things by key, at most `most` of them and at most `most_bytes` in all.

    Any number of threads may share one. It never asks whether a thing still holds: whoever
    keeps one puts into its key, or into the thing, all that it was made from.
    """

    def __init__(self, most: int, most_bytes: int | None = None):
        self.most = most
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Kept | None:
        """What was kept under this key; None if nothing was, or if it had to make room."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def keep(self, key: Hashable, kept: Kept, size: int = 0) -> None:
        """Keep it, in place of what this key had. `size` in bytes, counted as it is given."""
        with self._lock:
            self._forget(key)
            self._kept[key] = kept, size
            self.bytes += size
            while len(self._kept) > self.most or self._is_too_large():
                self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def _is_too_large(self) -> bool:
        return self.most_bytes is not None and self.bytes > self.most_bytes

    def _forget(self, key: Hashable) -> None:
        _kept, size = self._kept.pop(key, (None, 0))
        self.bytes -= size
