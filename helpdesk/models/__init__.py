"""All models of the extension. Import them from here; inside, arrows run from later to earlier:
base, batch, access, routes, time, queues, people, blobs, tickets, articles, search, history, mail, outbound,
screening, jobs, directory."""

from .access import OAuthAccess
from .articles import Article, Attachment, Sender
from .base import NamedRow, Privacy
from .batch import current_batch, held, hold, insert, known, learn, open_batch, update
from .blobs import Blob
from .directory import Directory, directory, is_kept, kept_directory
from .history import Event, EventKind
from .jobs import PeriodicJob
from .mail import InboundMail, MailAccount
from .outbound import AutoMail, AutoResponse, BouncedAddress, OutboundMail
from .people import Customer, CustomerAddress
from .queues import FollowUp, Queue, QueueAddress, QueueRight, Right, in_tree_order, queue_map
from .routes import MailRoute
from .screening import MailFilter, SenderBlock, own_addresses
from .search import SearchEntry
from .tickets import (
    Channel,
    InformedQueue,
    NumberCounter,
    Participant,
    Priority,
    Seen,
    State,
    TaggedTicket,
    Ticket,
    TicketLink,
    TicketTag,
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
    "Directory",
    "directory",
    "is_kept",
    "kept_directory",
    "in_tree_order",
    "own_addresses",
    "AutoResponse",
    "BouncedAddress",
    "InformedQueue",
    "MailRoute",
    "OAuthAccess",
    "SenderBlock",
    "TaggedTicket",
    "TicketTag",
    "queue_map",
    "current_batch",
    "held",
    "hold",
    "insert",
    "known",
    "learn",
    "open_batch",
    "update",
]
