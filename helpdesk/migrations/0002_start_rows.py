"""The states, priorities and types every help desk starts with. All may be renamed later."""

from django.db import migrations

STATES = [
    ("new", "new", "neu", "new"),
    ("open", "open", "offen", "open"),
    ("waiting", "pending_reminder", "wartet auf Rückmeldung", "waiting for a reply"),
    ("waiting-close", "pending_auto", "wartet, schließt von selbst", "waiting, closes by itself"),
    ("solved", "closed", "gelöst", "solved"),
    ("unsolved", "closed", "ohne Lösung geschlossen", "closed without solution"),
    ("merged", "merged", "zusammengeführt", "merged"),
    ("removed", "removed", "entfernt", "removed"),
]
PRIORITIES = [
    ("urgent", 2, "dringend", "urgent"),
    ("high", 1, "hoch", "high"),
    ("normal", 0, "normal", "normal"),
    ("low", -1, "niedrig", "low"),
]
TYPES = [
    ("fault", "Störung", "Fault"),
    ("question", "Beratung", "Question"),
    ("enrolment", "Anmeldung", "Enrolment"),
    ("procurement", "Beschaffung", "Procurement"),
    ("other", "Sonstiges", "Other"),
]


def fill(apps, schema_editor):
    state = apps.get_model("helpdesk", "State")
    for position, (slug, type_, de, en) in enumerate(STATES, start=1):
        state.objects.create(slug=slug, type=type_, name_de=de, name_en=en, position=position)
    priority = apps.get_model("helpdesk", "Priority")
    for position, (slug, level, de, en) in enumerate(PRIORITIES, start=1):
        priority.objects.create(slug=slug, level=level, name_de=de, name_en=en, position=position)
    kind = apps.get_model("helpdesk", "TicketType")
    for position, (slug, de, en) in enumerate(TYPES, start=1):
        kind.objects.create(slug=slug, name_de=de, name_en=en, position=position)


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
