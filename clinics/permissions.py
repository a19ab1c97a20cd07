"""Whose clinics are whose: the one definition that lists, forms and actions go by."""

from django.db.models import Q

from treatments.models import Treatment
from treatments.permissions import is_editor

from .models import Clinic, Offer

__all__ = ["clinics_of", "is_editor", "may_edit", "treatments_to_offer"]


def clinics_of(user):
    """The clinics whose listing this person may edit, as a queryset. Runs no query itself.

    Editors: all. Everybody else: those of their memberships, whatever the clinic's status
    and whatever the role, for an owner may do no more than staff so far.
    """
    if not user.is_active:
        return Clinic.objects.none()
    if is_editor(user):
        return Clinic.objects.all()
    # A subquery, not a join: callers may add conditions on memberships of their own.
    return Clinic.objects.filter(pk__in=user.memberships.values("clinic"))


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
