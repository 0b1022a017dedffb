from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0002_start_rows")]

    operations = [
        migrations.AddField(
            model_name="outboundmail",
            name="original",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=models.SET_NULL,
                related_name="+",
                to="helpdesk.article",
            ),
        ),
        migrations.AddField(
            model_name="outboundmail",
            name="content_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="outboundmail",
            name="delivered",
            field=models.JSONField(blank=True, default=list, verbose_name="taken by the server for"),
        ),
        migrations.AddField(
            model_name="outboundmail",
            name="refused",
            field=models.JSONField(blank=True, default=list, verbose_name="refused recipients"),
        ),
    ]
