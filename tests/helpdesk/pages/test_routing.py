"""Where a request goes by what was answered."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from wagtail.models import GroupPagePermission, Locale, Page

from helpdesk.models import Priority, QueueRight, Right, Team, Ticket, TicketType
from helpdesk.pages import routing
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

FIELDS = [
    p.question("text", "room", "Raum", required=True),
    p.question("choice", "kind", "Art", choices={"paper": "Papier", "toner": "Toner"}),
    p.question("yes_no", "urgent", "Eilt es?"),
    p.question("date", "day", "Seit wann"),
    p.question("choices", "floors", "Stockwerke", choices={"one": "Erster", "two": "Zweiter"}),
]


def rule(condition=None, **to):
    value = {"condition": condition} | {
        name: to[name].pk if name in to else None
        for name in ("queue", "ticket_type", "priority", "owner")
    }
    return {"type": "route", "value": value}


def asks(field, op, value):
    return {"field": field, "op": op, "value": value}


TONER = asks("kind", "is", "toner")


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def stores(db):
    return f.QueueFactory(name="Lager")


def form_with(tree, *rules, fields=FIELDS, **options):
    return p.make_form(tree.services, fields, routes=json.dumps(rules), **options)


def test_without_rules_the_page_says_where(client, tree):
    page = form_with(tree)
    p.sent(client, page)
    ticket = Ticket.objects.get()
    assert (ticket.queue, ticket.owner, ticket.type) == (page.queue, None, None)


def test_a_rule_gives_queue_type_priority_and_owner(client, tree, stores):
    owner, type_ = (
        f.make_agent(stores),
        TicketType.objects.create(name_de="Bestellung", name_en="Order"),
    )
    priority = Priority.objects.order_by("-level").first()
    page = form_with(
        tree, rule(TONER, queue=stores, ticket_type=type_, priority=priority, owner=owner)
    )
    p.sent(client, page, q_kind="toner")
    ticket = Ticket.objects.get()
    assert (ticket.queue, ticket.type, ticket.priority) == (stores, type_, priority)
    assert ticket.owner == owner
    p.sent(client, page, q_kind="paper")
    other = Ticket.objects.exclude(pk=ticket.pk).get()
    assert (other.queue, other.type, other.owner) == (page.queue, None, None)


def test_the_first_rule_that_holds_decides_alone(client, tree, stores):
    urgent, last = f.QueueFactory(), f.QueueFactory()
    type_ = TicketType.objects.create(name_de="Eilt", name_en="Urgent")
    page = form_with(
        tree,
        rule(asks("urgent", "is", True), ticket_type=type_),
        rule(TONER, queue=stores),
        rule(queue=urgent),
        rule(queue=last),
    )
    p.sent(client, page, q_kind="toner", q_urgent="yes")
    p.sent(client, page, q_kind="toner")
    p.sent(client, page, q_kind="paper")
    found = [(one.queue, one.type) for one in Ticket.objects.order_by("pk")]
    assert found == [(page.queue, type_), (stores, None), (urgent, None)]


@pytest.mark.parametrize(
    ("condition", "answer", "holds"),
    [
        (asks("room", "contains", "12"), {"q_room": "12.3"}, True),
        (asks("room", "contains", "99"), {"q_room": "12.3"}, False),
        (asks("day", "before", "2026-01-01"), {"q_day": "2025-12-31"}, True),
        (asks("day", "before", "2026-01-01"), {"q_day": "2026-01-01"}, False),
        (asks("day", "before", "2026-01-01"), {}, False),
        (asks("floors", "is", "two"), {"q_floors": ["one", "two"]}, True),
        (asks("urgent", "is", False), {}, False),
        ({"not": asks("urgent", "is", True)}, {}, True),
        ({"any": [TONER, asks("urgent", "is", True)]}, {"q_urgent": "yes"}, True),
        (asks("gone", "is", "x"), {}, False),
    ],
)
def test_conditions_ask_about_answers(client, tree, stores, condition, answer, holds):
    page = form_with(tree, rule(condition, queue=stores))
    p.sent(client, page, **answer)
    assert (Ticket.objects.get().queue == stores) is holds


def test_an_owner_without_the_right_loses_no_request(client, tree, stores):
    owner = f.make_agent(stores, rights=[Right.READ, Right.NOTE])
    page = form_with(tree, rule(queue=stores, owner=owner))
    p.sent(client, page)
    ticket = Ticket.objects.get()
    assert (ticket.queue, ticket.owner) == (stores, None)
    assert str(owner) in page.route_problems()[0]


def test_who_loses_the_right_or_the_account_owns_nothing_more(client, tree, stores):
    owner, other = f.make_agent(stores), f.make_agent(stores)
    page = form_with(tree, rule(TONER, queue=stores, owner=owner), rule(queue=stores, owner=other))
    assert page.route_problems() == []
    owner.is_active = False
    owner.save()
    other.delete()
    p.sent(client, page, q_kind="toner")
    p.sent(client, page, q_kind="paper")
    assert [one.owner for one in Ticket.objects.all()] == [None, None]


def test_what_the_visitor_read_of_storage_holds_wherever_it_goes(client, tree, stores):
    stores.retention_days = 7
    stores.save()
    page = form_with(tree, rule(queue=stores), retention_days=99)
    shown = client.get(page.url).context["retention_sentence"]
    p.sent(client, page)
    ticket = Ticket.objects.get()
    assert (ticket.retention_days, ticket.retention_sentence) == (99, shown)


def test_a_removed_queue_or_type_leaves_what_the_page_says(client, tree, stores):
    type_ = TicketType.objects.create(name_de="Weg", name_en="Gone")
    page = form_with(tree, rule(queue=stores, ticket_type=type_))
    stores.delete()
    type_.delete()
    p.sent(client, page)
    assert Ticket.objects.get().queue == page.queue


@pytest.mark.parametrize("how", ["copy", "translation", "alias"])
def test_rules_go_along_with_copies_and_translations(client, tree, stores, how):
    page = form_with(tree, rule(TONER, queue=stores))
    if how == "translation":
        english = Locale.objects.get(language_code="en")
        tree.services.copy_for_translation(english).save_revision().publish()
        page.copy_for_translation(english).save_revision().publish()
        other = IntakeFormPage.objects.get(locale=english)
    elif how == "alias":
        other = page.create_alias(update_slug="zweiter").specific
    else:
        other = page.copy(update_attrs={"slug": "zweite", "title": "Zweite"})
    other = IntakeFormPage.objects.get(pk=other.pk)
    assert other.routes[0].value["queue"] == stores
    response = p.sent(client, other, q_kind="toner")
    assert response.status_code == 302
    assert Ticket.objects.get().queue == stores


def test_rules_cost_the_same_however_many(tree, stores, django_assert_max_num_queries):
    many = [rule(asks("room", "is", str(n)), queue=stores) for n in range(200)]
    page = form_with(tree, *many)
    answers = ({"key": "room", "value": "none", "type": "text"},)
    with django_assert_max_num_queries(6):
        assert IntakeFormPage.objects.get(pk=page.pk).routed(answers).rule is None


# --- the editor ----------------------------------------------------------------------------------


@pytest.fixture
def editor(tree):
    user = f.UserFactory()
    group = f.make_team()
    for kind in ("add_page", "change_page", "publish_page"):
        GroupPagePermission.objects.create(
            group=group, page=tree.home, permission=_permission(kind)
        )
    user.groups.add(group)
    return user


def _permission(codename):
    return Permission.objects.get(codename=codename, content_type__app_label="wagtailcore")


def edit_form(page, user, **changes):
    form_class = IntakeFormPage.get_edit_handler().get_form_class()
    return form_class(
        data=changes or None, instance=page, for_user=user, parent_page=page.get_parent()
    )


def test_editors_may_choose_the_queues_of_the_pages_department(tree, editor, stores):
    inside = f.QueueFactory(parent=stores)
    page = form_with(tree)
    assert {stores, inside, page.queue} <= set(edit_form(page, editor).fields["queue"].queryset)
    f.make_department("Materialwirtschaft", stores, page=tree.services.page_ptr)
    # what is chosen already stays
    assert set(edit_form(page, editor).fields["queue"].queryset) == {stores, inside, page.queue}
    boss = f.UserFactory(is_superuser=True)
    outside = f.QueueFactory()
    assert outside in edit_form(page, boss).fields["queue"].queryset


def test_a_departments_editor_leads_pages_of_nobody_to_its_own_queues(tree, editor, stores):
    inside = f.QueueFactory(parent=stores)
    page = form_with(tree)
    [group] = editor.groups.all()
    department = f.make_department("Materialwirtschaft", stores)
    Team.objects.update_or_create(group=group, defaults={"department": department})
    offered = set(edit_form(page, editor).fields["queue"].queryset)
    assert offered == {stores, inside, page.queue}  # the one chosen before stays
    # a right for the whole site counts more
    other = f.make_team()
    GroupPagePermission.objects.create(group=other, page=tree.home, permission=_permission("change_page"))  # fmt: skip
    editor.groups.add(other)
    assert f.QueueFactory() in edit_form(page, editor).fields["queue"].queryset


def test_rules_lead_only_inside_the_department(tree, stores):
    outside, held = f.QueueFactory(), f.QueueFactory()
    page = form_with(tree, rule(queue=stores), rule(queue=outside), rule(queue=held))
    offered = type(stores).objects.filter(pk=stores.pk)
    error = routing.foreign_routes(page.routes, offered, {held.pk})
    assert set(error.block_errors) == {1}


def test_owners_offered_are_those_who_may_own_somewhere(stores):
    owner = f.make_agent(stores)
    f.make_agent(stores, rights=[Right.READ])
    f.UserFactory()
    f.make_agent(stores, is_active=False)
    block = routing.RouteBlock().child_blocks["owner"]
    assert [user.pk for user in block.field.queryset.all()] == [owner.pk]
    QueueRight.objects.all().delete()
    assert not block.field.queryset.all().exists()


def test_wrong_rules_are_errors_at_their_place(tree, stores):
    stranger = f.make_agent(f.QueueFactory())
    page = form_with(
        tree,
        rule(TONER, queue=stores),
        rule(asks("gone", "is", "x"), queue=stores),
        rule(queue=stores, owner=stranger),
    )
    errors = page.route_error().block_errors
    assert set(errors) == {1, 2}
    assert set(errors[1].block_errors) == {"condition"}
    assert set(errors[2].block_errors) == {"owner"}


def test_the_page_editor_opens_with_rules(admin_client, tree, stores):
    page = form_with(tree, rule(TONER, queue=stores))
    answer = admin_client.get(reverse("wagtailadmin_pages:edit", args=[page.pk]))
    assert answer.status_code == 200
    assert "Lager" in answer.content.decode()
    new = reverse("wagtailadmin_pages:add", args=["portal", "intakeformpage", tree.home.pk])
    assert admin_client.get(new).status_code == 200
    assert Page.objects.get(pk=page.pk).specific.routes[0].value["queue"] == stores


# --- a rule that nobody can read any more, into a confidential queue -------------------------------

GONE = asks("gone", "is", True)


@pytest.fixture
def secret(db):
    return f.QueueFactory(name="Ombudsstelle", is_confidential=True)


def test_what_may_be_confidential_is_not_shown_to_everybody(client, tree, stores, secret):
    page = form_with(tree, rule(TONER, queue=stores), rule(GONE, queue=secret), rule(queue=stores))
    p.sent(client, page, q_kind="paper")
    assert Ticket.objects.get().queue == secret
    # what an earlier rule says holds as ever
    p.sent(client, page, q_kind="toner")
    assert Ticket.objects.latest("pk").queue == stores
    answers = Ticket.objects.earliest("pk").answers
    route = page.routed(answers)
    assert (route.rule, bool(route.problem)) == (2, True)


def test_a_confidential_queue_inherits_that(client, tree, secret):
    inside = f.QueueFactory(parent=secret)
    p.sent(client, form_with(tree, rule(GONE, queue=inside)))
    assert Ticket.objects.get().queue == inside


def test_a_confidential_queue_found_by_another_rule_stays(client, tree, secret):
    other = f.QueueFactory(is_confidential=True)
    page = form_with(tree, rule(GONE, queue=secret), rule(queue=other))
    p.sent(client, page)
    assert Ticket.objects.get().queue == other
    p.sent(client, form_with(tree, rule(GONE, queue=secret), queue=other, title="Zweites"))
    assert Ticket.objects.latest("pk").queue == other


def test_a_rule_that_nobody_can_read_leads_to_no_open_queue(client, tree, stores):
    page = form_with(tree, rule(GONE, queue=stores))
    p.sent(client, page)
    assert Ticket.objects.get().queue == page.queue
