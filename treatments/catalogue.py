"""The catalogue between its files and the database: loading, and reading it back as data.

The files in `treatments/content/` are where the catalogue is written; editors
may also change it in the admin. Each part that can change by itself is an
*entry* with a key: `sources/has-2014`, `areas/thighs`, `concerns/acne`,
`substances/minoxidil`, `treatments/cellulite`, `general` and `claims/S000-20`.
An entry's content is a plain dict in one canonical form, made either from the
files (`read_catalogue`) or from the database (`content_of`). The two are equal
after a load, which is how a load knows what changed on which side.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from django.db import models, transaction
from django.db.models import F

from .content_files import DIRECTORY, SCHEMA, read_files
from .history import CHANGED, CREATED, Change, one_change
from .models import (
    Alias,
    BodyArea,
    Claim,
    Concern,
    Contraindication,
    LoadedContent,
    RegulatorPosition,
    SideEffect,
    Source,
    Statement,
    Substance,
    SubstanceStatus,
    Treatment,
    TreatmentArea,
    TreatmentConcern,
    TreatmentSubstance,
)

# Key of the row that remembers the whole directory, next to one row an entry.
WHOLE = "catalogue"


class Part(NamedTuple):
    """Rows of one model that a content lists under `key`, in the order of `position`.

    `columns` maps each key of a listed item to its column. `named_by` are the keys by which an
    item is known again when the rest of it has changed.
    """

    key: str
    model: type[models.Model]
    columns: dict[str, str]
    position: str = "pk"
    named_by: tuple[str, ...] = ("name",)


def _same(*names: str) -> dict[str, str]:
    """Keys that are called like their columns."""
    return {name: name for name in names}


SOURCE = _same(
    "slug", "title", "publisher", "kind", "study_design", "year", "dated", "url"
) | _same("other_urls", "interest", "reading", "confidence", "note")
TERM = _same("slug", "name", "position")
SUBSTANCE = TERM | _same("description")
TREATMENT = _same("slug", "kind", "name", "short_name", "needles", "position", "evidence_level")
REVIEW = {"last": "last_reviewed", "next": "next_review_due", "by": "reviewed_by"}
CLAIM = (
    {"id": "reference"}
    | _same("source", "locator", "topic", "words", "low", "high", "unit", "currency", "per")
    | _same("qualifier", "question", "answer", "verdict", "known")
    | {"general": "is_general"}
)

STATUSES = Part(
    "statuses",
    SubstanceStatus,
    _same("country", "status", "text"),
    named_by=("country", "status"),
)
STATEMENTS = Part(
    "statements", Statement, {"text": "text", "ours": "is_ours"}, "position", named_by=()
)
PARTS_OF_TREATMENT = (
    Part("aliases", Alias, _same("name")),
    Part("body_areas", TreatmentArea, {"area": "body_area", "note": "note"}, named_by=("area",)),
    Part("concerns", TreatmentConcern, _same("concern", "note"), named_by=("concern",)),
    Part("substances", TreatmentSubstance, _same("substance", "text"), named_by=("substance",)),
    Part(
        "side_effects",
        SideEffect,
        _same("name", "how_common", "percent", "severity", "duration", "detail")
        | {"serious": "is_serious"},
        "position",
    ),
    Part("contraindications", Contraindication, _same("name", "strength", "detail"), "position"),
    Part(
        "regulators",
        RegulatorPosition,
        _same("country", "authority") | {"text": "position_text"},
        "order",
        ("country", "authority"),
    ),
)

# Groups of entries with their models, in the order in which they can be stored: a group
# refers to earlier ones only. The general statements are one entry without a row of its own.
MODELS = {
    "sources": Source,
    "areas": BodyArea,
    "concerns": Concern,
    "substances": Substance,
    "treatments": Treatment,
    "general": None,
    "claims": Claim,
}
TERMS = {"areas": BodyArea, "concerns": Concern, "substances": Substance}

# Truth values that files leave out when false.
_MARKS = ("ours", "general", "hidden")
# Keys with lists of slugs, whose order means nothing.
_SLUG_LISTS = ("sources", "checked_against", "treatments", "also")


# Canonical contents ----------------------------------------------------------------------------


def _number(value: Decimal | float) -> int | float:
    """A number as a file would write it: 4 and not 4.00."""
    value = Decimal(str(value))
    return int(value) if value == value.to_integral_value() else float(value)


def canonical(data):
    """Return data without empty values, with slug lists sorted and numbers written in one way."""
    if isinstance(data, dict):
        tidied = {key: canonical(_sorted_slugs(key, value)) for key, value in data.items()}
        return {
            key: value
            for key, value in tidied.items()
            if value not in (None, "", [], {}) and not (value is False and key in _MARKS)
        }
    if isinstance(data, list):
        return [canonical(item) for item in data]
    return _number(data) if isinstance(data, (Decimal, float)) else data


def _sorted_slugs(key, value):
    slugs = key in _SLUG_LISTS and all(isinstance(item, str) for item in value)
    return sorted(value) if slugs else value


def digest(content: dict) -> str:
    """SHA-256 in hex of a content in canonical form.

    Whether a treatment is hidden is left out: its file says only how a new one begins, and
    whether it shows afterwards is decided in the admin.
    """
    told = {key: value for key, value in content.items() if key != "hidden"}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_catalogue(directory: Path = DIRECTORY) -> dict[str, dict]:
    """Read and check all files; return key -> canonical content. Raises ContentError."""
    files = read_files(directory)
    entries = {f"sources/{source['slug']}": source for source in files["sources.yaml"]["sources"]}
    for kind, terms in files["vocabulary.yaml"].items():
        group = "areas" if kind == "body_areas" else kind
        for position, term in enumerate(terms):
            entries[f"{group}/{term['slug']}"] = {**term, "position": position}
    for data in files.values():
        slug = data.get("slug")
        if slug:
            entries[f"treatments/{slug}"] = {
                key: value for key, value in data.items() if key != "claims"
            }
        for claim in data.get("claims", []):
            content = {key: value for key, value in claim.items() if key != "also"}
            content["treatments"] = [slug, *claim.get("also", [])] if slug else []
            content["general"] = claim.get("general", not slug)
            entries[f"claims/{claim['id']}"] = content
    entries["general"] = {"statements": files["general.yaml"]["statements"]}
    return {key: canonical(content) for key, content in entries.items()}


def home_files(entries: dict[str, dict]) -> dict[str, str]:
    """The file in which each of these entries stands; a claim in that of its first treatment."""
    order = {
        content["slug"]: (content["position"], content["slug"])
        for key, content in entries.items()
        if key.startswith("treatments/")
    }
    files = {}
    for key, content in entries.items():
        group = key.partition("/")[0]
        if group == "treatments":
            name = content["slug"]
        elif group == "claims":
            named = [slug for slug in content.get("treatments", []) if slug in order]
            name = min(named, key=order.get, default="general")
        else:
            name = {"sources": "sources", "general": "general"}.get(group, "vocabulary")
        files[key] = f"{name}.yaml"
    return files


# Contents from the database --------------------------------------------------------------------


def _slugs(rows) -> list[str]:
    return [row.slug for row in rows.all()]


def _values(row, columns: dict[str, str]) -> dict:
    values = {}
    for key, column in columns.items():
        value = getattr(row, column)
        if isinstance(value, models.Model):
            value = value.slug
        elif isinstance(value, date):
            value = value.isoformat()
        values[key] = value
    return values


def _items(part: Part, rows) -> list[dict]:
    """The rows as a content lists them. No query if rows and their sources are prefetched."""
    ordered = sorted(rows.all(), key=lambda row: (getattr(row, part.position), row.pk))
    return [_values(row, part.columns) | {"sources": _slugs(row.sources)} for row in ordered]


def _sections(rows) -> dict[str, list[dict]]:
    """Statements by section."""
    ordered = sorted(rows.all(), key=lambda row: (row.position, row.pk))
    return {
        section: [
            _values(row, STATEMENTS.columns) | {"sources": _slugs(row.sources)}
            for row in ordered
            if row.section == section
        ]
        for section in Statement.Section.values
    }


def _content_of_source(source: Source) -> dict:
    return _values(source, SOURCE) | {"other_urls": source.addresses_of_copies}


def _content_of_term(term) -> dict:
    if isinstance(term, Substance):
        return _values(term, SUBSTANCE) | {"statuses": _items(STATUSES, term.statuses)}
    return _values(term, TERM)


def _accessor(part: Part) -> str:
    """Name under which a treatment has the rows of a part, such as `area_links`."""
    return part.model._meta.get_field("treatment").remote_field.get_accessor_name()


def _content_of_treatment(treatment: Treatment) -> dict:
    content = _values(treatment, TREATMENT) | {"hidden": not treatment.is_published}
    content["review"] = _values(treatment, REVIEW)
    content["statements"] = _sections(treatment.statements)
    for part in PARTS_OF_TREATMENT:
        content[part.key] = _items(part, getattr(treatment, _accessor(part)))
    return content


def _content_of_claim(claim: Claim) -> dict:
    return _values(claim, CLAIM) | {
        "checked_against": _slugs(claim.checked_against),
        "treatments": _slugs(claim.treatments),
    }


def _queryset(group: str):
    """Rows of a group with all that their contents need."""
    if group == "substances":
        return Substance.objects.prefetch_related("statuses__sources")
    if group == "treatments":
        relations = ["statements__sources"]
        for part in PARTS_OF_TREATMENT:
            relations.append(f"{_accessor(part)}__sources")
            relations += [
                f"{_accessor(part)}__{column}"
                for column in part.columns.values()
                if part.model._meta.get_field(column).is_relation
            ]
        return Treatment.objects.prefetch_related(*relations)
    return Claim.objects.with_source() if group == "claims" else MODELS[group].objects.all()


_CONTENT_OF = {
    "sources": _content_of_source,
    **dict.fromkeys(TERMS, _content_of_term),
    "treatments": _content_of_treatment,
    "claims": _content_of_claim,
}


def contents_of_database(keys: Iterable[str] | None = None) -> dict[str, dict]:
    """Canonical contents of the entries with these keys, or of all, as the database has them.

    Entries that the database does not have are left out. About 35 queries for all.
    """
    contents = {}
    wanted = None if keys is None else set(keys)
    for group, model in MODELS.items():
        if model is None:
            if wanted is None or group in wanted:
                statements = Statement.objects.filter(treatment=None).prefetch_related("sources")
                sections = _sections(statements)
                if any(sections.values()):
                    contents[group] = {"statements": sections}
            continue
        rows = _queryset(group)
        name = CLAIM["id"] if model is Claim else "slug"
        if wanted is not None:
            names = [key.partition("/")[2] for key in wanted if key.startswith(f"{group}/")]
            if not names:
                continue
            rows = rows.filter(**{f"{name}__in": names})
        for row in rows:
            contents[f"{group}/{getattr(row, name)}"] = _CONTENT_OF[group](row)
    return {key: canonical(content) for key, content in contents.items()}


def content_of(key: str) -> dict | None:
    """Canonical content of one entry as the database has it; None if it has none."""
    return contents_of_database([key]).get(key)


def files_of_database() -> dict[str, dict]:
    """The whole catalogue as the database has it: file name -> data, the inverse of loading."""
    return files_of(contents_of_database())


def files_of(contents: dict[str, dict]) -> dict[str, dict]:
    """The data of the files that hold these entries, by name. The inverse of `read_catalogue`."""

    def group(name, *order):
        found = [content for key, content in contents.items() if key.startswith(f"{name}/")]
        return sorted(found, key=lambda content: [content[key] for key in order])

    def terms(name):
        ordered = group(name, "position", "name")
        return [{key: term[key] for key in term if key != "position"} for term in ordered]

    treatments = group("treatments", "position", "slug")
    files = {
        "sources.yaml": {"sources": group("sources", "slug")},
        "vocabulary.yaml": {
            "body_areas": terms("areas"),
            "concerns": terms("concerns"),
            "substances": terms("substances"),
        },
        "general.yaml": dict(contents.get("general", {"statements": {}})),
        **{f"{data['slug']}.yaml": dict(data) for data in treatments},
    }
    homes = home_files(contents)
    for content in group("claims", "id"):
        home = homes[f"claims/{content['id']}"]
        claim = {key: value for key, value in content.items() if key != "treatments"}
        named = content.get("treatments", [])
        if named:
            claim["also"] = [slug for slug in named if f"{slug}.yaml" != home]
        else:
            claim.pop("general", None)
        files[home].setdefault("claims", []).append(canonical(claim))
    return files


# Storing ---------------------------------------------------------------------------------------


class _Store:
    """Writes contents to the database, in bulk; knows the primary keys that they refer to.

    What it writes is noted in `change`, with the file that it comes from as the reason.
    """

    def __init__(self, change: Change):
        self.change = change
        self.ids = {
            model: dict(model.objects.values_list("slug", "pk"))
            for model in MODELS.values()
            if model not in (None, Claim)
        }

    def missing(self, data) -> set[str]:
        """Slugs that a content refers to and that the database does not have."""
        if isinstance(data, list):
            return set().union(*map(self.missing, data))
        if not isinstance(data, dict):
            return set()
        missing = set()
        for key, value in data.items():
            model = _REFERENCES.get(key)
            if model and isinstance(value, str):
                missing |= {value} - self.ids[model].keys()
            elif model and isinstance(value[0], str):
                missing |= set(value) - self.ids[model].keys()
            else:
                missing |= self.missing(value)
        return missing

    def store(self, group: str, contents: list[dict], files: list[str]):
        """Create or replace the entries, each from the file beside it.

        A row keeps its primary key if the file still has it, changed or not.
        """
        reasons = [_reason(file) for file in files]
        if group == "sources":
            lines = ({"other_urls": "\n".join(data.get("other_urls", []))} for data in contents)
            flat = [data | more for data, more in zip(contents, lines, strict=True)]
            self._save(Source, SOURCE, flat, reasons)
        elif group == "treatments":
            self._store_treatments(contents, reasons)
        elif group == "general":
            self._settle_statements([None], contents, reasons)
        elif group == "claims":
            self._store_claims(contents, reasons)
        elif group == "substances":
            rows = self._save(Substance, SUBSTANCE, contents, reasons)
            self._settle("substance", STATUSES, rows, contents, reasons)
        else:
            self._save(TERMS[group], TERM, contents, reasons)

    def _attributes(self, model, columns: dict[str, str], content: dict) -> dict:
        """Values of the columns, from a content that leaves out what is empty."""
        attributes = {}
        for key, column in columns.items():
            field = model._meta.get_field(column)
            value = content.get(key)
            if field.is_relation:
                attributes[field.attname] = self.ids[field.related_model][value]
            else:
                attributes[column] = field.get_default() if value is None else value
                attributes[column] = field.to_python(attributes[column])
        return attributes

    def _save(self, model, columns, contents, reasons) -> list:
        """Create or update one row a content; return the rows in the order of the contents."""
        (key, name), *_ = columns.items()
        found = model.objects.filter(**{f"{name}__in": [content[key] for content in contents]})
        rows = {getattr(row, name): row for row in found}
        new, noted = [], []
        for content, reason in zip(contents, reasons, strict=True):
            row = rows.get(content[key])
            attributes = self._attributes(model, columns, content)
            if row is None:
                rows[content[key]] = row = model(**attributes)
                new.append(row)
                noted.append((row, CREATED, reason))
            elif self._update(row, attributes):
                noted.append((row, CHANGED, reason))
        model.objects.bulk_create(new)
        for row, kind, reason in noted:
            self.change.note(row, kind, reason)
        if model in self.ids:
            self.ids[model].update((slug, row.pk) for slug, row in rows.items())
        return [rows[content[key]] for content in contents]

    def _update(self, row, attributes: dict) -> bool:
        """Store what differs; return whether anything does."""
        if all(getattr(row, name) == value for name, value in attributes.items()):
            return False
        for name, value in attributes.items():
            setattr(row, name, value)
        row.save()
        return True

    def _link(self, relation, pairs):
        """Fill a many-to-many table: pairs of a row and the slugs that it refers to."""
        column, reverse = relation.field.m2m_column_name(), relation.field.m2m_reverse_name()
        ids = self.ids[relation.field.related_model]
        relation.through.objects.bulk_create(
            relation.through(**{column: row.pk, reverse: ids[slug]})
            for row, slugs in pairs
            for slug in slugs
        )

    def _unlink(self, relation, rows):
        column = relation.field.m2m_column_name()
        relation.through.objects.filter(**{f"{column}__in": [row.pk for row in rows]}).delete()

    def _settle(self, parent: str, part: Part, owners, contents, reasons):
        """Make the rows of a part what the contents of their owners list."""
        lists = [
            (owner, {}, content.get(part.key, []), reason)
            for owner, content, reason in zip(owners, contents, reasons, strict=True)
        ]
        stored = part.model.objects.filter(**{f"{parent}__in": owners})
        self._settle_lists(parent, part, stored, lists)

    def _settle_statements(self, owners, contents, reasons):
        """Make the statements what the contents have, section by section; None owns the general."""
        lists = [
            (owner, {"section": section}, content.get("statements", {}).get(section, []), reason)
            for owner, content, reason in zip(owners, contents, reasons, strict=True)
            for section in Statement.Section.values
        ]
        about = {"treatment": None} if owners == [None] else {"treatment__in": owners}
        self._settle_lists("treatment", STATEMENTS, Statement.objects.filter(**about), lists)

    def _settle_lists(self, parent: str, part: Part, stored, lists):
        """Settle lists of items, each with its owner, further columns, and reason.

        A row is kept for the item that says the same, else for one of the same name.
        """
        references = [c for c in part.columns.values() if _is_reference(part.model, c)]
        by_list: dict[tuple, list] = {}
        for row in stored.select_related(*references).prefetch_related("sources"):
            key = (getattr(row, f"{parent}_id"), getattr(row, "section", None))
            by_list.setdefault(key, []).append(row)
        new, changed, kept = [], [], set()
        for owner, more, items, reason in lists:
            rows = by_list.get((owner and owner.pk, more.get("section")), [])
            for n, (item, row) in enumerate(_rows_of_items(part, items, rows)):
                attributes = self._attributes(part.model, part.columns, item) | more
                if part.position != "pk":
                    attributes[part.position] = n
                if row is None:
                    new.append((part.model(**{parent: owner}, **attributes), item, reason))
                else:
                    kept.add(row.pk)
                    changed.append((row, attributes, item, reason))
        for rows in by_list.values():
            gone = [row.pk for row in rows if row.pk not in kept]
            # Rows of every list go before any is named anew, because names are unique.
            part.model.objects.filter(pk__in=gone).delete()
        self._write_items(part, new, changed)

    def _write_items(self, part: Part, new, changed):
        relation, linked = part.model.sources, []
        for row, attributes, item, reason in changed:
            differs = sorted(_slugs(row.sources)) != sorted(item.get("sources", []))
            if self._update(row, attributes) or differs:
                self.change.note(row, CHANGED, reason)
            if differs:
                linked.append((row, item.get("sources", [])))
        self._unlink(relation, [row for row, _ in linked])
        part.model.objects.bulk_create(row for row, _, _ in new)
        for row, item, reason in new:
            self.change.note(row, CREATED, reason)
            linked.append((row, item.get("sources", [])))
        self._link(relation, linked)

    def _store_treatments(self, contents, reasons):
        flat = [content | content.get("review", {}) for content in contents]
        hidden = {content["slug"] for content in contents if content.get("hidden")}
        hidden -= self.ids[Treatment].keys()
        rows = self._save(Treatment, TREATMENT | REVIEW, flat, reasons)
        Treatment.objects.filter(slug__in=hidden).update(is_published=False)
        for part in PARTS_OF_TREATMENT:
            self._settle("treatment", part, rows, contents, reasons)
        self._settle_statements(rows, contents, reasons)

    def _store_claims(self, contents, reasons):
        # Two claims may swap their locators, which are unique: free them all first.
        stored = Claim.objects.filter(reference__in=[content["id"] for content in contents])
        stored.update(locator=F("reference"))
        rows = self._save(Claim, CLAIM, contents, reasons)
        for relation in (Claim.treatments, Claim.checked_against):
            name = relation.field.name
            self._unlink(relation, rows)
            pairs = zip(rows, contents, strict=True)
            self._link(relation, [(row, content.get(name, [])) for row, content in pairs])


def _reason(file: str) -> str:
    """What the history gives as the reason for what a load did."""
    return f"Loaded from {file}"


def _is_reference(model, column: str) -> bool:
    return model._meta.get_field(column).is_relation


def _rows_of_items(part: Part, items: list[dict], rows: list) -> list[tuple]:
    """Each item with the stored row that it is about, or None for a new one."""
    left = sorted(rows, key=lambda row: (getattr(row, part.position), row.pk))
    stored = {
        row.pk: canonical(_values(row, part.columns) | {"sources": _slugs(row.sources)})
        for row in left
    }

    def name(content):
        return [content.get(key) for key in part.named_by]

    found: list = [None] * len(items)
    for alike in (lambda a, b: a == b, lambda a, b: name(a) == name(b)):
        for n, item in enumerate(items):
            if found[n] is None:
                found[n] = next((row for row in left if alike(stored[row.pk], item)), None)
                if found[n]:
                    left.remove(found[n])
    if part.position == "pk":
        # Their keys are their order, so what follows a new or moved one is made anew.
        last = 0
        for n, row in enumerate(found):
            if last is not None:
                last = row.pk if row and row.pk > last else None
            if last is None:
                found[n] = None
    return list(zip(items, found, strict=True))


# Keys of a content that refer to other entries by slug.
_REFERENCES = {
    **dict.fromkeys(("source", "sources", "checked_against"), Source),
    "area": BodyArea,
    "concern": Concern,
    "substance": Substance,
    "treatments": Treatment,
}


# Loading ---------------------------------------------------------------------------------------


class Conflict(NamedTuple):
    """An entry that was left alone, and why."""

    key: str
    reason: str

    def __str__(self):
        return f"{self.key}: {self.reason}"


@dataclass
class Outcome:
    """What a load did, in keys. `gone` are entries that the files no longer have; they stay."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def count(self, group: str) -> int:
        """Number of entries of a group that the files hold."""
        keys = [*self.created, *self.updated, *self.unchanged]
        keys += [conflict.key for conflict in self.conflicts]
        return sum(key.split("/")[0] == group for key in keys)


