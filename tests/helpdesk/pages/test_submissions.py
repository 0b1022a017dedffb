from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.models import GroupPagePermission

from helpdesk.models import Ticket
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def page(tree):
    return p.make_form(tree.services, [p.question("text", "room", "Raum")])


def editor(tree, *, agent_of=None):
    user = f.make_agent(agent_of) if agent_of else f.UserFactory()
    group = Group.objects.create(name="Redaktion")
    group.permissions.add(*f.make_team().permissions.all())
    for right in ("add", "change", "publish"):
        GroupPagePermission.objects.create(group=group, page=tree.home, permission_type=right)
    user.groups.add(group)
    return user


def listing(client, page, **query):
    return client.get(reverse("wagtailforms:list_submissions", args=[page.pk]), query)


def test_editor_with_rights_in_the_queue_reads_the_tickets(client, tree, page):
    p.sent(client, page, q_room="4711")
    client.force_login(editor(tree, agent_of=page.queue))
    html = listing(client, page).content.decode()
    assert "4711" in html
    assert Ticket.objects.get().number in html


def test_editor_without_rights_sees_no_contents(client, tree, page):
    p.sent(client, page, q_room="4711")
    client.force_login(editor(tree))
    html = listing(client, page).content.decode()
    assert "4711" not in html
    assert Ticket.objects.get().number not in html


def test_agent_without_page_rights_does_not_get_the_list(client, page):
    client.force_login(f.make_agent(page.queue))
    response = listing(client, page)
    assert response.status_code in (302, 403)


@pytest.mark.parametrize(("is_agent", "rows"), [(True, 2), (False, 1)])
def test_export_holds_what_the_list_shows(client, tree, page, is_agent, rows):
    p.sent(client, page, q_room="4711")
    client.force_login(editor(tree, agent_of=page.queue if is_agent else None))
    response = listing(client, page, export="csv")
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == rows
    assert lines[0].endswith("Raum")


def test_answers_of_an_older_form_are_found_by_key(client, tree, page):
    p.sent(client, page, q_room="4711")
    page.fields[0].value["label"] = "Zimmer"
    page.save_revision().publish()
    client.force_login(editor(tree, agent_of=page.queue))
    html = listing(client, page).content.decode()
    assert "Zimmer" in html
    assert "4711" in html


def test_delete_address_of_submissions_deletes_no_ticket(client, tree, page):
    p.sent(client, page)
    client.force_login(editor(tree, agent_of=page.queue))
    url = reverse("wagtailforms:delete_submissions", args=[page.pk])
    ids = [str(pk) for pk in Ticket.objects.values_list("pk", flat=True)]
    client.post(f"{url}?selected-submissions={'&selected-submissions='.join(ids)}")
    assert Ticket.objects.count() == 1


def test_forms_are_listed_for_their_editors(client, tree, page):
    client.force_login(editor(tree))
    assert page.title in client.get(reverse("wagtailforms:index")).content.decode()


def test_list_uses_a_constant_number_of_queries(client, tree, page, django_assert_max_num_queries):
    for number in range(2):
        p.sent(client, page, q_room=str(number))
    visitor = editor(tree, agent_of=page.queue)
    client.force_login(visitor)
    listing(client, page)
    with CaptureQueriesContext(connection) as queries:
        listing(client, page)
    few = len(queries)
    client.logout()
    for number in range(10):
        p.sent(client, page, q_room=str(number))
    client.force_login(visitor)
    listing(client, page)
    with django_assert_max_num_queries(few):
        listing(client, page)
