"""The catalogue back into its files: what editors changed, so that it is reviewed as text.

For each entry three versions are compared: the file's, the database's, and what both were when
they last agreed. The side that changed since wins; if both did, the editor does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import transaction

from .catalogue import (
    TERMS,
    WHOLE,
    canonical,
    contents_of_database,
    digest,
    files_of,
    read_catalogue,
    remember,
)
from .content_files import DIRECTORY, SHARED_FILES, ContentError, read_files
from .content_text import write
from .history import one_change
from .models import LoadedContent


class ExportError(Exception):
    """The database holds what no file may say; `problems` has a line for each."""

    def __init__(self, problems: list[str]):
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass
class Exported:
    """What an export did: keys of entries, and names of files.

    `changed`, `added` and `removed` are in the files now as editors left them. `overruled` are
    those of the changed ones whose file had changed too. `newer` were left as the files have
    them, because only the file changed: a load brings them into the database. `deleted` are
    gone from the database but still in the files, and `only_stored` the other way round.
    """

    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    overruled: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    only_stored: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def export_catalogue(
    directory: Path = DIRECTORY, *, delete: bool = False, settle: bool | None = None
) -> Exported:
    """Write what editors changed into the files of the directory.

    A file of which nothing changed is not touched. What editors deleted leaves the files only
    with `delete`. `settle` notes that files and database agree now, as a load would; it must be
    so for the directory that is loaded from, and not for a copy elsewhere. By default it is so
    for treatments/content. Raises ExportError or ContentError before anything is written.
    """
    if settle is None:
        settle = directory.resolve() == DIRECTORY.resolve()
    stored = _numbered(contents_of_database())
    in_files, data = {}, {}
    if any(directory.glob("*.yaml")):
        in_files, data = read_catalogue(directory), read_files(directory)
    export = _Export(stored, in_files)
    wanted = _numbered(export.decide(delete=delete))
    texts = _texts(directory, data, wanted)
    _check(texts, wanted)
    names = [name for name in sorted({*texts, *data}) if _differs(directory, name, texts)]
    for name in names:
        _replace(directory / name, texts.get(name))
    export.outcome.files = names
    if settle:
        _settle(stored, wanted, export.outcome)
    return export.outcome


def _numbered(contents: dict[str, dict]) -> dict[str, dict]:
    """Contents in which the words of the vocabulary count from 0, as their files have them."""
    numbered = dict(contents)
    for group in TERMS:
        keys = [key for key in contents if key.startswith(f"{group}/")]
        keys.sort(key=lambda key: (contents[key]["position"], contents[key]["name"]))
        for position, key in enumerate(keys):
            numbered[key] = {**contents[key], "position": position}
    return numbered


class _Export:
    """Which version of each entry the files are to have."""

    def __init__(self, stored: dict[str, dict], in_files: dict[str, dict]):
        self.stored = stored
        self.in_files = in_files
        self.loaded = {row.key: row for row in LoadedContent.objects.exclude(key=WHOLE) if in_files}
        self.outcome = Exported()

    def decide(self, *, delete: bool) -> dict[str, dict]:
        """The entries that the files are to have."""
        wanted = {}
        for key in sorted({*self.stored, *self.in_files}):
            stored, in_file = self.stored.get(key), self.in_files.get(key)
            if stored is None:
                kept = self._without_row(key, in_file, delete=delete)
            elif in_file is None:
                kept = self._without_file(key, stored)
            else:
                kept = self._of_both(key, stored, in_file)
            if kept is not None:
                wanted[key] = kept
        return wanted

    def _without_row(self, key, in_file, *, delete):
        if key not in self.loaded:
            self.outcome.newer.append(key)
        elif delete:
            self.outcome.removed.append(key)
            return None
        else:
            self.outcome.deleted.append(key)
        return in_file

    def _without_file(self, key, stored):
        if key in self.loaded:
            # Somebody took it out of the files, and a load never deletes.
            self.outcome.only_stored.append(key)
            return None
        self.outcome.added.append(key)
        return stored

    def _of_both(self, key, stored, in_file):
        if stored == in_file:
            return stored
        before = self.loaded.get(key)
        file_changed = before and before.file_digest != digest(in_file)
        row_changed = not before or before.stored_digest != digest(stored)
        if file_changed and not row_changed:
            self.outcome.newer.append(key)
            return in_file
        if file_changed:
            self.outcome.overruled.append(key)
        self.outcome.changed.append(key)
        return stored


def _texts(directory: Path, data: dict[str, dict], wanted: dict[str, dict]) -> dict[str, str]:
    """The texts of all files, by name."""
    texts = {}
    for name, new in files_of(wanted).items():
        old = data.get(name)
        text = (directory / name).read_text(encoding="utf-8") if old is not None else ""
        texts[name] = write(name, text, old or {}, new, canonical)
    return texts


def _check(texts: dict[str, str], wanted: dict[str, dict]):
    """Read the texts as a load would; refuse what it would refuse or understand otherwise."""
    with TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        try:
            understood = read_catalogue(Path(folder))
        except ContentError as error:
            raise ExportError([str(problem) for problem in error.problems]) from error
    problems = list(_misunderstood(wanted, understood))
    if problems:
        raise ExportError(problems)


def _misunderstood(wanted, understood) -> Iterator[str]:
    for key in sorted({*wanted, *understood}):
        if wanted.get(key) != understood.get(key):
            yield f"{key}: a file cannot say this as the database has it"


def _differs(directory: Path, name: str, texts: dict[str, str]) -> bool:
    path = directory / name
    if not path.exists():
        return True
    if name not in texts:
        return name not in SHARED_FILES
    return path.read_text(encoding="utf-8") != texts[name]


def _replace(path: Path, text: str | None):
    """Write a file in one step, or take it away."""
    if text is None:
        path.unlink()
        return
    beside = path.with_suffix(".yaml.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _settle(stored: dict[str, dict], wanted: dict[str, dict], outcome: Exported):
    """Note where files and database agree, and number the vocabulary as the files do."""
    with transaction.atomic(), one_change(reason="Numbered by the export"):
        for group, model in TERMS.items():
            for row in model.objects.all():
                position = stored[f"{group}/{row.slug}"]["position"]
                if row.position != position:
                    row.position = position
                    row.save(update_fields=["position"])
        agreed = [key for key, content in wanted.items() if stored.get(key) == content]
        remember({key: digest(wanted[key]) for key in agreed})
        LoadedContent.objects.filter(key__in=outcome.removed).delete()
