"""The clinics that somebody works for, on the first page of the admin."""

from django import template

from clinics.home_page import home_of, homes_of
from clinics.permissions import clinics_as_member, is_editor

register = template.Library()


@register.simple_tag
def start_of(user) -> dict:
    """`only`: the home of the one clinic that is all of somebody's work. Else `several`.

    A fixed number of queries, however many clinics.
    """
    own = clinics_as_member(user).order_by("name", "pk")[:2]
    clinics = list(own)
    if len(clinics) == 1 and not is_editor(user):
        return {"only": home_of(clinics[0]), "several": []}
    return {"only": None, "several": homes_of(user) if clinics else []}
