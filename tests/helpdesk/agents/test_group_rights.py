"""The rights of a team on Wagtail's page of a group."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from wagtail.models import (
    Collection,
    GroupCollectionPermission,
    GroupPagePermission,
    GroupSitePermission,
    Page,
    Site,
)

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


# --- permissions, pages, collections, sites -------------------------------------------------------------


def wanted(
    name: str, kind: str, place: str = "", of: object = "", *codes: str
) -> dict[str, object]:
    """What the page of a group sends with one line in one of Wagtail's panels."""
    return {
        **data(name),
        f"{kind}_permissions-TOTAL_FORMS": "1",
        f"{kind}_permissions-0-{place}": str(getattr(of, "pk", "")),
        f"{kind}_permissions-0-permissions": list(codes),
    }


def site_rights(group: Group) -> set[object]:
    pages = GroupPagePermission.objects.filter(group=group)
    collections = GroupCollectionPermission.objects.filter(group=group)
    sites = GroupSitePermission.objects.filter(group=group)
    return {
        *group.permissions.values_list("codename", flat=True),
        *pages.values_list("page", "permission__codename"),
        *collections.values_list("collection", "permission__codename"),
        *sites.values_list("site", "permission__codename"),
    }


@pytest.fixture
def places():
    """A page below another one, a collection below another one, and a site."""
    home = Page.get_first_root_node().add_child(instance=Page(title="Home", slug="home-of-all"))
    below = home.add_child(instance=Page(title="Below", slug="below"))
    root = Collection.get_first_root_node()
    folder = root.add_child(instance=Collection(name="Folder"))
    site, _made = Site.objects.get_or_create(hostname="x.example", root_page=home)
    return {"home": home, "below": below, "root": root, "folder": folder, "site": site}


def too_much(places, name: str) -> dict[str, dict[str, object]]:
    """What gives a group more than `groups_editor` has."""
    image = Permission.objects.get(codename="add_image").pk
    superuser = Permission.objects.get(codename="handle_persons")
    site_of = "portal_sitesettings_site_permissions-sites"
    return {
        "persons": {**data(name), "permissions": [str(superuser.pk)]},
        "accounts": {
            **data(name),
            "permissions": [str(Permission.objects.get(codename="change_user").pk)],
        },
        "pages": wanted(name, "page", "page", places["home"], "publish_page"),
        "pictures": wanted(name, "image", "collection", places["root"], str(image)),
        "site": {**data(name), site_of: [str(places["site"].pk)]},
    }


KINDS = ("persons", "accounts", "pages", "pictures", "site")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_new", [True, False])
def test_nobody_gives_a_group_what_they_lack_themselves(groups_editor, places, kind, is_new):
    group = Group.objects.create(name="Readers")
    posted = too_much(places, "Writers" if is_new else "Readers")[kind]
    answer = groups_editor.post(reverse(ADD) if is_new else edit(group), posted)
    assert answer.status_code == 200
    assert "You can only give and take permissions" in answer.content.decode()
    assert not Group.objects.filter(name="Writers").exists()
    assert site_rights(group) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_superusers_give_all_of_it(admin, places, kind):
    """What is refused to others is no fault of what they sent."""
    answer = admin.post(reverse(ADD), too_much(places, "Writers")[kind])
    assert answer.status_code == 302
    assert len(site_rights(Group.objects.get(name="Writers"))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_it_gives_it(red, places, kind):
    user = f.make_agent(red.queue, rights=[Right.ADMINISTER])
    own = Group.objects.create(name="Own")
    user.groups.add(own)
    client = browser(f.UserFactory(is_superuser=True))
    assert client.post(edit(own), too_much(places, "Own")[kind]).status_code == 302
    for codename in ("add_group", "change_group"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    assert browser(user).post(reverse(ADD), too_much(places, "Writers")[kind]).status_code == 302
    assert site_rights(Group.objects.get(name="Writers")) == site_rights(own)


def test_what_one_has_above_holds_below_and_not_the_other_way_round(groups_editor, red, places):
    user = type(red.agent).objects.get(user_permissions__codename="change_group")
    group = Group.objects.create(name="Readers")
    publish = Permission.objects.get(codename="publish_page")
    of_user = user.groups.get()
    row = GroupPagePermission.objects.create(
        group=of_user, page=places["below"], permission=publish
    )
    up = wanted("Readers", "page", "page", places["home"], "publish_page")
    down = wanted("Readers", "page", "page", places["below"], "publish_page")
    assert groups_editor.post(edit(group), up).status_code == 200
    row.page = places["home"]
    row.save()
    assert groups_editor.post(edit(group), down).status_code == 302
    assert site_rights(group) == {(places["below"].pk, "publish_page")}


def test_nobody_takes_away_what_they_lack_and_other_changes_are_saved(groups_editor, places):
    group = Group.objects.create(name="Persons")
    persons = Permission.objects.get(codename="handle_persons")
    group.permissions.add(persons)
    assert groups_editor.post(edit(group), data("Persons")).status_code == 200
    assert site_rights(group) == {"handle_persons"}
    # as it was shown, with one permission more that is the editor's own
    both = [str(persons.pk), str(Permission.objects.get(codename="change_group").pk)]
    answer = groups_editor.post(edit(group), {**data("Persons"), "permissions": both})
    assert answer.status_code == 302
    assert site_rights(group) == {"handle_persons", "change_group"}
    # by its name the organisation's log-in finds who belongs to it
    named = {**data("Everybody"), "permissions": both}
    assert groups_editor.post(edit(group), named).status_code == 200
    group.refresh_from_db()
    assert group.name == "Persons"
    readers = Group.objects.create(name="Readers")
    assert groups_editor.post(edit(readers), data("Writers")).status_code == 302
