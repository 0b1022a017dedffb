"""Tickets in places other than lists and screens: exports, look-ups, mails, holds, and what is left of erased ones.

Each must show all that the arrangement of `walls_world` says, or the part of it that is said here.
"""

from __future__ import annotations

import json
import zipfile
from typing import Any

from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse
from wagtail.models import GroupPagePermission

from helpdesk.agents import erased, erasure, phone
from helpdesk.agents.holds import visible_holds
from helpdesk.agents.tickets_list import TicketFilters, tickets_for
from helpdesk.models import DataExport
from helpdesk.notifications.overview import Overview
from helpdesk.pages.submissions import TicketSubmissionsView
from helpdesk.privacy import export
from helpdesk.states import OPEN_TYPES
from tests import page_factories as p

from .walls_world import Who, World


def numbers_of(tickets: Any) -> set[int]:
    return {int(ticket.number[8:]) for ticket in tickets}


# --- agents -----------------------------------------------------------------------------------------


def check_holds_and_ends(world: World) -> None:
    """Holds are for who manages the queue; what is erased soon is as the list, without what a hold keeps."""
    plan = world.plan["tickets"]
    held = {number for number, traits in enumerate(plan) if traits["is_held"]}
    kept = {home for number in held for home in world.homes(number)}
    for who in world.agents():
        index, seen = who.index, world.seen_by(who)
        shown = visible_holds(who.actor).select_related("ticket")
        managed = {n for n in seen & held if world.works(index, n, "manage")}
        assert numbers_of(hold.ticket for hold in shown) == managed, who
        for days in (7, 30, 90):
            filters = TicketFilters(view="all", erased_within=days)
            ends = {n for n in seen if plan[n]["ends"] is not None and plan[n]["ends"] < days}
            assert numbers_of(tickets_for(who.actor, filters)) == ends - kept, (who, days)


def check_erased_ones(world: World) -> None:
    """Who may read the queue finds what is left by number or old link; the list is for who administers it."""
    for who in world.agents():
        stones = erasure.visible_tombstones(who.actor).values_list("number", flat=True)
        wanted = set()
        for index, queue in enumerate(world.plan["erased"]):
            rights, number = world.rights(who.index or 0, queue), world.erased_number(index)
            wanted |= {number} if "administer" in rights else set()
            for found in (
                erased.by_pk(who.actor, world.erased_pk(index)),
                erased.by_words(who.actor, number),
                erased.by_words(who.actor, f"#{number}"),
            ):
                assert (found is not None) == ("read" in rights), who
        assert set(stones) == wanted, who


def check_submissions(world: World) -> None:
    """The list of a form, and what it gives out as a file, starts from what its reader sees as an agent."""
    for who in world.agents():
        seen = world.seen_by(who)
        tests = {number for number in seen if world.plan["tickets"][number]["is_test"]}
        for query, wanted in (({}, seen - tests), ({"tests": "with"}, seen)):
            view = TicketSubmissionsView()
            view.request = RequestFactory().get("/", query)
            view.request.user = who.actor.user
            view.form_page = type("Page", (), {"form_key": world.form_key})()
            assert numbers_of(view.get_base_queryset()) == wanted, who


def check_digest(world: World) -> None:
    """The daily mail tells of notices and drafts on what is seen, and of nobody's tickets on what is worked on."""
    overview = Overview()
    for who in world.agents():
        actor, index, seen = who.actor, who.index or 0, world.seen_by(who)
        if actor.user.pk not in overview.teams.users:
            continue  # who is in no team gets none
        by_title = {}
        for section in overview.sections(actor.user):
            rows = {world.number_of(line.ticket) for line in section.lines if line.ticket}
            assert rows <= seen, (who, section.title)
            by_title[section.title] = rows
            told = " ".join(f"{line.title} {line.words}" for line in section.lines)
            for number in seen:
                assert f"subject{number}walls" not in told or not world.keeps_confidence(number)
        for title in ("What happened", "Drafts that you have not sent"):
            assert by_title.get(title, set()) == seen, (who, title)
        unowned = next((rows for title, rows in by_title.items() if "owned" in title), set())
        assert unowned == {n for n in seen if _is_teams_open_one(world, index, n)}, who


def _is_teams_open_one(world: World, index: int, number: int) -> bool:
    traits = world.plan["tickets"][number]
    granted = "read" in world.granted(index, traits["queue"])
    return granted and not traits["is_test"] and traits["state"] in OPEN_TYPES


def check_look_up_for_phone_tickets(world: World) -> None:
    """By name or address one finds customers of one's tickets, and anybody by the whole address, with no name then."""
    for who in world.agents():
        index = who.index or 0
        known = {one for one in range(len(world.people)) if _is_known(world, index, one)}
        for one, person in enumerate(world.people):
            found = phone.find_customers(who.actor, f"person{one}walls")
            assert _people(world, found) == {one} & known, who
            last = {other for other in known if _last_contact(world, index, other) == one}
            whole = {one} if one in known and _is_open(world, index, one) else set()
            assert _people(world, phone.find_customers(who.actor, f"walls{one}")) == last | whole
            found = phone.find_customers(who.actor, world.address(one))
            assert _people(world, found) == last | {one}, who
            itself = next(row for row in found if row.customer.pk == person.pk)
            assert itself.name == (person.name if one in known else "")
            # told is what was typed, or what their own queues know
            told = {world.address(one), world.address(_last_contact(world, index, one))}
            assert itself.address in told


def _people(world: World, found: list[phone.Known]) -> set[int]:
    ids = [person.pk for person in world.people]
    return {ids.index(one.customer.pk) for one in found}


