import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('helpdesk', '0012_absence'),
    ]

    operations = [
        migrations.CreateModel(
            name='DraftFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=250, verbose_name='name')),
                ('content_type', models.CharField(default='application/octet-stream', max_length=150)),
                ('blob', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='draft_files', to='helpdesk.blob')),
                ('draft', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='helpdesk.saveddraft')),
            ],
            options={
                'verbose_name': 'file of a draft',
                'verbose_name_plural': 'files of drafts',
                'ordering': ['id'],
            },
        ),
    ]
