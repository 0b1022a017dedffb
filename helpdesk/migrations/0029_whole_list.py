"""The list of all tickets with the archive is read along an index instead of being sorted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0028_sites_exports")]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["-changed_at", "-id"], name="helpdesk_ticket_whole"),
        ),
    ]
