"""A filter of lists in the admin, for people who work for several clinics."""

from django.contrib import admin
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from treatments.permissions import is_moderator

from .lists_of_a_clinic import PARAMETER, clinic_asked_for, is_narrowed, rows_asked_for
from .permissions import clinics_as_member, clinics_of


class OwnClinicFilter(admin.SimpleListFilter):
    """The clinics that somebody works for, each with how many rows of the list it has.

    Not shown to who works for one. An editor, who may edit all of them, is offered the one that
    the address names besides. Two queries: for the clinics, and for the numbers.
    """

    title = _("clinic")
    parameter_name = PARAMETER

    def lookups(self, request, model_admin):
        """Own clinics by name."""
        user, asked = request.user, clinic_asked_for(request.GET)
        offered = Q(pk__in=clinics_as_member(user).values("pk")) | Q(pk=asked)
        return list(
            clinics_of(user).filter(offered).order_by("name", "pk").values_list("pk", "name")
        )

    def has_output(self):
        """Whether it narrows the list; what it does not show, it does not do."""
        if not is_narrowed(self.request.GET):
            return len(self.lookup_choices) > 1
        # The only clinic of somebody who sees no other: that is the whole list.
        only = [key for key, _name in self.lookup_choices] == [clinic_asked_for(self.request.GET)]
        return not only or is_moderator(self.request.user)

    def queryset(self, request, queryset):
        """The rows of the clinic chosen, and none for whatever is no clinic of theirs."""
        return rows_asked_for(request.GET, queryset)

    def get_facet_queryset(self, changelist):
        """The numbers, under the names that `choices` looks for, by one grouping."""
        rows = changelist.get_queryset(
            self.request, exclude_parameters=self.expected_parameters()
        ).order_by()
        shown = rows.filter(clinic__in=[key for key, _name in self.lookup_choices])
        counts = dict(shown.values_list("clinic").annotate(Count("pk")))
        return {
            f"{number}__c": counts.get(key, 0)
            for number, (key, _name) in enumerate(self.lookup_choices)
        }
