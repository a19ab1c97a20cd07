"""The index of this process, as true as the database at the moment of asking.

The database is the truth and the index a cache of it. Each use takes one consistent view
of the database, learns from one row whether anything has changed, and reads anew only the
clinics that did. What cannot be followed (a restored backup, a rolled-back history, too
many changes) is built from scratch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import RLock

from django.db import connection

from .change_log import Moment, changes_since, current_moment
from .facet_index import FacetIndex
from .index_snapshot import read_snapshot, write_snapshot
from .listing_facts import expiring_between, names_of, read_facts
from .vocabulary import read_vocabulary

# Above this share of all clinics reading everything is quicker than reading the changed.
_SHARE_TO_REBUILD = 0.2
_ALWAYS_FOLLOWED = 100
# So many clinics read anew at the start cost more than writing the file.
_CHANGES_TO_WRITE = 1000

# How a consistent view of the database is begun, where no transaction is open yet.
_BEGIN = {
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    # Not Django's own transaction: that one would wait for writers and hold them up.
    "sqlite": "BEGIN DEFERRED",
}


@contextmanager
def one_view() -> Iterator[None]:
    """A view of the database in which nothing changes, for reading only.

    It begins with asking for its moment, in the same round trip on PostgreSQL, and ends with one
    statement. None inside another view or a transaction, which is one already (on PostgreSQL
    only as far as its isolation level goes).
    """
    connection.ensure_connection()
    if connection.in_atomic_block or _moment_of_view():
        yield
        return
    try:
        connection.moment_of_view = current_moment(_BEGIN[connection.vendor])
        yield
    finally:
        connection.moment_of_view = None
        if connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")


def _moment_of_view() -> Moment | None:
    """The moment of the view that is open on this connection, if any."""
    return getattr(connection, "moment_of_view", None)


class LiveIndex:
    """Keeps one index and brings it up to date on every use."""

    def __init__(self):
        self._lock = RLock()
        self._index: FacetIndex | None = None
        self._moment = Moment(0, "")
        self._aside: tuple[Moment, FacetIndex] | None = None
        self._in_use: FacetIndex | None = None

    @contextmanager
    def on(self, today: date) -> Iterator[FacetIndex]:
        """The index as the database is now, for the day `today`.

        One query when nothing has changed; nine for changed clinics, eight for a changed
        vocabulary. A block inside another one costs none and sees the same. Other threads
        wait meanwhile. Keep nothing of the index beyond the block.
        """
        with self._lock:
            if self._in_use is not None and self._in_use.day == today:
                yield self._in_use
                return
            outer = self._in_use
            with one_view():
                moment = _moment_of_view() or current_moment()
                if connection.in_atomic_block:
                    self._in_use = self._uncommitted(moment, today)
                else:
                    self._in_use = self._up_to_date(moment, today)
                try:
                    yield self._in_use
                finally:
                    self._in_use = outer

    def moment(self) -> Moment | None:
        """Of what is in use: equal moments are equal facts. None where nothing was ever logged.

        Only inside `on`, and good for a key of what was made from the facts.
        """
        moment = self._aside[0] if connection.in_atomic_block else self._moment
        return moment if moment.stamp else None

    def prepare(self, today: date, snapshot: Path | None) -> None:
        """Have the index ready before the first request: from the file, if it can be used.

        Writes the file anew if there was none to use, or much has changed since.
        """
        with self._lock, one_view():
            found = snapshot and read_snapshot(snapshot, read_vocabulary())
            if found:
                self._index, self._moment = found
            with self.on(today) as index:
                was_followed = found is not None and index is found[0]
                if snapshot and not (was_followed and len(index.changes) < _CHANGES_TO_WRITE):
                    write_snapshot(snapshot, index, self._moment)

    def _up_to_date(self, moment: Moment, today: date) -> FacetIndex:
        index = self._index
        # Given up while it is changed: after an error in between it is built anew.
        self._index = None
        if index is None or not self._follow(index, moment, today):
            index = build_index(today)
        self._index, self._moment = index, moment
        return index

    def _follow(self, index: FacetIndex, moment: Moment, today: date) -> bool:
        """Bring the index from its moment and day to these; False where that is not possible."""
        changed: set[int] = set()
        if moment.stamp != self._moment.stamp:
            changes = changes_since(self._moment, moment)
            if changes is None or changes.everything:
                return False
            if changes.vocabulary:
                vocabulary = read_vocabulary()
                if vocabulary.currencies != index.vocabulary.currencies:
                    return False
                index.take_vocabulary(vocabulary)
            changed |= changes.clinics
        elif not moment.stamp:
            return False
        if today != index.day:
            changed |= expiring_between(index.day, today)
            index.turn_to(today)
        if len(changed) > max(_ALWAYS_FOLLOWED, _SHARE_TO_REBUILD * len(index.members)):
            return False
        if changed:
            facts = read_facts(index.vocabulary, index.day, sorted(changed))
            index.update(facts, changed, names_of)
        return True

    def _uncommitted(self, moment: Moment, today: date) -> FacetIndex:
        """An index for an open transaction, which may yet be rolled back: kept aside."""
        held = self._aside
        if held is None or not moment.stamp or held[0] != moment or held[1].day != today:
            held = self._aside = moment, build_index(today)
        return held[1]


def build_index(today: date) -> FacetIndex:
    """Read everything and build the index. Seventeen queries."""
    vocabulary = read_vocabulary()
    return FacetIndex.build(vocabulary, read_facts(vocabulary, today), today)


LIVE = LiveIndex()
