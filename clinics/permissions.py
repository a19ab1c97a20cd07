"""Whose clinics are whose: the one definition that lists, forms and actions go by."""

from django.db.models import Q

from treatments.models import Treatment
from treatments.permissions import is_editor

from .models import Clinic, Membership, Offer

__all__ = [
    "clinics_as_member",
    "clinics_of",
    "clinics_owned_by",
    "is_editor",
    "may_edit",
    "treatments_to_offer",
]


def clinics_of(user):
    """The clinics whose listing this person may edit, as a queryset. Runs no query itself.

    Editors: all. Everybody else: those of their memberships, whatever the clinic's status
    and whatever the role. What an owner may do besides is in `clinics_owned_by`.
    """
    if is_editor(user):
        return Clinic.objects.all()
    return clinics_as_member(user)


def clinics_as_member(user):
    """The clinics that this person works for, as a queryset. Runs no query itself.

    What patients write is for them alone: an editor who is no member does not read it.
    """
    if not user.is_active:
        return Clinic.objects.none()
    # A subquery, not a join: callers may add conditions on memberships of their own.
    return Clinic.objects.filter(pk__in=user.memberships.values("clinic"))


def clinics_owned_by(user):
    """The clinics whose people this person may invite and remove, as a queryset.

    Those of which they are an owner. Editors are not among them for being editors: they change
    memberships in the admin, where it is recorded. Runs no query itself.
    """
    if not user.is_active:
        return Clinic.objects.none()
    owned = user.memberships.filter(role=Membership.Role.OWNER)
    return Clinic.objects.filter(pk__in=owned.values("clinic"))


def may_edit(user, clinic_id) -> bool:
    """Whether the clinic with this primary key is among `clinics_of(user)`.

    Costs one query for the first question about a user object, none after it; see
    `is_editor` for why that is safe.
    """
    if is_editor(user):
        return True
    if not hasattr(user, "ids_of_own_clinics"):
        user.ids_of_own_clinics = frozenset(clinics_of(user).values_list("pk", flat=True))
    return clinic_id in user.ids_of_own_clinics


def treatments_to_offer(user):
    """The treatments that this person may choose for an offer, as a queryset.

    What is only there to compare with is not offered. Staff choose from what is published,
    and keep what their own offers name already.
    """
    treatments = Treatment.objects.exclude(kind=Treatment.Kind.COMPARISON)
    if is_editor(user):
        return treatments
    own = Offer.objects.filter(clinic__in=clinics_of(user))
    return treatments.filter(Q(is_published=True) | Q(pk__in=own.values("treatment")))
