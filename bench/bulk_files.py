"""How long bulk files take in the admin, and how much memory.

Alone, with an empty database of its own in DATABASE_URL, which it fills (`bench/settings.py` says
what else it wants): `python -m bench.step bulk_files 50000 2026-11-23`.
"""

import csv
import resource
import tempfile
import time
from datetime import date
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management import call_command
from django.db import connection

from clinics.bulk_columns import SHEETS, Known
from clinics.bulk_export import as_csv, as_xlsx
from clinics.bulk_work import keep, most_at_once, start_import, take_next, work_on
from clinics.models import BulkImport, Currency, Place
from treatments.models import Treatment

from .timing import Row

HEADERS = {
    "clinics": [
        *("slug", "name", "facility_type", "place", "address", "phone", "email"),
        *("languages", "opening_hours", "description"),
    ],
    "offers": [
        *("clinic", "treatment", "label", "body_areas", "price_low", "price_high", "currency"),
    ],
}
# New rows, all of them changed at once, all of them changed row by row.
EDITIONS = ((0, "all"), (1, "all"), (2, "good"))


def measure(size: int, today: date) -> list[Row]:
    """Make rows of files, change each of them, take them along and bring them back."""
    settings.PRIVATE_ROOT = Path(tempfile.mkdtemp())
    call_command("migrate", verbosity=0)
    call_command("load_catalogue", verbosity=0)
    call_command("load_sample_clinics", clinics=0, verbosity=0)
    user = get_user_model().objects.create_superuser("bench", "bench@example.org", "x")
    bench = _Bench(size, user)
    found = [bench.row("nothing yet", time.perf_counter(), "")]
    for sheet in SHEETS:
        for edition, mode in EDITIONS:
            path = bench.written(sheet, edition)
            found += bench.imported(f"{sheet}, edition {edition}", sheet, path, mode)
    for sheet in SHEETS.values():
        for ending, form in (("csv", as_csv), ("xlsx", as_xlsx)):
            path = settings.PRIVATE_ROOT / f"{sheet.name}.{ending}"
            started = time.perf_counter()
            with path.open("wb") as file:
                file.writelines(form(sheet, sheet.rows(), Known(user)))
            found.append(bench.row(f"{path.name}, exported", started, ""))
            found += bench.imported(f"{path.name}, sent in again", sheet.name, path, "all")
    return found


class _Bench:
    def __init__(self, size, user):
        self.size, self.user = size, user
        self.spent = time.process_time()
        self.places = list(Place.objects.values_list("slug", flat=True))
        offered = Treatment.objects.exclude(kind=Treatment.Kind.COMPARISON)
        self.treatments = list(offered.values_list("slug", flat=True))
        self.currencies = list(Currency.objects.values_list("pk", flat=True))

    def row(self, case, started, note) -> Row:
        memory = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        seconds = time.perf_counter() - started
        # On a busy machine the processor’s time says more.
        spent, self.spent = time.process_time() - self.spent, time.process_time()
        print(f"{case}: {seconds:.1f} s, {spent:.1f} s of a core, {memory} MB {note}", flush=True)
        figures = {"core_seconds": round(spent, 1)}
        return Row(case, self.size, seconds * 1000, memory_mb=memory, note=note, figures=figures)

    def imported(self, case, sheet, path, mode) -> list[Row]:
        started = time.perf_counter()
        with path.open("rb") as file:
            job = keep(File(file, name=path.name), user=self.user, sheet=sheet)
        work_on(take_next(only=job.pk))
        job.refresh_from_db()
        assert (job.state, job.refused) == ("checked", 0), (job.problem, job.refused)
        note = f"{job.new} new, {job.changed} changed, {job.unchanged} unchanged"
        found = [self.row(f"{case}: check", started, note)]
        if job.to_write:
            if job.to_write > (most_at_once() or job.to_write):
                mode = "good"
            started = time.perf_counter()
            start_import(job, mode)
            work_on(take_next(only=job.pk))
            job.refresh_from_db()
            assert job.state == "done", job.problem
            found.append(self.row(f"{case}: import", started, f"mode {mode}"))
        job.lines.all().delete()
        BulkImport.objects.all().delete()
        if connection.vendor == "postgresql":
            # As a server does by itself soon after a file, unless it is the bench's.
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        return found

    def written(self, sheet, edition) -> Path:
        path = settings.PRIVATE_ROOT / f"{sheet}-{edition}.csv"
        line = self.clinic if sheet == "clinics" else self.offer
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            lines = (line(number, number + edition) for number in range(self.size))
            csv.writer(file).writerows(chain([HEADERS[sheet]], lines))
        return path

    def clinic(self, number, turn) -> list:
        return [
            f"clinic-{number}",
            f"Clinic number {number}",
            "medical-clinic",
            self.places[number % len(self.places)],
            f"{turn} Example Street",
            f"'+33 1 99 00 {number % 90 + 10} {turn % 90 + 10}",
            f"desk{turn}@clinic-{number}.example",
            "en, fr" if turn % 2 else "de, en",
            "Mo-Fr 09:00-13:00,14:00-18:00" if turn % 2 else "Mo-Sa 10:00-19:00",
            f"Floor {turn}, two chairs and a lift. " * 4,
        ]

    def offer(self, number, turn) -> list:
        return [
            f"clinic-{number // 2}",
            self.treatments[number % len(self.treatments)],
            "",
            "abdomen, thighs" if turn % 2 else "face",
            100 + turn % 50,
            150 + number % 100,
            self.currencies[number % len(self.currencies)],
        ]
