"""A small world of queues, teams, people and tickets, arranged at random, and who should see what in it.

What should be is worked out here from the arrangement alone, in plain Python: no line of the policy is asked.
What may be arranged is in `walls_plan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from wagtail.users.models import UserProfile

from helpdesk import actions, permissions, search
from helpdesk.models import (
    AgentNames,
    Article,
    Attachment,
    Blob,
    Channel,
    CustomerAddress,
    Hold,
    InformedQueue,
    Notice,
    NoticeKind,
    Organisation,
    Participant,
    Presence,
    QueueRight,
    Right,
    SavedDraft,
    StorageStep,
    Ticket,
    Tombstone,
)
from helpdesk.permissions import Actor
from helpdesk.states import StateType
from tests import factories as f

from .walls_plan import GROUPS, ORGANISATIONS, PEOPLE, QUEUES, USERS


@dataclass
class Who:
    """An actor, with what it is in the arrangement."""

    actor: Actor
    kind: str  # "agent", "customer", "guest", "link", "invited"
    index: int | None = None
    ticket: int | None = None


@dataclass
class World:
    """Rows made once for all examples; each example only moves them about."""

    plan: dict[str, Any] = field(default_factory=dict)
    #: The form that all tickets came by.
    form_key: UUID = UUID(int=0)

    def __post_init__(self) -> None:
        self.queues = [f.QueueFactory() for _ in range(QUEUES)]
        self.groups = [f.make_team() for _ in range(GROUPS)]
        self.door = f.make_team()  # all may enter the admin, in a team or not
        self.users = [f.UserFactory() for _ in range(USERS)]
        for user in self.users:
            UserProfile.objects.create(user=user, preferred_language="en")
        self.logins = [f.UserFactory() for _ in range(PEOPLE)]
        self.people = [
            f.CustomerFactory(user=user, name=f"Person{index}walls")
            for index, user in enumerate(self.logins)
        ]
        self.organisations = [
            Organisation.objects.create(name=f"O{n}") for n in range(ORGANISATIONS)
        ]
        self.states = {type_: f.state(type_) for type_ in StateType}
        self.blob = Blob.keep(b"walls")
        self.tickets: list[Ticket] = []

    @staticmethod
    def address(index: int | None) -> str:
        return "" if index is None else f"walls{index}@mail.example"

    @staticmethod
    def author(number: int) -> int:
        """The index of the agent who wrote on a ticket."""
        return number % USERS

    @staticmethod
    def agents_name(index: int) -> str:
        return f"Lovelace{index}walls"

    # --- arranging ---

    def arrange(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self._people()
        self._teams()
        Ticket.objects.update(merged_into=None)
        Ticket.objects.all().delete()
        Tombstone.objects.all().delete()
        self._erased()
        self.tickets = [self._ticket(number) for number in range(len(plan["tickets"]))]
        for ticket in self.tickets:
            self._fill(ticket)

    def _people(self) -> None:
        for row, is_active in zip(self.organisations, self.plan["active"], strict=True):
            row.is_active = is_active
            row.save()
        CustomerAddress.objects.all().delete()
        for index, person in enumerate(self.people):
            belongs = self.plan["belongs"][index]
            person.organisation = None if belongs is None else self.organisations[belongs]
            person.save()
            CustomerAddress.objects.create(
                customer=person,
                address=self.address(index),
                verified_at=timezone.now() if self.plan["verified"][index] else None,
            )

    def _teams(self) -> None:
        for index, queue in enumerate(self.queues):
            parent = self.plan["parents"][index]
            queue.parent = None if parent is None else self.queues[parent]
            queue.is_confidential = index in self.plan["confidential"]
            queue.agent_names = self.plan["names"][index]
            queue.save(update_fields=["parent", "is_confidential", "agent_names"])
        QueueRight.objects.all().delete()
        QueueRight.objects.bulk_create(
            QueueRight(group=self.groups[group], queue=self.queues[queue], right=right)
            for group, queue, right in self.plan["rights"]
        )
        for user, traits in zip(self.users, self.plan["users"], strict=True):
            user.is_active, user.is_superuser = traits["is_active"], traits["is_superuser"]
            user.save(update_fields=["is_active", "is_superuser"])
            user.groups.set([self.door, *(self.groups[index] for index in traits["groups"])])

    def erased_number(self, index: int) -> str:
        return f"20250101{index:07}"

    def erased_pk(self, index: int) -> int:
        return 9_000_000 + index

    def _erased(self) -> None:
        now = timezone.now()
        Tombstone.objects.bulk_create(
            Tombstone(
                ticket_pk=self.erased_pk(index),
                number=self.erased_number(index),
                queue=self.queues[queue],
                opened_on=now.date(),
                erased_at=now,
                reason=Tombstone.Reason.RETENTION,
            )
            for index, queue in enumerate(self.plan["erased"])
        )

    def _ticket(self, number: int) -> Ticket:
        traits, now = self.plan["tickets"][number], timezone.now()
        into = self._merged_into(number)
        organisation, person = traits["organisation"], traits["customer"]
        ends = None if traits["ends"] is None else now + timedelta(days=traits["ends"])
        ticket = Ticket.objects.create(
            number=f"20260101{number:07}",
            subject=f"subject{number}walls",
            queue=self.queues[traits["queue"]],
            state=self.states[traits["state"]],
            priority=actions.default_priority(),
            customer=None if person is None else self.people[person],
            organisation=None if organisation is None else self.organisations[organisation],
            contact=self.address(traits["contact"]),
            channel=traits["channel"],
            is_test=traits["is_test"],
            merged_into=None if into is None else Ticket.objects.get(number=f"20260101{into:07}"),
            # so long ago that somebody should have taken it
            created_at=now - timedelta(days=3),
            changed_at=now,
            retention_days=1,
            form_key=self.form_key,
            erase_at=ends,
            storage_step_at=ends,
            storage_step=StorageStep.END if ends else "",
        )
        if traits["is_held"]:
            until = timezone.localdate() + timedelta(days=99)
            Hold.objects.create(ticket=ticket, reason="walls", until=until, placed_at=now)
        InformedQueue.objects.bulk_create(
            InformedQueue(ticket=ticket, queue=self.queues[queue], at=now)
            for queue in traits["informed"]
        )
        for index in traits["copied"] | traits["invited"]:
            Participant.objects.create(
                ticket=ticket,
                address=self.address(index),
                normalised=self.address(index),
                may_read=index in traits["invited"],
            )
        return ticket

    def _merged_into(self, number: int) -> int | None:
        traits = self.plan["tickets"][number]
        is_merged = traits["state"] == StateType.MERGED and traits["merged"]
        return number - 1 if is_merged and number else None

    def _fill(self, ticket: Ticket) -> None:
        """Write a message, an answer and a note with a file each, and tell everybody of it."""
        number, now = int(ticket.number[8:]), timezone.now()
        wrote = self.author(number)
        for word, sender, visible in (
            ("open", "customer", True),
            ("answer", "agent", True),
            ("inner", "agent", False),
        ):
            is_agent = sender == "agent"
            article = Article.objects.create(
                ticket=ticket,
                channel=Channel.EMAIL if visible else Channel.NOTE,
                sender=sender,
                visible=visible,
                author=self.users[wrote] if is_agent else None,
                customer=None if is_agent else ticket.customer,
                from_name=self.agents_name(wrote) if is_agent else "",
                from_address="" if is_agent else ticket.contact,
                body=f"{word}{number}walls",
                created_at=now,
            )
            Attachment.objects.create(
                article=article, blob=self.blob, name="f", content_type="text/plain"
            )
            search.index_article(article)
        search.index_ticket(ticket)
        facts = {"kind": NoticeKind.REPLY, "by_mail": Notice.ByMail.DIGEST, "at": now}
        Notice.objects.bulk_create(Notice(user=user, ticket=ticket, **facts) for user in self.users)
        saved = {"mode": "note", "saved_at": now - timedelta(hours=2)}
        SavedDraft.objects.bulk_create(
            SavedDraft(user=user, ticket=ticket, **saved) for user in self.users
        )
        Presence.objects.bulk_create(
            Presence(user=user, ticket=ticket, seen_at=now) for user in self.users
        )

    # --- who there is ---

    def agents(self) -> Iterator[Who]:
        for index, user in enumerate(self.users):
            yield Who(permissions.agent(user), "agent", index)

    def outsiders(self) -> Iterator[Who]:
        for index, person in enumerate(self.people):
            yield Who(permissions.customer(person), "customer", index)
            yield Who(permissions.guest(self.address(index), person), "guest", index)
        yield Who(permissions.guest("stranger@mail.example", None), "guest", None)
        for number, ticket in enumerate(self.tickets):
            yield Who(permissions.link_bearer(ticket), "link", ticket=number)
            for participant in ticket.participants.filter(may_read=True):
                index = next(n for n in range(PEOPLE) if self.address(n) == participant.normalised)
                yield Who(permissions.invited(participant), "invited", index, number)

    # --- what should be ---

    def rights(self, user: int, queue: int) -> set[str]:
        """The rights of a user in a queue."""
        if self.is_superuser(user):
            return set(Right.values)
        return self.granted(user, queue)

    def is_superuser(self, user: int) -> bool:
        traits = self.plan["users"][user]
        return bool(traits["is_superuser"] and traits["is_active"])

    def lineage(self, queue: int) -> list[int]:
        """A queue and those above it."""
        found: list[int] = []
        current: int | None = queue
        while current is not None:
            found.append(current)
            current = self.plan["parents"][current]
        return found

    def granted(self, user: int, queue: int) -> set[str]:
        """The rights of a user in a queue by their teams."""
        traits = self.plan["users"][user]
        if not traits["is_active"]:
            return set()
        lineage = self.lineage(queue)
        found = {
            str(right)
            for group, where, right in self.plan["rights"]
            if group in traits["groups"] and where in lineage
        }
        return found | {"read"} if found else set()

    def works(self, user: int, number: int, right: str = "read") -> bool:
        """Whether a user has a right on a ticket through its own queue."""
        traits = self.plan["tickets"][number]
        if traits["state"] == StateType.REMOVED and not self.is_superuser(user):
            return False
        return right in self.rights(user, traits["queue"])

    def reads(self, user: int, number: int) -> bool:
        """Whether a user may read a ticket at all."""
        traits = self.plan["tickets"][number]
        along = any("read" in self.rights(user, queue) for queue in traits["informed"])
        along = along and not self.keeps_confidence(number)
        return self.works(user, number) or (along and traits["state"] != StateType.REMOVED)

    def sees(self, who: Who, number: int) -> bool:
        """Whether somebody may read a ticket."""
        traits = self.plan["tickets"][number]
        if who.kind == "agent":
            return self.reads(who.index or 0, number)
        if traits["state"] == StateType.REMOVED:
            return False
        if who.ticket is not None:
            return who.ticket == number
        if traits["is_test"]:
            return False
        if who.kind == "guest":
            return who.index is not None and (
                who.index in traits["invited"]
                or (traits["customer"] == who.index and traits["contact"] == who.index)
            )
        return self._is_own(who.index or 0, traits) or self._is_shared(who.index or 0, traits)

    def keeps_confidence(self, number: int) -> bool:
        """Whether a ticket lies in a confidential queue, or below one."""
        queues = self.lineage(self.plan["tickets"][number]["queue"])
        return any(queue in self.plan["confidential"] for queue in queues)

    def number_of(self, pk: int) -> int:
        return next(number for number, row in enumerate(self.tickets) if row.pk == pk)

    def homes(self, number: int) -> set[int]:
        """A ticket, and those into which it was merged."""
        into = self._merged_into(number)
        return {number} if into is None else {number} | self.homes(into)

    def names_agents(self, number: int) -> bool:
        """Whether customers read who of the team answered."""
        queues = self.lineage(self.plan["tickets"][number]["queue"])
        said = next((found for queue in queues if (found := self.plan["names"][queue])), None)
        return said != AgentNames.TEAM

    def finds_all_of(self, who: Who, number: int) -> bool:
        """Whether somebody finds a ticket by its own words, too: these hold its customer's addresses."""
        traits = self.plan["tickets"][number]
        if who.kind == "agent":
            return True
        if who.kind == "link":
            return True
        return who.kind == "customer" and self._is_own(who.index or 0, traits)

    def is_own(self, who: Who, number: int) -> bool:
        """Whether a request is somebody's own who comes by log-in or by a code sent to their address."""
        traits = self.plan["tickets"][number]
        if who.kind == "guest":
            return traits["customer"] == who.index and traits["contact"] == who.index
        return self._is_own(who.index or 0, traits)

    def _is_own(self, person: int, traits: dict[str, Any]) -> bool:
        by_verified = traits["contact"] == person and self.plan["verified"][person]
        return traits["customer"] == person and (traits["channel"] != Channel.EMAIL or by_verified)

    def _is_shared(self, person: int, traits: dict[str, Any]) -> bool:
        mine = self.plan["belongs"][person]
        with_us = mine is not None and traits["organisation"] == mine and self.plan["active"][mine]
        return with_us or (person in traits["invited"] and self.plan["verified"][person])

    def seen_by(self, who: Who) -> set[int]:
        """The numbers of all that somebody may read."""
        return {number for number in range(len(self.tickets)) if self.sees(who, number)}
