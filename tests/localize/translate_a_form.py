"""Translates pages with wagtail-localize and prints as JSON what came out. A process of its own: other applications."""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from wagtail.models import Locale  # noqa: E402
from wagtail_localize.models import (  # noqa: E402
    StringSegment,
    StringTranslation,
    Translation,
    TranslationSource,
)

from portal.models import IntakeFormPage  # noqa: E402
from tests import page_factories as pages  # noqa: E402
from tests.localize import a_field_set  # noqa: E402

logging.disable(logging.INFO)

CONDITION = {"all": [{"fact": "answers.f0000000001", "op": "is", "value": "paper"}]}
FIELDS = [
    pages.question(
        "choice",
        "kind",
        "Art",
        help_text="Was fehlt?",
        choices={"paper": "Papier", "toner": "Toner"},
    ),
    {"type": "section", "value": {"heading": "Wo?", "text": "<p>Kurz <b>genügt</b>.</p>"}},
    pages.question("text", "room", "Raum", required=True, condition=CONDITION),
    pages.question("files", "photo", "Foto", endings="png, pdf"),
    pages.question(
        "group",
        "team",
        "Gruppe",
        columns=[
            pages.question("text", "first", "Vorname", shape="own", own_pattern="[a-z]+"),
            pages.question("choice", "meal", "Essen", choices={"veg": "Ohne Fleisch"}),
        ],
    ),
]
STEP = {"type": "item", "id": str(uuid4()), "value": "Wir lesen {{ number }}."}
THANKS = [
    {"type": "text", "value": "<p>Danke für {{ answer_room }}.</p>"},
    {"type": "steps", "value": {"heading": "Weiter", "steps": [STEP]}},
]


def translate(page: Any, english: Any) -> tuple[Any, list[str]]:
    """Translate each string of a page by writing “EN:” before it; return the page made, and the strings."""
    source, _made = TranslationSource.update_or_create_from_instance(page)
    translation = Translation.objects.create(source=source, target_locale=english)
    strings = []
    for segment in StringSegment.objects.filter(source=source).select_related("string"):
        strings.append(segment.string.data)
        StringTranslation.objects.create(
            translation_of=segment.string,
            locale=english,
            context=segment.context,
            data=f"EN:{segment.string.data}" if segment.context.path != "slug" else "report",
        )
    translation.save_target(publish=True)
    return page.get_translation(english), strings


def make_database() -> None:
    """Migrate, from a copy of a database that has had the site's own migrations if there is one (bin/test.py)."""
    if Path(settings.TEST_TEMPLATE or "-").is_file():
        connection.ensure_connection()
        with closing(sqlite3.connect(settings.TEST_TEMPLATE)) as template:
            template.backup(connection.connection)
    call_command("migrate", verbosity=0)


def main() -> None:
    make_database()
    tree = pages.make_site()
    english = Locale.objects.get(language_code="en")
    form = pages.make_form(
        tree.home,
        FIELDS,
        intro="<p>Guten Tag.</p>",
        subject="Raum {{ answer_room }}",
        routes=json.dumps([{"type": "route", "value": {"condition": CONDITION, "queue": 1}}]),
        thank_you=json.dumps(THANKS),
    )
    copy, strings = translate(form, english)
    copy = IntakeFormPage.objects.get(pk=copy.pk)
    answer = {
        "strings": strings,
        "queue": [form.queue_id, copy.queue_id],
        "key": [str(form.translation_key), str(copy.translation_key)],
        "live": copy.live,
        "subject": copy.subject,
        "routes": [form.routes.get_prep_value(), copy.routes.get_prep_value()],
        "thanks": copy.thank_you.get_prep_value(),
        "title": copy.title,
        "intro": copy.intro,
        "source": form.fields.get_prep_value(),
        "copy": copy.fields.get_prep_value(),
        "changed": changed(form, english),
        "with_set": a_field_set.outcome(tree, english, translate),
    }
    sys.stdout.write(json.dumps(answer, default=str) + "\n")


def changed(form: Any, english: Any) -> list[str]:
    """Add a choice to the source, bring the translation up to date, and return its values of choices."""
    raw = form.fields.get_prep_value()
    items = raw[0]["value"]["choices"]
    dust = {"label": "Staub", "value": "dust"}
    items.append({"type": "item", "id": str(uuid4()), "value": dust})
    form.fields = json.dumps(raw)
    form.save_revision().publish()
    source, _made = TranslationSource.update_or_create_from_instance(form)
    source.translations.get().save_target(publish=True)
    copy = IntakeFormPage.objects.get(pk=form.get_translation(english).pk)
    return [item["value"] for item in copy.fields[0].value["choices"]]


main()
