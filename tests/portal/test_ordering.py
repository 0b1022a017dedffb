"""What this site adds to orders of queues: drafts of pages in both languages, and accounts that a log-in takes."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from helpdesk import actions, permissions
from helpdesk.models import OrderSettings, QueueOrder
from portal.doors.matching import admit
from portal.doors.person import Proven
from portal.models import IntakeFormPage, NameFrom, QueuePage, User
from tests import factories as f
from tests import page_factories as p
from tests.helpdesk.actions.test_ordering import WANTED, ordered

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket():
    queue = f.QueueFactory(slug="orders")
    OrderSettings(domains="desk.example", queue=queue).save()
    return ordered(queue)


@pytest.fixture
def root(ticket):
    return permissions.agent(f.UserFactory(username="root", is_superuser=True))


@pytest.mark.parametrize("door", ["ldap", "oidc", "saml"])
def test_a_later_log_in_by_any_door_takes_the_account_and_works_in_the_queue(ticket, root, door):
    order = actions.approve_order(actor=root, ticket=ticket)
    ahead = User.objects.get(username="adbyr100")
    user = admit(
        Proven(door, "adbyr100", "Augusta", "King", ("ada.byron@uni.example",), subject=f"{door}-1")
    )
    assert user.pk == ahead.pk
    assert user.name_from == NameFrom.DOOR
    assert user.groups.get().name == "Prüfungsamt"
    assert permissions.can(permissions.agent(user), "answer", order.queue)


def test_drafts_in_each_language_in_which_there_is_a_page_above(ticket, root):
    tree = p.make_site()
    service = p.make_service(tree.home, "Studium")
    english = service.copy_for_translation(tree.english.locale)
    english.title = "Studies"
    english.save_revision().publish()
    QueueOrder.objects.update(page=service.page_ptr)
    actions.approve_order(actor=root, ticket=ticket)
    pages = QueuePage.objects.order_by("locale__language_code")
    assert [(row.locale.language_code, row.live, row.get_parent().pk) for row in pages] == [
        ("de", False, service.pk),
        ("en", False, english.pk),
    ]
    assert len({row.translation_key for row in pages}) == 1
    forms = list(IntakeFormPage.objects.order_by("locale__language_code"))
    assert [row.live for row in forms] == [False, False]
    assert [(row.title, row.slug) for row in forms] == [
        ("Schreiben Sie uns", "schreiben-sie-uns"),
        ("Write to us", "write-to-us"),
    ]
    assert [row.get_parent().pk for row in forms] == [row.pk for row in pages]
    assert len({row.translation_key for row in forms}) == 1
    drafts = [row.get_latest_revision_as_object() for row in forms]
    keys = [[key for key, _label in draft.get_data_fields()] for draft in drafts]
    assert keys[0] == keys[1]
    # once more: they are found, wherever an editor has moved them
    actions.approve_order(actor=root, ticket=ticket)
    assert (QueuePage.objects.count(), IntakeFormPage.objects.count()) == (2, 2)
    # published as they are, the form takes requests into the queue
    drafts[0].save_revision().publish()
    pages[0].save_revision().publish()
    assert IntakeFormPage.objects.live().get().queue.name == WANTED.name


def test_a_page_that_cannot_hold_one_is_in_the_way(ticket, root):
    tree = p.make_site()
    article = p.make_article(tree.home)
    QueueOrder.objects.update(page=article.page_ptr)
    plan = actions.plan_of(QueueOrder.objects.get(), root)
    assert [step.part for step in actions.in_the_way(plan)] == ["page"]
    assert not Group.objects.filter(name="Prüfungsamt").exists()
