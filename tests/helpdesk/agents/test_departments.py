"""What belongs to a department is seen and changed by those who administer it, and used nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.models import (
    AutoResponse,
    Calendar,
    Department,
    MailAccount,
    MailRoute,
    OAuthAccess,
    Promise,
    Queue,
    Right,
)
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

POLICED = ("calendars", "promises", "routes", "oauth")


class House:
    """Law and Medicine, with a row of everything each, and the browser of Law's head."""

    def __init__(self) -> None:
        self.law, self.medicine = f.make_department("Law"), f.make_department("Medicine")
        self.rows = {one.name: self._fill(one) for one in (self.law, self.medicine, None) if one}
        self.rows["site"] = self._fill(None)
        self.head = f.make_agent(self.law.queue)
        self.client = browser(self.head)

    @staticmethod
    def _fill(department: Department | None) -> dict[str, Any]:
        name = department.name if department else "Global"
        own: dict[str, Any] = {"department": department}
        found: dict[str, Any] = {
            "calendars": Calendar.objects.create(name=f"{name} hours", **own),
            "promises": Promise.objects.create(name=f"{name} soon", **own),
            "routes": f.MailRouteFactory(name=f"{name} server", **own),
            "oauth": f.OAuthAccessFactory(
                name=f"{name} access", token_url="https://login.example/token", **own
            ),
        }
        if department is not None:
            f.join(f.make_team(name=f"{name} team"), department)
            box = Mailbox.objects.create(name=f"{name} box", uri="imap+ssl://a@mail.example/")
            MailAccount.objects.create(mailbox=box, queue=department.queue)
            found["responses"] = AutoResponse.objects.create(
                queue=department.queue, kind=AutoResponse.Kind.RECEIVED, body_de=f"{name} text"
            )
        return found


@pytest.fixture
def house(db) -> House:
    return House()


def url(part: str, action: str, *args: Any) -> str:
    return reverse(f"helpdesk_{part}:{action}", args=args)


LISTS = [f"helpdesk_{part}:index" for part in (*POLICED, "queues", "responses")]


@pytest.mark.parametrize(
    "name", [*LISTS, "helpdesk_accounts_modeladmin_index", "helpdesk_agents:teams"]
)
def test_lists_show_nothing_of_other_departments(house, name):
    page = house.client.get(reverse(name))
    assert page.status_code == 200
    assert "Law" in page.content.decode()
    assert "Medicine" not in page.content.decode()
    assert "Global" not in page.content.decode()


@pytest.mark.parametrize("part", POLICED)
@pytest.mark.parametrize("whose", ["Medicine", "site"])
def test_rows_of_others_are_absent_for_reading_and_writing(house, part, whose):
    row = house.rows[whose][part]
    before = type(row).objects.filter(pk=row.pk).values().get()
    for action in ("edit", "delete", "history"):
        address = url(part, action, row.pk)
        assert house.client.get(address).status_code in (302, 404), action
        assert house.client.post(address, {"name": "Taken over"}).status_code in (302, 404, 405)
    assert type(row).objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize(
    "address",
    [
        lambda house: reverse("helpdesk_agents:check_route", args=[house["routes"].pk]),
        lambda house: reverse("helpdesk_agents:oauth_connect", args=[house["oauth"].pk]),
    ],
)
def test_servers_of_others_are_not_tried(house, address):
    for whose in ("Medicine", "site"):
        assert house.client.post(address(house.rows[whose])).status_code == 404


def week(**more: Any) -> dict[str, Any]:
    return {"time_zone": "Europe/Berlin", "hours_mon": "08:00-12:00", "place": "", **more}


def test_what_a_head_makes_belongs_to_the_department_whatever_is_posted(house):
    data = week(name="New hours", department=house.medicine.pk)
    assert house.client.post(url("calendars", "add"), data).status_code == 302
    assert Calendar.objects.get(name="New hours").department == house.law
    for department in ("", house.medicine.pk):
        data = {"name": f"New-{department}", "department": department, "warning_percent": ""}
        assert house.client.post(url("promises", "add"), data).status_code == 302
        assert Promise.objects.get(name=f"New-{department}").department == house.law


def test_who_has_several_departments_chooses_among_them(house):
    history = f.make_department("History")
    house.head.groups.add(f.make_team(history.queue))
    for department, status in ((house.medicine.pk, 200), ("", 200), (history.pk, 302)):
        data = week(name="New hours", department=department)
        assert house.client.post(url("calendars", "add"), data).status_code == status
    assert Calendar.objects.get(name="New hours").department == history


