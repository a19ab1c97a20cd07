"""A sign-in half done: the password was right, the code is still to come.

It is kept in the session of a visitor who is nobody yet, and good for nothing but the page
that asks for the code.
"""

import time

from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model, load_backend
from django.contrib.auth import login as django_login
from django.contrib.auth.signals import user_login_failed

HALF = "half_sign_in"
SECONDS = 300
WRONG_CODES = 5
BACKEND = "accounts.backends.PasswordBackend"


def begin(request, user, next_page: str):
    """Remember that this person's password was right, for five minutes."""
    request.session.cycle_key()
    request.session[HALF] = {
        "user": user.pk,
        # Of the password, so that a change of it in between ends this too.
        "hash": user.get_session_auth_hash(),
        "until": int(time.time()) + SECONDS,
        "wrong": 0,
        "next": next_page,
    }


def person(request):
    """Whose sign-in is half done here, or None when there is none or its time is over."""
    half = request.session.get(HALF)
    if half is None:
        return None
    user = None
    if half["until"] >= time.time() and half["wrong"] < WRONG_CODES:
        user = load_backend(BACKEND).get_user(half["user"])
    if user is None or user.get_session_auth_hash() != half["hash"]:
        forget(request)
        return None
    return user


def next_page(request) -> str:
    """Where the person wanted to go."""
    return request.session[HALF]["next"]


def forget(request):
    """End what is half done."""
    request.session.pop(HALF, None)


def note_wrong_code(request, user):
    """Count a wrong code with the wrong passwords; the fifth ends what is half done."""
    half = request.session.get(HALF)
    if half is not None:
        request.session[HALF] = half | {"wrong": half["wrong"] + 1}
    credentials = {get_user_model().USERNAME_FIELD: user.get_username()}
    user_login_failed.send(sender=__name__, credentials=credentials, request=request)


def finish(request, user, device):
    """Sign in for good, in a session with a new key that has passed the second step."""
    forget(request)
    user.otp_device = device
    django_login(request, user, request.session.get(BACKEND_SESSION_KEY) or BACKEND)
