"""Load the catalogue of treatments from its files."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from treatments.catalogue import load_catalogue, read_catalogue
from treatments.content_files import DIRECTORY, ContentError


class Command(BaseCommand):
    help = (
        "Brings treatments, sources, claims and vocabulary in the database up to date with the "
        "files in treatments/content. Run it after an update of the code or of the files; a run "
        "without changes costs next to nothing. It creates and updates, never deletes, and keeps "
        "what an editor changed in the database: such conflicts are listed at the end."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--check", action="store_true", help="Only check the files; change nothing."
        )
        parser.add_argument(
            "--directory",
            type=Path,
            default=DIRECTORY,
            help="Where the files are, if not in treatments/content.",
        )

    def handle(self, *, check, directory, verbosity, **options):
        def say(line):
            if verbosity:
                self.stdout.write(line)

        if not directory.is_dir():
            raise CommandError(f"{directory} is not a directory.")
        try:
            if check:
                say(f"The files are in order: {len(read_catalogue(directory))} entries.")
                return
            outcome = load_catalogue(directory, say)
        except ContentError as error:
            number = len(error.problems)
            places = "1 problem" if number == 1 else f"{number} problems"
            raise CommandError(f"{places} in {directory}:\n{error}") from error
        if outcome.conflicts:
            self.stderr.write(
                self.style.WARNING(
                    "The files and the database disagree. The database was kept for:\n"
                    + "\n".join(f"  {conflict}" for conflict in outcome.conflicts)
                )
            )
        if outcome.gone:
            self.stderr.write(
                self.style.WARNING(
                    "No longer in the files, left in the database: " + ", ".join(outcome.gone)
                )
            )
        counts = ", ".join(
            f"{outcome.count(group)} {group}" for group in ("treatments", "sources", "claims")
        )
        say(
            f"{counts}: {len(outcome.created)} created, {len(outcome.updated)} updated, "
            f"{len(outcome.unchanged)} unchanged, {len(outcome.conflicts)} conflicts."
        )
