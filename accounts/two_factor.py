"""The second step of signing in: a code from an authenticator app, or a recovery code.

Recovery codes are kept as digests. Sixty random bits need no salt against tables nor a slow
digest against guessing; the person's number is in it so that equal codes would not look equal.
"""

import hashlib
import secrets
from base64 import b32encode
from dataclasses import dataclass

import qrcode
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

APP = "app"
RECOVERY_CODES, FEW_CODES = 10, 3
# Without 0 and 1, and the letters that look like them.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LENGTH = 3, 4
# Of the digest, as much as django-otp has room for.
DIGEST_LENGTH = 16
SECRET_BYTES = 20


def is_required_of(user) -> bool:
    """Whether this person must pass a second step to work here. At most one query."""
    if not settings.SECOND_STEP_REQUIRED or not user.is_authenticated:
        return False
    if user.is_superuser:
        return True
    if not hasattr(user, "in_group_with_second_step"):
        user.in_group_with_second_step = user.groups.filter(
            name__in=settings.SECOND_STEP_GROUPS
        ).exists()
    return user.in_group_with_second_step


def app_of(user) -> TOTPDevice | None:
    """The authenticator app that this person has confirmed, or None. One query."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def is_missing(request) -> bool:
    """Whether a signed-in person still owes the second step in this session.

    Somebody who turned it on owes it even where it is not required of them. At most two
    queries for the first question about a user object, none after it.
    """
    user = request.user
    if not user.is_authenticated or getattr(user, "otp_device", None) is not None:
        return False
    if is_required_of(user):
        return True
    if not hasattr(user, "has_app"):
        user.has_app = app_of(user) is not None
    return user.has_app


# --- Turning it on


@dataclass(frozen=True)
class AppSecret:
    """The secret that an authenticator app and the site share, before it counts."""

    user: object
    key: str

    @classmethod
    def new(cls, user):
        """A fresh random secret of 160 bits."""
        return cls(user, secrets.token_hex(SECRET_BYTES))

    @property
    def device(self) -> TOTPDevice:
        """The device as it would be stored."""
        return TOTPDevice(user=self.user, name=APP, key=self.key, confirmed=True)

    @property
    def words(self) -> list[str]:
        """The secret for typing: base 32 in groups of four."""
        text = b32encode(bytes.fromhex(self.key)).decode().rstrip("=")
        return [text[start : start + 4] for start in range(0, len(text), 4)]

    @property
    def address(self) -> str:
        """The otpauth: address that the picture holds."""
        return self.device.config_url

    @property
    def picture(self) -> "Picture":
        """The address as a QR code."""
        code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
        code.add_data(self.address)
        return Picture.of(code.get_matrix())

    def confirm(self, code: str) -> TOTPDevice | None:
        """Store the app if `code` is what it shows now, in place of any other; else None."""
        with transaction.atomic():
            TOTPDevice.objects.filter(user=self.user).delete()
            device = self.device
            device.save()
            if device.verify_token(plain(code)):
                return device
            transaction.set_rollback(True)
        return None


@dataclass(frozen=True)
class Picture:
    """A QR code to draw: `size` modules a side, and the dark ones as one path."""

    size: int
    path: str

    @classmethod
    def of(cls, matrix: list[list[bool]]) -> "Picture":
        """One square of side 1 for each dark module."""
        squares = [
            f"M{x} {y}h1v1h-1z"
            for y, row in enumerate(matrix)
            for x, is_dark in enumerate(row)
            if is_dark
        ]
        return cls(len(matrix), "".join(squares))


def turn_off(user):
    """Forget this person's app and recovery codes."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()


# --- Recovery codes


def new_recovery_codes(user) -> list[str]:
    """Make ten codes in place of all earlier ones. They can be read here and never again."""
    codes = [
        "-".join(
            "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS)
        )
        for _ in range(RECOVERY_CODES)
    ]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery codes", confirmed=True)
        for code in codes:
            device.token_set.create(token=digest(user, code))
    return codes


def recovery_codes_left(user) -> int:
    """How many recovery codes this person has not used. One query."""
    return StaticToken.objects.filter(device__user=user).count()


def digest(user, code: str) -> str:
    """What is stored of a recovery code; capitals, spaces and hyphens make no difference."""
    return hashlib.sha256(f"{user.pk}:{plain(code)}".encode()).hexdigest()[:DIGEST_LENGTH]


def plain(code: str) -> str:
    """A code as typed, without spaces and hyphens, in small letters."""
    return "".join(code.lower().replace("-", " ").split())


# --- Passing it


@dataclass(frozen=True)
class Answer:
    """What came of a code: the device that took it, or how long to wait before the next."""

    device: Device | None
    wait_seconds: int = 0


def check(user, code: str) -> Answer:
    """Try a code as one of the app's or a recovery code. Each works once.

    After each wrong one the next must wait twice as long, whoever sends it. The lock on the
    row lets two requests with one code in only once.
    """
    code = plain(code)
    is_of_app = code.isascii() and code.isdigit()
    model = TOTPDevice if is_of_app else StaticDevice
    with transaction.atomic():
        device = model.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            return Answer(None)
        is_allowed, reason = device.verify_is_allowed()
        if not is_allowed:
            wait = (reason["locked_until"] - timezone.now()).total_seconds()
            return Answer(None, max(1, int(wait) + 1))
        if device.verify_token(code if is_of_app else digest(user, code)):
            return Answer(device)
    return Answer(None)
