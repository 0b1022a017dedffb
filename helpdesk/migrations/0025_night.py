"""A nightly run knows how far it is; tickets that still need dates of storage are found at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0024_archive")]

    operations = [
        migrations.AddField(
            model_name="erasurerun",
            name="phase",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="erasurerun",
            name="left",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(
                    ("anonymised_at__isnull", True),
                    ("merged_into__isnull", True),
                    ("storage_step_at__isnull", True),
                ),
                fields=["id"],
                name="helpdesk_ticket_undated",
            ),
        ),
    ]
