"""All models of the extension. Import them from here; inside, arrows run from later to earlier:
base, batch, audit, access, routes, time, keeping, queues, departments, sorting, people, blobs, outside, held_files, tickets, ticket_parts, erasure, answers, clocks, absence, working,
articles, search, history, mail, orders, outbound, notices, screening, jobs, directory, persons."""

from .absence import Absence, AbsenceDeputy, AbsenceTicket, AgentSettings, Handover
from .access import OAuthAccess
from .answers import Answer, AskedField
from .articles import Article, Attachment, Sender
from .audit import AuditEntry, AuditKind
from .base import NamedRow, Privacy, delete_alone
from .batch import current_batch, held, hold, insert, known, learn, open_batch, update
from .blobs import Blob, BlobRemoval, Scan, remove_left
from .clocks import Clock, PromiseOverride
from .departments import Department, Team
from .directory import Directory, directory, is_kept, kept_directory
from .erasure import DataExport, ErasureRun, ExportedTicket, Hold, Tombstone, closed_nonce
from .held_files import HeldFile, Holder, ToHold
from .history import Event, EventKind
from .jobs import PeriodicJob
from .keeping import AtEnd, RetentionSettings, TermsChange
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
from .orders import OrderSettings, QueueOrder
from .outbound import AutoMail, AutoResponse, BouncedAddress, OutboundMail
from .outside import FileRemoval, delete_rows, forget_generic, let_go, refusals, remove_left_files
from .people import (
    AddressClaim,
    Customer,
    CustomerAddress,
    Organisation,
    Proof,
    is_persons_own,
)
from .persons import PersonErasure
from .queues import (
    AgentNames,
    FollowUp,
    Queue,
    QueueAddress,
    QueueRight,
    Right,
    confidential_among,
    confidential_queues,
    in_tree_order,
    queue_map,
)
from .routes import MailRoute
from .screening import MailFilter, SenderBlock, own_addresses
from .search import SearchEntry
from .sorting import Channel, Priority, State, TicketType
from .ticket_parts import InformedQueue, NumberCounter, Seen, TicketLink
from .tickets import (
    NOT_ARCHIVED,
    NextAction,
    Participant,
    StorageStep,
    TaggedTicket,
    Ticket,
    TicketTag,
)
from .time import Calendar, Promise, Reckoning, usual_work_time
from .working import DismissedHint, DraftFile, LikelyDuplicate, Merge, Presence, SavedDraft

__all__ = [
    "NOT_ARCHIVED",
    "Absence",
    "AddressClaim",
    "AbsenceDeputy",
    "AbsenceTicket",
    "AgentNames",
    "AgentSettings",
    "Answer",
    "Article",
    "AskedField",
    "AtEnd",
    "Attachment",
    "AuditEntry",
    "AuditKind",
    "AutoMail",
    "AutoResponse",
    "Blob",
    "BlobRemoval",
    "BouncedAddress",
    "Calendar",
    "Channel",
    "Clock",
    "Customer",
    "CustomerAddress",
    "DataExport",
    "Department",
    "Directory",
    "DismissedHint",
    "DraftFile",
    "ErasureRun",
    "ExportedTicket",
    "Event",
    "EventKind",
    "FileRemoval",
    "FollowUp",
    "Handover",
    "HeldFile",
    "Holder",
    "Hold",
    "InboundMail",
    "InformedQueue",
    "LikelyDuplicate",
    "MailAccount",
    "MailFilter",
    "MailRoute",
    "Mention",
    "Merge",
    "MutedQueue",
    "NamedRow",
    "NextAction",
    "Notice",
    "NoticeChoice",
    "NoticeKind",
    "NumberCounter",
    "OAuthAccess",
    "OrderSettings",
    "Organisation",
    "OutboundMail",
    "Participant",
    "PeriodicJob",
    "PersonErasure",
    "Presence",
    "Priority",
    "Privacy",
    "Promise",
    "PromiseOverride",
    "Proof",
    "Queue",
    "QueueAddress",
    "QueueOrder",
    "QueueRight",
    "Reckoning",
    "RetentionSettings",
    "Right",
    "SavedDraft",
    "Scan",
    "SearchEntry",
    "Seen",
    "Sender",
    "SenderBlock",
    "State",
    "StorageStep",
    "TaggedTicket",
    "Team",
    "Ticket",
    "TermsChange",
    "TicketLink",
    "TicketTag",
    "TicketType",
    "ToHold",
    "Tombstone",
    "UntoldEvent",
    "Watcher",
    "closed_nonce",
    "confidential_among",
    "confidential_queues",
    "current_batch",
    "delete_alone",
    "delete_rows",
    "directory",
    "forget_generic",
    "held",
    "hold",
    "in_tree_order",
    "insert",
    "is_persons_own",
    "is_kept",
    "kept_directory",
    "known",
    "learn",
    "let_go",
    "open_batch",
    "own_addresses",
    "queue_map",
    "refusals",
    "remove_left",
    "remove_left_files",
    "update",
    "usual_work_time",
]
