"""Agents who edit no pages see the help desk and nothing else; editors who are no agents see no ticket anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import reverse
from wagtail.admin.menu import admin_menu
from wagtail.admin.search import admin_search_areas
from wagtail.log_actions import log
from wagtail.models import GroupPagePermission, ReferenceIndex

from helpdesk import actions, permissions
from helpdesk.agents.menu import GROUPS
from helpdesk.models import Ticket
from tests import factories as f
from tests import page_factories as p

from .conftest import browser
from .test_walls import addresses, fill

pytestmark = pytest.mark.django_db

OURS = {"bell", *(group.name for group in GROUPS)}


def menu_of(user: Any) -> set[str]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return {item.name for item in admin_menu.menu_items_for_request(request)}


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def form(tree):
    return p.make_form(tree.services, queue=f.QueueFactory(name="Zebra-queue"))


@pytest.fixture
def editor(tree) -> Any:
    """Somebody who may do everything with pages, pictures and forms, and has no right in any queue."""
    user = f.UserFactory(username="dohle")
    group = Group.objects.create(name="Redaktion")
    group.permissions.add(*f.make_team().permissions.all())
    for right in ("add", "change", "publish", "lock", "unlock", "bulk_delete"):
        GroupPagePermission.objects.create(group=group, page=tree.home, permission_type=right)
    user.groups.add(group)
    return user


@pytest.fixture
def ticket(client, form) -> Ticket:
    """A ticket that came by the editor's own form, and lived a little."""
    p.sent(Client(), form, q_room="Zebra-room")
    ticket = Ticket.objects.get()
    actions.rename(actor=permissions.SYSTEM, ticket=ticket, subject="Zebra-subject")
    log(instance=ticket.queue, action="wagtail.edit")
    log(instance=ticket.customer, action="wagtail.edit")
    return ticket


# --- agents without pages


def test_an_agent_s_menu_is_the_help_desk(red):
    assert menu_of(red.agent) <= OURS
    assert {"bell", "desk-work"} <= menu_of(red.agent)


def test_a_plain_agent_sees_no_settings_and_no_search_of_pages(red):
    user = f.make_agent(red.queue, rights=["read", "answer"])
    assert menu_of(user) == {"bell", "desk-work"}
    request = RequestFactory().get("/admin/")
    request.user = user
    assert admin_search_areas.search_items_for_request(request) == []


def test_an_agent_s_first_page_holds_no_panel_of_pages(red, tree):
    page = red.client.get("/admin/").content.decode()
    assert tree.home.title not in page
    assert "/admin/pages/add/" not in page
    assert "w-summary__item" not in page


@pytest.mark.parametrize(
    "where",
    [
        "pages/",
        "reports/site-history/",
        "reports/locked/",
        "images/",
        "documents/",
        "users/",
        "groups/",
    ],
)
def test_what_is_not_in_the_menu_is_not_behind_its_address_either(red, tree, where):
    answer = red.client.get(f"/admin/{where}")
    page = answer.content.decode()
    assert answer.status_code in (302, 403, 404) or "Ticketdienst" not in page
    assert tree.home.title not in page


def test_an_editor_s_menu_stays_as_it_is(editor):
    assert {"explorer", "reports", "help"} <= menu_of(editor)
    assert menu_of(editor) & OURS == set()


def test_who_is_both_sees_both(editor):
    editor.groups.add(f.make_team(f.QueueFactory()))
    assert {"explorer", "reports", "help", "desk-work"} <= menu_of(editor)


# --- editors without rights in queues


def editors_pages(form: Any) -> list[str]:
    """Where Wagtail tells editors what exists and what happened."""
    page = [form.pk]
    return [
        "/admin/",
        "/admin/pages/",
        reverse("wagtailadmin_explore", args=[form.get_parent().pk]),
        reverse("wagtailadmin_pages:edit", args=page),
        reverse("wagtailadmin_pages:history", args=page),
        reverse("wagtailadmin_pages:usage", args=page),
        reverse("wagtailadmin_pages:delete", args=page),
        reverse("wagtailadmin_pages:search") + "?q=zebra",
        reverse("wagtailadmin_reports:site_history"),
        reverse("wagtailadmin_reports:locked_pages"),
        reverse("wagtailadmin_reports:aging_pages"),
        reverse("wagtailforms:index"),
        reverse("wagtailforms:list_submissions", args=page),
        reverse("wagtailforms:list_submissions", args=page) + "?export=csv",
        reverse("wagtailadmin_account"),
    ]


def test_an_editor_sees_no_ticket_anywhere(editor, form, ticket):
    client = browser(editor)
    words = (ticket.number, "Zebra-subject", "Zebra-room", str(ticket.customer), "ada@mail.example")
    for url in editors_pages(form):
        answer = client.get(url)
        assert answer.status_code in (200, 302), url
        body = b"".join(answer) if answer.streaming else answer.content
        page = body.decode().replace("q=zebra", "")
        assert [word for word in words if word in page] == [], url


def test_the_same_pages_would_show_it_to_who_is_an_agent_as_well(editor, form, ticket):
    editor.groups.add(f.make_team(ticket.queue))
    page = browser(editor).get(reverse("wagtailforms:list_submissions", args=[form.pk]))
    assert ticket.number in page.content.decode()


def test_no_address_of_the_help_desk_opens_for_an_editor(editor, blue):
    client = browser(editor)
    for url in addresses(fill(blue)):
        for answer in (client.get(url), client.post(url)):
            assert answer.status_code in (302, 404, 405), url


def test_the_reference_index_knows_no_ticket(form, ticket):
    assert not ReferenceIndex.is_indexed(ticket)
    names = set(ReferenceIndex.objects.values_list("base_content_type__model", flat=True))
    assert names & {"ticket", "article", "customer", "event"} == set()
    assert not ReferenceIndex.get_references_to(form).exists()
