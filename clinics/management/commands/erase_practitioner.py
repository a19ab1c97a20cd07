"""Take a practitioner's name and number out of the history."""

from django.core.management.base import BaseCommand, CommandError

from clinics.erasure import StillListed, erase_practitioner, practitioners_named
from clinics.models import Clinic


class Command(BaseCommand):
    help = (
        "Takes a person's name, registration number and numbers of checks out of all earlier "
        "versions, when that person asks to be erased. Without --number it lists who is or was "
        "called so. That something was taken out stays on record, with the reason. What is shown "
        "now is deleted in the admin first; backups keep what they have until they end."
    )

    def add_arguments(self, parser):
        parser.add_argument("name", help="The name as it was written, in whatever case.")
        parser.add_argument("--number", type=int, help="Which of the people of this name.")
        parser.add_argument(
            "--reason", default="", help="Kept in the history: who asked, and when. Not the name."
        )

    def handle(self, *, name, number, reason, **options):
        name, reason = name.strip(), reason.strip()
        if number is None:
            self.list_people(name)
            return
        if not reason:
            raise CommandError("Say who asked, and when, with --reason.")
        if name.lower() in reason.lower():
            raise CommandError("The reason is kept, so it must not have the name in it.")
        try:
            erasure = erase_practitioner(number, name, reason=reason)
        except StillListed as error:
            raise CommandError(
                "This person is shown under that name now, or a change that waits or was returned "
                "has it. Delete the entry in the admin, and settle the change, first."
            ) from error
        except LookupError as error:
            raise CommandError(f"No version of number {number} has this name.") from error
        self.stdout.write(
            f"Taken out of {erasure.cells} fields of versions and proposals, and of "
            f"{erasure.texts} reasons and lines of the log."
        )

    def list_people(self, name: str):
        """Say who is or was called so, and where."""
        found = practitioners_named(name)
        clinics = Clinic.objects.in_bulk({version.clinic_id for version in found})
        for version in found:
            clinic = clinics.get(version.clinic_id) or "a clinic that was deleted"
            self.stdout.write(f"number {version.id}: {version.name}, {clinic}")
        if not found:
            self.stdout.write("Nobody in the history has this name.")
