"""What clinic staff change goes to review, and the approved version stays public meanwhile.

How to reach a clinic, its hours, languages and photos are public at once. What `REVIEWED` names
waits as a `Proposal` until a moderator or an editor has decided. Editors' own changes are public
at once: ask `needs_review` first.

Everything that writes here is the only writer meanwhile, so that of two who act at one moment the
second sees what the first did.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from treatments.history import one_change
from treatments.permissions import is_editor, is_moderator
from treatments.wording import flags_in, reasons

from .change_log import be_the_only_writer
from .enquiries import readers_of
from .listing_forms import IDENTITY_FIELDS, PRICE_FIELDS
from .models import Clinic, Offer, OutgoingNotice, Practitioner, Proposal
from .permissions import clinics_as_member, may_edit

Kind, Status = Proposal.Kind, Proposal.Status

# What waits for review, by model.
REVIEWED = {
    Clinic: ("description",),
    Offer: (
        *("treatment", "label", "body_areas", "price_low", "price_high", "currency", "unit"),
        *("sessions_low", "sessions_high", "course_price", "course_sessions", "refund_rule"),
        *("consultation_fee", "anaesthesia", "product"),
    ),
    Practitioner: (*IDENTITY_FIELDS, "practising_since"),
}
SUBJECTS = {
    Clinic: Proposal.Subject.CLINIC,
    Offer: Proposal.Subject.OFFER,
    Practitioner: Proposal.Subject.PRACTITIONER,
}
MODELS = {subject: model for model, subject in SUBJECTS.items()}
# What no two rows of a clinic share: by it an addition that is sent twice is found again.
KEYS = {Offer: ("treatment", "label"), Practitioner: ("name",)}
# Sums, which say little without their currency.
MONEY = {"price_low", "price_high", "course_price", "consultation_fee"}
LONGEST_NAME = 300
LONGEST_REASON = 500
# Decisions that follow one another so closely are told in one mail.
GATHERED = timedelta(minutes=5)


class CannotBeDone(Exception):
    """What was asked for cannot be done, or not any more. Its text is for the person who asked."""


@dataclass(frozen=True)
class FieldDifference:
    """One field of a proposal, as words; "" is empty.

    `now` is what is public, `then` what was public when the clinic sent it; `has_moved` says that
    somebody changed it in between. `flags` are lines on words that sell in a proposed text.
    """

    name: str
    label: str
    now: str
    proposed: str
    then: str
    has_moved: bool
    is_text: bool
    flags: tuple[str, ...]


def needs_review(user) -> bool:
    """Whether what this person changes waits for somebody else. See `is_editor` for its cost."""
    return not is_editor(user)


# --- Values as texts, as a proposal keeps them


def as_stored(model: type[models.Model], name: str, value):
    """A value of a field as a proposal keeps it: a text, None, or a list of keys in order.

    Takes what a form or a row holds: objects or their keys, numbers or their digits. Raises
    ValidationError for what the field cannot hold.
    """
    field = model._meta.get_field(name)
    if field.many_to_many:
        return sorted(str(getattr(row, "pk", row)) for row in value or [])
    if field.is_relation:
        value = getattr(value, "pk", value)
        return None if value in (None, "") else str(value)
    value = field.to_python(None if field.null and value == "" else value)
    if value is None:
        return None
    if isinstance(field, models.DecimalField):
        value = round(value, field.decimal_places)
    if "\x00" in str(value):
        raise ValidationError({name: _("Null characters are not allowed.")})
    return str(value)


def as_value(model: type[models.Model], name: str, stored):
    """The way back from `as_stored`: a Python value; keys for relations. Costs no query."""
    field = model._meta.get_field(name)
    if field.is_relation:
        key = field.related_model._meta.pk
        return (
            [key.to_python(one) for one in stored] if field.many_to_many else key.to_python(stored)
        )
    return field.to_python(stored)


def as_words(model: type[models.Model], name: str, stored) -> str:
    """What `as_stored` keeps, as a person reads it. One query for a relation that is not empty."""
    field = model._meta.get_field(name)
    if not stored:
        return ""
    if field.is_relation:
        keys = stored if field.many_to_many else [stored]
        found = {
            str(row.pk): str(row) for row in field.related_model._base_manager.filter(pk__in=keys)
        }
        return ", ".join(found.get(key, _("no longer there")) for key in keys)
    if field.choices:
        return str(dict(field.flatchoices).get(stored, stored))
    return stored


def public_values(row: models.Model, names=None) -> dict:
    """What patients see of a row: name of each reviewed field -> value as `as_stored`.

    Of all that are reviewed, or of `names`. A query for each many-to-many field.
    """
    model = type(row)
    found = {}
    for name in REVIEWED[model] if names is None else names:
        field = model._meta.get_field(name)
        value = getattr(row, name).all() if field.many_to_many else getattr(row, field.attname)
        found[name] = as_stored(model, name, value)
    return found


def row_of(proposal: Proposal) -> models.Model | None:
    """The public row that a proposal is about; None for an addition, or if it is gone."""
    model = MODELS[proposal.subject]
    if proposal.row_id is None:
        return None
    if model is Clinic:
        return Clinic.objects.filter(pk=proposal.row_id).first()
    return model.objects.filter(pk=proposal.row_id, clinic=proposal.clinic_id).first()


# --- Sending in


def open_proposals(clinic) -> list[Proposal]:
    """The waiting and returned proposals of a clinic, the oldest first. One query."""
    return list(
        Proposal.objects.open()
        .filter(clinic=clinic)
        .select_related("author")
        .order_by("created_at")
    )


def open_proposal(row: models.Model) -> Proposal | None:
    """The waiting or returned proposal about this row. One query."""
    return Proposal.objects.open().filter(subject=SUBJECTS[type(row)], row_id=row.pk).first()


def waiting_rows(model: type[models.Model]):
    """The keys of rows about which something waits, as a queryset for another one."""
    waiting = Proposal.objects.waiting().filter(subject=SUBJECTS[model], row_id__isnull=False)
    return waiting.values("row_id")


def submit(
    *, user, clinic, model, row=None, values, origin="", why="", addition=None
) -> Proposal | None:
    """Send in what staff of a clinic want changed, and return what waits now.

    `values` maps names of `REVIEWED[model]` to Python values (objects or keys for relations);
    names that are missing stay as they wait, or as they are public. Without a `row` it is a new
    row; an addition with the same key that waits already, or `addition`, is changed instead.
    With a row, `values=None` asks to remove it. `origin` is the name of an imported file, `why`
    what the person says about the change; without it, what was said earlier stays.

    When nothing differs from what is public, what waited is taken back and None returned. Raises
    ValidationError, by field where it can, for what the row could not become, and CannotBeDone
    when the row is not the clinic's or is gone. About eight queries, in a transaction.
    """
    if values is not None and (unknown := set(values) - set(REVIEWED[model])):
        raise ValueError(f"not reviewed: {sorted(unknown)}")
    if not may_edit(user, clinic.pk):
        raise CannotBeDone(_("This is not a clinic of yours."))
    with transaction.atomic():
        be_the_only_writer()
        if row is not None:
            row = _stored(model, row.pk, clinic)
        elif values is None or model is Clinic:
            raise ValueError("only a row can be removed, and no clinic is added")
        public = public_values(row) if row else {}
        current = _current(clinic, model, row, values, addition)
        earlier = current.proposed if current and current.kind != Kind.REMOVE else {}
        if values is None:
            _refuse_if_checked(row)
            proposed, based_on, kind = {}, public, Kind.REMOVE
        else:
            sent = {name: as_stored(model, name, value) for name, value in values.items()}
            proposed = {
                name: value
                for name, value in {**earlier, **sent}.items()
                if not row or value != public[name]
            }
            based_on = {
                name: public[name] if name in sent else current.based_on.get(name, public[name])
                for name in proposed
                if row
            }
            kind = Kind.CHANGE if row else Kind.ADD
            if proposed:
                _check(model, row, clinic, proposed)
        if kind == Kind.CHANGE and not proposed:
            if current:
                _settle(current, Status.WITHDRAWN, user)
            return None
        return _keep(
            current,
            clinic=clinic,
            subject=SUBJECTS[model],
            kind=kind,
            row_id=row.pk if row else None,
            row_key=_key(model, row, proposed),
            name=_name(model, row, proposed),
            proposed=proposed,
            based_on=based_on,
            author=user,
            origin=origin[:200],
            why=why.strip()[:LONGEST_REASON] or (current.why if current else ""),
            sent_at=timezone.now(),
        )


def addition_like(clinic_id, model: type[models.Model], values: dict) -> Proposal | None:
    """The addition with the same key that is open already, or None. One query."""
    sent = {name: as_stored(model, name, values.get(name)) for name in KEYS[model]}
    return (
        Proposal.objects.open()
        .filter(clinic=clinic_id, subject=SUBJECTS[model], row_key=_key(model, None, sent))
        .first()
    )


def _stored(model, key, clinic):
    own = {"pk": key} if model is Clinic else {"pk": key, "clinic": clinic}
    row = model.objects.filter(**own).first()
    if row is None or (model is Clinic and row.pk != clinic.pk):
        raise CannotBeDone(_("This row is no longer there."))
    return row


def _current(clinic, model, row, values, addition) -> Proposal | None:
    """The open proposal that this one takes the place of."""
    found = Proposal.objects.open().filter(clinic=clinic, subject=SUBJECTS[model])
    if row:
        return found.filter(row_id=row.pk).first()
    if addition:
        current = found.filter(pk=addition.pk, kind=Kind.ADD).first()
        if current is None:
            raise CannotBeDone(_("Somebody has decided on it meanwhile. Look at it again."))
        return current
    return addition_like(clinic.pk, model, values)


def _key(model, row, proposed) -> str:
    if row:
        return str(row.pk)
    return "+" + "|".join(proposed.get(name) or "" for name in KEYS[model])[:290]


def _name(model, row, proposed) -> str:
    """What a person calls it: an offer by its treatment and what tells it apart."""
    if model is Clinic:
        return _("About the clinic")
    if model is Practitioner:
        return str(row or proposed.get("name") or "")[:LONGEST_NAME]
    own = public_values(row) if row else {}
    parts = [as_words(Offer, name, {**own, **proposed}.get(name)) for name in KEYS[Offer]]
    return ", ".join(part for part in parts if part)[:LONGEST_NAME]


def _refuse_if_checked(row):
    if isinstance(row, Practitioner) and row.checks.exists():
        raise CannotBeDone(
            _("This person was checked by an editor. Only an editor can remove or rename them.")
        )


def _with(model, row, clinic, proposed):
    """A row as it would become, not stored, and its many-to-many values by name."""
    changed = model.objects.get(pk=row.pk) if row else model(clinic=clinic)
    linked = {}
    for name, stored in proposed.items():
        field = model._meta.get_field(name)
        if field.many_to_many:
            linked[name] = as_value(model, name, stored)
        elif stored is None and not field.null:
            setattr(changed, field.attname, "")
        else:
            setattr(changed, field.attname, as_value(model, name, stored))
    return changed, linked


def _check(model, row, clinic, proposed):
    """Raise ValidationError if the row cannot be so."""
    if row and set(proposed) & set(IDENTITY_FIELDS):
        try:
            _refuse_if_checked(row)
        except CannotBeDone as error:
            raise ValidationError(str(error)) from error
    changed, linked = _with(model, row, clinic, proposed)
    changed.full_clean()
    for name, keys in linked.items():
        target = model._meta.get_field(name).related_model
        if target.objects.filter(pk__in=keys).count() < len(set(keys)):
            raise ValidationError({name: _("One of these is no longer there.")})


def _keep(current, **columns) -> Proposal:
    """Store a proposal: over one that waits, or after one that was returned."""
    if current and not current.is_waiting:
        _settle(current, Status.REPLACED, columns["author"], keep_decision=True)
        current = None
    clash = Proposal.objects.open().filter(
        **{name: columns[name] for name in ("clinic", "subject", "row_key")}
    )
    if current:
        if clash.exclude(pk=current.pk).exists():
            raise ValidationError(_("The same is waiting for review already."))
        for name, value in columns.items():
            setattr(current, name, value)
        current.save()
        return current
    if clash.exists():
        raise ValidationError(_("The same is waiting for review already."))
    return Proposal.objects.create(**columns)


def _settle(proposal, status, user, reason="", *, keep_decision=False):
    proposal.status = status
    if not keep_decision:
        proposal.reason = reason or proposal.reason
        proposal.decided_by, proposal.decided_at = user, timezone.now()
    proposal.save()


# --- Looking at it


def differences(proposal: Proposal) -> list[FieldDifference]:
    """What a proposal would change, field by field, in the order of `REVIEWED`.

    On a decided one, `now` is what was public when it was sent. Up to two queries for each
    relation.
    """
    model = MODELS[proposal.subject]
    row = row_of(proposal) if proposal.is_open else None
    public = public_values(row) if row else proposal.based_on
    found = []

    def words(name, values):
        text = as_words(model, name, values.get(name))
        currency = values.get("currency", public.get("currency")) if name in MONEY else None
        return f"{text} {currency}" if text and currency else text

    for name in REVIEWED[model]:
        if name not in proposal.proposed and name not in proposal.based_on:
            continue
        proposed, now = proposal.proposed.get(name), public.get(name)
        then = proposal.based_on.get(name)
        if not (proposed or now or then):
            continue
        field = model._meta.get_field(name)
        is_words = isinstance(field, models.CharField | models.TextField) and not field.choices
        found.append(
            FieldDifference(
                name=name,
                label=capfirst(str(field.verbose_name)),
                now=words(name, public),
                proposed=words(name, proposal.proposed),
                then=words(name, proposal.based_on),
                has_moved=now != then,
                is_text=is_words,
                flags=tuple(reasons(flags_in(proposed))) if is_words and proposed else (),
            )
        )
    return found


def digest_of(proposal: Proposal) -> str:
    """A name for what a reviewer sees: another one when the proposal or the public row changed."""
    row = row_of(proposal)
    public = public_values(row) if row else None
    seen = [proposal.status, proposal.kind, proposal.proposed, public]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:32]


def may_decide(user, proposal: Proposal) -> bool:
    """Whether this person may approve or return it: an editor, or a moderator from elsewhere.

    A moderator who works for the clinic would decide on their own. Up to three queries.
    """
    if is_editor(user):
        return True
    own = clinics_as_member(user).filter(pk=proposal.clinic_id)
    return is_moderator(user) and not own.exists()


def may_withdraw(user, proposal: Proposal) -> bool:
    """Whether this person works for the clinic that sent it. One query."""
    return clinics_as_member(user).filter(pk=proposal.clinic_id).exists()


# --- Deciding


def approve(proposal: Proposal, user, seen: str = ""):
    """Make public what was proposed; tell the clinic's people by mail.

    `seen` is the `digest_of` what the person looked at; without it, nothing public may have
    changed since the clinic sent it. A changed price is dated with the day on which the clinic
    sent it. Raises CannotBeDone, and changes nothing, when somebody decided meanwhile, the row
    is gone, or what it would become is not allowed.
    """
    author = proposal.author.get_username() if proposal.author else _("the clinic")
    why = _("Sent in by %(author)s on %(day)s, approved.") % {
        "author": author,
        "day": timezone.localdate(proposal.sent_at).isoformat(),
    }
    if proposal.origin:
        why += " " + _("From the file %(name)s.") % {"name": proposal.origin}
    if proposal.why:
        why += " " + _("The clinic says: %(why)s") % {"why": proposal.why}
    with one_change(user, why):
        _take(proposal, user)
        if seen:
            has_moved = seen != digest_of(proposal)
        else:
            has_moved = any(one.has_moved for one in differences(proposal))
        if has_moved:
            raise CannotBeDone(
                _("It has changed since you opened it. Look at it again, then decide.")
            )
        try:
            _publish(proposal)
        except ValidationError as error:
            raise CannotBeDone(" ".join(error.messages)) from error
        # A column that caches and the site map read.
        Clinic.objects.filter(pk=proposal.clinic_id).update(updated_at=timezone.now())
        _settle(proposal, Status.APPROVED, user)
        _tell(proposal)


def give_back(proposal: Proposal, user, reason: str):
    """Return it to the clinic with a reason, which staff read above the form; mail them.

    Raises CannotBeDone without a reason, or when somebody decided meanwhile.
    """
    if not reason.strip():
        raise CannotBeDone(_("Say why, in a sentence that the clinic will read."))
    with transaction.atomic():
        _take(proposal, user)
        _settle(proposal, Status.RETURNED, user, reason.strip()[:1000])
        _tell(proposal)


def withdraw(proposal: Proposal, user):
    """Take back what waits, or put away what was returned; staff of that clinic only.

    Raises CannotBeDone for anybody else, and when it is open no more.
    """
    with transaction.atomic():
        be_the_only_writer()
        _refresh(proposal)
        if not may_withdraw(user, proposal):
            raise CannotBeDone(_("Only the clinic’s own people can take it back."))
        if not proposal.is_open:
            raise CannotBeDone(_("Somebody has decided on it meanwhile. Look at it again."))
        _settle(proposal, Status.WITHDRAWN, user)


def _refresh(proposal):
    try:
        proposal.refresh_from_db()
    except Proposal.DoesNotExist as error:
        raise CannotBeDone(_("It is no longer there.")) from error


def _take(proposal, user):
    """Refuse what cannot be decided by this person or at all any more."""
    be_the_only_writer()
    if not may_decide(user, proposal):
        raise CannotBeDone(_("Somebody else has to decide on this."))
    _refresh(proposal)
    if not proposal.is_waiting:
        raise CannotBeDone(_("Somebody has decided on it meanwhile. Look at it again."))


def _publish(proposal):
    """Write the proposal into its row, remove the row, or add one."""
    model, clinic = MODELS[proposal.subject], proposal.clinic
    row = row_of(proposal)
    if row is None and proposal.kind != Kind.ADD:
        raise CannotBeDone(_("This row is no longer there. Return the change to the clinic."))
    if proposal.kind == Kind.REMOVE:
        _refuse_if_checked(row)
        row.delete()
        return
    _check(model, row, clinic, proposal.proposed)
    changed, linked = _with(model, row, clinic, proposal.proposed)
    if model is Offer and PRICE_FIELDS & set(proposal.proposed):
        changed.price_confirmed_on = timezone.localdate(proposal.sent_at)
    changed.save()
    for name, keys in linked.items():
        getattr(changed, name).set(keys)


# --- Telling the clinic


def _tell(proposal):
    """A notice for each person of the clinic, unless one waits: decisions come in rows."""
    notices = OutgoingNotice.objects.filter(
        kind=OutgoingNotice.Kind.CHANGES_DECIDED, clinic=proposal.clinic_id, sent_at__isnull=True
    )
    readers = readers_of(proposal.clinic_id).exclude(email="")
    OutgoingNotice.objects.bulk_create(
        OutgoingNotice(
            kind=OutgoingNotice.Kind.CHANGES_DECIDED,
            clinic_id=proposal.clinic_id,
            user=reader,
            due_at=timezone.now() + GATHERED,
        )
        for reader in readers.exclude(pk__in=notices.values("user")).distinct()
    )
