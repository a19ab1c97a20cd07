"""The admin as a whole: its name, and the one route of Django's that it does without."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class MesoguideAdminSite(AdminSite):
    """Where editors and clinic staff work."""

    site_header = _("Mesoguide")
    site_title = _("Mesoguide admin")
    index_title = _("What you may edit")

    def get_urls(self):
        """All routes but "view on site".

        That one redirects whoever may sign in to the address of any object of any model,
        a rival's draft among them. Our pages link to the address itself.
        """
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]
