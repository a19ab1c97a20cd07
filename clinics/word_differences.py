"""Which words a change of a text takes out and which it puts in."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

# Above this many words, comparing them all with all is slow; then the whole text is shown twice.
MOST_WORDS = 1500
# A word or a sign, with the spaces after it.
WORD = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")


@dataclass(frozen=True)
class Piece:
    """Words that stay ("same"), go ("old") or come ("new")."""

    kind: str
    text: str


def word_differences(before: str, after: str) -> list[Piece]:
    """The two texts as one, in pieces: without the old ones it is `after`, letter by letter.

    Spaces belong to the word before them and are no difference by themselves.
    """
    old, new = WORD.findall(before), WORD.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return _pieces([("old", before), ("new", after)])
    found = []
    for what, from_old, to_old, from_new, to_new in SequenceMatcher(
        None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False
    ).get_opcodes():
        if what != "equal":
            found.append(("old", "".join(old[from_old:to_old])))
        found.append(("same" if what == "equal" else "new", "".join(new[from_new:to_new])))
    return _pieces(found)


def _pieces(found) -> list[Piece]:
    return [Piece(kind, text) for kind, text in found if text]
