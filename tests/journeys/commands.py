"""A process of the site that runs management commands: `python -m tests.journeys.commands`.

Each line that it reads is a command as a JSON list of words; each line that it writes is what went
wrong, as a JSON text, empty when nothing did.
"""

import contextlib
import json
import os
import sys
import traceback

import django
from django.core.management import call_command


def main():
    """Run commands until there are no more; what they print goes to the error output."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for line in sys.stdin:
        problem = ""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                call_command(*json.loads(line), verbosity=0)
        except Exception:
            problem = traceback.format_exc()
        sys.stdout.write(f"{json.dumps(problem)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
