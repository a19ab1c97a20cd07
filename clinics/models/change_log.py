"""The state of what a search reads, and the log of its changes. Only database triggers write them.

`clinics.change_log` reads them, and says what they promise.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DirectoryState(models.Model):
    """One row, of primary key 1: how often the facts have changed, and a name for how they are now.

    The stamp is random and new with each change, so that two histories never share one.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField()
    stamp = models.CharField(max_length=36)

    class Meta:
        default_permissions = ()
        verbose_name = _("state of the directory")
        verbose_name_plural = _("states of the directory")

    def __str__(self):
        return f"{self.version} ({self.stamp})"


class DirectoryChange(models.Model):
    """One clinic that a change touched; a change of several clinics has a row for each.

    `version` and `stamp` are those of the state that the change led to.
    """

    version = models.BigIntegerField(db_index=True)
    stamp = models.CharField(max_length=36)
    # No reference: clinics get deleted. Null: what clinics share changed, such as a town or a
    # treatment. -1: too many clinics to list.
    clinic_id = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["pk"]
        verbose_name = _("change of the directory")
        verbose_name_plural = _("changes of the directory")

    def __str__(self):
        return f"{self.version}: {self.clinic_id}"
