"""Load a list of clinics as drafts."""

import csv
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from clinics.clinic_lists import MAPPINGS_DIRECTORY, ListError, Mapping, MappingError
from clinics.imports import Outcome, Result, import_clinics

REPORT_HEADER = ("line", "result", "key", "name", "notes")
# How many rows that need somebody's eye the terminal shows; the report has them all.
SHOWN = 20
PROGRESS_EVERY = 5000


class Command(BaseCommand):
    help = (
        "Loads a list of clinics, a CSV file in UTF-8, as drafts. Nothing is published: an "
        "editor looks at each draft first. A second run over the same list changes nothing; a "
        "changed list updates drafts that nobody has edited. docs/importing.md says more."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument(
            "--mapping",
            required=True,
            help="Which column says what: a YAML file, or one of "
            + ", ".join(sorted(path.stem for path in MAPPINGS_DIRECTORY.glob("*.yaml")))
            + ".",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would happen; change nothing."
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE.csv", help="Write what became of every row."
        )

    def handle(self, *, file, mapping, dry_run, report, verbosity, **options):
        try:
            outcomes = import_clinics(file, Mapping.read(mapping_path(mapping)), dry_run=dry_run)
            with report.open("w", encoding="utf-8", newline="") if report else nullcontext() as to:
                self.follow(outcomes, csv.writer(to) if to else None, dry_run, verbosity)
        except (MappingError, ListError, OSError) as error:
            raise CommandError(str(error)) from error

    def follow(self, outcomes, writer, dry_run: bool, verbosity: int) -> None:
        """Run the import to its end, and say what became of the rows."""
        results: Counter[Result] = Counter()
        notes: Counter[str] = Counter()
        remarkable: list[Outcome] = []
        if writer:
            writer.writerow(REPORT_HEADER)
        for number, outcome in enumerate(outcomes, start=1):
            results[outcome.result] += 1
            notes.update(outcome.notes)
            if outcome.result in (Result.REFUSED, Result.CONFLICT) and len(remarkable) < SHOWN:
                remarkable.append(outcome)
            if writer:
                writer.writerow(report_row(outcome))
            if verbosity and number % PROGRESS_EVERY == 0:
                self.stdout.write(f"{number} rows read")
        if not verbosity:
            return
        for outcome in remarkable:
            why = "; ".join(outcome.notes)
            self.stdout.write(f"line {outcome.line}: {outcome.result}: {outcome.name} ({why})")
        for note, count in notes.most_common(SHOWN):
            self.stdout.write(f"{count:>7} x {note}")
        counts = ", ".join(f"{results[result]} {result}" for result in Result)
        self.stdout.write(f"{results.total()} rows: {counts}.")
        if dry_run:
            self.stdout.write("Only tried out: nothing was changed.")


def mapping_path(name: str) -> Path:
    """The file of a mapping given by path or by the name of one that comes with the site."""
    ours = MAPPINGS_DIRECTORY / f"{name}.yaml"
    return ours if ours.is_file() else Path(name)


def report_row(outcome: Outcome) -> list[str]:
    """An outcome as cells that no spreadsheet takes for a formula."""
    cells = (outcome.line, outcome.result, outcome.key, outcome.name, "; ".join(outcome.notes))
    return [f"'{cell}" if str(cell).startswith(("=", "+", "-", "@")) else cell for cell in cells]
