"""Generate clinics, measure, report: `python -m bench [SIZES]`, sizes parted by commas.

Every part runs in a process of its own, so that none measures another's memory. Writes
build/bench.json; exits with 0 also when a target is missed, which the report says.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from bench.database import database, server, version
from bench.report import RESULT, machine, text

ROOT = Path(__file__).parent.parent
SIZES = "10000,100000,1000000"
# Modules in the order in which they run. What changes clinics comes late: the first ones hold
# the database against the generated arrays.
STEPS = ("loading", "cases", "pages", "admin_lists", "serving", "writers", "restarting", "building")


def environment(address: str, folder: str) -> dict[str, str]:
    """That of production, with what it writes kept in `folder`."""
    return {
        **os.environ,
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENQUIRY_KEYS": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "localhost",
        "STATIC_ROOT": f"{folder}/static",
        "INDEX_SNAPSHOT": f"{folder}/directory.npz",
    }


def run(command: list[str], within: dict[str, str]) -> str:
    """Run a command of this Python and return the last line that it printed."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=within, stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode().strip().rpartition("\n")[2]


def measure(size: int, address: str, folder: str, today: date) -> Iterator[list[dict]]:
    """The rows of all parts for one size, part by part, on a database of its own."""
    with database(address, f"clinics_{size}") as own:
        within = environment(own, folder)
        run(["manage.py", "migrate", "--verbosity", "0"], within)
        for step in STEPS:
            start = time.monotonic()
            printed = run(["-m", "bench.step", step, str(size), today.isoformat()], within)
            seconds = time.monotonic() - start
            print(f"{size:>9,} clinics: {step}, {seconds:.0f} s", file=sys.stderr, flush=True)
            yield json.loads(printed)


def write(rows: list[dict]) -> None:
    """Leave what is known so far, for a run that does not reach its end."""
    # Memory is measured in a process that holds nothing but the index, which times nothing else.
    built = {row["clinics"]: row["memory_mb"] for row in rows if row["case"] == "build"}
    for row in rows:
        if row["case"] == "index":
            row["memory_mb"] = built.get(row["clinics"])
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=1))


def main(sizes: str) -> None:
    today = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as folder, server() as address:
        within = environment(address, folder)
        run(["manage.py", "collectstatic", "--noinput", "--verbosity", "0"], within)
        taken_on = {"machine": machine(version(address)), "day": today.isoformat()}
        rows: list[dict] = []
        for size in sizes.split(","):
            for part in measure(int(size), address, folder, today):
                rows += [{**row, **taken_on} for row in part]
                write(rows)
    print(text(rows))


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else SIZES)
