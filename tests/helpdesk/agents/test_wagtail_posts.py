"""Wagtail's own screens, posted to by people with a part of the rights: nobody is more afterwards than they could make them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import URLResolver, get_resolver
from wagtail.documents import get_document_model
from wagtail.models import (
    Collection,
    GroupApprovalTask,
    GroupCollectionPermission,
    GroupPagePermission,
    Page,
    Site,
    Workflow,
)
from wagtail.users.forms import GroupForm

from helpdesk import permissions
from helpdesk.models import QueueRight, Right, Team
from tests import factories as f
from tests import page_factories as p

from .conftest import browser

pytestmark = pytest.mark.django_db

PHRASE = "a very long passphrase 4711"
#: The parts of the admin where somebody could be given something, or what is given is used.
PARTS = re.compile(
    "^admin/(users|groups|bulk|settings|sites|collections|documents|images|workflows|locales|account|redirects"
    "|pages/<int:page_id>/privacy)"
)
#: What only shows something, whatever is posted there.
SHOWS = re.compile("(results|history|usage|chooser|preview|generate_url|/list|import)")
#: Users by how much they may do, beside the one who acts.
NAMES = ("root", "agent", "editor-in-chief", "reader")


class Site_:
    """Everybody and everything that is on the site before somebody tries."""

    def __init__(self) -> None:
        tree = p.make_site()
        self.home = tree.home
        self.queue = f.QueueFactory(name="Secret queue", is_confidential=True)
        self.own = f.QueueFactory(name="Own queue")
        self.team = f.make_team(self.queue, name="Secret team")
        self.editors = Group.objects.create(name="Editors-in-chief")
        self.strong = Group.objects.create(name="Strong")
        self.strong.permissions.set(Permission.objects.all())
        self.readers = Group.objects.create(name="Readers")
        give_pages(self.editors, Page.get_first_root_node(), "publish_page", "change_page")
        give_collections(self.editors, "add_image", "change_document", "change_collection")
        task = GroupApprovalTask.objects.create(name="Approval")
        task.groups.add(self.editors)
        self.task = task
        self.workflow = Workflow.objects.create(name="Workflow")
        self.users = {name: f.UserFactory(username=name) for name in NAMES}
        self.users["root"].is_superuser = True
        self.users["root"].save()
        self.users["agent"].groups.add(self.team)
        self.users["editor-in-chief"].groups.add(self.editors)
        self.users["reader"].groups.add(self.readers)
        root = Collection.get_first_root_node()
        self.collection = root.add_child(instance=Collection(name="Folder"))
        self.document = get_document_model().objects.create(title="D", file="d.txt")
        self.site = Site.objects.first()


def give_pages(group: Group, page: Any, *codenames: str) -> None:
    for one in Permission.objects.filter(codename__in=codenames):
        GroupPagePermission.objects.create(group=group, page=page, permission=one)


def give_collections(group: Group, *codenames: str) -> None:
    root = Collection.get_first_root_node()
    for one in Permission.objects.filter(codename__in=codenames):
        GroupCollectionPermission.objects.create(group=group, collection=root, permission=one)


def give(user: Any, app: str, *models: str) -> None:
    kinds = ("add", "change", "delete")
    codenames = [f"{kind}_{model}" for kind in kinds for model in models]
    user.user_permissions.add(
        *Permission.objects.filter(content_type__app_label=app, codename__in=codenames)
    )


# --- who tries ------------------------------------------------------------------------------------------


def editor(site: Site_, user: Any) -> None:
    group = Group.objects.create(name="Acting editors")
    give_pages(group, site.home, "add_page", "change_page")
    give_collections(group, "add_image", "change_image", "add_document", "choose_document")
    user.groups.add(group)


def moderator(site: Site_, user: Any) -> None:
    editor(site, user)
    give_pages(user.groups.get(name="Acting editors"), site.home, "publish_page", "lock_page")
    give(user, "wagtailcore", "workflow", "task")


def department_administrator(site: Site_, user: Any) -> None:
    department = f.make_department("Alpha", site.own)
    user.groups.add(
        f.join(f.make_team(site.own, rights=[Right.NOTE, Right.ADMINISTER]), department)
    )


def keeper_of_groups(site: Site_, user: Any) -> None:
    give(user, "auth", "group")


def keeper_of_accounts(site: Site_, user: Any) -> None:
    give(user, "portal", "user")


def keeper_of_both_with_a_department(site: Site_, user: Any) -> None:
    for role in (department_administrator, keeper_of_groups, keeper_of_accounts):
        role(site, user)


def keeper_of_the_site(site: Site_, user: Any) -> None:
    give(user, "wagtailcore", "site", "collection", "locale", "workflow", "task")
    give(user, "portal", "sitesettings")


ROLES = (
    *(editor, moderator, department_administrator, keeper_of_groups, keeper_of_accounts),
    *(keeper_of_both_with_a_department, keeper_of_the_site),
)


# --- what is tried --------------------------------------------------------------------------------------


def paths(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    for one in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(one.pattern).lstrip("^")
        if isinstance(one, URLResolver):
            yield from paths(one.url_patterns, path)
        elif PARTS.search(path) and not SHOWS.search(path):
            yield path


def filled(site: Site_) -> list[str]:
    """Return all addresses with rows of the site in them; those of users and groups with each of these."""
    rows = {
        "page_id": site.home.pk,
        "page_pk": site.home.pk,
        "collection_id": site.collection.pk,
        "document_id": site.document.pk,
        "workflow_pk": site.workflow.pk,
        "redirect_id": 1,
        "image_id": 1,
        "doc_id": site.document.pk,
        "uploaded_file_id": 1,
        "model_name": "sitesettings",
        "app_label": "portal",
        "app_name": "portal",
    }
    pks = {
        "users": list(get_user_model().objects.values_list("pk", flat=True)),
        "groups": [one.pk for one in (site.readers, site.team, site.strong)],
        "collections": [site.collection.pk],
        "sites": [site.site.pk],
        "settings": [site.site.pk],
        "workflows": [site.workflow.pk, site.task.pk],
    }
    found = []
    for path in paths():
        if path.startswith("admin/bulk/"):
            ids = "".join(f"id={pk}&" for pk in pks["users"])
            bulk = "/admin/bulk/portal/user/"
            found += [f"{bulk}{one}/?{ids}" for one in ("set_active_state", "delete")]
            found += [f"{bulk}assign_role/?id={pk}" for pk in pks["users"]]
            continue
        url = path
        for name, value in rows.items():
            url = re.sub(rf"<\w+:{name}>", str(value), url)
        part = path.split("/")[1]
        for pk in pks.get(part, [1]) if "pk>" in url else [0]:
            found.append("/" + url.replace("<int:pk>", str(pk)))
    assert not [url for url in found if "<" in url]
    return found


def plain(site: Site_, url: str) -> dict[str, Any]:
    """What a screen sends that is changed in nothing, so that no tried change fails for something else."""
    data: dict[str, Any] = {"name": "Name", "first_name": "Some", "last_name": "Body"}
    for prefix in ("page", "collection", "image", "document"):
        for name, value in (("TOTAL", 0), ("INITIAL", 0), ("MAX_NUM", 1000)):
            data[f"{prefix}_permissions-{name}_FORMS"] = value
    if found := re.search(r"users/edit/(\d+)/", url):
        user = get_user_model().objects.get(pk=found[1])
        data |= {"username": user.username, "email": user.email or "x@mail.example"}
        data |= {"is_active": "on", "groups": list(user.groups.values_list("pk", flat=True))}
    if url.endswith("users/new/"):
        data |= {"username": "brand-new", "email": "new@mail.example"}
        data |= {"password1": PHRASE, "password2": PHRASE}
    if found := re.search(r"groups/edit/(\d+)/", url):
        group = Group.objects.get(pk=found[1])
        data |= {"name": group.name}
        data |= {"permissions": list(group.permissions.values_list("pk", flat=True))}
    return data


def tries(site: Site_, url: str, user: Any) -> Iterator[dict[str, Any]]:
    """Yield what somebody sends who wants to be more, or to make others so."""
    data = plain(site, url)
    if "/users/" in url:
        groups = data.get("groups", [])
        yield {**data, "is_superuser": "on"}
        for group in (site.team, site.editors, site.strong):
            yield {**data, "groups": [*groups, group.pk]}
        yield {**data, "user_permissions": list(Permission.objects.values_list("pk", flat=True))}
        yield {**data, "password1": PHRASE, "password2": PHRASE}
    elif "/groups/" in url:
        offered: Any = GroupForm().fields["permissions"]
        yield {**data, "permissions": list(offered.queryset.values_list("pk", flat=True))}
        yield {
            **data,
            "page_permissions-TOTAL_FORMS": 1,
            "page_permissions-0-page": Page.get_first_root_node().pk,
            "page_permissions-0-permissions": ["publish_page"],
        }
        yield {
            **data,
            "image_permissions-TOTAL_FORMS": 1,
            "image_permissions-0-collection": Collection.get_first_root_node().pk,
            "image_permissions-0-permissions": [Permission.objects.get(codename="add_image").pk],
        }
        yield {**data, "portal_sitesettings_site_permissions-sites": [site.site.pk]}
        yield {**data, **{f"right-{site.queue.pk}-{right}": "1" for right in Right.values}}
        yield {**data, "user_set": [user.pk], "users": [user.pk]}
    elif "/bulk/" in url:
        for group in (site.team, site.editors, site.strong):
            yield {"role": group.pk, "mark_as_active": "True", "next": "/admin/"}
    else:
        yield {
            **data,
            "is_superuser": "on",
            "is_staff": "on",
            "user_permissions": [1],
            "role": 1,
            "groups": [site.strong.pk, site.team.pk],
            "title": "T",
            "permissions": list(Permission.objects.values_list("pk", flat=True)[:9]),
            "restriction_type": "groups",
            "parent": Collection.get_first_root_node().pk,
            "password": PHRASE,
        }


def try_everything(client: Client, site: Site_, user: Any, check: Callable[[], None]) -> int:
    """Post all of it, and `check` whenever something may have been changed; return how much was tried."""
    done = 0
    for url in filled(site):
        if re.search(r"(users|groups)/(edit|delete)/(\d+)/", url) and _is_gone(url):
            continue
        for data in list(tries(site, url, user)):
            answer = client.post(url, data)
            assert answer.status_code < 500, url
            done += 1
            if answer.status_code == 302 and answer["Location"] != "/admin/":  # else it was refused
                check()
            if answer.status_code == 302 and "login" in answer["Location"]:
                client.force_login(user)  # their own password was changed, or their own account
    return done


def _is_gone(url: str) -> bool:
    model = get_user_model() if "/users/" in url else Group
    return not model._default_manager.filter(pk=url.split("/")[4]).exists()


# --- what came of it --------------------------------------------------------------------------------------


def rights_of(user: Any) -> set[Any]:
    groups = Group.objects.filter(user=user)
    desk = QueueRight.objects.filter(group__in=groups)
    of_site = {
        right
        for _pk, right in permissions.rights_of(groups)
        # who may publish a page says who else may read it, and who keeps approvals who approves
        if not right.kind.endswith(("restriction", "approvaltask"))
    }
    own = {
        permissions.SiteRight("permissions", pk)
        for pk in user.user_permissions.values_list("pk", flat=True)
    }
    department = set(Team.objects.filter(group__in=groups).values_list("department", flat=True))
    return of_site | own | set(desk.values_list("queue", "right")) | department


def everybody() -> dict[int, tuple[Any, set[Any]]]:
    return {user.pk: (user, rights_of(user)) for user in get_user_model().objects.all()}


def is_less(rights: set[Any], than: set[Any]) -> bool:
    of_site = {one for one in than if isinstance(one, permissions.SiteRight)}
    return all(
        permissions.covers(of_site, one) if isinstance(one, permissions.SiteRight) else one in than
        for one in rights
    )


@pytest.fixture
def site(db: None) -> Site_:
    return Site_()


def acting(site: Site_, role: Any) -> Any:
    user = f.UserFactory(username="acting", email="acting@mail.example")
    user.groups.add(f.make_team(name="Door"))
    role(site, user)
    return user


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.__name__)
def test_nobody_makes_anybody_more_than_themselves(site, role):
    user = acting(site, role)
    before, mine = everybody(), rights_of(user)
    root = site.users["root"].pk

    def check() -> None:
        after = everybody()
        assert {pk for pk, (one, _rights) in after.items() if one.is_superuser} == {root}
        for pk, (one, rights) in after.items():
            was, had = before.get(pk, (None, set()))
            assert is_less(rights - had, mine), (one, rights - had - mine)
            # whoever has another's password has all that is theirs
            if was is not None and (pk == root or not is_less(had, mine)):
                assert (one.password, one.is_active) == (was.password, True)
        gone = set(before) - set(after)
        assert not [pk for pk in gone if pk == root or not is_less(before[pk][1], mine)]

    assert try_everything(browser(user), site, user, check) > 100
    check()


def test_the_same_requests_do_all_that_for_a_superuser(site):
    user = acting(site, lambda _site, who: None)
    user.is_superuser = True
    user.save()
    client, data = browser(user), {}
    reader = site.users["reader"]
    url = f"/admin/users/edit/{reader.pk}/"
    for data in tries(site, url, user):
        assert client.post(url, data).status_code == 302
    reader.refresh_from_db()
    assert reader.check_password(PHRASE)
    url = f"/admin/users/edit/{reader.pk}/"
    first = next(tries(site, url, user))
    client.post(url, first)
    reader.refresh_from_db()
    assert reader.is_superuser
    url = f"/admin/groups/edit/{site.readers.pk}/"
    for data in list(tries(site, url, user))[:5]:
        assert client.post(url, data).status_code == 302
    assert QueueRight.objects.filter(group=site.readers, queue=site.queue).exists()
    url = f"/admin/bulk/portal/user/assign_role/?id={reader.pk}"
    client.post(url, next(tries(site, url, user)))
    assert site.team in reader.groups.all()
