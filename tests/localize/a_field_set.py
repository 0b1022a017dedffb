"""A form that uses a field set, both translated with wagtail-localize; `translate_a_form` runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import translation
from wagtail_localize.models import Translation, TranslationSource
from wagtail_localize.operations import translate_object

from helpdesk.models import Ticket
from helpdesk.pages.asked import fields_across
from portal.models import FieldSet, IntakeFormPage
from tests import page_factories as pages

QUESTIONS = [
    pages.question("text", "building", "Gebäude", help_text="Am Eingang"),
    pages.question("choices", "days", "Tage", choices={"mo": "Montag", "tu": "Dienstag"}),
    pages.question("time", "begin", "Beginn", earliest="08:00", latest="18:00"),
]
LATE = {"field": "begin", "op": "after", "value": "12:00"}


def outcome(
    tree: Any, english: Any, translate: Callable[[Any, Any], tuple[Any, list[str]]]
) -> dict[str, Any]:
    """Translate a set and a form that uses it, send the form in both languages, and return what came out."""
    one = FieldSet(title="Ort", locale=tree.home.locale, fields=json.dumps(QUESTIONS))
    one.save()
    one.save_revision().publish()
    form = pages.make_form(
        tree.services,
        [
            {"type": "field_set", "value": one.pk},
            pages.question("text", "why", "Warum so spät?", condition=LATE),
        ],
        title="Raum buchen",
        slug="raum",
        subject="{{ answer_building }}",
    )
    setup_test_environment()
    before = _without_its_set(form, english)
    copy_of_set, strings = translate(one, english)
    copy, form_strings = translate(form, english)
    copy = IntakeFormPage.objects.get(pk=copy.pk)
    return {
        "early": before,
        "strings": strings,
        "form_strings": form_strings,
        "set": FieldSet.objects.get(pk=copy_of_set.pk).fields.get_prep_value(),
        "is_live": [copy_of_set.live, copy.live],
        "used": [child.value.pk for child in copy.fields if child.block_type == "field_set"],
        "set_pk": copy_of_set.pk,
        "sent": [_sent(page) for page in (form, copy)],
        "form_keys": list(Ticket.objects.order_by("pk").values_list("form_key", flat=True)),
        "across": [
            [(field.key, field.label, field.choices) for field in fields_across(page)]
            for page in (form, copy)
        ],
        "later": _later(one, copy_of_set, english),
    }


def _without_its_set(form: Any, english: Any) -> dict[str, Any]:
    """Ask for the form's translation while its set has none; return what there is, and take it away again."""
    with translation.override("de"):
        translate_object(form, [english])
    made = FieldSet.objects.filter(locale=english)
    found = {
        "sets": made.count(),
        "forms": IntakeFormPage.objects.filter(
            translation_key=form.translation_key, locale=english
        ).count(),
    }
    for page in IntakeFormPage.objects.filter(translation_key=form.translation_key, locale=english):
        page.delete()
    made.delete()
    Translation.objects.filter(source__in=_sources(form)).delete()
    return found


def _sources(form: Any) -> Any:
    names = [
        str(form.translation_key),
        *map(str, FieldSet.objects.values_list("translation_key", flat=True)),
    ]
    return TranslationSource.objects.filter(object_id__in=names)


def _sent(page: Any) -> list[list[Any]]:
    """Send a form as a visitor of its language; return key, label, value and what was shown of each answer."""
    client = Client()
    shown = client.get(page.url).content.decode()
    answer = pages.sent(
        client,
        page,
        q_room=None,
        q_building="23.01",
        q_days=["mo", "tu"],
        q_begin="14:30",
        q_why="x",
    )
    assert answer.status_code == 302, answer.context["form"].errors
    ticket = Ticket.objects.latest("pk")
    return [
        [one["key"], one["label"], one["value"], one["shown"], one["label"] in shown]
        for one in ticket.answers
    ]


def _later(one: Any, copy: Any, english: Any) -> list[Any]:
    """Add a question to the set, bring its translation up to date; return the keys, and the labels in English."""
    raw = one.fields.get_prep_value()
    one.fields = json.dumps([*raw, pages.question("text", "floor", "Stock")], default=str)
    one.save_revision().publish()
    source, _made = TranslationSource.update_or_create_from_instance(one)
    source.translations.get(target_locale=english).save_target(publish=True)
    fresh = FieldSet.objects.get(pk=copy.pk)
    return [[child.value["key"], child.value["label"]] for child in fresh.fields]
