"""All models of the extension. Import them from here; inside, arrows run from later to earlier:
base, time, queues, people, blobs, tickets, articles, search, history, mail, jobs."""

from .articles import Article, Attachment, Sender
from .base import NamedRow, Privacy
from .blobs import Blob
from .history import Event, EventKind
from .jobs import PeriodicJob
from .mail import AutoMail, InboundMail, MailAccount, MailFilter, OutboundMail
from .people import Customer, CustomerAddress
from .queues import FollowUp, Queue, QueueAddress, QueueRight, Right, in_tree_order, queue_map
from .search import SearchEntry
from .tickets import (
    Channel,
    NumberCounter,
    Participant,
    Priority,
    Seen,
    State,
    Ticket,
    TicketLink,
    TicketType,
)
from .time import Calendar, Promise

__all__ = [
    "Article",
    "Attachment",
    "AutoMail",
    "Blob",
    "Calendar",
    "Channel",
    "Customer",
    "CustomerAddress",
    "Event",
    "EventKind",
    "FollowUp",
    "InboundMail",
    "MailAccount",
    "MailFilter",
    "NamedRow",
    "NumberCounter",
    "OutboundMail",
    "Participant",
    "PeriodicJob",
    "Priority",
    "Privacy",
    "Promise",
    "Queue",
    "QueueAddress",
    "QueueRight",
    "Right",
    "SearchEntry",
    "Seen",
    "Sender",
    "State",
    "Ticket",
    "TicketLink",
    "TicketType",
    "in_tree_order",
    "queue_map",
]
