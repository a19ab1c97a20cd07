"""Text that only this site can read again: what patients write and clinics answer.

Each text is sealed with the first key of ENQUIRY_KEYS and opened with any of them. The keys are
never in the database, so a stolen copy of it tells nobody's words. A sealed text belongs to one
row: moved to another row, it does not open.
"""

import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnreadableText(Exception):
    """Sealed with a key that we do not hold, damaged, or moved here from another row."""


def _keys() -> MultiFernet:
    # Read at each use: a test or a restart with other keys needs nothing else.
    return MultiFernet([Fernet(key) for key in settings.ENQUIRY_KEYS])


def seal(words, owner: str) -> str:
    """Seal anything that JSON can hold, for the row that `owner` names."""
    text = json.dumps({"owner": owner, "words": words}, separators=(",", ":"))
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str, owner: str):
    """What was sealed for `owner`. Raises UnreadableText."""
    try:
        content = json.loads(_keys().decrypt(sealed.encode()))
    except InvalidToken as error:
        raise UnreadableText(owner) from error
    if content["owner"] != owner:
        raise UnreadableText(owner)
    return content["words"]


def reseal(sealed: str) -> str:
    """The same text under the first key. Raises UnreadableText."""
    try:
        return _keys().rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise UnreadableText from error
