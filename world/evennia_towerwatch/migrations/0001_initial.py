"""The table of told alerts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates ToldAlert."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="ToldAlert",
            fields=[
                (
                    "alert_id",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("told_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
