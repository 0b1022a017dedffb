"""What was changed in the rules of routing, in words."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import translation

from helpdesk.pages.conditions import fields_of
from helpdesk.pages.routing import RoutesBlock
from helpdesk.pages.rule_changes import rule_changes
from helpdesk.pages.stream import FormFieldsBlock
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

KIND = p.question("choice", "kind", "Kind", choices={"now": "Now", "later": "Later"})
STREAM = FormFieldsBlock()
FIELDS = fields_of(STREAM.inputs(STREAM.to_python([KIND])))
NOW, LATER = ({"field": "kind", "op": "is", "value": one} for one in ("now", "later"))


def rule(id_, condition, **targets):
    empty = dict.fromkeys(("queue", "ticket_type", "priority", "owner"))
    value = {"condition": condition, **empty, **targets}
    return {"type": "route", "id": id_, "value": value}


def told(before, after):
    block = RoutesBlock()
    with translation.override("en"):
        return rule_changes(block.to_python(before), block.to_python(after), (FIELDS, FIELDS))


def test_rules_are_told_as_people_read_them():
    queue = f.QueueFactory(name="Print")
    first, last = rule("1", NOW, queue=queue.pk), rule("2", None)
    assert told([first, last], [first, last]) == []
    assert told([], [first]) == ["Rule 1 was added (if Kind is Now: Queue “Print”)"]
    assert told([first, last], [first]) == ["Rule 2 was removed (always: as the page says)"]
    assert told([first, last], [last, first]) in (
        ["Rule 1 is now rule 2"],
        ["Rule 2 is now rule 1"],
    )
    assert told([first], [rule("1", LATER, queue=queue.pk)]) == [
        "Rule 1 is now: if Kind is Later: Queue “Print” (it was: if Kind is Now: Queue “Print”)"
    ]
    gone = {"field": "gone", "op": "is", "value": "x"}
    [sentence] = told([], [rule("3", gone)])
    assert "something holds that is no longer known" in sentence


def test_the_comparison_of_two_versions_shows_no_raw_data(admin_client):
    page = p.make_form(p.make_site().services, [KIND])
    first = page.latest_revision_id
    queue = f.QueueFactory(name="Druck")
    page.routes = RoutesBlock().to_python([rule("1", NOW, queue=queue.pk)])
    second = page.save_revision().pk
    url = reverse("wagtailadmin_pages:revisions_compare", args=[page.pk, first, second])
    html = admin_client.get(url).content.decode()
    assert "Kind" in html
    assert "Druck" in html
    assert "&#x27;op&#x27;" not in html
