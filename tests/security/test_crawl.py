"""Everybody opens every link: nothing breaks, nothing is offered in vain, nobody comes where they should not."""

from __future__ import annotations

import re
from io import StringIO
from typing import ClassVar

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, TestCase
from django.urls import reverse

from helpdesk import permissions
from helpdesk.agents import policy
from portal.demo.people import PEOPLE
from portal.models import User

from .crawl import Crawl, crawl

ADMIN = "/admin/"
#: One of each sort of people; '' is nobody in particular.
ROLES = ("", "swift", "fink", "star", "dohle", "heron", "amsel")
#: Pages and rights are the same code on every engine, only what they ask is not: there some of them will do.
if connection.vendor != "sqlite":
    ROLES = ("", "swift", "fink", "dohle", "amsel")
#: Wagtail opens these to everybody in the admin, and lists there only what one may see: mostly nothing.
HISTORY = "/admin/reports/site-history/"
OPEN = (HISTORY, "/admin/pages/create/portal/")
TICKET = re.compile(r"/admin/helpdesk/tickets/(\d+)/")


@pytest.mark.xdist_group("crawl")  # takes long: begins with the first
class TestEverybody(TestCase):
    """One test, so that the demo is loaded and gone through once, whatever runs side by side."""

    crawls: ClassVar[dict[str, Crawl]]

    @classmethod
    def setUpTestData(cls) -> None:
        call_command("demo", stdout=StringIO())
        cls.crawls = {
            role: crawl(cls.client_of(role), "/", "/en/", ADMIN, "/requests/") for role in ROLES
        }

    @staticmethod
    def client_of(role: str) -> Client:
        client = Client(raise_request_exception=False)
        if role:
            client.force_login(User.objects.get(username=role))
        return client

    def test_everybody(self) -> None:
        for check in (
            self.everybody_came_around,
            self.nothing_breaks_and_no_link_leads_nowhere,
            self.only_who_works_in_the_administration_sees_any_of_it,
            self.nobody_opens_what_only_others_are_offered,
            self.the_site_history_tells_agents_nothing,
            self.agents_see_the_help_desk_and_editors_see_pages,
        ):
            with self.subTest(check.__name__):
                check()

    def everybody_came_around(self) -> None:
        for role, found in self.crawls.items():
            assert len(found.opened()) > 15, role
        assert {person.username for person in PEOPLE} >= set(ROLES) - {""}

    def nothing_breaks_and_no_link_leads_nowhere(self) -> None:
        bad = [
            (role or "nobody", url, page.status, page.offered_by)
            for role, found in self.crawls.items()
            for url, page in found.pages.items()
            if page.status >= 400
        ]
        assert not bad

    def only_who_works_in_the_administration_sees_any_of_it(self) -> None:
        for role in ("", "swift"):
            inside = [url for url in self.crawls[role].opened() if url.startswith(ADMIN)]
            assert inside == [], role

    def nobody_opens_what_only_others_are_offered(self) -> None:
        """What the administrator found is asked for by everybody else, link or no link."""
        found = {role: self.wrongly_open_to(role) for role in ROLES[:-1]}
        assert not {role: urls for role, urls in found.items() if urls}

    def wrongly_open_to(self, role: str) -> list[str]:
        client, own = self.client_of(role), self.crawls[role].kinds()
        actor = permissions.agent(User.objects.filter(username=role).first()) if role else None
        wrong = []
        for url, page in self.crawls["amsel"].opened().items():
            ticket = TICKET.match(url)
            if ticket is None and (page.kind in own or url.startswith(OPEN)):
                continue  # a page that is theirs
            status = client.get(url).status_code
            assert status < 500, (role, url)
            if status != 200:
                continue
            if ticket is not None:
                assert actor is not None, url
                if permissions.visible_tickets(actor).filter(pk=ticket[1]).exists():
                    continue
            wrong.append(url)
        return wrong

    def the_site_history_tells_agents_nothing(self) -> None:
        rows = {
            role: self.client_of(role).get(HISTORY).context["object_list"]
            for role in ("fink", "amsel")
        }
        assert len(rows["amsel"])
        assert not rows["fink"]

    def agents_see_the_help_desk_and_editors_see_pages(self) -> None:
        agent = self.crawls["fink"].opened()
        editor = self.crawls["dohle"].opened()
        assert any(TICKET.match(url) for url in agent)
        assert not [url for url in editor if url.startswith("/admin/helpdesk/")]
        assert not [url for url in agent if url.startswith("/admin/pages/")]
        assert reverse("wagtailadmin_home") in agent
        assert not policy.may_enter(permissions.agent(User.objects.get(username="dohle")))
