"""What agents of the demo do: each act is one verb."""

from __future__ import annotations

from dataclasses import dataclass

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.models import Article, Channel, Priority, Sender, State, Ticket

from . import clock
from .acts import KINDS, Act, File, Stage


@dataclass(frozen=True)
class AgentAct(Act):
    """An act of an agent, who has read the ticket then."""

    agent: str

    def play(self, stage: Stage) -> None:
        actor = stage.agent(self.agent)
        self.act(stage, actor, stage.ticket)
        if permissions.visible_tickets(actor).filter(pk=stage.ticket.pk).exists():
            actions.mark_seen(actor=actor, ticket=stage.ticket)

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Answer(AgentAct):
    """An answer by mail; `state` by short name, with `wait` working days from today if it waits."""

    text: str
    state: str = ""
    wait: int | None = None
    files: tuple[File, ...] = ()

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        draft = Draft(
            body=self.text,
            channel=Channel.EMAIL,
            files=tuple(
                Upload(name, content, KINDS[name.rpartition(".")[2]])
                for name, content in self.files
            ),
        )
        actions.answer(
            actor=actor,
            ticket=ticket,
            draft=draft,
            state=State.objects.get(slug=self.state) if self.state else None,
            pending_until=clock.due(self.wait) if self.wait is not None else None,
        )


@dataclass(frozen=True)
class Note(AgentAct):
    text: str

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.add_note(
            actor=actor, ticket=ticket, draft=Draft(body=self.text, channel=Channel.NOTE)
        )


@dataclass(frozen=True)
class Forward(AgentAct):
    """The customer's last message goes to a third party."""

    text: str
    to: tuple[str, str]

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        original = Article.objects.filter(ticket=ticket, sender=Sender.CUSTOMER).last()
        actions.forward(
            actor=actor,
            ticket=ticket,
            draft=Draft(body=self.text, channel=Channel.EMAIL),
            original=original,
            to=(self.to,),
        )


@dataclass(frozen=True)
class Phoned(AgentAct):
    """The agent calls the customer back."""

    text: str

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        draft = Draft(body=self.text, channel=Channel.PHONE)
        actions.log_call(actor=actor, ticket=ticket, draft=draft, inbound=False)


@dataclass(frozen=True)
class Claim(AgentAct):
    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.claim(actor=actor, ticket=ticket)


@dataclass(frozen=True)
class HandBack(AgentAct):
    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.hand_back(actor=actor, ticket=ticket)


@dataclass(frozen=True)
class Assign(AgentAct):
    to: str

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.assign(actor=actor, ticket=ticket, owner=stage.users[self.to])


@dataclass(frozen=True)
class Move(AgentAct):
    queue: str

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.move(actor=actor, ticket=ticket, queue=stage.queues[self.queue])


@dataclass(frozen=True)
class Prioritise(AgentAct):
    priority: str

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        priority = Priority.objects.get(slug=self.priority)
        actions.set_priority(actor=actor, ticket=ticket, priority=priority)


@dataclass(frozen=True)
class Tag(AgentAct):
    """Give the ticket these tags, and take all others."""

    tags: tuple[str, ...]

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.set_tags(actor=actor, ticket=ticket, tags=self.tags)


@dataclass(frozen=True)
class SetState(AgentAct):
    state: str
    wait: int | None = None

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.change_state(
            actor=actor,
            ticket=ticket,
            state=State.objects.get(slug=self.state),
            pending_until=clock.due(self.wait) if self.wait is not None else None,
        )


@dataclass(frozen=True)
class Link(AgentAct):
    """Link with the ticket of another story."""

    story: str
    kind: str = "related"

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.link(actor=actor, source=ticket, target=stage.tickets[self.story], kind=self.kind)


@dataclass(frozen=True)
class AcceptSender(AgentAct):
    """Accept the last message whose sender was not verified."""

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        article = Article.objects.filter(ticket=ticket, verified=False).last()
        if article is None:
            raise ValueError(f"{stage.story}: nothing to accept")
        actions.accept_sender(actor=actor, ticket=ticket, article=article)
