import signal
import threading

from django.core.management.base import BaseCommand
from django.db import close_old_connections, transaction
from django.utils import timezone

from clinics.enquiries import delete_expired, forget_freed_bytes
from clinics.outbox import send_due


class Command(BaseCommand):
    help = (
        "Send the e-mails that are due and delete the requests of patients whose time is over, "
        "again and again until told to stop. Several may run at once; one killed at any moment "
        "loses nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="One round, for cron.")
        parser.add_argument(
            "--every", type=int, default=10, metavar="SECONDS", help="Pause between rounds: 10."
        )

    def handle(self, *args, **options):
        if options["once"]:
            self.round(options["verbosity"])
            return
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        while not stop.is_set():
            close_old_connections()
            self.round(options["verbosity"])
            stop.wait(options["every"])

    def round(self, verbosity: int):
        """Send, delete, and leave no bytes of what was deleted."""
        mails = send_due()
        with transaction.atomic():
            deleted = delete_expired(timezone.now())
        forget_freed_bytes()
        if verbosity and (mails.sent or mails.failed or deleted):
            self.stdout.write(
                f"E-mails sent: {mails.sent}, failed for now: {mails.failed}. "
                f"Requests deleted: {deleted}."
            )
