from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

# In this order: each needs the one before it.
STEPS = ("migrate", "load_catalogue", "load_sample_clinics", "create_demo_accounts")


class Command(BaseCommand):
    help = (
        f"Bring a development database up to date: {', '.join(STEPS)}. What is there already is "
        "left as it is, so that it can run before every start. Only with DEBUG on."
    )
    # `migrate` makes the checks that matter here.
    requires_system_checks = []

    def handle(self, *args, **options):
        if not settings.DEBUG:
            raise CommandError("A public site gets no sample clinics: DEBUG is off.")
        for step in STEPS:
            quiet = 0 if step == "migrate" else options["verbosity"]
            call_command(step, verbosity=quiet)
