"""The thank-you text of forms becomes a stream of blocks; the text itself is carried over, also in drafts."""

import json
from uuid import NAMESPACE_URL, uuid5

from django.db import migrations


def blocks_of(html, key):
    """Return a rich text as the stream of one text block; the id is the same whenever it is made."""
    if not html or not html.strip():
        return []
    return [{"type": "text", "value": html, "id": str(uuid5(NAMESPACE_URL, f"thanks-{key}"))}]


def text_of(blocks):
    """Return the texts of a stream as one."""
    return "".join(one["value"] for one in blocks if one["type"] == "text")


def revisions(apps):
    """Yield the revisions of the forms."""
    ContentType = apps.get_model("contenttypes", "ContentType")
    Revision = apps.get_model("wagtailcore", "Revision")
    kind = ContentType.objects.filter(app_label="portal", model="intakeformpage").first()
    if kind is not None:
        yield from Revision.objects.filter(content_type=kind).iterator(chunk_size=200)


def thanks_into_blocks(apps, schema_editor):
    """Carry the thank-you text over, in pages and in all their revisions (drafts, schedules, older ones)."""
    Form = apps.get_model("portal", "IntakeFormPage")
    for pk, html, key in Form.objects.values_list("pk", "thanks", "translation_key"):
        Form.objects.filter(pk=pk).update(thank_you=blocks_of(html, key))
    for revision in revisions(apps):
        content = revision.content
        if "thanks" in content:
            html = content.pop("thanks")
            content["thank_you"] = json.dumps(blocks_of(html, content.get("translation_key")))
            type(revision).objects.filter(pk=revision.pk).update(content=content)


def blocks_into_thanks(apps, schema_editor):
    """The way back: the texts alone; notices, steps and buttons are lost."""
    Form = apps.get_model("portal", "IntakeFormPage")
    # rows as values: an old model with Wagtail's form mixin cannot be made
    for pk, stream in Form.objects.values_list("pk", "thank_you"):
        raw = getattr(stream, "raw_data", stream) or []
        Form.objects.filter(pk=pk).update(thanks=text_of(raw))
    for revision in revisions(apps):
        content = revision.content
        if "thank_you" in content:
            content["thanks"] = text_of(json.loads(content.pop("thank_you") or "[]"))
            type(revision).objects.filter(pk=revision.pk).update(content=content)


class Migration(migrations.Migration):

    dependencies = [
        ("portal", "0007_forms_and_looks"),
        ("wagtailcore", "0098_apitoken"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(thanks_into_blocks, blocks_into_thanks),
        migrations.RemoveField(model_name="intakeformpage", name="thanks"),
    ]
