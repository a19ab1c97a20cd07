from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from .checks import nothing_prunes_the_history


class TreatmentsConfig(AppConfig):
    name = "treatments"
    verbose_name = _("treatments and evidence")

    def ready(self):
        register(nothing_prunes_the_history)