def load_catalogue(
    directory: Path = DIRECTORY, say: Callable[[str], object] | None = None
) -> Outcome:
    """Bring the database up to date with the files, in one transaction.

    Entries whose file part did not change since the last load are not looked at;
    when no file changed at all, the cost is one query. An entry that an editor
    changed since the last load is kept and reported as a conflict, and it is
    reported again until file and database agree. Nothing is ever deleted that
    the files no longer have. `say` gets one line of progress for each group.
    Raises ContentError, before anything is written, when the files are faulty.
    """
    loaded = {row.key: row for row in LoadedContent.objects.all()}
    whole = _digest_of_directory(directory)
    if WHOLE in loaded and loaded[WHOLE].file_digest == whole:
        return Outcome(unchanged=sorted(loaded.keys() - {WHOLE}))
    entries = read_catalogue(directory)
    with transaction.atomic(), one_change() as change:
        load = _Load(entries, loaded, change)
        for group in MODELS:
            line = load.load_group(group)
            if say:
                say(line)
        if not load.outcome.conflicts:
            remember({WHOLE: whole})
    return load.outcome


def _digest_of_directory(directory: Path) -> str:
    whole = hashlib.sha256(SCHEMA.read_bytes())
    for path in sorted(directory.glob("*.yaml")):
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def remember(digests: dict[str, str]):
    """Note that file and database agree on these contents."""
    LoadedContent.objects.bulk_create(
        [LoadedContent(key=key, file_digest=d, stored_digest=d) for key, d in digests.items()],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["file_digest", "stored_digest"],
    )


