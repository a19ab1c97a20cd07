from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clinics.models import Clinic, Membership

PASSWORD = "mesoguide-demo"  # noqa: S105  (public on purpose: no sign-in without DEBUG)
EDITOR, STAFF = "editor", "staff"


class Command(BaseCommand):
    help = (
        f"Create the accounts “{EDITOR}” and “{STAFF}” (of one sample clinic), both with the "
        f"password {PASSWORD}, to try the admin with. Only with DEBUG on, and after "
        "load_sample_clinics. Accounts that are there already are left as they are."
    )

    @transaction.atomic
    def handle(self, *args, **options):
        if not settings.DEBUG:
            raise CommandError("Demonstration accounts are made only while DEBUG is on.")
        clinic = Clinic.objects.published().filter(is_sample=True).order_by("pk").first()
        if clinic is None:
            raise CommandError("There is no sample clinic yet: run load_sample_clinics first.")
        demonstration_account(EDITOR, is_superuser=True)
        staff = demonstration_account(STAFF)
        if not staff.memberships.exists():
            Membership.objects.create(user=staff, clinic=clinic, role=Membership.Role.STAFF)
        if options["verbosity"]:
            self.stdout.write(f"Sign in at /admin/ as {EDITOR} or {STAFF}, password {PASSWORD}.")


def demonstration_account(username: str, **rights):
    """Return the account of this name, made if need be. Never takes over a real one."""
    users = get_user_model().objects
    user = users.filter(username=username).first()
    if user is None:
        return users.create_user(
            username, password=PASSWORD, is_staff=True, is_demonstration=True, **rights
        )
    if not user.is_demonstration:
        raise CommandError(f"“{username}” is somebody’s own account. Nothing was changed.")
    return user
