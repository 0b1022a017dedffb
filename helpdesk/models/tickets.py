"""Tickets, and what belongs to one."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from taggit.managers import TaggableManager
from taggit.models import ItemBase, TagBase

from helpdesk import conf

from .base import CONTENT, NONE, PERSON
from .keeping import AtEnd
from .people import Customer, Organisation
from .queues import Queue
from .sorting import Channel, Priority, State, TicketType
from .time import Promise

#: What every list of the daily work says, those of open tickets as well: the condition of the small indexes.
NOT_ARCHIVED: Final = Q(archived_at__isnull=True)


class NextAction(models.TextChoices):
    """What a ticket's next date is."""

    FIRST_RESPONSE = "first_response", _("first response")
    UPDATE = "update", _("next answer")
    SOLUTION = "solution", _("solution")
    PENDING = "pending", _("reminder")
    CLOSE = "close", _("closes by itself")
    HAND_BACK = "hand_back", _("goes back to the queue")
    LOOK_AGAIN = "look_again", _("look again")


class StorageStep(models.TextChoices):
    """What happens next to what is stored of a ticket."""

    ATTACHMENTS = "attachments", _("the files go")
    PERSONAL = "personal", _("the personal details go")
    WARNING = "warning", _("the team is warned")
    END = "end", _("it is erased")


class TicketTag(TagBase):
    """A word by which tickets are found together. Apart from the tags of pages and pictures."""

    privacy = {"name": NONE, "slug": NONE}

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]


class TaggedTicket(ItemBase):
    """A tag on a ticket."""

    tag = models.ForeignKey(TicketTag, models.CASCADE, related_name="+")
    content_object = models.ForeignKey("Ticket", models.CASCADE, related_name="+")

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("tag on a ticket")
        verbose_name_plural = _("tags on tickets")
        constraints = [
            models.UniqueConstraint(fields=["tag", "content_object"], name="helpdesk_tagged_once")
        ]


def _nonce() -> str:
    return get_random_string(16)