class _Load:
    """One load: what the files say, what the database has, and what came of it."""

    def __init__(self, entries: dict[str, dict], loaded: dict[str, LoadedContent], change: Change):
        self.entries = entries
        self.loaded = loaded
        self.digests = {key: digest(content) for key, content in entries.items()}
        self.changed = {
            key
            for key in entries
            if key not in loaded or loaded[key].file_digest != self.digests[key]
        }
        self.current = contents_of_database(self.changed)
        self.store = _Store(change)
        self.files = home_files(entries)
        columns = ("source__slug", "locator", "reference")
        self.places = {
            (slug, locator): reference
            for slug, locator, reference in Claim.objects.values_list(*columns)
        }
        self.outcome = Outcome(gone=sorted(loaded.keys() - entries.keys() - {WHOLE}))

    def _agrees(self, key: str) -> bool:
        current = self.current.get(key)
        return current is not None and digest(current) == self.digests[key]

    def load_group(self, group: str) -> str:
        """Store what changed in the files and not in the database; return a line of progress."""
        keys = [key for key in self.entries if key.partition("/")[0] == group]
        same = [key for key in keys if key not in self.changed or self._agrees(key)]
        obstacles = self._obstacles([key for key in keys if key not in same])
        conflicts = [Conflict(key, reason) for key, reason in obstacles.items()]
        kept = {*same, *obstacles}
        created = [key for key in keys if key not in kept and key not in self.current]
        updated = [key for key in keys if key not in kept and key in self.current]
        if created or updated:
            stored = [*created, *updated]
            files = [self.files[key] for key in stored]
            self.store.store(group, [self.entries[key] for key in stored], files)
        agreed = (*created, *updated, *self.changed.intersection(same))
        remember({key: self.digests[key] for key in agreed})
        counts = []
        for name, found in (
            ("created", created),
            ("updated", updated),
            ("unchanged", same),
            ("conflicts", conflicts),
        ):
            getattr(self.outcome, name).extend(found)
            if found:
                counts.append(f"{len(found)} {name}")
        return f"{group}: {', '.join(counts) or 'none'}"

    def _obstacle(self, key: str) -> str:
        """Why a changed entry cannot be stored; empty if it can."""
        current, wanted, before = self.current.get(key), self.entries[key], self.loaded.get(key)
        if current and (not before or digest(current) != before.stored_digest):
            names = _differences(current, wanted)
            return f"changed in the database, which is kept; the file differs in {names}"
        if before and not current:
            return "deleted in the database; the file's version was not loaded again"
        if missing := self.store.missing(wanted):
            names = ", ".join(sorted(missing))
            return f"not loaded: it refers to what the database does not have: {names}"
        return ""

    def _obstacles(self, keys: list[str]) -> dict[str, str]:
        """Reasons of the changed entries that cannot be stored, by key."""
        obstacles = {key: reason for key in keys if (reason := self._obstacle(key))}
        while taken := self._taken(set(keys) - obstacles.keys()):
            # A claim that now stays as it is keeps its own place too, so look again.
            obstacles |= taken
        return obstacles

    def _taken(self, keys: set[str]) -> dict[str, str]:
        """Claims whose source and locator belong to one that is not stored anew with them."""
        taken = {}
        for key in keys:
            content = self.entries[key]
            holder = self.places.get((content.get("source"), content.get("locator")))
            if holder and f"claims/{holder}" not in keys:
                taken[key] = f"not loaded: claim {holder} in the database has its place"
        return taken


def _differences(current: dict, wanted: dict) -> str:
    """Names of the parts in which two contents differ, such as `name, statements.summary`."""
    names = []
    for key in sorted(current.keys() | wanted.keys()):
        ours, theirs = current.get(key), wanted.get(key)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            names += [f"{key}.{name}" for name in _differences(ours, theirs).split(", ") if name]
        elif ours != theirs:
            names.append(key)
    return ", ".join(names)
