"""The way of a bulk file: kept, checked, looked at, imported, deleted.

Short files are worked on while their sender waits. Long ones wait for `run_jobs`: a worker takes
a file by moving `leased_until` on, and moves it again as it goes. Killed, it leaves a check to be
done anew, and an import either undone as a whole or up to its last batch of rows.
"""

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from .bulk_changes import CHANGED, NEW, REFUSED, UNCHANGED, Comparison, Given
from .bulk_columns import SHEETS, Sheet
from .bulk_files import FileRefused, FileRow, OpenFile, open_rows
from .bulk_import import write_lines
from .models import BulkImport, BulkLine
from .permissions import is_editor

State, Mode = BulkImport.State, BulkImport.Mode

# Rows that are looked up and written together.
BATCH = 1000
# What is done while the sender waits: a file of so many bytes, and so many rows of it.
SHORT_FILE = 64 * 1024
SHORT_IMPORT = 300
# SQLite has one writer, and whoever else wants to store something gives up after twenty seconds: a
# patient’s request must not be lost to a long transaction.
MOST_AT_ONCE_ON_SQLITE = 10_000
# How long a worker may be silent before another one takes its file.
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 3
KEPT = timedelta(days=7)
# Files of one person at a time.
MOST_KEPT = 20

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """The work was interrupted and can be taken up again."""


def most_at_once() -> int | None:
    """How many rows may be written all or nothing; None without a limit."""
    return MOST_AT_ONCE_ON_SQLITE if connection.vendor == "sqlite" else None


class NothingImported(Exception):
    """Not every row can be written, so none is."""


# --- The file


def path_of(job: BulkImport) -> Path:
    """Where the file of an import is kept."""
    return settings.PRIVATE_ROOT / "imports" / job.token


def keep(upload, *, user, sheet: str) -> BulkImport:
    """Keep an uploaded file out of everybody’s reach, and note that it waits to be checked."""
    job = BulkImport(
        user=user,
        sheet=sheet,
        file_name=Path(upload.name).name[-150:],
        token=secrets.token_hex(16),
    )
    path = path_of(job)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in upload.chunks():
            file.write(chunk)
    job.save()
    return job


def forget_file(job: BulkImport):
    """Delete the file of an import."""
    path_of(job).unlink(missing_ok=True)
    _progress_path(job).unlink(missing_ok=True)


def forget(job: BulkImport):
    """Delete an import with its file and all that was found in it. What it wrote stays."""
    forget_file(job)
    job.lines.all().delete()
    job.delete()


def forget_old(now=None) -> int:
    """Delete imports of more than seven days ago, and files of none. Return how many."""
    now = now or timezone.now()
    old = list(BulkImport.objects.filter(created_at__lte=now - KEPT, leased_until__lte=now))
    for job in old:
        forget(job)
    folder = settings.PRIVATE_ROOT / "imports"
    with suppress(FileNotFoundError):
        kept = set(BulkImport.objects.values_list("token", flat=True))
        for path in folder.iterdir():
            is_old = path.stat().st_mtime < (now - timedelta(days=1)).timestamp()
            if is_old and path.name.partition(".")[0] not in kept:
                path.unlink(missing_ok=True)
    return len(old)


# --- How far it is. In a file, because nobody sees what an open transaction has written.


def _progress_path(job: BulkImport) -> Path:
    return path_of(job).with_suffix(".progress")


def _tell_progress(job: BulkImport, share: float | None):
    path = _progress_path(job)
    with suppress(OSError):
        path.with_suffix(".new").write_text("" if share is None else f"{share:.4f}")
        path.with_suffix(".new").replace(path)


def progress_of(job: BulkImport) -> float | None:
    """How much of the work under way is done, from 0 to 1; None where nobody can say."""
    try:
        return float(_progress_path(job).read_text())
    except (OSError, ValueError):
        return None


# --- Who works on it


def work_on_due(should_stop: Callable[[], bool] = lambda: False) -> int:
    """Check and import the files that are due, one after the other. Return how many."""
    done = 0
    while not should_stop() and (job := take_next()):
        with suppress(Stopped):
            work_on(job, should_stop)
            done += 1
    return done


def work_at_once(job: BulkImport) -> BulkImport:
    """Do what is due with this file while its sender waits, if it is short; return it anew."""
    is_short = (
        path_of(job).stat().st_size <= SHORT_FILE
        if job.state == State.WAITING
        else job.to_write <= SHORT_IMPORT
    )
    if is_short and (taken := take_next(only=job.pk)):
        work_on(taken)
    job.refresh_from_db()
    return job


