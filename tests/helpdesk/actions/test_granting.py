from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import AuditEntry, AuditKind, QueueRight, Right
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def law():
    return f.make_department("Law")


@pytest.fixture
def head(law):
    return permissions.agent(
        f.make_agent(law.queue, rights=[Right.NOTE, Right.ADMINISTER], username="head")
    )


@pytest.fixture
def team(law):
    return f.join(f.make_team(law.queue, rights=[], name="Clerks"), law)


def given(team) -> set[str]:
    return set(QueueRight.objects.filter(group=team).values_list("right", flat=True))


def test_rights_are_given_and_taken_and_written_down(law, head, team):
    actions.change_rights(actor=head, give=[(team, law.queue, Right.NOTE)])
    assert given(team) == {Right.NOTE}
    actions.change_rights(
        actor=head, give=[(team, law.queue, Right.NOTE)], take=[(team, law.queue, Right.NOTE)]
    )
    assert given(team) == set()
    lines = AuditEntry.objects.filter(
        kind__in=[AuditKind.RIGHT_GRANTED, AuditKind.RIGHT_WITHDRAWN], queue_id__isnull=False
    ).order_by("pk")
    assert [line.kind for line in lines] == [AuditKind.RIGHT_GRANTED, AuditKind.RIGHT_WITHDRAWN]
    assert {(line.user_name, line.queue_id) for line in lines} == {("head", law.queue_id)}
    assert lines[0].data == {"group": "Clerks", "right": "note"}


@pytest.mark.parametrize("right", [Right.MANAGE, Right.ANSWER, Right.OWN])
def test_nobody_gives_or_takes_a_right_they_lack(law, head, team, right):
    wanted = [(team, law.queue, Right.NOTE), (team, law.queue, right)]
    with pytest.raises(NotPermitted):
        actions.change_rights(actor=head, give=wanted)
    assert given(team) == set()  # all or none
    QueueRight.objects.create(group=team, queue=law.queue, right=right)
    with pytest.raises(NotPermitted):
        actions.change_rights(actor=head, take=[(team, law.queue, right)])
    assert given(team) == {right}
    assert not AuditEntry.objects.filter(kind__startswith="right.", queue_id__isnull=False).exists()


def test_nobody_gives_rights_elsewhere_or_to_other_teams(law, head, team):
    for group, queue in ((team, f.QueueFactory()), (f.make_team(), law.queue)):
        with pytest.raises(NotPermitted):
            actions.change_rights(actor=head, give=[(group, queue, Right.NOTE)])


def test_who_manages_but_does_not_administer_gives_nothing(law, team):
    manager = permissions.agent(
        f.make_agent(law.queue, rights=[right for right in Right if right != Right.ADMINISTER])
    )
    with pytest.raises(NotPermitted):
        actions.change_rights(actor=manager, give=[(team, law.queue, Right.NOTE)])


def test_superusers_and_the_machine_give_everything(law, team):
    root = permissions.agent(f.UserFactory(is_superuser=True))
    actions.change_rights(actor=root, give=[(team, law.queue, Right.MANAGE)])
    actions.change_rights(actor=permissions.SYSTEM, give=[(team, law.queue, Right.OWN)])
    assert given(team) == {Right.MANAGE, Right.OWN}
