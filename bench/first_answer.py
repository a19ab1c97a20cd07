"""A process that starts, has the index as a restarted site has it, and answers once.

`python -m bench.first_answer TODAY` prints the milliseconds that this took after the imports.
"""

import sys
from datetime import date
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402  (needs the apps)

from bench.mix import mixed  # noqa: E402
from bench.timing import milliseconds  # noqa: E402
from bench.vocabulary import vocabulary  # noqa: E402
from clinics.live_index import LIVE  # noqa: E402
from clinics.search import search  # noqa: E402


def answer(today: date, requests) -> None:
    """The first answer of this process."""
    LIVE.prepare(today, Path(settings.INDEX_SNAPSHOT))
    search(requests[0].selection, today)


if __name__ == "__main__":
    day, usual = date.fromisoformat(sys.argv[1]), mixed(vocabulary(), 1)
    print(milliseconds(lambda: answer(day, usual)))
