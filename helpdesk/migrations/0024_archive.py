"""Archived tickets leave the indexes of the daily lists; tables are not made anew on any database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("helpdesk", "0023_retention")]

    operations = [
        migrations.RemoveIndex(
            model_name='ticket',
            name='helpdesk_ticket_queue',
        ),
        migrations.RemoveIndex(
            model_name='ticket',
            name='helpdesk_ticket_owner',
        ),
        migrations.RemoveIndex(
            model_name='ticket',
            name='helpdesk_ticket_state',
        ),
        migrations.RemoveIndex(
            model_name='ticket',
            name='helpdesk_ticket_changed',
        ),
        migrations.RemoveIndex(
            model_name='ticket',
            name='helpdesk_ticket_created',
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['queue', 'state', '-changed_at'], name='helpdesk_ticket_queue'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['owner', 'state', '-changed_at'], name='helpdesk_ticket_owner'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['state', '-changed_at'], name='helpdesk_ticket_state'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['-changed_at', '-id'], name='helpdesk_ticket_changed'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('archived_at__isnull', True)), fields=['-created_at', '-id'], name='helpdesk_ticket_created'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('archived_at__isnull', True), ('closed_at__isnull', False)), fields=['closed_at'], name='helpdesk_ticket_closed'),
        ),
    ]
