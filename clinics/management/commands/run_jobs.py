import signal
import threading

from django.core.management.base import BaseCommand
from django.db import close_old_connections, transaction
from django.utils import timezone

from clinics.bulk_work import forget_old, work_on_due
from clinics.confirmation import remind
from clinics.corrections import delete_expired as delete_expired_corrections
from clinics.daily_jobs import begin_day
from clinics.enquiries import delete_expired, forget_freed_bytes
from clinics.evidence_files import delete_orphans
from clinics.outbox import forget_sent, send_due
from clinics.photo_making import prepare_due
from clinics.view_counts import forget_old_views


class Command(BaseCommand):
    help = (
        "Send the e-mails that are due, remind clinics of old prices, delete what patients and "
        "readers wrote once its time is over, make the sizes of photos, and check and import the "
        "files that wait, again and again until told to stop. Several may run at once; one killed "
        "at any moment loses nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="One round, for cron.")
        parser.add_argument(
            "--every", type=int, default=10, metavar="SECONDS", help="Pause between rounds: 10."
        )

    def handle(self, *args, **options):
        if options["once"]:
            self.round(options["verbosity"], threading.Event())
            return
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        while not stop.is_set():
            close_old_connections()
            self.round(options["verbosity"], stop)
            stop.wait(options["every"])

    def round(self, verbosity: int, stop: threading.Event):
        """Remind, send, delete, leave no bytes of what was deleted; then files and photos."""
        today = timezone.localdate()
        remind(today)
        mails = send_due()
        with transaction.atomic():
            deleted = delete_expired(timezone.now())
            delete_expired_corrections(timezone.now())
        with transaction.atomic():
            if begin_day("housekeeping", today):
                forget_old_views(today)
                delete_orphans()
                forget_sent(timezone.now())
        forget_freed_bytes()
        forget_old()
        files = work_on_due(stop.is_set)
        if verbosity and (mails.sent or mails.failed or deleted or files):
            self.stdout.write(
                f"E-mails sent: {mails.sent}, failed for now: {mails.failed}. "
                f"Requests deleted: {deleted}. Files worked on: {files}."
            )
        photos = prepare_due()
        if verbosity and (photos.made or photos.taken_off or photos.failed):
            self.stdout.write(
                f"Photos made public: {photos.made}, taken off: {photos.taken_off}, failed for "
                f"now: {photos.failed}."
            )
