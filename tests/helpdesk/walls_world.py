"""A small world of queues, teams, people and tickets, arranged at random, and who should see what in it.

What should be is worked out here from the arrangement alone, in plain Python: no line of the policy is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st
from wagtail.users.models import UserProfile

from helpdesk import actions, permissions, search
from helpdesk.models import (
    Article,
    Attachment,
    Blob,
    Channel,
    CustomerAddress,
    InformedQueue,
    Notice,
    NoticeKind,
    Organisation,
    Participant,
    Presence,
    QueueRight,
    Right,
    Ticket,
)
from helpdesk.permissions import Actor
from helpdesk.states import StateType
from tests import factories as f

QUEUES, GROUPS, USERS, PEOPLE, ORGANISATIONS = 4, 2, 3, 3, 2

_some_queues = st.sets(st.integers(0, QUEUES - 1), max_size=2)
_some_people = st.sets(st.integers(0, PEOPLE - 1), max_size=2)
_nobody_or_person = st.sampled_from([None, *range(PEOPLE)])
_no_or_organisation = st.sampled_from([None, *range(ORGANISATIONS)])

#: One arrangement of everything.
arrangements = st.fixed_dictionaries(
    {
        # parents come before their children, so there is no cycle
        "parents": st.tuples(
            *(
                st.sampled_from([None, *range(index)]) if index else st.none()
                for index in range(QUEUES)
            )
        ),
        "confidential": _some_queues,
        "rights": st.sets(
            st.tuples(
                st.integers(0, GROUPS - 1), st.integers(0, QUEUES - 1), st.sampled_from(list(Right))
            ),
            max_size=6,
        ),
        "users": st.tuples(
            *(
                st.fixed_dictionaries(
                    {
                        "groups": st.sets(st.integers(0, GROUPS - 1)),
                        "is_active": st.sampled_from([True, True, True, False]),
                        "is_superuser": st.sampled_from([False, False, False, True]),
                    }
                )
                for _ in range(USERS)
            )
        ),
        # whether each person's address is verified, and to which organisation they belong
        "verified": st.tuples(*(st.booleans() for _ in range(PEOPLE))),
        "belongs": st.tuples(*(_no_or_organisation for _ in range(PEOPLE))),
        "active": st.tuples(*(st.sampled_from([True, True, False]) for _ in range(ORGANISATIONS))),
        "tickets": st.lists(
            st.fixed_dictionaries(
                {
                    "queue": st.integers(0, QUEUES - 1),
                    "state": st.sampled_from(list(StateType)),
                    "channel": st.sampled_from([Channel.EMAIL, Channel.WEB]),
                    "customer": _nobody_or_person,
                    # whose address it came from: it need not be the customer's own
                    "contact": _nobody_or_person,
                    "is_test": st.sampled_from([False, False, False, True]),
                    "organisation": _no_or_organisation,
                    "informed": _some_queues,
                    "invited": _some_people,
                    "copied": _some_people,
                    "merged": st.booleans(),
                }
            ),
            min_size=1,
            max_size=5,
        ),
    }
)  # fmt: skip


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

    def __post_init__(self) -> None:
        self.queues = [f.QueueFactory() for _ in range(QUEUES)]
        self.groups = [f.make_team() for _ in range(GROUPS)]
        self.door = f.make_team()  # all may enter the admin, in a team or not
        self.users = [f.UserFactory() for _ in range(USERS)]
        for user in self.users:
            UserProfile.objects.create(user=user, preferred_language="en")
        self.logins = [f.UserFactory() for _ in range(PEOPLE)]
        self.people = [f.CustomerFactory(user=user) for user in self.logins]
        self.organisations = [
            Organisation.objects.create(name=f"O{n}") for n in range(ORGANISATIONS)
        ]
        self.states = {type_: f.state(type_) for type_ in StateType}
        self.blob = Blob.keep(b"walls")
        self.tickets: list[Ticket] = []

    @staticmethod
    def address(index: int | None) -> str:
        return "" if index is None else f"walls{index}@mail.example"

    # --- arranging ---

    def arrange(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self._people()
        self._teams()
        Ticket.objects.update(merged_into=None)
        Ticket.objects.all().delete()
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
            queue.save(update_fields=["parent", "is_confidential"])
        QueueRight.objects.all().delete()
        QueueRight.objects.bulk_create(
            QueueRight(group=self.groups[group], queue=self.queues[queue], right=right)
            for group, queue, right in self.plan["rights"]
        )
        for user, traits in zip(self.users, self.plan["users"], strict=True):
            user.is_active, user.is_superuser = traits["is_active"], traits["is_superuser"]
            user.save(update_fields=["is_active", "is_superuser"])
            user.groups.set([self.door, *(self.groups[index] for index in traits["groups"])])

    def _ticket(self, number: int) -> Ticket:
        traits, now = self.plan["tickets"][number], timezone.now()
        into = self._merged_into(number)
        organisation, person = traits["organisation"], traits["customer"]
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
            created_at=now,
            changed_at=now,
            retention_days=1,
        )
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
        """Write a visible and an internal message with a file each, and tell everybody of it."""
        number, now = int(ticket.number[8:]), timezone.now()
        for visible in (True, False):
            article = Article.objects.create(
                ticket=ticket,
                channel=Channel.EMAIL if visible else Channel.NOTE,
                sender="customer" if visible else "agent",
                visible=visible,
                body=f"{'open' if visible else 'inner'}{number}walls",
                created_at=now,
            )
            Attachment.objects.create(
                article=article, blob=self.blob, name="f", content_type="text/plain"
            )
            search.index_article(article)
        search.index_ticket(ticket)
        for user in self.users:
            Notice.objects.create(user=user, kind=NoticeKind.REPLY, ticket=ticket, at=now)
            Presence.objects.create(user=user, ticket=ticket, seen_at=now)

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
        traits = self.plan["users"][user]
        if not traits["is_active"]:
            return set()
        if traits["is_superuser"]:
            return set(Right.values)
        lineage: list[int] = []
        current: int | None = queue
        while current is not None:
            lineage.append(current)
            current = self.plan["parents"][current]
        found = {
            str(right)
            for group, where, right in self.plan["rights"]
            if group in traits["groups"] and where in lineage
        }
        return found | {"read"} if found else set()

    def works(self, user: int, number: int, right: str = "read") -> bool:
        """Whether a user has a right on a ticket through its own queue."""
        traits = self.plan["tickets"][number]
        me = self.plan["users"][user]
        hidden = traits["state"] == StateType.REMOVED
        if hidden and not (me["is_superuser"] and me["is_active"]):
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
        current: int | None = self.plan["tickets"][number]["queue"]
        while current is not None:
            if current in self.plan["confidential"]:
                return True
            current = self.plan["parents"][current]
        return False

    def finds_all_of(self, who: Who, number: int) -> bool:
        """Whether somebody finds a ticket by its own words, too: these hold its customer's addresses."""
        traits = self.plan["tickets"][number]
        if who.kind == "agent":
            return True
        if who.kind == "link":
            return True
        return who.kind == "customer" and self._is_own(who.index or 0, traits)

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
