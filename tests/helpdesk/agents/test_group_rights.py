"""The rights of a team on Wagtail's page of a group."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from helpdesk.models import AuditEntry, AuditKind, QueueRight, Right, Team
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

ADD = "wagtailusers_groups:add"


def edit(group: Group) -> str:
    return reverse("wagtailusers_groups:edit", args=[group.pk])


def data(name: str, *boxes: str, **more: str) -> dict[str, str]:
    found = {
        "name": name,
        "page_permissions-TOTAL_FORMS": "0",
        "page_permissions-INITIAL_FORMS": "0",
        "page_permissions-MAX_NUM_FORMS": "1000",
    }
    for prefix in ("collection", "image", "document", "site"):
        found |= {
            f"{prefix}_permissions-TOTAL_FORMS": "0",
            f"{prefix}_permissions-INITIAL_FORMS": "0",
            f"{prefix}_permissions-MAX_NUM_FORMS": "1000",
        }
    return {**found, **dict.fromkeys(boxes, "1"), **more}


def given(group: Group) -> set[tuple[str, str]]:
    return set(QueueRight.objects.filter(group=group).values_list("queue__name", "right"))


def test_a_new_group_gets_its_rights_and_department(admin, red):
    law = f.make_department("Law")
    box = f"right-{red.queue.pk}-{Right.NOTE}"
    form = data("Clerks", box, **{"helpdesk-department": str(law.pk)})
    form["helpdesk-requires_second_factor"] = "on"
    answer = admin.post(reverse(ADD), form)
    assert answer.status_code == 302, answer.context["permission_panels"]
    group = Group.objects.get(name="Clerks")
    assert given(group) == {("Red", "note")}
    team = Team.objects.get(group=group)
    assert (team.department, team.requires_second_factor) == (law, True)
    line = AuditEntry.objects.get(kind=AuditKind.RIGHT_GRANTED, queue_id__isnull=False)
    assert (line.user_name, line.data["group"]) == ("root", "Clerks")


def test_the_table_shows_the_tree_and_what_a_queue_above_gives(admin, red):
    below = f.QueueFactory(name="Below", parent=red.queue)
    group = red.agent.groups.get()
    page = admin.get(edit(group)).content.decode()
    assert f'name="right-{red.queue.pk}-note" value="1" checked>' in page
    assert f'name="right-{below.pk}-note" value="1" checked disabled>' in page
    assert "from Red" in page
    assert 'class="hd-depth-1">Below' in page


def test_rights_are_taken_away_and_those_from_above_stay(admin, red):
    below = f.QueueFactory(name="Below", parent=red.queue)
    group = red.agent.groups.get()
    QueueRight.objects.create(group=group, queue=below, right=Right.READ)
    box = f"right-{red.queue.pk}-{Right.READ}"
    assert admin.post(edit(group), data(group.name, box)).status_code == 302
    assert given(group) == {("Red", "read"), ("Below", "read")}


@pytest.fixture
def groups_editor(red):
    """Somebody who may edit groups in Wagtail and administers one queue, without all rights in it."""
    user = f.make_agent(red.queue, rights=[Right.NOTE, Right.ADMINISTER])
    for codename in ("add_group", "change_group"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    return browser(user)


def test_who_is_no_superuser_gives_what_they_have_to_their_teams_only(groups_editor, red, blue):
    law = f.make_department("Law", red.queue)
    team = f.join(f.make_team(red.queue, rights=[Right.READ]), law)
    page = groups_editor.get(edit(team)).content.decode()
    assert "Blue" not in page
    note = f"right-{red.queue.pk}-{Right.NOTE}"
    read = f"right-{red.queue.pk}-{Right.READ}"
    assert groups_editor.post(edit(team), data(team.name, read, note)).status_code == 302
    assert given(team) == {("Red", "read"), ("Red", "note")}


@pytest.mark.parametrize("forged", ["right they lack", "other queue", "other team", "new group"])
def test_a_forged_post_is_refused(groups_editor, red, blue, forged):
    law = f.make_department("Law", red.queue)
    team = f.join(f.make_team(red.queue, rights=[Right.READ]), law)
    foreign = f.make_team(name="Foreign")
    boxes = {
        "right they lack": (edit(team), team.name, f"right-{red.queue.pk}-{Right.MANAGE}"),
        "other queue": (edit(team), team.name, f"right-{blue.queue.pk}-{Right.READ}"),
        "other team": (edit(foreign), "Foreign", f"right-{red.queue.pk}-{Right.NOTE}"),
        "new group": (reverse(ADD), "New", f"right-{red.queue.pk}-{Right.NOTE}"),
    }
    url, name, box = boxes[forged]
    before = set(QueueRight.objects.values_list("group", "queue", "right"))
    read = f"right-{red.queue.pk}-{Right.READ}"
    groups_editor.post(url, data(name, box, *([read] if url == edit(team) else [])))
    assert set(QueueRight.objects.values_list("group", "queue", "right")) == before
    lines = AuditEntry.objects.filter(kind__startswith="right.")
    assert not [line for line in lines if line.data.get("right") in Right.values]


def test_only_superusers_say_to_whom_a_team_belongs(groups_editor, red):
    law, other = f.make_department("Law", red.queue), f.make_department("Medicine")
    team = f.join(f.make_team(red.queue, rights=[Right.READ]), law, requires_second_factor=True)
    read = f"right-{red.queue.pk}-{Right.READ}"
    form = data(team.name, read, **{"helpdesk-department": str(other.pk)})
    assert groups_editor.post(edit(team), form).status_code == 302
    team.team.refresh_from_db()
    assert (team.team.department, team.team.requires_second_factor) == (law, True)