def test_superusers_make_things_for_the_whole_site(house, admin):
    assert admin.post(url("calendars", "add"), week(name="All", department="")).status_code == 302
    assert Calendar.objects.get(name="All").department is None


def test_what_is_used_elsewhere_is_given_to_no_department(house, admin):
    calendar = house.rows["site"]["calendars"]
    Queue.objects.filter(pk=house.medicine.queue_id).update(calendar=calendar)
    data = week(name=calendar.name, department=house.law.pk)
    page = admin.post(url("calendars", "edit", calendar.pk), data)
    assert list(page.context["form"].errors) == ["department"]
    Queue.objects.update(calendar=None)
    assert admin.post(url("calendars", "edit", calendar.pk), data).status_code == 302


def queue_data(queue: Queue, **data: Any) -> dict[str, Any]:
    return {
        "name": queue.name,
        "slug": queue.slug,
        "purpose": queue.purpose,
        "is_active": "on",
        "addresses-TOTAL_FORMS": "0",
        "addresses-INITIAL_FORMS": "0",
        **{f"right-{row.group_id}-{row.right}": "1" for row in queue.rights.all()},
        **data,
    }


@pytest.mark.parametrize(("field", "part"), [("calendar", "calendars"), ("promise", "promises")])
def test_a_queue_uses_what_is_its_departments_or_the_sites(house, admin, field, part):
    address = url("queues", "edit", house.law.queue_id)
    page = house.client.get(address).content.decode()
    assert "Medicine" not in page
    for whose, status in (("Law", 302), ("site", 302), ("Medicine", 200)):
        data = queue_data(house.law.queue, **{field: house.rows[whose][part].pk})
        assert house.client.post(address, data).status_code == status, whose
        assert admin.post(address, data).status_code == status, whose


def test_a_queue_sends_through_its_departments_server_or_where_a_superuser_put_it(house, admin):
    address = url("queues", "edit", house.law.queue_id)
    for whose, status in (("Law", 302), ("site", 200), ("Medicine", 200)):
        data = queue_data(house.law.queue, route=house.rows[whose]["routes"].pk)
        assert house.client.post(address, data).status_code == status, whose
    of_the_site = house.rows["site"]["routes"]
    assert admin.post(address, queue_data(house.law.queue, route=of_the_site.pk)).status_code == 302
    house.client.post(address, queue_data(house.law.queue, route=house.rows["Law"]["routes"].pk))
    assert Queue.objects.get(pk=house.law.queue_id).route == of_the_site


def test_queues_are_made_below_an_administered_one_only(house):
    new = {"name": "New", "slug": "", "purpose": "x"}
    for parent in (house.medicine.queue_id, ""):
        data = {**queue_data(house.law.queue), **new, "parent": parent}
        data = {key: value for key, value in data.items() if not key.startswith("right-")}
        assert house.client.post(url("queues", "add"), data).status_code == 200
    assert (
        house.client.post(url("queues", "add"), {**data, "parent": house.law.queue_id}).status_code
        == 302
    )
    assert Queue.objects.get(name="New").parent == house.law.queue


def test_a_moved_queue_leaves_what_belongs_to_its_department(house, admin):
    below = f.QueueFactory(parent=house.law.queue, calendar=house.rows["Law"]["calendars"])
    data = queue_data(below, parent=house.medicine.queue_id, calendar=below.calendar_id)
    page = admin.post(url("queues", "edit", below.pk), data)
    assert list(page.context["form"].errors) == ["calendar"]


def test_a_queue_is_not_moved_where_it_would_bring_rights(house):
    one, two = (f.QueueFactory(parent=house.law.queue) for _n in range(2))
    head = browser(f.make_agent(house.law.queue, rights=[Right.NOTE, Right.ADMINISTER]))
    f.make_team(two, rights=[Right.MANAGE])
    page = head.post(url("queues", "edit", one.pk), queue_data(one, parent=two.pk))
    assert list(page.context["form"].errors) == ["parent"]


def test_a_forged_right_on_the_queues_page_is_refused(house):
    foreign = f.join(f.make_team(name="Doctors"), house.medicine)
    address = url("queues", "edit", house.law.queue_id)
    assert "Doctors" not in house.client.get(address).content.decode()
    data = queue_data(house.law.queue, **{f"right-{foreign.pk}-read": "1"})
    page = house.client.post(address, data)
    assert "You can only give rights that you have yourself" in page.content.decode()
    assert not foreign.queue_rights.exists()


