"""Pages of long lists in the admin."""

from django.core.paginator import Paginator


class KeysFirstPaginator(Paginator):
    """Finds which rows are on a page before it reads them, for one query more.

    A late page then skips keys in an index, and not whole rows with all that is joined to them.
    """

    def page(self, number):
        """The page, its rows in the list's order."""
        page = super().page(number)
        keys = list(page.object_list.values_list("pk", flat=True))
        page.object_list = list(self.object_list.filter(pk__in=keys))
        return page
