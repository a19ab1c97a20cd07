from django.db import migrations

# treatments.permissions.EDITORS as it was when this ran; a migration imports no code that moves on.
EDITORS = "Editors"


def create_group(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    groups.get_or_create(name=EDITORS)


class Migration(migrations.Migration):
    """The group whose members edit everything. It has no permissions: its name is the right."""

    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    # Going back leaves the group: people may be in it.
    operations = [migrations.RunPython(create_group, migrations.RunPython.noop)]
