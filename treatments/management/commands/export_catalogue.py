"""Write what editors changed back into the catalogue's files."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from treatments.catalogue_export import ExportError, export_catalogue
from treatments.content_files import DIRECTORY, ContentError


class Command(BaseCommand):
    help = (
        "Writes the catalogue of the database into its files, so that what editors changed in the "
        "admin can be reviewed as text. What did not change keeps its lines to the letter. Where a "
        "file is newer than the database it stays; where both changed, the editor's version is "
        "written. Loading afterwards changes nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--directory",
            type=Path,
            default=DIRECTORY,
            help="Where to write a copy, if not into treatments/content.",
        )
        parser.add_argument(
            "--delete",
            action="store_true",
            help="Take out of the files what was deleted in the admin; otherwise it is listed.",
        )

    def handle(self, *, directory, delete, verbosity, **options):
        if not directory.is_dir():
            raise CommandError(f"{directory} is not a directory.")
        try:
            outcome = export_catalogue(directory, delete=delete)
        except (ExportError, ContentError) as error:
            raise CommandError(f"Nothing was written. To be settled first:\n{error}") from error
        for keys, heading in (
            (outcome.overruled, "Changed in the file too; the database's version was written"),
            (outcome.newer, "Newer in the file, left there; load it with load_catalogue"),
            (outcome.deleted, "Deleted in the database, still in the file; see --delete"),
            (outcome.only_stored, "No longer in the files, left in the database"),
        ):
            if keys:
                self.stderr.write(self.style.WARNING(f"{heading}: {', '.join(keys)}"))
        if verbosity:
            for name in outcome.files:
                self.stdout.write(f"written: {name}")
            self.stdout.write(
                f"{len(outcome.changed)} changed, {len(outcome.added)} added, "
                f"{len(outcome.removed)} removed."
            )