class Ticket(models.Model):
    """One request. Belongs to a queue, not to a person.

    `state`, `queue`, `owner` and `priority` are written by the verbs in `helpdesk.actions` only.
    """

    number = models.CharField(_("number"), max_length=30, unique=True)
    subject = models.CharField(_("subject"), max_length=250)
    preview = models.CharField(max_length=200, blank=True)
    queue = models.ForeignKey(
        Queue, models.PROTECT, verbose_name=_("queue"), related_name="tickets", db_index=False
    )
    state = models.ForeignKey(
        State, models.PROTECT, verbose_name=_("state"), related_name="+", db_index=False
    )
    priority = models.ForeignKey(
        Priority, models.PROTECT, verbose_name=_("priority"), related_name="+"
    )
    type = models.ForeignKey(
        TicketType, models.PROTECT, verbose_name=_("type"), null=True, blank=True, related_name="+"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=pgettext_lazy("of a ticket", "owner"),
        null=True,
        blank=True,
        related_name="owned_tickets",
        db_index=False,
    )
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("responsible"),
        null=True,
        blank=True,
        related_name="responsible_tickets",
    )
    customer = models.ForeignKey(
        Customer,
        models.PROTECT,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        related_name="tickets",
        db_index=False,
    )
    # with whose other people the customer shared it, expressly
    organisation = models.ForeignKey(
        Organisation,
        models.SET_NULL,
        verbose_name=_("shared with"),
        null=True,
        blank=True,
        related_name="shared_tickets",
        db_index=False,
    )
    # where answers go: the address the customer wrote from, in canonical form
    contact = models.CharField(_("contact address"), max_length=254, blank=True)
    channel = models.CharField(_("came by"), max_length=10, choices=Channel.choices)
    language = models.CharField(_("language"), max_length=10, default=conf.site_language)

    created_at = models.DateTimeField(_("created"))
    imported_at = models.DateTimeField(_("imported"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    pending_until = models.DateTimeField(_("pending until"), null=True, blank=True)
    # since when the customer has been waiting for an answer; empty while we wait for the customer
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    # the next reminder of a pending ticket, and when its owner loses it to the queue
    remind_at = models.DateTimeField(null=True, blank=True)
    hand_back_at = models.DateTimeField(null=True, blank=True)
    # the earliest of all dates, and which one it is; every open ticket has one
    next_action_at = models.DateTimeField(_("next date"), null=True, blank=True)
    next_action = models.CharField(max_length=20, choices=NextAction.choices, blank=True)
    # what the clocks go by
    first_response_at = models.DateTimeField(_("first answered"), null=True, blank=True)
    reopened_at = models.DateTimeField(_("reopened"), null=True, blank=True)
    owner_acted_at = models.DateTimeField(null=True, blank=True)
    # raised by every verb: tells whether a screen shows an old state
    version = models.PositiveIntegerField(default=1)

    # where it came from, and what was asked there
    page = models.ForeignKey(
        "wagtailcore.Page", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    revision = models.ForeignKey(
        "wagtailcore.Revision", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # translation key of the form, shared by its languages: what "tickets of this form" asks for
    form_key = models.UUIDField(null=True, blank=True, db_index=True)
    answers = models.JSONField(_("answers"), default=list, blank=True)

    # the terms under which it was accepted; changed by `actions.terms.apply_terms` only
    promise = models.ForeignKey(
        Promise, models.PROTECT, verbose_name=_("promise"), null=True, blank=True, related_name="+"
    )
    # what the page promised on which it was written; goes before what the queue promises
    page_promise = models.ForeignKey(
        Promise, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    retention_days = models.PositiveIntegerField(_("days kept after closing"))
    legal_basis = models.CharField(_("legal basis"), max_length=250, blank=True)
    # earlier steps, in days after closing; empty: with everything else
    attachment_days = models.PositiveIntegerField(null=True, blank=True)
    personal_days = models.PositiveIntegerField(null=True, blank=True)
    at_end = models.CharField(max_length=10, choices=AtEnd.choices, default=AtEnd.ERASE)
    retention_sentence = models.TextField(_("retention, as the customer read it"), blank=True)
    objected_at = models.DateTimeField(_("objection to storage"), null=True, blank=True)
    objection_wording = models.TextField(blank=True)
    objection_channel = models.CharField(max_length=10, choices=Channel.choices, blank=True)
    # days after closing that were promised with it, and why an agent noted it
    objection_days = models.PositiveIntegerField(null=True, blank=True)
    objection_reason = models.TextField(blank=True)
    # from then on it may be erased; and the next step on the way there (`rules.storing`)
    erase_at = models.DateTimeField(_("erased from"), null=True, blank=True)
    storage_step_at = models.DateTimeField(null=True, blank=True)
    storage_step = models.CharField(max_length=12, choices=StorageStep.choices, blank=True)
    # when its team was told that it is erased soon although it is open
    erase_warned_at = models.DateTimeField(null=True, blank=True)
    files_erased_at = models.DateTimeField(_("files erased"), null=True, blank=True)
    persons_erased_at = models.DateTimeField(_("personal details erased"), null=True, blank=True)
    anonymised_at = models.DateTimeField(_("anonymised"), null=True, blank=True)
    # closed for long: out of the daily lists and their indexes, but found by search
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged_from"
    )
    is_test = models.BooleanField(default=False)
    tags = TaggableManager(
        verbose_name=_("tags"), through=TaggedTicket, blank=True, related_name="tickets"
    )
    # part of every status link; a new one makes the old links worthless
    link_nonce = models.CharField(max_length=16, default=_nonce)
    # what made it, once: the key of a form submission; a second one with the same key is the same
    submission_key = models.CharField(max_length=64, unique=True, null=True, blank=True)

    privacy = {
        "number": NONE,
        "subject": CONTENT,
        "preview": CONTENT,
        "contact": PERSON,
        "channel": NONE,
        "language": NONE,
        "answers": CONTENT,
        "legal_basis": NONE,
        "retention_sentence": NONE,
        "objection_wording": NONE,
        "objection_channel": NONE,
        "objection_reason": CONTENT,
        "at_end": NONE,
        "storage_step": NONE,
        "link_nonce": NONE,
        "next_action": NONE,
        "submission_key": NONE,
    }

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ["-changed_at", "-id"]
        # The daily lists are looked up in indexes that hold no archived ticket, so they stay small. Only a query that
        # says `NOT_ARCHIVED` can use them.
        indexes = [
            models.Index(
                fields=["queue", "state", "-changed_at"],
                name="helpdesk_ticket_queue",
                condition=NOT_ARCHIVED,
            ),
            models.Index(
                fields=["owner", "state", "-changed_at"],
                name="helpdesk_ticket_owner",
                condition=NOT_ARCHIVED,
            ),
            models.Index(
                fields=["state", "-changed_at"],
                name="helpdesk_ticket_state",
                condition=NOT_ARCHIVED,
            ),
            models.Index(fields=["customer", "-created_at"], name="helpdesk_ticket_customer"),
            models.Index(
                fields=["organisation", "-created_at"],
                name="helpdesk_ticket_shared",
                condition=Q(organisation__isnull=False),
            ),
            models.Index(
                fields=["-changed_at", "-id"],
                name="helpdesk_ticket_changed",
                condition=NOT_ARCHIVED,
            ),
            # the same with the archive, where it is asked for: without it all there are would be sorted for one page
            models.Index(fields=["-changed_at", "-id"], name="helpdesk_ticket_whole"),
            models.Index(
                fields=["-created_at", "-id"],
                name="helpdesk_ticket_created",
                condition=NOT_ARCHIVED,
            ),
            models.Index(
                fields=["waiting_since"],
                name="helpdesk_ticket_waiting",
                condition=Q(waiting_since__isnull=False),
            ),
            models.Index(
                fields=["pending_until"],
                name="helpdesk_ticket_pending",
                condition=Q(pending_until__isnull=False),
            ),
            models.Index(
                fields=["remind_at"],
                name="helpdesk_ticket_remind",
                condition=Q(remind_at__isnull=False),
            ),
            models.Index(
                fields=["hand_back_at"],
                name="helpdesk_ticket_hand_back",
                condition=Q(hand_back_at__isnull=False),
            ),
            models.Index(
                fields=["next_action_at"],
                name="helpdesk_ticket_next",
                condition=Q(next_action_at__isnull=False),
            ),
            # what goes into the archive next
            models.Index(
                fields=["closed_at"],
                name="helpdesk_ticket_closed",
                condition=NOT_ARCHIVED & Q(closed_at__isnull=False),
            ),
            models.Index(
                fields=["storage_step_at", "id"],
                name="helpdesk_ticket_storage",
                condition=Q(storage_step_at__isnull=False),
            ),
            # none, but for tickets made before there were dates of storage
            models.Index(
                fields=["id"],
                name="helpdesk_ticket_undated",
                condition=Q(
                    storage_step_at__isnull=True,
                    merged_into__isnull=True,
                    anonymised_at__isnull=True,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def objected_days(self) -> int | None:
        """For how many days after closing it is kept with its objection; None without one."""
        if self.objected_at is None:
            return None
        days = self.objection_days
        return int(conf.get("OBJECTION_DAYS")) if days is None else days

    @property
    def is_contact_theirs(self) -> bool:
        """Whether the contact is the customer's: an address of theirs, or given otherwise than by mail. One query at most.

        A mail may name any Reply-To: whoever reads there is told nothing that we know of the customer.
        """
        if self.customer is None:
            return False
        return self.channel != Channel.EMAIL or self.customer.has_address(self.contact)

    @property
    def contact_name(self) -> str:
        """How to call whoever reads mail at `contact`: the customer's name, '' if the address is not theirs."""
        return self.customer.name if self.customer is not None and self.is_contact_theirs else ""

    def renew_link(self) -> None:
        """Make every status link given out so far worthless."""
        self.link_nonce = _nonce()


class Participant(models.Model):
    """Somebody besides the customer who takes part: copied in, or invited.

    Who is copied in is written to. Only who was invited (`may_read`) sees the request on the site: by a link
    of their own, or logged in with the address, once that is verified.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="participants")
    address = models.EmailField(_("address"), max_length=254)
    normalised = models.CharField(max_length=254)
    name = models.CharField(_("name"), max_length=200, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)
    may_read = models.BooleanField(_("may read the request"), default=False)
    link_nonce = models.CharField(max_length=16, default=_nonce)

    privacy = {"address": PERSON, "normalised": PERSON, "name": PERSON, "link_nonce": NONE}

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "normalised"], name="helpdesk_participant_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["normalised"],
                name="helpdesk_participant_reads",
                condition=Q(may_read=True),
            ),
            # what somebody takes part in, also where they are only copied in (data subjects)
            models.Index(fields=["normalised"], name="helpdesk_participant_who"),
        ]

    def __str__(self) -> str:
        return self.address

    def renew_link(self) -> None:
        """Make every link given to them so far worthless."""
        self.link_nonce = _nonce()