def take_next(now=None, only: int | None = None) -> BulkImport | None:
    """Take the file that is due longest, for LEASE; None when there is none.

    On PostgreSQL the row of an import under way is locked, and is skipped. On SQLite the change
    counts only while the row is what was read.
    """
    now = now or timezone.now()
    due = BulkImport.objects.filter(state__in=BulkImport.AT_WORK, leased_until__lte=now)
    if only:
        due = due.filter(pk=only)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    while True:
        with transaction.atomic():
            job = due.order_by("leased_until", "pk").first()
            if job is None:
                return None
            taken = BulkImport.objects.filter(
                pk=job.pk, leased_until=job.leased_until, attempts=job.attempts
            ).update(leased_until=now + LEASE, attempts=F("attempts") + 1)
        if taken:
            job.attempts += 1
            return job


def work_on(job: BulkImport, should_stop: Callable[[], bool] = lambda: False):
    """Check or import a file that was taken. Raises Stopped when told to stop."""
    _Work(job, should_stop).run()


class _Work:
    """One worker at one file."""

    def __init__(self, job: BulkImport, should_stop):
        self.job, self.should_stop = job, should_stop
        self.sheet = SHEETS[job.sheet]
        self.next_lease = timezone.now() + LEASE / 4

    def run(self):
        job = self.job
        if job.attempts > MOST_ATTEMPTS:
            self.end(
                State.STOPPED,
                problem=_("The work was broken off several times. Try it with a shorter file."),
            )
            return
        try:
            if not (job.user.is_active and job.user.is_staff):
                raise NothingImported(_("This account may not import any more."))
            if job.state == State.WAITING:
                self.check()
            else:
                self.write()
        except FileRefused as refusal:
            job.lines.all().delete()
            self.end(State.REFUSED, problem=str(refusal))
        except NothingImported as refusal:
            self.end(State.STOPPED, problem=str(refusal))
        except Stopped:
            self.mine().update(leased_until=timezone.now(), attempts=F("attempts") - 1)
            raise
        except DatabaseError:
            # Locked too long, or the import was deleted meanwhile: the lease runs out by itself.
            logger.exception("Import %s was broken off", job.pk)

    def mine(self):
        """The import, while no other worker has taken it."""
        return BulkImport.objects.filter(pk=self.job.pk, attempts=self.job.attempts)

    def end(self, state: str, **columns) -> int:
        """Note how it ended; return whether it was still this worker’s."""
        ended = self.mine().update(
            state=state,
            leased_until=timezone.now(),
            attempts=0,
            finished_at=timezone.now() if state != State.CHECKED else None,
            **columns,
        )
        _progress_path(self.job).unlink(missing_ok=True)
        return ended

    def go_on(self, share: float | None, *, in_transaction=False):
        """Say how far it is, and that somebody is at work. Raises Stopped when told to stop."""
        _tell_progress(self.job, share)
        if self.should_stop():
            raise Stopped
        if not in_transaction and timezone.now() > self.next_lease:
            self.next_lease = timezone.now() + LEASE / 4
            if not self.mine().update(leased_until=timezone.now() + LEASE):
                raise Stopped

    # --- The check

    def check(self):
        """Compare each row with the database and keep what differs."""
        job = self.job
        job.lines.all().delete()
        comparison = Comparison(self.sheet, job.user)
        counts = dict.fromkeys((NEW, CHANGED, UNCHANGED, REFUSED), 0)
        lines_by_key: dict[int, int] = {}
        with open_rows(path_of(job), self.sheet.header) as file:
            check_header(file, self.sheet)
            rows = iter(file.rows)
            while batch := list(islice(rows, BATCH)):
                given = [as_given(row, file, self.sheet) for row in batch]
                kept = self.check_batch(comparison, given, lines_by_key, counts)
                BulkLine.objects.bulk_create(kept)
                self.go_on(file.share.value)
            notes = file.notes
        if not sum(counts.values()):
            raise FileRefused(_("There is no row below the names of the columns."))
        self.end(State.CHECKED, as_editor=comparison.is_editor, notes=notes, problem="", **counts)

    def check_batch(self, comparison, given, lines_by_key, counts) -> list[BulkLine]:
        keys = [comparison.key_of(one) for one in given]
        there = comparison.surroundings(keys)
        kept = []
        for one, key in zip(given, keys, strict=True):
            found = comparison.find(one, key, there)
            first = lines_by_key.setdefault(hash(key), one.line)
            if first != one.line:
                found.refuse(
                    self.sheet.keys[0],
                    _("The same key stands on line %(line)d already.") % {"line": first},
                )
            counts[found.result] += 1
            if found.result != UNCHANGED:
                kept.append(
                    BulkLine(
                        bulk_import=self.job,
                        number=one.line,
                        result=found.result,
                        key=list(key),
                        name=_printable(found.name),
                        changes=found.changes,
                        problems=found.problems,
                        seen=found.seen,
                    )
                )
        return kept

    # --- The import

    def write(self):
        """Write what the check has found, all or nothing or a batch at a time."""
        job = self.job
        comparison = Comparison(self.sheet, job.user)
        if is_editor(job.user) != job.as_editor:
            raise NothingImported(_("Your rights have changed since. Check the file again."))
        if job.mode == Mode.ALL:
            if job.refused:
                raise NothingImported(_("Some rows have errors."))
            if (most := most_at_once()) and job.to_write > most:
                raise NothingImported(_("These are too many rows. Import them row by row."))
            with transaction.atomic():
                # Whoever else looks for work skips a locked row.
                list(self.mine().select_for_update().values_list("pk"))
                for lines, share in self.batches():
                    self.write_batch(comparison, lines, stop_at_refusal=True)
                    self.go_on(share, in_transaction=True)
                if not self.end(State.DONE):
                    raise Stopped
        else:
            for lines, share in self.batches():
                with transaction.atomic():
                    self.write_batch(comparison, lines)
                self.go_on(share)
            self.end(State.DONE)
        forget_file(job)

    def batches(self) -> Iterator[tuple[list[BulkLine], float]]:
        """The lines that are still to be written, in order, and how far each batch gets."""
        last, done = 0, self.job.lines.exclude(outcome="").count()
        while True:
            lines = list(
                self.job.lines.filter(
                    number__gt=last, result__in=(NEW, CHANGED), outcome=""
                ).order_by("number")[:BATCH]
            )
            if not lines:
                return
            last, done = lines[-1].number, done + len(lines)
            yield lines, done / max(self.job.to_write, done)

    def write_batch(self, comparison, lines, *, stop_at_refusal=False):
        by_outcome: dict[str, list[int]] = {}
        for one in write_lines(comparison, lines, self.job.file_name):
            if one.outcome != BulkLine.Outcome.REFUSED:
                by_outcome.setdefault(one.outcome, []).append(one.line.pk)
                continue
            if stop_at_refusal:
                raise NothingImported(
                    _("Nothing was imported, because of line %(line)d: %(why)s")
                    % {"line": one.line.number, "why": one.remark}
                )
            BulkLine.objects.filter(pk=one.line.pk).update(outcome=one.outcome, remark=one.remark)
        for outcome, keys in by_outcome.items():
            BulkLine.objects.filter(pk__in=keys).update(outcome=outcome)


