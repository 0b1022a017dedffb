"""Accounts kept in Wagtail's screens by people who are no superusers, and what is written down there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from wagtail.models import GroupPagePermission, Page

from helpdesk.models import AuditEntry, AuditKind, Team
from tests import factories as f

from .conftest import browser
from .pages import fields_of

pytestmark = pytest.mark.django_db
PHRASE = "a very long passphrase 4711"


@pytest.fixture
def clerk():
    """Somebody who may add, change and delete accounts, and has nothing in the help desk."""
    user = f.UserFactory(username="clerk")
    group = Group.objects.create(name="Account clerks")
    group.permissions.add(
        Permission.objects.get(codename="access_admin"),
        *Permission.objects.filter(
            content_type__app_label="portal",
            codename__in=("add_user", "change_user", "delete_user"),
        ),
    )
    user.groups.add(group)
    return user


@pytest.fixture
def root():
    return f.UserFactory(username="root", is_superuser=True, is_staff=True)


def form_of(user, **changes):
    """What the form of an account sends, with changes."""
    data = {
        "username": user.username,
        "email": user.email or "somebody@mail.example",
        "first_name": "Some",
        "last_name": "Body",
        "is_active": "on",
        "groups": [str(group.pk) for group in user.groups.all()] if user.pk else [],
        "password1": "",
        "password2": "",
    }
    return data | changes


def edit(client, user, **changes):
    answer = client.post(f"/admin/users/edit/{user.pk}/", form_of(user, **changes))
    user.refresh_from_db()
    return answer


def test_a_clerk_takes_over_neither_a_superuser_nor_an_agent(clerk, root):
    agent = f.make_agent(f.QueueFactory())
    client = browser(clerk)
    for user in (root, agent):
        assert client.get(f"/admin/users/edit/{user.pk}/").status_code == 302
        assert client.get(f"/admin/users/delete/{user.pk}/").status_code == 302
        edit(client, user, password1=PHRASE, password2=PHRASE)
        assert not user.check_password(PHRASE)
        client.post(
            f"/admin/bulk/portal/user/set_active_state/?id={user.pk}", {"mark_as_active": "False"}
        )
        client.post(f"/admin/bulk/portal/user/delete/?id={user.pk}")
        user.refresh_from_db()
        assert user.is_active


def test_a_clerk_keeps_the_accounts_of_everybody_else(clerk):
    customer, readers = f.UserFactory(), Group.objects.create(name="Readers")
    client = browser(clerk)
    page = client.get(f"/admin/users/edit/{customer.pk}/")
    assert page.status_code == 200
    edit(client, customer, password1=PHRASE, password2=PHRASE, groups=[readers.pk])
    assert customer.check_password(PHRASE)
    assert list(customer.groups.all()) == [readers]
    assert client.get(f"/admin/users/edit/{clerk.pk}/").status_code == 200


def test_a_clerk_makes_nobody_more_than_themselves(clerk):
    team, persons = (
        f.make_team(f.QueueFactory(is_confidential=True)),
        Group.objects.create(name="P"),
    )
    persons.permissions.add(Permission.objects.get(codename="handle_persons"))
    empty = Group.objects.create(name="Of a department")
    Team.objects.create(group=empty, department=f.make_department("Alpha"))
    other = f.UserFactory()
    client = browser(clerk)
    for user in (clerk, other):
        held = list(user.groups.values_list("pk", flat=True))
        edit(client, user, is_superuser="on")
        assert not user.is_superuser
        for group in (team, persons, empty):
            edit(client, user, groups=[*held, group.pk])
            client.post(f"/admin/bulk/portal/user/assign_role/?id={user.pk}", {"role": group.pk})
            assert list(user.groups.values_list("pk", flat=True)) == held
    new = form_of(f.UserFactory.build(username="new"), password1=PHRASE, password2=PHRASE)
    for more in ({"is_superuser": "on"}, {"groups": [team.pk]}):
        client.post("/admin/users/new/", new | more)
    assert not type(other).objects.filter(username="new").exists()
    client.post("/admin/users/new/", new)
    assert type(other).objects.filter(username="new").exists()


def test_a_clerk_has_nothing_to_do_with_those_who_write_the_site(clerk):
    """Rights on pages and collections are none of a group's permissions, and count as much."""
    editors = Group.objects.create(name="Editors-in-chief")
    publish = Permission.objects.get(codename="publish_page")
    row = GroupPagePermission.objects.create(
        group=editors, page=Page.get_first_root_node(), permission=publish
    )
    chief, other = f.UserFactory(), f.UserFactory()
    chief.groups.add(editors)
    client = browser(clerk)
    edit(client, other, groups=[editors.pk])
    client.post(f"/admin/bulk/portal/user/assign_role/?id={other.pk}", {"role": editors.pk})
    assert not other.groups.exists()
    edit(client, chief, password1=PHRASE, password2=PHRASE)
    assert not chief.check_password(PHRASE)
    # who has the same right gives it
    GroupPagePermission.objects.create(group=clerk.groups.get(), page=row.page, permission=publish)
    edit(client, other, groups=[editors.pk])
    assert list(other.groups.all()) == [editors]


