"""Forms through Wagtail's own screens: workflow, schedule, lock, alias, copy, translation; and no ticket changes."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import (
    GroupApprovalTask,
    GroupPagePermission,
    Workflow,
    WorkflowPage,
    WorkflowTask,
)
from wagtail.test.utils.form_data import rich_text

from helpdesk.models import Answer, Ticket
from helpdesk.pages import form_version
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def page(tree):
    return p.make_form(tree.services, [p.question("text", "room", "Raum", required=True)])


def member(tree, name, *rights) -> Any:
    """Return the browser of somebody in a group with rights on all pages, and with the group itself."""
    user, group = f.UserFactory(username=name), Group.objects.create(name=name)
    group.permissions.add(*f.make_team().permissions.all())
    for right in rights:
        GroupPagePermission.objects.create(group=group, page=tree.home, permission_type=right)
    user.groups.add(group)
    browser = Client()
    browser.force_login(user)
    browser.user, browser.group = user, group
    return browser


@pytest.fixture
def editor(tree):
    return member(tree, "dohle", "add", "change")


@pytest.fixture
def moderator(tree):
    return member(tree, "heron", "add", "change", "publish", "lock", "unlock")


@pytest.fixture
def workflow(tree, moderator):
    flow = Workflow.objects.create(name="Vier Augen")
    task = GroupApprovalTask.objects.create(name="Freigabe")
    task.groups.add(moderator.group)
    WorkflowTask.objects.create(workflow=flow, task=task, sort_order=0)
    WorkflowPage.objects.create(workflow=flow, page=tree.home)
    return flow


def edit_url(page):
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def sent_by_editor(browser, page, labels, **changes):
    """Save the form in the page editor with text fields by key and label, as the browser would send it."""
    shown = browser.get(edit_url(page)).context["form"]
    data: dict[str, Any] = {}
    for name, field in shown.fields.items():
        value = shown[name].value()
        if hasattr(field, "block"):
            data[f"{name}-count"] = "0"
        elif "Draftail" in type(field.widget).__name__:
            data[name] = rich_text(str(value or ""))
        elif value not in (None, False):
            data[name] = value
    for formset in shown.formsets.values():
        for form in formset.management_form:
            data[form.html_name] = form.value()
    data["fields-count"] = str(len(labels))
    for number, (key, label) in enumerate(labels.items()):
        block = {"type": "text", "deleted": "", "order": str(number), "id": ""}
        data |= {f"fields-{number}-{name}": text for name, text in block.items()}
        data |= {
            f"fields-{number}-value-{name}": text
            for name, text in {"label": label, "help_text": "", "key": key}.items()
        }
    return browser.post(edit_url(page), {**data, **changes})


def asked(page):
    """Return what a visitor is asked by the live form."""
    form = Client().get(IntakeFormPage.objects.get(pk=page.pk).url).context["form"]
    return [str(field.label) for name, field in form.fields.items() if name.startswith("q_")]


def told(browser, response):
    """Tell whether the findings about a form are among the messages of the next screen."""
    words = [str(one) for one in get_messages(response.wsgi_request)]
    return any("Zu diesem Formular" in one or "To know about this form" in one for one in words)


def frozen():
    return list(
        Ticket.objects.order_by("pk").values("pk", "subject", "answers", "queue", "state", "form_key")
    ), list(Answer.objects.order_by("pk").values("ticket", "key", "text"))  # fmt: skip


def test_editor_submits_and_moderator_publishes(client, page, editor, moderator, workflow):
    p.sent(client, page)
    before = frozen()
    response = sent_by_editor(
        editor, page, {"room": "Zimmer", "more": "Mehr"}, **{"action-submit": "1"}
    )
    assert response.status_code == 302, response.context["form"].errors
    assert asked(page) == ["Raum"]
    # what it brings is told when it is handed over, and when it is approved in the editor
    assert told(editor, response)
    saved = sent_by_editor(editor, page, {"room": "Zimmer", "more": "Mehr"})
    assert not told(editor, saved)
    # who may not publish cannot approve either
    state = page.current_workflow_task_state
    approve = reverse("wagtailadmin_pages:workflow_action", args=[page.pk, "approve", state.pk])
    editor.post(approve, {"comment": ""})
    assert asked(page) == ["Raum"]
    compare = reverse(
        "wagtailadmin_pages:revisions_compare", args=[page.pk, "live", state.revision_id]
    )
    html = moderator.get(compare).content.decode()
    assert "Zimmer" in html
    assert "Mehr" in html
    moderator.post(approve, {"comment": "Gut"})
    assert asked(page) == ["Zimmer", "Mehr"]
    assert frozen() == before


def test_editor_alone_cannot_publish(page, editor, workflow):
    sent_by_editor(editor, page, {"room": "Zimmer"}, **{"action-publish": "1"})
    assert asked(page) == ["Raum"]


def test_moderator_reads_what_publishing_brings(client, page, moderator):
    p.sent(client, page, q_room="4711")
    response = sent_by_editor(moderator, page, {"other": "Anderes"}, **{"action-publish": "1"})
    assert response.status_code == 302, response.context["form"].errors
    html = moderator.get(response["Location"], follow=True).content.decode()
    assert "„Raum“" in html or "“Raum”" in html
    assert asked(page) == ["Anderes"]
    # afterwards there is nothing left to tell about it
    assert "“Raum”" not in moderator.get(edit_url(page)).content.decode()


def test_schedule_publishes_and_withdraws(client, page, moderator, time_machine):
    soon = timezone.localtime(timezone.now() + timedelta(hours=2))
    later = soon + timedelta(hours=2)
    response = sent_by_editor(
        moderator,
        page,
        {"room": "Zimmer"},
        go_live_at=soon.strftime("%Y-%m-%d %H:%M"),
        expire_at=later.strftime("%Y-%m-%d %H:%M"),
        **{"action-publish": "1"},
    )
    assert response.status_code == 302, response.context["form"].errors
    p.sent(client, page)
    before = frozen()
    assert asked(page) == ["Raum"]
    time_machine.move_to(soon + timedelta(minutes=2))
    call_command("publish_scheduled")
    assert asked(page) == ["Zimmer"]
    time_machine.move_to(later + timedelta(minutes=2))
    call_command("publish_scheduled")
    assert Client().get(page.url).status_code == 404
    assert frozen() == before


def test_locked_form_refuses_changes_and_still_takes_requests(client, page, editor, moderator):
    moderator.post(reverse("wagtailadmin_pages:lock", args=[page.pk]))
    page.refresh_from_db()
    assert page.locked
    sent_by_editor(editor, page, {"room": "Zimmer"}, **{"action-publish": "1"})
    assert page.get_latest_revision_as_object().fields[0].value["label"] == "Raum"
    assert p.sent(client, page).status_code == 302
    moderator.post(reverse("wagtailadmin_pages:unlock", args=[page.pk]))
    page.refresh_from_db()
    assert not page.locked
    response = sent_by_editor(editor, page, {"room": "Zimmer"})
    assert response.status_code == 302, response.context["form"].errors
    page = IntakeFormPage.objects.get(pk=page.pk)
    assert page.get_latest_revision_as_object().fields[0].value["label"] == "Zimmer"


def test_alias_shows_its_source_and_counts_to_the_same_form(client, tree, page, moderator):
    parent = p.make_service(tree.services)
    url = reverse("wagtailadmin_pages:copy", args=[page.pk])
    moderator.post(
        url,
        {
            "new_title": "x",
            "new_slug": "spiegel",
            "new_parent_page": str(parent.pk),
            "alias": "on",
        },
    )
    alias = IntakeFormPage.objects.get(slug="spiegel")
    assert alias.alias_of_id == page.pk
    sent_by_editor(moderator, page, {"room": "Zimmer"}, **{"action-publish": "1"})
    assert asked(alias) == ["Zimmer"]
    p.sent(client, alias, q_room="4711")
    ticket = Ticket.objects.get()
    assert ticket.form_key == page.translation_key
    assert ticket.revision_id == IntakeFormPage.objects.get(pk=page.pk).live_revision_id
    agent = f.make_agent(page.queue)
    agent.groups.add(moderator.group)
    client.force_login(agent)
    for one in (page, alias):
        tickets = reverse("wagtailforms:list_submissions", args=[one.pk])
        assert ticket.number in client.get(tickets).content.decode()
    again = alias.create_alias(parent=p.make_service(tree.services, "Scannen"))
    assert again.specific.form_key == page.translation_key


def test_tickets_of_aliases_are_brought_to_their_form(client, tree, page):
    alias = page.create_alias(parent=p.make_service(tree.services))
    p.sent(client, alias)
    p.sent(client, page, q_room="2")
    Ticket.objects.filter(page=alias).update(form_key=alias.translation_key)
    migration = importlib.import_module("helpdesk.migrations.0020_answers")
    migration.count_aliases_to_their_source(apps, None)
    assert set(Ticket.objects.values_list("form_key", flat=True)) == {page.translation_key}


def test_copy_is_a_form_of_its_own_with_the_same_keys(client, tree, page, moderator):
    url = reverse("wagtailadmin_pages:copy", args=[page.pk])
    parent = p.make_service(tree.services)
    data = {"new_title": "Kopie", "new_slug": "kopie", "new_parent_page": str(parent.pk)}
    response = moderator.post(url, {**data, "publish_copies": "on"})
    assert response.status_code == 302, response.context["form"].errors
    copy = IntakeFormPage.objects.get(slug="kopie")
    assert copy.translation_key != page.translation_key
    assert copy.get_data_fields() == page.get_data_fields()
    p.sent(client, copy)
    assert Ticket.objects.get().form_key == copy.translation_key
    before = frozen()
    sent_by_editor(moderator, copy, {"room": "Zimmer"}, **{"action-publish": "1"})
    assert asked(page) == ["Raum"]
    assert frozen() == before


@pytest.mark.parametrize("act", ["unpublish", "move", "delete", "revert"])
def test_what_happens_to_the_page_changes_no_ticket(client, tree, page, moderator, act):
    GroupPagePermission.objects.create(
        group=moderator.group, page=tree.home, permission_type="bulk_delete"
    )
    first = page.live_revision_id
    p.sent(client, page, q_room="4711")
    sent_by_editor(moderator, page, {"other": "Anderes"}, **{"action-publish": "1"})
    before = frozen()
    if act == "unpublish":
        moderator.post(reverse("wagtailadmin_pages:unpublish", args=[page.pk]))
        assert not IntakeFormPage.objects.get(pk=page.pk).live
    elif act == "move":
        goal = p.make_service(tree.services)
        moderator.post(reverse("wagtailadmin_pages:move_confirm", args=[page.pk, goal.pk]))
        assert IntakeFormPage.objects.get(pk=page.pk).get_parent().pk == goal.pk
    elif act == "delete":
        moderator.post(reverse("wagtailadmin_pages:delete", args=[page.pk]))
        assert not IntakeFormPage.objects.filter(pk=page.pk).exists()
    else:
        sent_by_editor(
            moderator, page, {"room": "Raum"}, revision=str(first), **{"action-publish": "1"}
        )
        assert asked(page) == ["Raum"]
    assert frozen() == before


def test_agent_reads_what_the_form_says_otherwise_today(client, tree, page, moderator):
    p.sent(client, page, q_room="4711")
    ticket = Ticket.objects.get()
    screen = reverse("helpdesk_agents:ticket", args=[ticket.pk])
    agent = f.make_agent(page.queue)
    client.force_login(agent)
    assert "compare/" not in client.get(screen).content.decode()
    sent_by_editor(
        moderator, page, {"room": "<b>Zimmer</b>", "m": "Mehr"}, **{"action-publish": "1"}
    )
    html = client.get(screen).content.decode()
    assert "&lt;b&gt;Zimmer&lt;/b&gt;" in html
    assert "Mehr" in html
    assert "compare/" not in html
    agent.groups.add(moderator.group)
    html = client.get(screen).content.decode()
    link = reverse(
        "wagtailadmin_pages:revisions_compare", args=[page.pk, ticket.revision_id, "live"]
    )
    assert link in html
    assert client.get(link).status_code == 200
    IntakeFormPage.objects.get(pk=page.pk).delete()
    assert client.get(screen).status_code == 200


def test_what_became_of_the_form_costs_the_same_however_much_changed(client, page):
    p.sent(client, page, q_room="4711")
    user = f.UserFactory(is_superuser=True)

    def cost(count):
        fields = [("text", {"label": f"Feld {n}", "key": f"k{n}"}) for n in range(count)]
        form = IntakeFormPage.objects.get(pk=page.pk)
        form.fields = fields
        form.save_revision().publish()
        ticket = Ticket.objects.get()
        with CaptureQueriesContext(connection) as queries:
            html = form_version.since(ticket, user)
        assert "Feld 0" in html
        assert html.count("<li>") <= form_version.TOLD + 1
        return len(queries)

    cost(2)
    assert cost(2) == cost(60)


def test_ticket_whose_form_or_version_is_gone_says_nothing(client, page):
    p.sent(client, page, q_room="4711")
    user = f.UserFactory(is_superuser=True)
    assert "<li>" not in form_version.since(Ticket.objects.get(), user)
    Ticket.objects.update(revision=None)
    assert form_version.since(Ticket.objects.get(), user) is None
    assert form_version.since(f.make_ticket(), user) is None
