"""What the lists and forms of all kinds of records in the admin share."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils.translation import gettext_lazy as _

from .record_fields import FORM_FIELDS, could_be

# The ends of the addresses that Django's filters make.
_CONDITIONS = ("exact", "isnull", "gte", "lt")
# Rows of one kind on the page of what they belong to.
MOST_ROWS = 60


class RecordPages:
    """For a ModelAdmin: pages of fifty, filters with counts, and no failure at what is sent."""

    formfield_overrides = FORM_FIELDS
    list_per_page = 50
    show_facets = admin.ShowFacets.ALWAYS
    # All would be counted a second time, for a number that the filters say already.
    show_full_result_count = False

    def lookup_allowed(self, lookup, value, request=None):
        """Only what the list's own filters ask.

        Other lookups would be a way to guess at what is not shown, and some of them fail.
        """
        if not super().lookup_allowed(lookup, value, request):
            return False
        for offered in self.get_list_filter(request):
            if isinstance(offered, type):
                if lookup == offered.parameter_name:
                    return True
                continue
            field = offered if isinstance(offered, str) else offered[0]
            column, _sign, condition = lookup.rpartition("__")
            if lookup == field or (
                f"{column}__".startswith(f"{field}__") and condition in _CONDITIONS
            ):
                # PostgreSQL refuses NUL in a text.
                return "\0" not in value
        return False

    def get_object(self, request, object_id, from_field=None):
        """The row, by its key where the address names no other column."""
        return super().get_object(request, object_id, from_field or None)

    def response_action(self, request, queryset):
        """Django's; where a box was ticked of what can be no row, the list and a word instead."""
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            if not could_be(self.opts.pk, key):
                self.message_user(
                    request, _("Nothing was done. Tick the rows once more."), messages.WARNING
                )
                return None
        return super().response_action(request, queryset)


class RecordRows:
    """For an inline: as many rows as a page takes, and no failure at what is sent."""

    formfield_overrides = FORM_FIELDS
    max_num = MOST_ROWS

    def get_formset(self, request, obj=None, **kwargs):
        # Else a form may send a thousand rows more than max_num, and is shown them again.
        return super().get_formset(request, obj, **{"absolute_max": MOST_ROWS, **kwargs})
