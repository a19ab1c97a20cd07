"""Sessions as rows that their owner can read and end.

Django's own sessions in the database, with who it is, with which browser, since when and when
last, in columns beside the data. Deleting the row signs that browser out.
"""

import datetime
import re

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.dispatch import receiver
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from .models import SignedInSession

# Last use is written down in steps of this length, so that few requests write.
STEP = datetime.timedelta(minutes=10)
# In this order: Edge, Opera and Samsung's also say Chrome, and Chrome also says Safari.
BROWSERS = [
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
]
# Android also says Linux, and an iPhone also says Mac OS X.
SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
]


class SessionStore(DatabaseStore):
    """What `settings.SESSION_ENGINE` names: keeps sessions in `SignedInSession`."""

    @classmethod
    def get_model_class(cls):
        """The model of the rows."""
        return SignedInSession

    def create_model_instance(self, data):
        """The row for this data; its columns repeat what `mark_signed_in` wrote into it."""
        row = super().create_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        row.browser = data.get("browser", "")
        row.system = data.get("system", "")
        row.signed_in_at = parse_datetime(data.get("signed_in_at", ""))
        row.last_seen_at = parse_datetime(data.get("last_seen_at", ""))
        return row


def family(user_agent: str, families: list[tuple[str, str]]) -> str:
    """The first name whose mark stands in a User-Agent header as a word, or ""."""
    return next((name for mark, name in families if re.search(rf"\b{mark}", user_agent)), "")


@receiver(user_logged_in)
def mark_signed_in(sender, request, user, **kwargs):
    """Write into a new session with what it was opened.

    The place is not written: an address says little about it, and we do not guess.
    """
    now = timezone.now()
    user_agent = request.META.get("HTTP_USER_AGENT", "")[:500]
    request.session["browser"] = family(user_agent, BROWSERS)
    request.session["system"] = family(user_agent, SYSTEMS)
    request.session["signed_in_at"] = now.isoformat()
    see(request.session, now)


def see(session, now):
    """Note that the session was used now, and when it will end."""
    session["last_seen_at"] = now.isoformat()
    since = parse_datetime(session["signed_in_at"])
    idle_end = now + datetime.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    session.set_expiry(
        min(idle_end, since + datetime.timedelta(seconds=settings.SESSION_ABSOLUTE_AGE))
    )


class LastSeenMiddleware:
    """Notes the use of a session, in steps. Public pages ask for no session and pass untouched."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        session = request.session
        # Asked first: reading a session makes the page vary by cookie.
        if session.accessed and session.get("signed_in_at"):
            now = timezone.now()
            last = parse_datetime(session.get("last_seen_at", ""))
            if last is None or now - last >= STEP:
                see(session, now)
        return response


def sessions_of(user):
    """The sessions in which this person is signed in now, the last used first. One query."""
    return SignedInSession.objects.filter(user=user, expire_date__gt=timezone.now()).order_by(
        "-last_seen_at", "-expire_date"
    )
