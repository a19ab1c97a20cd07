from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from accounts import two_factor
from accounts.notices import tell
from accounts.sessions import sessions_of


class Command(BaseCommand):
    help = (
        "Remove the second step of one account and sign it out everywhere, for somebody who lost "
        "telephone and recovery codes. Make sure first that it is they who ask."
    )

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *args, username, **options):
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account “{username}”.")
        two_factor.turn_off(user)
        sessions_of(user).delete()
        tell(user, "second_step_off")
        self.stdout.write(f"“{username}” sets up an app at the next sign-in.")
