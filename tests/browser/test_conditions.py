"""Conditions in a browser: an editor puts them together without code, by mouse and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, expect

from helpdesk.pages.keys import key_for
from portal.models import IntakeFormPage
from tests import page_factories as pages

from .conftest import Visitor
from .stage import set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

KIND, DETAIL, REASON = "kind-id", "detail-id", "reason-id"
PAPER, TONER = "paper-id", "toner-id"


def block(type_: str, id_: str, **value: Any) -> dict[str, Any]:
    return {"type": type_, "id": id_, "value": value}


def choice(id_: str, label: str) -> dict[str, Any]:
    return {"type": "item", "id": id_, "value": {"label": label}}


FIELDS = [
    block("choice", KIND, label="Art", choices=[choice(PAPER, "Papier"), choice(TONER, "Toner")]),
    block("text", DETAIL, label="Farbe"),
    block("long_text", REASON, label="Grund"),
]


@pytest.fixture
def form() -> IntakeFormPage:
    stage = set_up()
    return pages.make_form(stage.service, FIELDS, queue=stage.queue)


def edit(visit: Any, form: IntakeFormPage) -> Visitor:
    editor = visit()
    editor.log_in("editor")
    editor.goto(reverse("wagtailadmin_pages:edit", args=[form.pk]))
    return editor


def slot(editor: Visitor, place: int, name: str = "condition") -> Locator:
    """Return the editor of a condition, with the settings of its block opened."""
    box = editor.page.locator(f"input[name=fields-{place}-value-{name}] + .hd-condition")
    if not box.is_visible():
        path = f"[data-contentpath]:has(> * input[name=fields-{place}-value-{name}])"
        print(path)
    return box


def test_look(visit, form):
    editor = edit(visit, form)
    editor.page.screenshot(path="/tmp/cond-a.png", full_page=True)
    print(
        editor.page.locator("input[name=fields-1-value-condition]").evaluate(
            "n=>{let s=[];while(n.parentElement){n=n.parentElement;s.push(n.outerHTML.slice(0,200))}return s.slice(0,9).join('\\n@@')}"
        )
    )
    print(
        editor.page.evaluate(
            "[...document.querySelectorAll('[name^=fields-1]')].map(n=>n.name+'='+n.value).join('\\n')"
        )
    )
    print(
        editor.page.evaluate(
            "[...document.querySelectorAll('[name^=fields-0]')].map(n=>n.name+'='+n.value).join('\\n')"
        )
    )
    print(editor.page.locator(".hd-condition").count(), editor.faults)
    assert 0
