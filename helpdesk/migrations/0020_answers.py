"""Answers as rows, and the fields that were asked; both filled from the snapshots of the tickets there are."""

import django.db.models.deletion
from django.db import migrations, models

from helpdesk.rules import answers

BATCH = 500


def fill(apps, schema_editor):
    """Read the snapshots, some hundred tickets at a time; the labels are those of the newest."""
    Ticket = apps.get_model("helpdesk", "Ticket")
    Answer = apps.get_model("helpdesk", "Answer")
    AskedField = apps.get_model("helpdesk", "AskedField")
    asked, last = {}, 0
    rows = Ticket.objects.order_by("pk").exclude(answers=[])
    columns = ("pk", "form_key", "language", "is_test", "answers")
    while batch := list(rows.filter(pk__gt=last).values_list(*columns)[:BATCH]):
        made = []
        for ticket_id, form_key, language, is_test, snapshot in batch:
            made += [
                Answer(
                    ticket_id=ticket_id,
                    key=value.key,
                    row=value.row,
                    text=value.text,
                    number=value.number,
                    day=value.day,
                    private=value.private,
                )
                for value in answers.values_of(snapshot)
            ]
            if form_key is not None and not is_test:
                for field in answers.fields_of(snapshot):
                    asked[form_key, language, field.key] = field
        Answer.objects.bulk_create(made, batch_size=BATCH)
        last = batch[-1][0]
    AskedField.objects.bulk_create(
        (
            AskedField(
                form_key=form_key,
                language=language,
                key=key,
                type=field.type,
                label=field.label,
                choices=[list(pair) for pair in field.choices],
            )
            for (form_key, language, key), field in asked.items()
        ),
        batch_size=BATCH,
    )


def count_aliases_to_their_source(apps, schema_editor):
    """An alias had a key of its own: what came by it belongs to the form that it shows."""
    Page = apps.get_model("wagtailcore", "Page")
    Ticket = apps.get_model("helpdesk", "Ticket")
    pages = dict(Page.objects.values_list("pk", "alias_of_id"))
    keys = dict(Page.objects.filter(pk__in=pages).values_list("pk", "translation_key"))
    for page, source in pages.items():
        while source and pages.get(source):
            source = pages[source]
        if source and keys[source] != keys[page]:
            Ticket.objects.filter(form_key=keys[page]).update(form_key=keys[source])


class Migration(migrations.Migration):

    dependencies = [
        ("helpdesk", "0019_blob_infected"),
    ]

    operations = [
        migrations.CreateModel(
            name='AskedField',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('form_key', models.UUIDField()),
                ('language', models.CharField(max_length=10)),
                ('key', models.CharField(max_length=100)),
                ('type', models.CharField(max_length=40)),
                ('label', models.CharField(max_length=500)),
                ('choices', models.JSONField(default=list)),
            ],
            options={
                'verbose_name': 'field that was asked',
                'verbose_name_plural': 'fields that were asked',
                'constraints': [models.UniqueConstraint(fields=('form_key', 'language', 'key'), name='helpdesk_asked_once')],
            },
        ),
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=100)),
                ('row', models.PositiveIntegerField(null=True)),
                ('text', models.CharField(max_length=250)),
                ('number', models.FloatField(null=True)),
                ('day', models.DateField(null=True)),
                ('private', models.BooleanField(default=False)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answer_rows', to='helpdesk.ticket')),
            ],
            options={
                'verbose_name': 'answer',
                'verbose_name_plural': 'answers',
                'indexes': [models.Index(fields=['key', 'text'], name='helpdesk_answer_text'), models.Index(condition=models.Q(('number__isnull', False)), fields=['key', 'number'], name='helpdesk_answer_number'), models.Index(condition=models.Q(('day__isnull', False)), fields=['key', 'day'], name='helpdesk_answer_day')],
            },
        ),
        migrations.RunPython(
            count_aliases_to_their_source, migrations.RunPython.noop, elidable=True
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
