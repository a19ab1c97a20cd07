from django.core.management.base import BaseCommand, CommandError

from clinics.models import Enquiry, EnquiryEntry
from clinics.sealed_text import UnreadableText, reseal


class Command(BaseCommand):
    help = (
        "Seal every request of patients again with the first key of ENQUIRY_KEYS. Afterwards the "
        "other keys can go. Safe while the site runs, and to run again after it was stopped."
    )

    def handle(self, *args, **options):
        resealed, unreadable = 0, []
        for model in (Enquiry, EnquiryEntry):
            for key, sealed in model.objects.values_list("pk", "sealed").iterator(500):
                try:
                    fresh = reseal(sealed)
                except UnreadableText:
                    unreadable.append(f"{model._meta.model_name} {key}")
                    continue
                # Only if nobody has changed it meanwhile, and never back after a deletion.
                resealed += model.objects.filter(pk=key, sealed=sealed).update(sealed=fresh)
        if options["verbosity"]:
            self.stdout.write(f"Sealed again with the first key: {resealed}.")
        if unreadable:
            raise CommandError(f"No key of ENQUIRY_KEYS opens: {', '.join(unreadable)}.")
