"""The table of the objects that the plugin has made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates Made."""

    dependencies = [("evennia_towerwatch", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Made",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("category", models.CharField(max_length=32)),
                ("key", models.CharField(max_length=64)),
                ("object_id", models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name="made",
            constraint=models.UniqueConstraint(
                fields=("category", "key"), name="towerwatch_made_once"
            ),
        ),
    ]
