from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _

from .checks import no_demonstration_accounts


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("accounts")

    def ready(self):
        register(no_demonstration_accounts, Tags.database, deploy=True)


class MesoguideAdminConfig(AdminConfig):
    """Django's admin on our own admin site."""

    default_site = "accounts.admin_site.MesoguideAdminSite"