def _tickets_of(world: World, person: int) -> list[int]:
    plan = world.plan["tickets"]
    return [number for number, traits in enumerate(plan) if traits["customer"] == person]


def _told(world: World, index: int, person: int) -> list[int]:
    """A customer's tickets on which an agent works, and which are not confidential."""
    rows = _tickets_of(world, person)
    return [n for n in rows if world.works(index, n) and not world.keeps_confidence(n)]


def _is_known(world: World, index: int, person: int) -> bool:
    return world.is_superuser(index) or bool(_told(world, index, person))


def _last_contact(world: World, index: int, person: int) -> int | None:
    contacts = [world.plan["tickets"][n]["contact"] for n in _told(world, index, person)]
    return next((one for one in reversed(contacts) if one is not None), None)


def _is_open(world: World, index: int, person: int) -> bool:
    """Whether an agent sees a customer's whole record: as a manager, or because they ask nowhere else."""
    queues = [world.plan["tickets"][n]["queue"] for n in _tickets_of(world, person)]
    rights = [world.rights(index, queue) for queue in queues]
    manages = any("manage" in one for one in rights)
    only_here = bool(rights) and all("read" in one for one in rights)
    return world.is_superuser(index) or manages or only_here


def make_form(door: Group) -> Any:
    """A form whose list of submissions all members of a group may open."""
    tree = p.make_site()
    for right in ("add_page", "change_page"):
        GroupPagePermission.objects.create(group=door, page=tree.home, permission_type=right[:-5])
    return p.make_form(tree.services)


def check_agents_pages(world: World, form: Any) -> None:
    """The same through the browser: files, lists, and what stands in place of an erased ticket."""
    cache.clear()  # how often somebody looked people up
    for who in world.agents():
        if not who.actor.user.is_active:
            continue
        client, index, seen = Client(), who.index or 0, world.seen_by(who)
        client.force_login(who.actor.user)
        plan = world.plan["tickets"]
        listed = reverse("wagtailforms:list_submissions", args=[form.pk])
        answer = client.get(listed, {"export": "csv"})
        lines = b"".join(answer.streaming_content).decode()
        assert _shown(world, lines) == {n for n in seen if not plan[n]["is_test"]}
        assert answer["Content-Type"] == "text/csv"
        held = client.get(reverse("helpdesk_agents:holds"))
        managed = {n for n in seen if plan[n]["is_held"] and world.works(index, n, "manage")}
        assert held.status_code == 200 or not managed
        assert _shown(world, held.content.decode() if held.status_code == 200 else "") == managed
        for gone, queue in enumerate(world.plan["erased"]):
            url = reverse("helpdesk_agents:ticket", args=[world.erased_pk(gone)])
            known = "read" in world.rights(index, queue)
            assert client.get(url).status_code == (410 if known else 404)
        for one in range(len(world.people)):
            found = client.get(reverse("helpdesk_agents:phone_customers"), {"q": f"person{one}"})
            opens = any("create" in world.rights(index, queue) for queue in range(4))
            is_named = opens and _is_known(world, index, one)
            is_found = found.status_code == 200 and f"Person{one}walls" in found.content.decode()
            assert is_found == is_named


def _shown(world: World, page: str) -> set[int]:
    return {number for number, ticket in enumerate(world.tickets) if ticket.number in page}


# --- customers --------------------------------------------------------------------------------------


def check_own_exports(world: World) -> None:
    """An archive of one's own data holds one's requests, and what one wrote in others' that one sees.

    All of them visible messages, with an agent's name only where the queue shows it. Only the complete archive for
    who answers a request for access reaches further: it is the law's, and made for whoever may handle persons.
    """
    for who in world.outsiders():
        seen = world.seen_by(who)
        if who.ticket is not None or who.index is None and who.kind == "guest":
            assert not export.own_exports(who.actor).exists()
        if who.ticket is not None:
            if seen:
                with export.of_request(actor=who.actor, ticket=world.tickets[who.ticket]) as file:
                    check_archive(world, who, file, {who.ticket})
            continue
        export.ask_own(actor=who.actor)
        row = export.own_exports(who.actor).get()
        assert export.make.call(row.pk) == "made"
        row.refresh_from_db()
        others = [one for one in world.outsiders() if one.actor != who.actor]
        assert not any(row in export.own_exports(one.actor) for one in others)
        with export.open_archive(row=row, user=None) as file:
            check_archive(world, who, file, _written_or_own(world, who))
    DataExport.objects.all().delete()


def _written_or_own(world: World, who: Who) -> set[int]:
    plan, seen = world.plan["tickets"], world.seen_by(who)
    if who.index is None:
        return set()
    wrote = {n for n in seen if who.index in (plan[n]["contact"], plan[n]["customer"])}
    return {n for n in seen if world.is_own(who, n)} | wrote


def check_archive(world: World, who: Who, file: Any, wanted: set[int]) -> None:
    with zipfile.ZipFile(file) as zipped:
        data = json.loads(zipped.read("data.json"))
        page = zipped.read("index.html").decode()
        names = zipped.namelist()
    assert {int(one["number"][8:]) for one in data["requests"]} == wanted, who
    assert "inner" not in page + json.dumps(data)
    for one in data["requests"]:
        number = int(one["number"][8:])
        name = world.agents_name(world.author(number))
        texts = {message["text"]: message["from"] for message in one["messages"]}
        assert not {text for text in texts if str(number) not in text}
        if world.names_agents(number):
            assert texts.get(f"answer{number}walls", name) == name
        else:
            assert name not in json.dumps(one)
        files = [path for path in names if path.startswith(f"files/{one['number']}/")]
        assert len(files) <= 2  # those of the message and of the answer
    for number in range(len(world.tickets)):
        assert number in wanted or world.tickets[number].number not in page
