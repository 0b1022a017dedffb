"""Teams in the hands of a department's administrators."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse

from helpdesk.models import QueueRight, Right, Team
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

LIST, NEW = "helpdesk_agents:teams", "helpdesk_agents:team_new"
MINE = [Right.READ, Right.NOTE, Right.ADMINISTER]


def url(name: str, *args: Any) -> str:
    return reverse(f"helpdesk_agents:{name}", args=args)


class House:
    """Two departments; `client` is the browser of the head of the first."""

    def __init__(self) -> None:
        self.law, self.medicine = f.make_department("Law"), f.make_department("Medicine")
        self.head = f.make_agent(self.law.queue, rights=MINE, username="head")
        self.client = browser(self.head)
        self.team = f.join(
            f.make_team(self.law.queue, rights=[Right.READ], name="Clerks"), self.law
        )
        self.foreign = f.join(f.make_team(self.medicine.queue, name="Doctors"), self.medicine)

    def post(self, *boxes: str, group: Group | None = None, **data: Any) -> Any:
        address = url("team", group.pk) if group else reverse(NEW)
        name = group.name if group else "New ones"
        return self.client.post(address, {"name": name, **dict.fromkeys(boxes, "1"), **data})

    def box(self, right: Right, queue: Any = None) -> str:
        return f"right-{(queue or self.law.queue).pk}-{right}"


@pytest.fixture
def house(db) -> House:
    return House()


def given(group: Group) -> set[str]:
    return set(QueueRight.objects.filter(group=group).values_list("right", flat=True))


def test_the_list_has_the_departments_own_teams_only(house, admin):
    page = house.client.get(reverse(LIST)).content.decode()
    assert "Clerks" in page
    assert "Doctors" not in page
    assert "Medicine" not in page
    everything = admin.get(reverse(LIST)).content.decode()
    assert "Clerks" in everything
    assert "Doctors" in everything


def test_a_new_team_belongs_to_the_department_and_may_enter_the_admin(house):
    answer = house.post(house.box(Right.NOTE), department=house.medicine.pk)
    assert answer.status_code == 302
    group = Group.objects.get(name="New ones")
    assert group.team.department == house.law
    assert given(group) == {Right.NOTE}
    member = f.UserFactory()
    house.client.post(url("team_add", group.pk), {"who": member.username})
    assert browser(member).get(reverse("helpdesk_agents:tickets")).status_code == 200


def test_who_has_several_departments_chooses_one_of_them(house):
    house.head.groups.add(f.make_team(f.make_department("History").queue, rights=MINE))
    assert house.post(department="").status_code == 422
    assert house.post(department=house.medicine.pk).status_code == 422
    assert not Group.objects.filter(name="New ones").exists()
    assert house.post(department=house.law.pk).status_code == 302


@pytest.mark.parametrize("right", [Right.MANAGE, Right.ANSWER])
def test_a_right_that_the_head_lacks_is_refused(house, right):
    page = house.client.get(url("team", house.team.pk)).content.decode()
    assert f'name="{house.box(right)}" value="1" disabled' in page
    answer = house.post(house.box(Right.READ), house.box(right), group=house.team)
    assert answer.status_code == 422
    assert "You can only give rights that you have yourself" in answer.content.decode()
    assert given(house.team) == {Right.READ}
    assert house.post(house.box(right)).status_code == 422
    assert not Group.objects.filter(name="New ones").exists()


def test_boxes_of_other_queues_count_for_nothing(house):
    box = house.box(Right.READ, house.medicine.queue)
    house.post(house.box(Right.READ), box, group=house.team)
    assert not QueueRight.objects.filter(group=house.team, queue=house.medicine.queue).exists()


def test_a_foreign_team_looks_absent(house):
    member = f.UserFactory()
    house.foreign.user_set.add(member)
    for address in ("team", "team_account"):
        assert house.client.get(url(address, house.foreign.pk)).status_code == 404
    for address in ("team", "team_add", "team_account", "team_delete"):
        answer = house.client.post(url(address, house.foreign.pk), {"who": "head", "name": "Ours"})
        assert answer.status_code == 404, address
    assert house.client.post(url("team_remove", house.foreign.pk, member.pk)).status_code == 404
    assert set(house.foreign.user_set.all()) == {member}
    assert Group.objects.get(pk=house.foreign.pk).name == "Doctors"


def test_a_team_with_more_rights_is_seen_and_left_alone(house):
    QueueRight.objects.create(group=house.team, queue=house.law.queue, right=Right.MANAGE)
    page = house.client.get(url("team", house.team.pk)).content.decode()
    assert "Only the site's administrators change this team".replace("'", "&#x27;") in page or (
        "Only the site's administrators change this team" in page
    )
    assert 'name="who"' not in page
    assert house.post(house.box(Right.READ), group=house.team).status_code == 404
    joined = house.client.post(url("team_add", house.team.pk), {"who": "head"})
    assert joined.status_code == 404
    assert not house.team.user_set.exists()


def test_members_come_by_name_or_address_and_go(house):
    one, two = f.UserFactory(), f.UserFactory()
    house.client.post(url("team_add", house.team.pk), {"who": one.username.upper()})
    house.client.post(url("team_add", house.team.pk), {"who": two.email})
    assert set(house.team.user_set.all()) == {one, two}
    page = house.client.get(url("team", house.team.pk)).content.decode()
    assert one.username in page
    house.client.post(url("team_remove", house.team.pk, one.pk))
    assert set(house.team.user_set.all()) == {two}


@pytest.mark.parametrize(
    ("traits", "words"),
    [
        ({"is_superuser": True}, "looked after by the site"),
        ({"is_active": False}, "is not active"),
        ({"username": "another"}, "There is no account"),
    ],
)
def test_who_cannot_join_does_not(house, traits, words):
    f.UserFactory(**{"username": "wanted", **traits})
    answer = house.client.post(url("team_add", house.team.pk), {"who": "wanted"}, follow=True)
    assert words in answer.content.decode()
    assert not house.team.user_set.exists()


def test_an_address_of_several_accounts_is_no_choice(house):
    for _n in range(2):
        f.UserFactory(email="office@staff.example")
    data = {"who": "office@staff.example"}
    answer = house.client.post(url("team_add", house.team.pk), data, follow=True)
    assert "Several accounts" in answer.content.decode()
    assert not house.team.user_set.exists()


def account(**more: Any) -> dict[str, Any]:
    return {
        "first_name": "Nora",
        "last_name": "New",
        "email": "nora@staff.example",
        "username": "nnew",
        **more,
    }


def test_a_new_account_has_no_password_and_nothing_but_the_team(house):
    data = account(is_superuser="on", is_staff="on", groups=[house.foreign.pk], password="x")
    assert house.client.post(url("team_account", house.team.pk), data).status_code == 302
    user = get_user_model().objects.get(username="nnew")
    assert not user.has_usable_password()
    assert (user.is_superuser, user.is_staff) == (False, False)
    assert list(user.groups.all()) == [house.team]
    assert not user.user_permissions.exists()


@pytest.mark.parametrize("data", [{"username": "HEAD"}, {"email": ""}, {"last_name": ""}])
def test_an_account_that_is_there_or_lacks_something_is_refused(house, data):
    before = get_user_model().objects.count()
    answer = house.client.post(url("team_account", house.team.pk), account(**data))
    assert answer.status_code == 422
    assert get_user_model().objects.count() == before


def test_only_an_empty_team_is_deleted(house):
    member = f.UserFactory()
    house.team.user_set.add(member)
    house.client.post(url("team_delete", house.team.pk))
    assert Group.objects.filter(pk=house.team.pk).exists()
    house.team.user_set.clear()
    house.client.post(url("team_delete", house.team.pk))
    assert not Group.objects.filter(pk=house.team.pk).exists()


def test_what_the_site_asks_for_is_not_taken_back(house):
    Team.objects.filter(group=house.team).update(requires_second_factor=True)
    assert house.post(house.box(Right.READ), group=house.team).status_code == 302
    assert Team.objects.get(group=house.team).requires_second_factor


@pytest.mark.parametrize("rights", [[], [Right.MANAGE, Right.READ]])
def test_who_administers_nothing_finds_nothing_here(house, rights):
    client = browser(f.make_agent(house.law.queue, rights=rights))
    addresses = [reverse(LIST), reverse(NEW), url("team", house.team.pk)]
    assert {client.get(one).status_code for one in addresses} == {404}
    assert client.post(reverse(NEW), {"name": "Ours"}).status_code == 404
    assert client.post(url("team_add", house.team.pk), {"who": "head"}).status_code == 404


def test_a_list_of_many_teams_needs_no_more_queries(house, django_assert_max_num_queries):
    house.client.get(reverse(LIST))
    with django_assert_max_num_queries(60) as few:
        house.client.get(reverse(LIST))
    for _n in range(45):
        team = f.join(f.make_team(house.law.queue, rights=[Right.READ]), house.law)
        team.user_set.add(f.UserFactory(), f.UserFactory())
    with django_assert_max_num_queries(len(few)):
        page = house.client.get(reverse(LIST))
    assert len(page.context["rows"]) > 40
