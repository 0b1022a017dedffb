"""Which teams an administrator may change, and what they can give."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from wagtail.models import (
    Collection,
    GroupApprovalTask,
    GroupCollectionPermission,
    GroupPagePermission,
    Page,
    PageViewRestriction,
)

from helpdesk import permissions
from helpdesk.models import Queue, QueueRight, Right
from helpdesk.permissions import changeable_teams, may_place, usable
from tests import factories as f

pytestmark = pytest.mark.django_db

LOCAL = [Right.READ, Right.NOTE, Right.ADMINISTER]


@pytest.fixture
def law():
    return f.make_department("Law")


@pytest.fixture
def head(law):
    return permissions.agent(f.make_agent(law.queue, rights=LOCAL))


def page_right(team):
    GroupPagePermission.objects.create(
        group=team,
        page=Page.objects.first(),
        permission=Permission.objects.get(codename="change_page"),
    )


def collection_right(team):
    permission = Permission.objects.get(codename="add_image")
    collection = Collection.get_first_root_node()
    GroupCollectionPermission.objects.create(
        group=team, collection=collection, permission=permission
    )


def reads_private_pages(team):
    restriction = PageViewRestriction.objects.create(
        page=Page.objects.first(), restriction_type="groups"
    )
    restriction.groups.add(team)


BEYOND = {
    "page right": page_right,
    "collection right": collection_right,
    "model permission": lambda team: team.permissions.add(
        Permission.objects.get(codename="change_user")
    ),
    "private pages": reads_private_pages,
    "approval": lambda team: GroupApprovalTask.objects.create(name="Look").groups.add(team),
    "superuser": lambda team: team.user_set.add(f.UserFactory(is_superuser=True)),
    "right the head lacks": lambda team: QueueRight.objects.create(
        group=team, queue=team.queue_rights.first().queue, right=Right.MANAGE
    ),
    "right elsewhere": lambda team: QueueRight.objects.create(
        group=team, queue=f.QueueFactory(), right=Right.READ
    ),
    "no department": lambda team: team.team.delete(),
}


@pytest.mark.parametrize("what", BEYOND)
def test_a_team_with_more_than_the_departments_rights_is_not_the_heads(law, head, what):
    team = f.join(f.make_team(law.queue, rights=[Right.NOTE]), law)
    assert changeable_teams(head) == {team.pk}
    BEYOND[what](team)
    assert changeable_teams(head) == frozenset()
    root = permissions.agent(f.UserFactory(is_superuser=True))
    assert team.pk in changeable_teams(root)


def test_a_department_within_another_is_looked_after_from_above(law, head):
    institute = f.make_department("Institute", f.QueueFactory(parent=law.queue))
    team = f.join(f.make_team(institute.queue, rights=[]), institute)
    assert changeable_teams(head) == {team.pk}
    other = f.join(f.make_team(rights=[]), f.make_department("Medicine"))
    assert other not in permissions.administered_teams(head)


def test_an_inactive_administrator_administers_nothing(law):
    user = f.make_agent(law.queue, is_active=False)
    f.join(f.make_team(law.queue, rights=[]), law)
    assert changeable_teams(permissions.agent(user)) == frozenset()


def test_a_place_in_the_tree_brings_no_right_that_the_head_lacks(law, head):
    one, other = (f.QueueFactory(parent=law.queue) for _n in range(2))
    moved = f.QueueFactory(parent=one)
    assert may_place(head, moved, other)
    right = QueueRight.objects.create(group=f.make_team(), queue=other, right=Right.MANAGE)
    assert not may_place(head, moved, other)
    right.right = Right.NOTE
    right.save()
    assert may_place(head, moved, other)
    assert not may_place(head, moved, f.QueueFactory())
    assert not may_place(head, moved, None)
    assert may_place(head, moved, one)  # where it is


def test_what_belongs_to_a_department_is_used_there_and_below(law):
    below = f.QueueFactory(parent=Queue.objects.get(pk=law.queue_id))
    assert usable(law, below)
    assert usable(None, f.QueueFactory())
    assert not usable(law, f.QueueFactory())
