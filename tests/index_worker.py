"""A worker process of the site, which answers questions about its directory line by line.

Reads one word search a line and writes how many clinics it finds and the largest count
beside any option. Started by test_workers.py.
"""

import os
import sys
from datetime import date

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from clinics.search import search  # noqa: E402
from clinics.selection import Selection  # noqa: E402

for line in sys.stdin:
    answer = search(Selection(words=line.strip()), date(2026, 11, 22))
    sys.stdout.write(f"{answer.total} {answer.counts['country'].get('france', 0)}\n")
    sys.stdout.flush()