def test_a_clerk_is_offered_what_they_may_give(clerk, root):
    team, readers = f.make_team(f.QueueFactory()), Group.objects.create(name="Readers")
    urls = ("/admin/users/new/", f"/admin/users/edit/{f.UserFactory().pk}/")
    for user, offered in ((clerk, False), (root, True)):
        for url in urls:
            fields = browser(user).get(url).context["form"].fields
            assert readers in fields["groups"].queryset
            assert (team in fields["groups"].queryset) is offered
            assert fields["is_superuser"].disabled is not offered


def test_a_superuser_changes_everybody(root):
    team, agent = f.make_team(f.QueueFactory()), f.UserFactory()
    client = browser(root)
    client.post(f"/admin/bulk/portal/user/assign_role/?id={agent.pk}", {"role": team.pk})
    assert team in agent.groups.all()
    edit(client, agent, is_superuser="on")
    assert agent.is_superuser


def test_many_switched_off_at_once_are_written_down_and_logged_out(
    root, django_capture_on_commit_callbacks
):
    agent = f.make_agent(f.QueueFactory())
    there, admin = browser(agent), browser(root)
    assert there.get("/admin/helpdesk/tickets/").status_code == 200
    url = f"/admin/bulk/portal/user/set_active_state/?id={agent.pk}"
    for state in ("False", "False", "True"):
        with django_capture_on_commit_callbacks(execute=True):
            assert admin.post(url, {"mark_as_active": state}).status_code == 302
        agent.refresh_from_db()
        assert str(agent.is_active) == state
    rows = AuditEntry.objects.filter(kind=AuditKind.ACCOUNT_CHANGED, subject_id=agent.pk)
    told = [
        (row.user_id, row.data["is_active"])
        for row in rows.order_by("pk")
        if "is_active" in row.data
    ]
    assert told == [(root.pk, False), (root.pk, True)]
    # what is on again needs a new log-in
    assert there.get("/admin/helpdesk/tickets/").status_code == 302


def test_a_password_set_in_the_admin_is_written_down(root):
    agent = f.make_agent(f.QueueFactory())
    client = browser(root)
    data = fields_of(client.get(f"/admin/users/edit/{agent.pk}/").content.decode())
    client.post(f"/admin/users/edit/{agent.pk}/", data)
    assert not AuditEntry.objects.filter(kind=AuditKind.PASSWORD_CHANGED).exists()
    client.post(f"/admin/users/edit/{agent.pk}/", data | {"password1": PHRASE, "password2": PHRASE})
    agent.refresh_from_db()
    assert agent.check_password(PHRASE)
    row = AuditEntry.objects.get(kind=AuditKind.PASSWORD_CHANGED)
    assert (row.user_id, row.subject_id, row.data) == (root.pk, agent.pk, {})
