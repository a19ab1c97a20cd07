"""Delete readers' questions that are no longer kept."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from treatments.history import one_change
from treatments.models import ReadersQuestion
from treatments.models.question import DECLINED_DAYS, WAITING_DAYS


class Command(BaseCommand):
    help = (
        f"Deletes readers' questions that nobody answered within {WAITING_DAYS} days, and those "
        f"that were declined more than {DECLINED_DAYS} days ago. Run it once a day: the privacy "
        "page promises it. Published questions stay."
    )

    def handle(self, *, verbosity, **options):
        with one_change(reason="Kept as long as was promised") as change:
            past = ReadersQuestion.objects.to_be_forgotten(timezone.now())
            change.keep_before(ReadersQuestion, past.values_list("pk", flat=True))
            _rows, by_model = past.delete()
            forgotten = by_model.get(ReadersQuestion._meta.label, 0)
        if verbosity:
            self.stdout.write(f"Deleted questions: {forgotten}")
