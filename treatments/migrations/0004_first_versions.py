"""A first version of every row that is stored already.

Without it the first change of a row would have nothing before it to be compared with, and
nothing to go back to.
"""

from django.db import migrations
from django.utils import timezone

REASON = "As it was when the history began"
MODELS = {
    "Source": (),
    "BodyArea": (),
    "Concern": (),
    "Substance": (),
    "SubstanceStatus": ("sources",),
    "Treatment": (),
    "Alias": ("sources",),
    "TreatmentArea": ("sources",),
    "TreatmentConcern": ("sources",),
    "TreatmentSubstance": ("sources",),
    "Statement": ("sources",),
    "SideEffect": ("sources",),
    "Contraindication": ("sources",),
    "RegulatorPosition": ("sources",),
    "Claim": ("treatments", "checked_against"),
}
BATCH = 1000


def write_first_versions(apps, schema_editor):
    moment = timezone.now()
    for name, linked in MODELS.items():
        model = apps.get_model("treatments", name)
        history = apps.get_model("treatments", f"Historical{name}")
        columns = [f.attname for f in model._meta.concrete_fields if has_column(history, f.attname)]
        versions = history.objects.bulk_create(
            (
                history(
                    history_date=moment,
                    history_type="+",
                    history_change_reason=REASON,
                    **{column: getattr(row, column) for column in columns},
                )
                for row in model.objects.order_by("pk").iterator(BATCH)
            ),
            batch_size=BATCH,
        )
        by_row = {version.id: version.history_id for version in versions}
        for relation in linked:
            copy_links(apps, model, relation, by_row)


def has_column(model, attname) -> bool:
    return any(field.attname == attname for field in model._meta.concrete_fields)


def copy_links(apps, model, relation, by_row):
    through = getattr(model, relation).through
    copies = apps.get_model("treatments", f"Historical{model.__name__}_{relation}")
    columns = [field.attname for field in through._meta.concrete_fields]
    owner = f"{model._meta.model_name}_id"
    copies.objects.bulk_create(
        (
            copies(
                history_id=by_row[getattr(link, owner)],
                **{column: getattr(link, column) for column in columns},
            )
            for link in through.objects.order_by("pk").iterator(BATCH)
        ),
        batch_size=BATCH,
    )


class Migration(migrations.Migration):
    dependencies = [("treatments", "0003_history")]

    operations = [
        migrations.RunPython(write_first_versions, migrations.RunPython.noop, elidable=True)
    ]
