"""What the register says of the help desk's own tables. Times that may be set are named with their default."""

from __future__ import annotations

from typing import Final

from helpdesk import conf
from helpdesk.actions.presence import KEPT_FOR
from helpdesk.actions.saved_drafts import KEPT_AFTER_CLOSING

from .register import Statement


def days(name: str) -> str:
    """Return a number of days that may be set, as the register says it: its default, and the name."""
    return f"{conf.DEFAULTS[name]} days (`{name}`)"


#: How long what belongs to a ticket is kept; the frame of the document says how long that is.
WITH_TICKET: Final = "with the ticket"
ERASED: Final = "`helpdesk/actions/erasing.py`, nightly"
EXPORTS: Final = "`helpdesk/privacy/export.py: tidy_exports`, hourly"
NIGHT: Final = "`helpdesk/privacy/expired_rows.py`, nightly"
CASCADE: Final = "with the row it belongs to"
BY_HAND: Final = "whoever looks after it deletes it"
TIDY: Final = "`helpdesk/worker.py: tidy`, daily"
ASKER: Final = "whoever asks"
ASKER_AND_TEAM: Final = "whoever asks; agents"
AGENT: Final = "agents"
NOBODY: Final = "nobody"
WHILE_USED: Final = "as long as it is in use"


def _of_ticket(whose: str, why: str, kept: str = WITH_TICKET, goes: str = ERASED) -> Statement:
    return Statement("requests", whose, why, kept, goes)


def _setting(why: str, whose: str = NOBODY) -> Statement:
    return Statement("settings", whose, why, WHILE_USED, BY_HAND)


REQUESTS: Final[dict[str, Statement]] = {
    "helpdesk.Ticket": _of_ticket(
        ASKER_AND_TEAM,
        "answering the request; technical documentation of the service",
        "the terms on the ticket: see *How long a request is kept*",
    ),
    "helpdesk.Article": _of_ticket(ASKER_AND_TEAM, "what was written: messages, notes, calls"),
    "helpdesk.Attachment": _of_ticket(
        ASKER_AND_TEAM, "files of messages", f"{WITH_TICKET}, or sooner (`attachment_days`)"
    ),
    "helpdesk.Answer": _of_ticket(ASKER, "answers in forms, so that tickets are found by them"),
    "helpdesk.Participant": _of_ticket(
        "who is copied in, or invited",
        "writing to them, letting them read",
        f"{WITH_TICKET}, or sooner (`personal_days`)",
    ),
    "helpdesk.Event": _of_ticket(
        ASKER_AND_TEAM, "history of the ticket: who did what, when", f"{WITH_TICKET}"
    ),
    "helpdesk.SearchEntry": _of_ticket(
        ASKER_AND_TEAM,
        "index of the search: the words of tickets and messages",
        f"{WITH_TICKET}; made anew at each change",
    ),
    "helpdesk.TicketLink": _of_ticket(AGENT, "which tickets have to do with each other"),
    "helpdesk.Merge": _of_ticket(AGENT, "journal of a merge, so that it can be taken back"),
    "helpdesk.Clock": _of_ticket(NOBODY, "deadlines of the ticket"),
    "helpdesk.InformedQueue": _of_ticket(NOBODY, "which team reads along"),
    "helpdesk.LikelyDuplicate": _of_ticket(NOBODY, "which tickets look alike"),
    "helpdesk.DismissedHint": _of_ticket(AGENT, "that two tickets are not the same"),
    "helpdesk.TaggedTicket": _of_ticket(NOBODY, "tags of a ticket"),
    "helpdesk.Hold": _of_ticket(
        ASKER_AND_TEAM,
        "why a ticket must not be erased yet (Art. 17 (3), Art. 18 GDPR)",
        f"{WITH_TICKET}, which goes after the hold has ended",
    ),
    "helpdesk.QueueOrder": _of_ticket(
        "who orders a queue, the agents they name", "opening a queue that was ordered"
    ),
    "helpdesk.Blob": _of_ticket(
        NOBODY,
        "which file lies where: digest, size, result of the virus scan",
        "as long as a message, a mail, a draft or an export needs the file",
        "`helpdesk/models/blobs.py: release`, with the last of them",
    ),
    "helpdesk.BlobRemoval": _of_ticket(
        NOBODY,
        "that the bytes of a file are still to be deleted",
        "minutes; a night at most",
        "`helpdesk/models/blobs.py`; what a dead process left: `helpdesk/privacy/leftovers.py`, nightly",
    ),
    "helpdesk.FileRemoval": _of_ticket(
        NOBODY,
        "that a file which a site's own table held of a ticket is still to be deleted",
        "minutes; a night at most",
        "`helpdesk/models/outside.py`; what a dead process left: `helpdesk/privacy/leftovers.py`, nightly",
    ),
    "helpdesk.HeldFile": _of_ticket(
        "whoever fills in a form",
        "files of a form that came back to its sender; digests of their browser and network",
        f"until the form is sent, {conf.DEFAULTS['HELD_FILE_HOURS']} hours (`HELD_FILE_HOURS`) at most:"
        " also of whoever is erased meanwhile; with the account, if they have one",
        "`helpdesk/models/held_files.py: drop_old`, hourly",
    ),
    "helpdesk.AskedField": _of_ticket(
        NOBODY,
        "which fields forms have had, to find answers by",
        "as long as the form's page, or a ticket by it, is there",
        NIGHT,
    ),
}

