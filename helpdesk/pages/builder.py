"""The editor of a condition in the page editor: its widget, and what its script has to know.

The script (`static/helpdesk/pages/conditions.js`) reads the fields of the form from the page editor itself,
so it knows those that were never saved. Operators, their words and which of them fit a field come from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from helpdesk.rules.conditions import FieldType
from helpdesk.rules.fields import Operand

from .conditions import operators_of


class ConditionWidget(forms.HiddenInput):
    """A hidden input with the JSON of a condition; a script puts the editor behind it.

    Without the script what is stored stays as it is. `stream` names the stream of the form's fields, `opening`
    begins the sentence.
    """

    def __init__(self, stream: str = "fields", opening: str | Promise = "") -> None:
        super().__init__()
        self.stream, self.opening = stream, opening

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"]["attrs"] |= {
            "data-controller": "hd-condition",
            "data-hd-condition-stream-value": self.stream,
            "data-hd-condition-opening-value": str(self.opening),
        }
        return context


def catalogue(kinds: dict[str, FieldType | None]) -> dict[str, Any]:
    """Return what the script knows, in the active language.

    `kinds` tells how each type of block is compared (None: not at all): `kinds`; `operators` by how a field is
    compared, and `choices` instead where it has given answers; `words` are all words of the screen.
    """
    types = sorted({kind for kind in kinds.values() if kind is not None})
    return {
        "kinds": kinds,
        "operators": {kind: _offered(kind, has_choices=False) for kind in types},
        "choices": {kind: _offered(kind, has_choices=True) for kind in types},
        "words": _words(),
    }


def _offered(kind: FieldType, *, has_choices: bool) -> list[dict[str, str]]:
    return [
        {
            "code": one.code,
            "label": str(one.label),
            "sentence": str(one.sentence),
            "operand": "one" if one.operand is Operand.ONE else one.operand.value,
        }
        for one in operators_of(kind, has_choices=has_choices).values()
    ]


def _words() -> dict[str, str]:
    return {
        "add": _("Add a condition"),
        "another": _("Add another condition"),
        "remove": _("Remove this condition"),
        "field": _("Question"),
        "operator": _("Comparison"),
        "value": _("Answer"),
        "values": _("Answers, separated by commas"),
        "choose": _("Please choose"),
        "join": _("If there are several"),
        "all": _("all of them hold"),
        "any": _("at least one of them holds"),
        "and": _("and"),
        "or": _("or"),
        "yes": _("Yes"),
        "no": _("No"),
        "always": _("No condition."),
        "gone": _("A question that is gone, or stands further down"),
        "below": _("%(label)s (stands further down)"),
        "lost": _("An answer that is gone"),
        "unnamed": _("Question %(n)s, without a label yet"),
        "kept": _("A condition that cannot be changed here. It is kept as it is."),
        "none": _("Conditions ask about questions further up. There is none yet."),
        "text": _("“%(text)s”"),
        "unit": _("Counted as"),
        "day": _("the day"),
        "days_ago": _("days before today"),
        "days_ahead": _("days after today"),
        "today_ago": _("%(n)s days ago"),
        "today_ahead": _("%(n)s days from now"),
    }


def questions_of(children: Iterable[Any]) -> list[dict[str, Any]]:
    """Return what conditions may ask about in a field set, as the script knows questions."""
    return [
        {
            "key": child.value["key"],
            "label": child.value["label"],
            "kind": child.block.compared_as,
            "choices": child.block.choices_of(child.value) or None,
        }
        for child in children
        if child.block.compared_as is not None
    ]


def editor_assets(kinds: dict[str, FieldType | None], sets: Iterable[Any] = ()) -> SafeString:
    """Return the tags that the page editor needs for conditions; `sets` are the site's field sets."""
    by_id = {str(one.pk): questions_of(one.fields.stream_block.inputs(one.fields)) for one in sets}
    return format_html(
        '{}<link rel="stylesheet" href="{}"><script type="module" src="{}"></script>',
        json_script({**catalogue(kinds), "sets": by_id}, "hd-condition-catalogue"),
        static("helpdesk/pages/conditions.css"),
        static("helpdesk/pages/conditions.js"),
    )
