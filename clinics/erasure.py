"""Taking what identifies a practitioner out of the history, when that person asks for it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Replace

from treatments.history import REMOVED, record_redaction, redact

from .models import Check, Clinic, Offer, OpeningHours, Photo, Practitioner, Proposal

# Whose reasons for a change may name somebody who works at a clinic.
MODELS_OF_A_LISTING = (Clinic, OpeningHours, Photo, Offer, Practitioner, Check)
PERSON = ("name", "registration_number")
# The number and the address of a person's own page on a register.
CHECK_OF_PERSON = ("number", "link")


class StillListed(Exception):
    """The person is shown under this name now, or a change that is not decided has the name.

    What is public is deleted first, in the admin, and what waits or was returned is settled.
    """


@dataclass(frozen=True)
class Erasure:
    """What was overwritten: cells of versions and of proposals, and texts that named the person."""

    cells: int
    texts: int


def practitioners_named(name: str) -> list[Practitioner]:
    """One version, the newest, of each practitioner who is or was called so, whatever the case."""
    found = {version.id: version for version in _versions_named(name).order_by("history_id")}
    return list(found.values())


def erase_practitioner(key: int, name: str, *, reason: str) -> Erasure:
    """Take name, number and checks of one practitioner out of the history, and record it.

    Out of proposals too, by which staff had added, changed or removed the person.

    Only what carries this name: a row that has become somebody else keeps that person's
    versions. Also reasons and log entries that name the person at that clinic. All or nothing.
    Raises StillListed, and LookupError where no version of this practitioner has the name.
    """
    with transaction.atomic():
        if Practitioner.objects.filter(pk=key, name__iexact=name).exists():
            raise StillListed
        versions = _versions_named(name).filter(id=key)
        clinics = set(versions.order_by().values_list("clinic", flat=True))
        if not clinics:
            raise LookupError(key)
        names = set(versions.order_by().values_list("name", flat=True))
        proposals = _proposals_about(key, names, clinics)
        if any(proposal.is_open for proposal in proposals):
            raise StillListed
        texts = sum(_remove_from_texts(said, clinics, key) for said in names)
        # The keys first: afterwards no version has the name any more.
        numbers = list(versions.values_list("pk", flat=True))
        cells = redact(Practitioner.history.filter(pk__in=numbers), PERSON)
        # Else the checks are of whoever has the row now.
        if not Practitioner.objects.filter(pk=key).exists():
            cells += redact(Check.history.filter(practitioner=key), CHECK_OF_PERSON)
        cells += sum(_redact_proposal(proposal) for proposal in proposals)
        record_redaction(Practitioner, key, reason=reason)
    return Erasure(cells, texts)


def _versions_named(name: str) -> QuerySet:
    return Practitioner.history.filter(name__iexact=name)


def _proposals_about(key: int, names: set[str], clinics: Iterable[int]) -> list[Proposal]:
    """What was sent in about this person, also before there was a row."""
    own = Proposal.objects.filter(subject=Proposal.Subject.PRACTITIONER, clinic__in=clinics)
    called = {name.casefold() for name in names}
    return [
        proposal
        for proposal in own.filter(Q(row_id=key) | Q(row_id=None))
        if called & {name.casefold() for name in _names_in(proposal)}
    ]


def _names_in(proposal: Proposal) -> set[str]:
    return {proposal.name, *(values.get("name") or "" for values in _both(proposal))}


def _both(proposal: Proposal) -> tuple[dict, dict]:
    return proposal.proposed, proposal.based_on


def _redact_proposal(proposal: Proposal) -> int:
    cells = 0
    for values in _both(proposal):
        for column in PERSON:
            if values.get(column) not in (None, "", REMOVED):
                values[column] = REMOVED
                cells += 1
    if proposal.row_id is None:
        # That of an addition is made of the name; of those that are settled it tells nothing.
        proposal.row_key = REMOVED
    proposal.name = REMOVED
    proposal.save(update_fields=["proposed", "based_on", "row_key", "name"])
    return cells + 1


def _remove_from_texts(name: str, clinics: Iterable[int], key: int) -> int:
    """Overwrite the name where somebody wrote it beside a change; how many texts that were."""
    changed = 0
    for model in MODELS_OF_A_LISTING:
        column = "id" if model is Clinic else "clinic"
        versions = model.history.filter(**{f"{column}__in": clinics})
        changed += _replace(versions, "history_change_reason", name)
    for column in ("why", "reason"):
        changed += _replace(Proposal.objects.filter(clinic__in=clinics), column, name)
    of_person = Q(content_type=get_content_type_for_model(Practitioner), object_id=str(key))
    of_clinic = Q(
        content_type=get_content_type_for_model(Clinic), object_id__in=[str(pk) for pk in clinics]
    )
    entries = LogEntry.objects.filter(of_person | of_clinic)
    # What a form did is stored as JSON, in which letters such as "é" are written another way.
    escaped = json.dumps(name)[1:-1]
    changed += _replace(entries, "change_message", escaped) if escaped != name else 0
    return changed + sum(
        _replace(entries, column, name) for column in ("object_repr", "change_message")
    )


def _replace(rows: QuerySet, column: str, name: str) -> int:
    return rows.filter(**{f"{column}__contains": name}).update(
        **{column: Replace(column, Value(name), Value(REMOVED))}
    )
