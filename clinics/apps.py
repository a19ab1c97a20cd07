from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _

from .checks import change_log_is_complete, enquiry_keys_are_real


class ClinicsConfig(AppConfig):
    name = "clinics"
    verbose_name = _("clinics")

    def ready(self):
        register(change_log_is_complete, Tags.database)
        register(enquiry_keys_are_real, Tags.security)