MAIL: Final[dict[str, Statement]] = {
    "helpdesk.InboundMail": Statement(
        "mail",
        "senders, recipients",
        "the mail as it came, why it was filed where it is",
        f"{WITH_TICKET}; one that made none: {days('IGNORED_MAIL_DAYS')}; one that failed: {days('RETENTION_DAYS')}. "
        "After that an empty shell stays, for good: source, key, dates, so that the mail is not taken for new",
        "`helpdesk/actions/erasing_rows.py`; `helpdesk/privacy/expired_mails.py`, nightly",
    ),
    "helpdesk.OutboundMail": Statement(
        "mail",
        "recipients",
        "outbox: what was sent to whom, and what the mail server said",
        f"{WITH_TICKET}; of no ticket (codes, links, digests): {days('NOTICE_DAYS')}",
        f"{ERASED}; `helpdesk/notifications/letting_go.py`, daily",
    ),
    "helpdesk.AutoMail": Statement(
        "mail", "recipients", "limit of automatic mails to one address", "2 days", TIDY
    ),
    "helpdesk.BouncedAddress": Statement(
        "mail",
        "recipients",
        "not writing to an address that does not exist",
        f"{days('RETENTION_DAYS')} after the last mail that came back, or until somebody releases it",
        NIGHT,
    ),
    "helpdesk.SenderBlock": Statement(
        "mail", "senders", "protection from unwanted mail", "until somebody lifts it", BY_HAND
    ),
}

PEOPLE: Final[dict[str, Statement]] = {
    "helpdesk.Customer": Statement(
        "people",
        ASKER,
        "knowing who asks, and how they are reached",
        "as long as a ticket, a part in one, an account, an organisation or a block is theirs, and 30 days at least",
        "`helpdesk/privacy/expired_people.py`, nightly; when somebody asks for it: `helpdesk/privacy/persons.py`",
    ),
    "helpdesk.CustomerAddress": Statement(
        "people", ASKER, "addresses by which somebody is known", "with the customer", CASCADE
    ),
    "helpdesk.AddressClaim": Statement(
        "people",
        ASKER,
        "an address that waits for its proof; the link holds 3 days",
        "until it is proved or dropped, else with the customer",
        "`helpdesk/actions/addresses.py`; with the customer",
    ),
    "helpdesk.Organisation": Statement(
        "people", NOBODY, "companies and institutes that share requests", WHILE_USED, BY_HAND
    ),
    "helpdesk.DataExport": Statement(
        "people",
        ASKER,
        "archive for somebody who asked what is stored (Art. 15, 20 GDPR)",
        f"{days('EXPORT_DAYS')}; sooner if something is erased of which it holds a copy",
        EXPORTS,
    ),
    "helpdesk.ExportedTicket": Statement(
        "people",
        ASKER,
        "which tickets such an archive holds something of, so that it goes with them",
        "with the archive",
        EXPORTS,
    ),
}

TEAM: Final[dict[str, Statement]] = {
    "helpdesk.SavedDraft": Statement(
        "team",
        ASKER_AND_TEAM,
        "what an agent is writing",
        f"until it is sent or discarded; {KEPT_AFTER_CLOSING.days} days after closing at most",
        f"`helpdesk/actions/saved_drafts.py`, daily; {ERASED}",
    ),
    "helpdesk.DraftFile": Statement(
        "team",
        ASKER_AND_TEAM,
        "files of a draft",
        "with the draft; with the files of the ticket, if these go before it",
        f"{ERASED}; `helpdesk/actions/draft_files.py`, nightly; {CASCADE}",
    ),
    "helpdesk.Notice": Statement(
        "team", AGENT, "what an agent was told", days("NOTICE_DAYS"), f"{TIDY}; {ERASED}"
    ),
    "helpdesk.UntoldEvent": Statement(
        "team",
        NOBODY,
        "that agents are still to be told",
        "seconds",
        "`helpdesk/notifications/telling.py`",
    ),
    "helpdesk.Mention": Statement("team", AGENT, "who is named in a note", WITH_TICKET, ERASED),
    "helpdesk.Watcher": Statement(
        "team", AGENT, "who watches a ticket", f"until they stop; {WITH_TICKET}", ERASED
    ),
    "helpdesk.Seen": Statement(
        "team", AGENT, "up to where an agent has read a ticket", WITH_TICKET, ERASED
    ),
    "helpdesk.Presence": Statement(
        "team",
        AGENT,
        "who has a ticket open at the moment",
        f"{KEPT_FOR.total_seconds() / 3600:.0f} hour after the last sign of life, at the next daily tidying",
        TIDY,
    ),
    "helpdesk.Absence": Statement(
        "team",
        AGENT,
        "who is away and who stands in; the reason is seen by nobody else",
        "as long as the account, or until it is deleted",
        CASCADE,
    ),
    "helpdesk.AbsenceDeputy": Statement("team", AGENT, "deputies", "with the absence", CASCADE),
    "helpdesk.AbsenceTicket": Statement(
        "team",
        AGENT,
        "what became of a ticket during an absence",
        f"with the absence; {WITH_TICKET}",
        ERASED,
    ),
    "helpdesk.AgentSettings": Statement(
        "team",
        AGENT,
        "how an agent works; free days; secret of the calendar feed",
        "with the account",
        CASCADE,
    ),
    "helpdesk.NoticeChoice": Statement(
        "team", AGENT, "of what an agent wants to hear", "with the account", CASCADE
    ),
    "helpdesk.MutedQueue": Statement(
        "team", AGENT, "of what an agent does not want to hear", "with the account", CASCADE
    ),
    "helpdesk.Team": Statement("team", NOBODY, "what a group is for", "with the group", CASCADE),
    "helpdesk.QueueRight": Statement(
        "team", NOBODY, "what a group may do in a queue", WHILE_USED, BY_HAND
    ),
}

