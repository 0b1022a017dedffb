"""The append-only history."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .articles import Article
from .base import CONTENT, NONE
from .people import Customer
from .tickets import Ticket


class EventKind(models.TextChoices):
    """What happened, in the form subject.verb."""

    TICKET_OPENED = "ticket.opened", _("opened the ticket")
    TICKET_IMPORTED = "ticket.imported", _("imported the ticket")
    ARTICLE_ADDED = "article.added", _("added a message")
    NOTE_ADDED = "note.added", _("wrote a note")
    ANSWER_SENT = "answer.sent", _("answered")
    FORWARDED = "article.forwarded", _("forwarded a message")
    CALL_LOGGED = "call.logged", _("logged a call")
    SECOND_DELIVERY = "article.delivered_again", _("received the same mail again")
    MACHINE_MAIL = "article.machine", _("received mail of a machine")
    STATE_CHANGED = "state.changed", _("changed the state")
    QUEUE_CHANGED = "queue.changed", _("moved the ticket")
    OWNER_CHANGED = "owner.changed", _("changed the owner")
    RESPONSIBLE_CHANGED = "responsible.changed", _("changed who is responsible")
    PRIORITY_CHANGED = "priority.changed", _("changed the priority")
    TYPE_CHANGED = "type.changed", _("changed the type")
    SUBJECT_CHANGED = "subject.changed", _("renamed the ticket")
    CUSTOMER_CHANGED = "customer.changed", _("changed the customer")
    PENDING_CHANGED = "pending.changed", _("changed the pending date")
    TERMS_APPLIED = "terms.applied", _("applied new terms")
    OBJECTION_CHANGED = "objection.changed", _("changed the objection to storage")
    LINKED = "ticket.linked", _("linked a ticket")
    QUEUE_INFORMED = "queue.informed", _("informed another queue")
    QUEUE_UNINFORMED = "queue.uninformed", _("ended the reading along of a queue")
    SENDER_ACCEPTED = "sender.accepted", _("accepted the sender")
    SEPARATED = "article.separated", _("made a message a ticket of its own")
    RECEIPT_QUEUED = "receipt.queued", _("queued a receipt")
    RECEIPT_WITHHELD = "receipt.withheld", _("withheld a receipt")
    MAIL_SENT = "mail.sent", _("sent the mail")
    MAIL_FAILED = "mail.failed", _("could not send the mail")
    MAIL_UNCERTAIN = "mail.uncertain", _("could not tell whether the mail went out")
    RESPONSE_QUEUED = "response.queued", _("queued an automatic answer")
    RESPONSE_WITHHELD = "response.withheld", _("withheld an automatic answer")
    MAIL_RESENT = "mail.resent", _("sent the mail again")
    MAIL_BOUNCED = "mail.bounced", _("got the mail back")
    ADDRESS_RELEASED = "address.released", _("released an address for mail")
    ANSWER_TAKEN_BACK = "answer.taken_back", _("took an answer back")
    TAGS_CHANGED = "tags.changed", _("changed the tags")
    MARKED_SPAM = "ticket.spam", _("marked the ticket as spam")
    NOT_SPAM = "ticket.not_spam", _("said that the ticket is no spam")
    CLOCK_WARNING = "clock.warning", _("warned that a deadline comes near")
    CLOCK_BREACHED = "clock.breached", _("noted that a deadline has passed")
    REMINDED = "reminder.due", _("reminded")
    MERGED = "ticket.merged", _("merged tickets")
    UNMERGED = "ticket.unmerged", _("took a merge back")
    SPLIT = "article.split", _("made a new ticket from a message")
    UNLINKED = "ticket.unlinked", _("removed a link")
    MENTIONED = "agent.mentioned", _("mentioned an agent")
    PARTICIPANT_INVITED = "participant.invited", _("invited somebody to the request")
    PARTICIPANT_REMOVED = "participant.removed", _("removed a participant")
    SHARING_CHANGED = "sharing.changed", _("changed with whom the request is shared")
    LINK_WITHDRAWN = "link.withdrawn", _("withdrew the status links")
    FILE_INFECTED = "file.infected", _("found a virus in a file")
    STORAGE_WARNING = (
        "storage.warning",
        _("warned that the ticket is erased soon although it is open"),
    )
    FILES_ERASED = "files.erased", _("erased the files")
    PERSONS_ERASED = "persons.erased", _("erased the personal details")
    ANONYMISED = "ticket.anonymised", _("anonymised the ticket")
    HOLD_PLACED = "hold.placed", _("placed a hold")
    HOLD_CHANGED = "hold.changed", _("changed a hold")
    HOLD_LIFTED = "hold.lifted", _("lifted a hold")
    ORDER_PLACED = "order.placed", _("ordered a queue")
    ORDER_CHANGED = "order.changed", _("changed the order of a queue")
    ORDER_APPROVED = "order.approved", _("approved the order of a queue")
    ORDER_REFUSED = "order.refused", _("refused the order of a queue")


class Event(models.Model):
    """One row of the history, written by `helpdesk.events.record` only, and never changed.

    `data` holds ids and codes and stays; `content` is the one column with personal content and is
    emptied at erasure.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="events")
    article = models.ForeignKey(
        Article, models.SET_NULL, null=True, blank=True, related_name="events"
    )
    kind = models.CharField(max_length=40, choices=EventKind.choices)
    actor_kind = models.CharField(max_length=10)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    customer = models.ForeignKey(Customer, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    data = models.JSONField(default=dict, blank=True)
    content = models.JSONField(null=True, blank=True)

    privacy = {"kind": NONE, "actor_kind": NONE, "data": NONE, "content": CONTENT}

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind}"