def test_who_manages_sees_the_rights_and_changes_none(house):
    manager = browser(f.make_agent(house.law.queue, rights=[Right.MANAGE]))
    address = url("queues", "edit", house.law.queue_id)
    page = manager.get(address).content.decode()
    assert "disabled" in page
    data = {key: value for key, value in queue_data(house.law.queue).items() if "right-" not in key}
    rights = set(house.law.queue.rights.values_list("group", "right"))
    assert manager.post(address, {**data, "sender_name": "Ours"}).status_code == 302
    assert set(house.law.queue.rights.values_list("group", "right")) == rights
    assert Queue.objects.get(pk=house.law.queue_id).sender_name == "Ours"
    assert manager.get(url("queues", "add")).status_code == 302


# --- secrets: nobody sends what another entered to a server of their own --------------------------


def route_data(row: MailRoute, **more: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "host": row.host,
        "security": "tls",
        "port": 465,
        "user": "desk",
        "password": "",
        "oauth": row.oauth_id or "",
        **more,
    }


def test_the_sites_token_goes_to_no_server_of_a_department(house):
    row = house.rows["Law"]["routes"]
    row.oauth, row.user = house.rows["site"]["oauth"], "desk"
    row.save()
    house.client.post(url("routes", "edit", row.pk), route_data(row, host="evil.example"))
    row.refresh_from_db()
    assert row.host == "127.0.0.1"


def test_a_departments_token_may_be_used_by_its_server_and_no_others(house):
    row = house.rows["Law"]["routes"]
    for whose, status in (("Law", 302), ("Medicine", 200), ("site", 200)):
        access = house.rows[whose]["oauth"]
        data = route_data(row, oauth=access.pk)
        assert house.client.post(url("routes", "edit", row.pk), data).status_code == status, whose


def test_a_stored_password_goes_to_no_other_server(house):
    row = house.rows["Law"]["routes"]
    MailRoute.objects.filter(pk=row.pk).update(secret=storage.encrypt("word"), user="desk")
    row.refresh_from_db()
    moved = route_data(row, host="evil.example")
    page = house.client.post(url("routes", "edit", row.pk), moved)
    assert list(page.context["form"].errors) == ["password"]
    moved["password"] = "another"
    assert house.client.post(url("routes", "edit", row.pk), moved).status_code == 302


def test_a_stored_client_secret_goes_to_no_other_server(house):
    row = house.rows["Law"]["oauth"]
    OAuthAccess.objects.filter(pk=row.pk).update(client_secret=storage.encrypt("word"))
    data = {
        "name": row.name,
        "provider": "other",
        "flow": "code",
        "client_id": "desk",
        "secret": "",
        "authorize_url": "https://evil.example/login",
        "token_url": "https://evil.example/token",
    }
    page = house.client.post(url("oauth", "edit", row.pk), data)
    assert list(page.context["form"].errors) == ["secret"]
    data["secret"] = "another"
    assert house.client.post(url("oauth", "edit", row.pk), data).status_code == 302


# --- the departments themselves ------------------------------------------------------------------


def test_superusers_make_departments(admin, house):
    queue = f.QueueFactory(name="Arts")
    data = {"name": "Fine arts", "slug": "", "queue": queue.pk, "page": ""}
    assert admin.post(url("departments", "add"), data).status_code == 302
    made = Department.objects.get(name="Fine arts")
    assert (made.slug, made.queue) == ("fine-arts", queue)
    taken = {**data, "name": "Again", "queue": house.law.queue_id}
    assert admin.post(url("departments", "add"), taken).status_code == 200


def test_heads_make_none_and_change_none(house):
    assert house.client.get(url("departments", "index")).status_code == 302
    data = {"name": "Mine", "slug": "mine", "queue": house.law.queue_id}
    house.client.post(url("departments", "edit", house.law.pk), data)
    house.client.post(url("departments", "add"), data)
    assert set(Department.objects.values_list("name", flat=True)) == {"Law", "Medicine"}


@pytest.mark.parametrize("part", POLICED)
def test_who_administers_a_part_of_a_department_has_no_department(house, part):
    below = f.QueueFactory(parent=house.law.queue)
    client = browser(f.make_agent(below))
    assert client.get(url(part, "index")).status_code == 302
    assert client.get(url(part, "add")).status_code == 302