PROOF: Final[dict[str, Statement]] = {
    "helpdesk.AuditEntry": Statement(
        "proof",
        "agents, administrators; who logs in",
        "proof of access and of changes (Art. 5 (2), 32 GDPR); the database itself refuses to change it",
        f"{days('AUDIT_DAYS')}, never less than 365",
        "`helpdesk/privacy/expired_rows.py: audit_batch`, nightly",
    ),
    "helpdesk.Tombstone": Statement(
        "proof",
        NOBODY,
        "that a ticket was there and why it is gone: number, queue, dates",
        "for good",
        "never",
    ),
    "helpdesk.ErasureRun": Statement(
        "proof",
        "administrators",
        "what a night's erasing counted, nobody's name",
        "3 years; dry runs 30 days",
        NIGHT,
    ),
    "helpdesk.TermsChange": Statement(
        "proof",
        "administrators",
        "that shorter terms were applied to requests that were there, and to how many",
        "3 years",
        NIGHT,
    ),
    "helpdesk.PersonErasure": Statement(
        "proof",
        "whoever deals with requests of data subjects",
        "that a person was erased: who it was until it is done, then counts, file number and a keyed digest",
        "the person until it is done, or 14 days after it failed; the rest 3 years",
        NIGHT,
    ),
    "helpdesk.NumberCounter": Statement(
        "proof", NOBODY, "how many numbers a day has given out", "for good", "never"
    ),
    "helpdesk.PeriodicJob": Statement(
        "proof",
        NOBODY,
        "when a job of the worker runs; which worker lives",
        "as long as there is the job; dead workers a day",
        TIDY,
    ),
    "helpdesk.Reckoning": Statement(
        "proof", NOBODY, "that deadlines are worked out anew", "30 days after its end", TIDY
    ),
}

SETTINGS: Final[dict[str, Statement]] = {
    "helpdesk.Queue": _setting("queues: addresses, team, promises, retention"),
    "helpdesk.QueueAddress": _setting("addresses of queues", "functional addresses"),
    "helpdesk.Department": _setting("faculties and offices"),
    "helpdesk.RetentionSettings": _setting("how long requests are kept, why, on which legal basis"),
    "helpdesk.Calendar": _setting("working hours and holidays"),
    "helpdesk.Promise": _setting("within which time is answered"),
    "helpdesk.PromiseOverride": _setting("other promises for types and priorities"),
    "helpdesk.State": _setting("states"),
    "helpdesk.Priority": _setting("priorities"),
    "helpdesk.TicketType": _setting("types of requests"),
    "helpdesk.TicketTag": Statement(
        "settings",
        NOBODY,
        "tags, as agents wrote them",
        "until the night after the last ticket that has it was erased or lost it",
        NIGHT,
    ),
    "helpdesk.AutoResponse": _setting("texts of automatic answers"),
    "helpdesk.MailFilter": _setting("rules for arriving mail", "senders, where a rule names them"),
    "helpdesk.MailAccount": _setting("mailboxes; their passwords are encrypted"),
    "helpdesk.MailRoute": _setting("mail servers; their passwords are encrypted"),
    "helpdesk.OAuthAccess": _setting("tokens for mail servers, encrypted"),
    "helpdesk.OrderSettings": _setting("what may be ordered as a queue"),
}

OURS: Final[dict[str, Statement]] = {**REQUESTS, **MAIL, **PEOPLE, **TEAM, **PROOF, **SETTINGS}
