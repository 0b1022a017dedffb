"""What comes into the audit log by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from wagtail.models import GroupPagePermission, Page

from helpdesk.models import (
    AuditEntry,
    AuditKind,
    Calendar,
    Customer,
    Department,
    MailAccount,
    MailFilter,
    Priority,
    Queue,
    QueueRight,
    SenderBlock,
    Team,
)
from tests import factories as f

from .conftest import browser
from .pages import sent

pytestmark = pytest.mark.django_db


def lines(kind: AuditKind, since: int = 0) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind=kind, pk__gt=since).order_by("pk"))


def mark() -> int:
    return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


# --- log-in


def log_in(name: str, password: str) -> Client:
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.post("/accounts/login/", {"login": name, "password": password})
    return client


def test_log_in_and_log_out_with_where_from():
    user = f.UserFactory(username="amsel")
    client = log_in("amsel", "secret")
    line = lines(AuditKind.LOGIN)[-1]
    assert (line.user_id, line.user_name, line.ip) == (user.pk, "amsel", "192.0.2.7")
    assert line.data == {"by": "password"}
    client.post("/accounts/logout/")
    assert [row.user_name for row in lines(AuditKind.LOGOUT)] == ["amsel"]


def test_a_failed_log_in_stands_under_the_account_it_was_meant_for():
    f.UserFactory(username="amsel", email="a.amsel@staff.example")
    log_in("amsel", "wrong-word")
    log_in("A.Amsel@staff.example", "wrong-word")
    assert [row.user_name for row in lines(AuditKind.LOGIN_FAILED)] == ["amsel", "amsel"]
    assert {row.user_id for row in lines(AuditKind.LOGIN_FAILED)} == {None}


@pytest.mark.parametrize("login", ["My-Secret-Passw0rd", "nobody@mail.example"])
def test_what_is_no_account_is_written_down_as_a_digest(login):
    for _n in range(2):
        assert authenticate(username=login, password="Another-Secret") is None
    rows = lines(AuditKind.LOGIN_FAILED)
    assert len({row.user_name for row in rows}) == 1  # the same again is seen to be the same
    text = str([(row.user_name, row.data) for row in rows])
    assert login not in text
    assert "Another-Secret" not in text
    assert rows[0].user_name.startswith("? ")


# --- groups and accounts


def test_members_come_and_go_from_both_ends():
    user, other = f.UserFactory(username="fink"), f.UserFactory(username="meise")
    group = f.GroupFactory(name="Desk")
    user.groups.add(group)
    group.user_set.add(other)
    found = [(row.subject_name, row.data["group"]) for row in lines(AuditKind.MEMBER_ADDED)]
    assert found == [("fink", "Desk"), ("meise", "Desk")]
    user.groups.remove(group)
    group.user_set.clear()
    user.groups.set([group])
    user.groups.clear()
    gone = [row.subject_name for row in lines(AuditKind.MEMBER_REMOVED)]
    assert gone == ["fink", "meise", "fink"]


def test_a_member_that_was_one_already_is_no_news():
    user, group = f.UserFactory(), f.GroupFactory()
    user.groups.add(group)
    before = mark()
    user.groups.add(group)
    assert lines(AuditKind.MEMBER_ADDED, before) == []


def test_members_of_a_departments_team_are_told_to_its_administrators():
    queue = f.QueueFactory()
    department = Department.objects.create(name="Faculty", slug="faculty", queue=queue)
    group = f.GroupFactory()
    Team.objects.create(group=group, department=department)
    f.UserFactory().groups.add(group)
    assert lines(AuditKind.MEMBER_ADDED)[-1].queue_id == queue.pk


def test_accounts_made_switched_off_made_superuser_and_deleted():
    user = get_user_model().objects.create_user("amsel", password="x")
    user.is_active = False
    user.save()
    user.is_superuser = True
    user.save(update_fields=["is_superuser"])
    user.last_login = None
    user.save(update_fields=["last_login"])
    user.first_name = "Anna"
    user.save()
    user.delete()
    rows = lines(AuditKind.ACCOUNT_CHANGED)
    assert {row.subject_name for row in rows[:3]} == {"amsel"}
    assert [row.data["did"] for row in rows] == ["created", "changed", "changed", "deleted"]
    assert rows[1].data == {"did": "changed", "fields": ["is_active"], "is_active": False}
    assert rows[2].data["is_superuser"] is True


def test_a_new_superuser_is_told_as_one():
    get_user_model().objects.create_superuser("root", password="x")
    assert lines(AuditKind.ACCOUNT_CHANGED)[-1].data["is_superuser"] is True


def test_an_account_changed_in_the_admin_names_who_did_it(admin):
    user = f.UserFactory(username="fink")
    page = admin.get(f"/admin/users/edit/{user.pk}/").content.decode()
    data = sent(page)
    data["is_superuser"] = "on"
    assert admin.post(f"/admin/users/edit/{user.pk}/", data).status_code == 302
    line = lines(AuditKind.ACCOUNT_CHANGED)[-1]
    assert (line.user_name, line.subject_name) == ("root", "fink")
    assert line.data["fields"] == ["is_superuser"]


def test_permissions_given_to_a_group_outside_our_own_screens():
    group = f.GroupFactory(name="Writers")
    right = Permission.objects.get(codename="access_admin")
    group.permissions.add(right)
    group.permissions.clear()
    row = GroupPagePermission.objects.create(
        group=group,
        page=Page.objects.order_by("pk").first(),
        permission=Permission.objects.get(codename="publish_page"),
    )
    row.delete()
    given = [row.data["permissions"] for row in lines(AuditKind.RIGHT_GRANTED)]
    taken = [row.data["permissions"] for row in lines(AuditKind.RIGHT_WITHDRAWN)]
    assert given == taken == [["access_admin"], ["publish_page"]]
    assert lines(AuditKind.RIGHT_GRANTED)[1].data["page"] == row.page_id


def test_the_end_of_a_group_is_seen(admin):
    queue = f.QueueFactory()
    group = f.make_team(queue, rights=["read", "answer"], name="Desk")
    f.UserFactory(username="fink").groups.add(group)
    before = mark()
    assert admin.post(f"/admin/groups/delete/{group.pk}/").status_code == 302
    assert not Group.objects.filter(pk=group.pk).exists()
    taken = [row for row in lines(AuditKind.RIGHT_WITHDRAWN, before) if "right" in row.data]
    assert {(row.data["right"], row.queue_id) for row in taken} == {
        ("read", queue.pk),
        ("answer", queue.pk),
    }
    assert {row.user_name for row in taken} == {"root"}
    assert [row.subject_name for row in lines(AuditKind.MEMBER_REMOVED, before)] == ["fink"]
    assert lines(AuditKind.SETTING_CHANGED, before)[-1].data["did"] == "deleted"


# --- settings


def post(client: Client, url: str, **changes: Any) -> Any:
    data = sent(client.get(url).content.decode())
    for name, value in changes.items():
        data[name] = value
    return client.post(url, data)


def test_a_setting_made_changed_and_deleted_by_a_view_set(admin):
    made = post(admin, "/admin/helpdesk/priorities/new/", name_de="Eilig", name_en="Urgent",
                slug="rush", level="3", position="9")  # fmt: skip
    assert made.status_code == 302
    row = Priority.objects.get(slug="rush")
    post(admin, f"/admin/helpdesk/priorities/edit/{row.pk}/", name_en="Very urgent")
    admin.post(f"/admin/helpdesk/priorities/delete/{row.pk}/")
    rows = lines(AuditKind.SETTING_CHANGED)
    assert [one.data["did"] for one in rows] == ["created", "changed", "deleted"]
    assert {one.data["model"] for one in rows} == {"helpdesk.priority"}
    assert {one.user_name for one in rows} == {"root"}
    assert rows[1].data["fields"] == ["name_en"]
    assert "Very urgent" not in str(rows[1].data)


def test_what_is_saved_unchanged_is_no_news(admin):
    row = Priority.objects.order_by("pk").first()
    assert post(admin, f"/admin/helpdesk/priorities/edit/{row.pk}/").status_code == 302
    assert lines(AuditKind.SETTING_CHANGED) == []


def test_a_queue_saved_untouched_is_no_news(admin):
    above = f.QueueFactory(name="Above")
    queue = f.QueueFactory(
        name="Below",
        parent=above,
        purpose="First line\nsecond line",
        calendar=Calendar.objects.create(name="Hours"),
        signature_de="-- \nTeam Druck\n",
        signature_en="Team Print\n\nRoom 1",
        legal_basis_de="§ 3 HG",
        retention_days=90,
        sender_name="Druck",
    )
    f.QueueAddressFactory(queue=queue, address="below@desk.example")
    right = QueueRight.objects.create(queue=queue, group=f.GroupFactory(), right="read")
    url = f"/admin/helpdesk/queues/edit/{queue.pk}/"
    start = mark()
    assert post(admin, url).status_code == 302
    assert [(one.kind, one.data) for one in AuditEntry.objects.filter(pk__gt=start)] == []
    assert QueueRight.objects.get(queue=queue).pk == right.pk
    queue.refresh_from_db()
    assert queue.signature_en == "Team Print\n\nRoom 1"
    assert post(admin, url, signature_en="Other").status_code == 302
    [line] = lines(AuditKind.SETTING_CHANGED, start)
    assert line.data["fields"] == ["signature_en"]


def test_a_queue_with_its_addresses(red):
    url = f"/admin/helpdesk/queues/edit/{red.queue.pk}/"
    assert post(red.client, url, purpose="New", **{
        "addresses-0-address": "red@desk.example"}).status_code == 302  # fmt: skip
    rows = lines(AuditKind.SETTING_CHANGED)
    assert [(one.data["model"], one.data["did"]) for one in rows] == [
        ("helpdesk.queue", "changed"),
        ("helpdesk.queueaddress", "created"),
    ]
    assert rows[0].data["fields"] == ["purpose"]
    assert {one.queue_id for one in rows} == {red.queue.pk}


def test_a_mail_account_without_its_password(red):
    url = "/admin/helpdesk/accounts/create/"
    answer = post(red.client, url, name="Box", queue=str(red.queue.pk), protocol="imap+ssl",
                  host="mail.example", user="desk", secret="topsecret-word")  # fmt: skip
    assert answer.status_code == 302
    account = MailAccount.objects.get()
    url = f"/admin/helpdesk/accounts/edit/{account.mailbox_id}/"
    assert post(red.client, url, secret="another-secret-word").status_code == 302
    rows = lines(AuditKind.SETTING_CHANGED)
    assert [(one.data["model"], one.data["did"]) for one in rows] == [
        ("django_mailbox.mailbox", "created"),
        ("helpdesk.mailaccount", "created"),
        ("helpdesk.mailaccount", "changed"),
    ]
    assert rows[2].data["fields"] == ["secret"]
    assert rows[2].queue_id == red.queue.pk
    assert "secret-word" not in str([one.data for one in rows])


def test_calendars_filters_and_their_order(admin):
    calendar = Calendar.objects.create(name="Hours")
    assert (
        post(admin, f"/admin/helpdesk/calendars/edit/{calendar.pk}/", name="Days").status_code
        == 302
    )
    rows = [
        MailFilter.objects.create(
            name=name,
            position=number,
            condition={"field": "subject", "op": "is", "value": "x"},
            effects=[{"do": "ignore", "reason": "x"}],
        )
        for number, name in enumerate(("one", "two"))
    ]
    admin.post(f"/admin/helpdesk/filters/{rows[1].pk}/move/", {"to": "up"})
    admin.post(f"/admin/helpdesk/filters/{rows[0].pk}/delete/")
    found = [
        (one.data["model"], one.data["did"], one.data.get("fields"))
        for one in lines(AuditKind.SETTING_CHANGED)
    ]
    assert found == [
        ("helpdesk.calendar", "changed", ["name"]),
        ("helpdesk.mailfilter", "changed", ["position"]),
        ("helpdesk.mailfilter", "deleted", None),
    ]


def test_people_are_not_named_where_they_are_a_setting(red):
    block = post(red.client, "/admin/helpdesk/blocks/new/", pattern="pest@mail.example", reason="x")
    assert block.status_code == 302
    assert SenderBlock.objects.exists()
    customer = red.ticket.customer
    url = f"/admin/helpdesk/customers/edit/{customer.pk}/"
    assert post(red.client, url, is_blocked="on", name="Other Name").status_code == 302
    rows = lines(AuditKind.SETTING_CHANGED)
    assert rows[0].data == {
        "did": "created",
        "model": "helpdesk.senderblock",
        "id": rows[0].data["id"],
    }
    assert rows[1].data["fields"] == ["name", "is_blocked"]
    assert "Other Name" not in str(rows[1].data)


def test_what_happens_outside_the_admin_is_no_setting():
    queue = f.QueueFactory()
    queue.name = "Other"
    queue.save()
    Customer.objects.create(name="x")
    assert not Queue.objects.filter(name="Queue").exists()
    assert lines(AuditKind.SETTING_CHANGED) == []


def test_work_on_tickets_is_no_setting(red):
    red.client.get(f"/admin/helpdesk/tickets/{red.ticket.pk}/")
    red.client.post(
        "/admin/helpdesk/new/",
        {"queue": red.queue.pk, "subject": "x", "body": "y", "name": "New Person"},
    )
    assert lines(AuditKind.SETTING_CHANGED) == []


def test_each_screen_of_ours_is_covered():
    """A new view set comes into the log, or stands here with a reason."""
    from wagtail.admin.viewsets import viewsets
    from wagtail_modeladmin.options import ModelAdmin

    from helpdesk.agents import accounts, logs
    from helpdesk.agents.audited_settings import SETTINGS
    from helpdesk.agents.viewsets import DeskViewSet

    models = {one.model for one in viewsets.viewsets if isinstance(one, DeskViewSet)}
    models = {one for one in models if one._meta.app_label == "helpdesk"}
    assert models
    assert models - set(SETTINGS) == {Customer}  # of which some columns are told
    admins = {one for one in ModelAdmin.__subclasses__() if one.__module__.startswith("helpdesk")}
    assert admins == {accounts.AccountAdmin, logs.LogAdmin}  # whose rows nobody writes
    assert accounts.AccountAdmin.model in SETTINGS


def test_browser_helper_counts_as_a_log_in():
    browser(f.UserFactory(username="amsel"))
    assert lines(AuditKind.LOGIN)[-1].user_name == "amsel"
