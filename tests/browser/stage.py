"""The site the browser tests play on: pages in both languages, a queue, an editor, an agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from wagtail.models import GroupPagePermission, Page
from wagtail.users.models import UserProfile

from helpdesk.models import Queue, Right
from portal.models import ServicePage
from tests import factories as f
from tests import page_factories as pages


@dataclass(frozen=True)
class Stage:
    """What stands there before anybody comes; `service` is in the language of the play."""

    tree: pages.Tree
    service: ServicePage
    queue: Queue


def set_up(language: str = "de") -> Stage:
    """Make the site, with an account each for `editor` and `agent` (password: secret)."""
    tree = pages.make_site()
    home = {"de": tree.home, "en": tree.english}[language]
    title = {"de": "Möbel", "en": "Furniture"}[language]
    service = pages.make_service(home, title, summary="Stühle, Tische, Schränke.")
    queue = f.QueueAddressFactory(queue__name="Möbelei", queue__slug="moebel").queue
    account("editor", language, editors(tree.home, tree.english))
    account("agent", language, f.make_team(queue, rights=Right.values, name="Hausdienst"))
    return Stage(tree, service, queue)


def account(username: str, language: str, *groups: Group, **more: Any) -> Any:
    """Make an account that can log in and reads the admin in `language`."""
    user = f.UserFactory(username=username, language=language, **more)
    user.groups.set(groups)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    UserProfile.objects.update_or_create(user=user, defaults={"preferred_language": language})
    return user


def editors(*roots: Page) -> Group:
    """Make a group that writes and publishes pages below `roots`, and has no right on any queue."""
    group = f.GroupFactory(name="Redaktion")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for root in roots:
        for codename in ("add_page", "change_page", "publish_page"):
            right = Permission.objects.get(codename=codename, content_type__app_label="wagtailcore")
            GroupPagePermission.objects.create(group=group, page=root, permission=right)
    return group