def start_import(job: BulkImport, mode: str) -> bool:
    """Let a checked file be imported. False if somebody pressed before, or it is not checked."""
    return bool(
        BulkImport.objects.filter(pk=job.pk, state=State.CHECKED).update(
            state=State.QUEUED, mode=mode, attempts=0, leased_until=timezone.now(), problem=""
        )
    )


def check_again(job: BulkImport) -> bool:
    """Let a file be checked anew. False if it is under way, imported, or not kept any more."""
    if not path_of(job).exists():
        return False
    return bool(
        BulkImport.objects.filter(pk=job.pk, state__in=(State.CHECKED, State.STOPPED)).update(
            state=State.WAITING, mode="", attempts=0, leased_until=timezone.now(), problem=""
        )
    )


# --- From the file to what the check takes


def check_header(file: OpenFile, sheet: Sheet):
    """Raise FileRefused for columns that we do not have, that come twice, or that are missing."""
    names = file.header
    double = sorted({name for name in names if names.count(name) > 1 and name})
    unknown = [name or "?" for name in names if name not in sheet.by_name]
    missing = [name for name in sheet.keys if name not in names]
    for message, wrong in (
        (_("These columns come twice: %(names)s."), double),
        (_("We have no columns of these names: %(names)s. Take them out."), unknown),
        (_("These columns are missing, which name the row: %(names)s."), missing),
    ):
        if wrong:
            raise FileRefused(_printable(message % {"names": ", ".join(wrong[:10])[:300]}))


def as_given(row: FileRow, file: OpenFile, sheet: Sheet) -> Given:
    """The cells of a row by the names of their columns."""
    names = file.header
    problems = [
        (names[place] if place >= 0 else "", message) for place, message in row.problems.items()
    ]
    return Given(row.line, dict(zip(names, row.cells, strict=False)), tuple(problems))


def _printable(text: str) -> str:
    """Without what a database does not take."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
