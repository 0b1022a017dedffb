"""All models of the extension. Import them from here; inside, arrows run from later to earlier:
base, batch, access, routes, time, queues, sorting, people, blobs, held_files, tickets, clocks, absence, working, articles, search,
history, mail, outbound, notices, screening, jobs, directory."""

from .absence import Absence, AbsenceDeputy, AbsenceTicket, AgentSettings, Handover
from .access import OAuthAccess
from .articles import Article, Attachment, Sender
from .base import NamedRow, Privacy
from .batch import current_batch, held, hold, insert, known, learn, open_batch, update
from .blobs import Blob
from .clocks import Clock, PromiseOverride
from .directory import Directory, directory, is_kept, kept_directory
from .held_files import HeldFile
from .history import Event, EventKind
from .jobs import PeriodicJob
from .mail import InboundMail, MailAccount
from .notices import (
    Mention,
    MutedQueue,
    Notice,
    NoticeChoice,
    NoticeKind,
    UntoldEvent,
    Watcher,
)
from .outbound import AutoMail, AutoResponse, BouncedAddress, OutboundMail
from .people import Customer, CustomerAddress
from .queues import FollowUp, Queue, QueueAddress, QueueRight, Right, in_tree_order, queue_map
from .routes import MailRoute
from .screening import MailFilter, SenderBlock, own_addresses
from .search import SearchEntry
from .sorting import Channel, Priority, State, TicketType
from .tickets import (
    InformedQueue,
    NextAction,
    NumberCounter,
    Participant,
    Seen,
    TaggedTicket,
    Ticket,
    TicketLink,
    TicketTag,
)
from .time import Calendar, Promise, Reckoning, usual_work_time
from .working import DismissedHint, DraftFile, LikelyDuplicate, Merge, Presence, SavedDraft

__all__ = [
    "Absence",
    "AbsenceDeputy",
    "AbsenceTicket",
    "AgentSettings",
    "Clock",
    "DismissedHint",
    "DraftFile",
    "Handover",
    "HeldFile",
    "Mention",
    "Merge",
    "MutedQueue",
    "NextAction",
    "Notice",
    "NoticeChoice",
    "NoticeKind",
    "Presence",
    "PromiseOverride",
    "Reckoning",
    "SavedDraft",
    "UntoldEvent",
    "Watcher",
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
    "LikelyDuplicate",
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
    "usual_work_time",
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
