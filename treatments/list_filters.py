"""Filters of lists in the admin, with a true number beside each option, each for one query."""

from django.contrib import admin
from django.db.models import Count, Q


class ConditionFilter(admin.SimpleListFilter):
    """Options that are conditions on the row itself, all counted in one pass over the rows."""

    def conditions(self) -> dict[str, tuple[str, Q]]:
        """For each option its label and its condition. Asked once a list."""
        raise NotImplementedError

    def lookups(self, request, model_admin):
        """The options in their order."""
        self.options = self.conditions()
        return [(key, label) for key, (label, _condition) in self.options.items()]

    def queryset(self, request, queryset):
        """The rows of the option chosen; an unknown one is no choice."""
        if self.value() not in self.options:
            return queryset
        return queryset.filter(self.options[self.value()][1])

    def get_facet_counts(self, pk_attname, filtered_qs):
        """Count by the conditions: Django's own way looks for each row in a list of all."""
        return {
            f"{number}__c": Count(pk_attname, filter=condition)
            for number, (_label, condition) in enumerate(self.options.values())
        }


class RelatedFilter(admin.RelatedFieldListFilter):
    """A related row, counted by one grouping: a count for each of many options would be slow.

    Options without a row are left out, but for the one chosen.
    """

    def get_facet_queryset(self, changelist):
        """The numbers, under the names that `choices` looks for."""
        rows = changelist.get_queryset(
            self.request, exclude_parameters=self.expected_parameters()
        ).order_by()
        counts = dict(rows.values_list(self.field_path).annotate(Count("pk")))
        chosen = self.lookup_val or []
        self.lookup_choices = [
            (key, label)
            for key, label in self.lookup_choices
            if counts.get(key) or str(key) in chosen
        ]
        found = {f"{key}__c": counts.get(key, 0) for key, _label in self.lookup_choices}
        return found | {"__c": counts.get(None, 0)}
