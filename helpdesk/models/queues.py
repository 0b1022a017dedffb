"""Queues, their addresses, and who may do what in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf

from .base import NONE
from .keeping import AtEnd
from .routes import MailRoute
from .time import Calendar, Promise, Reckoning


class FollowUp(models.TextChoices):
    """What a mail to a closed ticket does."""

    REOPEN = "reopen", _("reopens the ticket")
    NEW = "new", _("becomes a new, linked ticket")
    REFUSE = "refuse", _("is refused")


class Right(models.TextChoices):
    """What a team may do in a queue."""

    READ = "read", _("read")
    CREATE = "create", _("create tickets")
    NOTE = "note", _("write notes")
    ANSWER = "answer", _("answer customers")
    OWN = "own", _("own tickets and assign them")
    MOVE_INTO = "move_into", _("move tickets into the queue")
    PRIORITY = "priority", _("change the priority")
    MANAGE = "manage", _("manage the queue")
    ADMINISTER = "administer", _("administer teams, accounts and calendars")


class AgentNames(models.TextChoices):
    """Under which name an answer goes to the customer."""

    PERSON = "person", _("the agent's name")
    TEAM = "team", _("the team's name only")


class Queue(models.Model):
    """An operational record: where tickets wait, who works on them, what is promised.

    A queue is no page: unpublishing or moving a page never stops mail. What a sub-queue leaves
    empty it takes from its parent (`inherited`).
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    purpose = models.TextField(
        _("purpose"),
        help_text=_(
            "What belongs here, in a sentence or two. Agents see it when they move a ticket."
        ),
    )
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("parent queue"),
        null=True,
        blank=True,
        related_name="children",
        help_text=_(
            "Teams, calendar and promises of the parent hold here too, unless set otherwise."
        ),
    )
    is_active = models.BooleanField(_("in use"), default=True)
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, verbose_name=_("calendar"), null=True, blank=True
    )
    promise = models.ForeignKey(
        Promise, models.PROTECT, verbose_name=_("promise"), null=True, blank=True
    )
    follow_up = models.CharField(
        _("a mail to a closed ticket"),
        max_length=10,
        choices=FollowUp.choices,
        blank=True,
        help_text=_("Empty: as the parent queue; at the top: reopens the ticket."),
    )
    reopen_days = models.PositiveIntegerField(
        _("days in which a mail reopens a closed ticket"),
        null=True,
        blank=True,
        help_text=_("A later mail makes a new, linked ticket. Empty: no limit."),
    )
    retention_days = models.PositiveIntegerField(
        _("days kept after closing"), null=True, blank=True
    )
    storage_purpose_de = models.CharField(
        _("purpose of keeping (German)"),
        max_length=250,
        blank=True,
        help_text=_("What requests are kept for, as customers read it."),
    )
    storage_purpose_en = models.CharField(
        _("purpose of keeping (English)"), max_length=250, blank=True
    )
    legal_basis_de = models.CharField(
        _("legal basis (German)"),
        max_length=250,
        blank=True,
        help_text=_("Why requests are kept that long, as customers read it."),
    )
    legal_basis_en = models.CharField(_("legal basis (English)"), max_length=250, blank=True)
    attachment_days = models.PositiveIntegerField(
        _("days files are kept after closing"), null=True, blank=True
    )
    personal_days = models.PositiveIntegerField(
        _("days personal details are kept after closing"), null=True, blank=True
    )
    at_end = models.CharField(_("at the end"), max_length=10, choices=AtEnd.choices, blank=True)
    hand_back_minutes = models.PositiveIntegerField(
        _("give a ticket back after (working minutes)"),
        null=True,
        blank=True,
        help_text=_(
            "An owner who does nothing for so long loses the ticket to the queue. Empty: as the parent "
            "queue; at the top: never. 0: never."
        ),
    )
    look_again_minutes = models.PositiveIntegerField(
        _("look again after (working minutes)"),
        null=True,
        blank=True,
        help_text=_(
            "An open ticket with no other date is due when nothing happened for so long. Empty: as the "
            "parent queue; at the top: as the settings say."
        ),
    )
    sender_name = models.CharField(_("sender name of mails"), max_length=100, blank=True)
    signature_de = models.TextField(_("signature (German)"), blank=True)
    signature_en = models.TextField(_("signature (English)"), blank=True)
    route = models.ForeignKey(
        MailRoute,
        models.PROTECT,
        verbose_name=_("outgoing mail server"),
        null=True,
        blank=True,
        related_name="queues",
        help_text=_("Empty: as the parent queue; at the top: the one of the settings."),
    )
    is_confidential = models.BooleanField(
        _("confidential"),
        default=False,
        help_text=_(
            "Who opens a ticket is written down; mails to agents and search results show nothing of what it "
            "says. Holds for all queues below."
        ),
    )
    agent_names = models.CharField(
        _("customers see"),
        max_length=10,
        choices=AgentNames.choices,
        blank=True,
        help_text=_("Empty: as the parent queue; at the top: the agent's name."),
    )
    is_junk = models.BooleanField(
        _("takes spam"),
        default=False,
        help_text=_("Mail that looks like spam goes here. One queue at most."),
    )
    sends_receipt = models.BooleanField(_("confirms receipt by mail"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    privacy = {
        "name": NONE,
        "slug": NONE,
        "purpose": NONE,
        "follow_up": NONE,
        "agent_names": NONE,
        "storage_purpose_de": NONE,
        "storage_purpose_en": NONE,
        "legal_basis_de": NONE,
        "legal_basis_en": NONE,
        "at_end": NONE,
        "sender_name": NONE,
        "signature_de": NONE,
        "signature_en": NONE,
    }

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_junk"],
                condition=models.Q(is_junk=True),
                name="helpdesk_queue_one_junk",
                violation_error_message=_("Another queue takes spam already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.pk is not None and self.pk in {queue.parent_id for queue in self.lineage()}:
            raise ValidationError({"parent": _("A queue cannot lie below itself.")})

    def save(self, *args: object, **kwargs: object) -> None:
        is_new = self._state.adding
        super().save(*args, **kwargs)  # type: ignore[arg-type]
        if not is_new:
            Reckoning.ask()

    def lineage(self) -> list[Queue]:
        """Return the queue and its parents, nearest first (ends at a cycle)."""
        chain: list[Queue] = [self]
        while (parent := chain[-1].parent) is not None and parent not in chain:
            chain.append(parent)
        return chain

    def inherited(self, field: str) -> object:
        """Return the value of `field`, taken from the nearest queue upwards that has one, or None."""
        for queue in self.lineage():
            value = getattr(queue, field)
            if value not in (None, ""):
                return value
        return None

    def inherited_words(self, field: str, language: str) -> str:
        """Return a text in `language`, or in the other one, from the nearest queue upwards that has any; or ''."""
        for queue in self.lineage():
            words = {code: str(getattr(queue, f"{field}_{code}")) for code in ("de", "en")}
            if found := words.get(language[:2]) or words["de"] or words["en"]:
                return found
        return ""

    def time_zone(self) -> str:
        """Return the name of the time zone in which its days are counted: that of its calendar, else the site's."""
        calendar = self.inherited("calendar")
        return calendar.time_zone if isinstance(calendar, Calendar) else settings.TIME_ZONE

    @property
    def keeps_confidence(self) -> bool:
        """Whether the queue or one above it is confidential."""
        return any(queue.is_confidential for queue in self.lineage())

    @property
    def names_agents(self) -> bool:
        """Whether customers read the names of agents, and not only that of the team."""
        return self.inherited("agent_names") != AgentNames.TEAM

    def main_address(self) -> str:
        """Return the address that mails of this queue are sent from (its own, or a parent's)."""
        for queue in self.lineage():
            addresses = sorted(queue.addresses.all(), key=lambda row: (not row.is_sender, row.pk))
            if addresses:
                return addresses[0].address
        return str(conf.get("DEFAULT_FROM"))


def queue_map() -> dict[int, Queue]:
    """Return all queues by id with their parents filled in, in one query."""
    queues = {queue.pk: queue for queue in Queue.objects.all()}
    for queue in queues.values():
        if queue.parent_id is not None:
            queue.parent = queues[queue.parent_id]
    return queues


def confidential_queues() -> frozenset[int]:
    """Return the ids of the queues that are confidential, those below one included. One query."""
    return confidential_among(Queue.objects.values_list("pk", "parent_id", "is_confidential"))


def confidential_among(queues: Iterable[tuple[int, int | None, bool]]) -> frozenset[int]:
    """Return the same of all queues as (id, parent's id, whether it is marked itself). No query."""
    rows = list(queues)
    marked = {pk for pk, _parent, own in rows if own}
    while more := {pk for pk, parent, _own in rows if parent in marked} - marked:
        marked |= more
    return frozenset(marked)


def in_tree_order(queues: dict[int, Queue]) -> Iterator[tuple[Queue, int]]:
    """Yield the given queues as a tree, each with its depth, children behind their parent."""
    below: dict[int | None, list[Queue]] = {}
    for queue in queues.values():
        parent = queue.parent_id if queue.parent_id in queues else None
        below.setdefault(parent, []).append(queue)

    def walk(parent: int | None, depth: int) -> Iterator[tuple[Queue, int]]:
        for queue in sorted(below.get(parent, []), key=lambda row: row.name.casefold()):
            yield queue, depth
            yield from walk(queue.pk, depth + 1)

    return walk(None, 0)


class QueueAddress(models.Model):
    """A mail address that leads into a queue. An address belongs to one queue only."""

    queue = models.ForeignKey(
        Queue, models.CASCADE, verbose_name=_("queue"), related_name="addresses"
    )
    address = models.EmailField(_("address"), max_length=254)
    normalised = models.CharField(max_length=254, unique=True, editable=False)
    is_sender = models.BooleanField(_("mails are sent from here"), default=False)

    privacy = {"address": NONE, "normalised": NONE}

    class Meta:
        verbose_name = _("queue address")
        verbose_name_plural = _("queue addresses")
        ordering = ["-is_sender", "address"]

    def __str__(self) -> str:
        return self.address

    def clean(self) -> None:
        try:
            self.normalised = addressing.normalise(self.address)
        except addressing.BadAddress as error:
            raise ValidationError({"address": _("This is not a mail address.")}) from error
        taken = (
            QueueAddress.objects.filter(normalised=self.normalised)
            .exclude(pk=self.pk)
            .select_related("queue")
            .first()
        )
        if taken is not None:
            raise ValidationError(
                {
                    "address": _("%(address)s already leads into the queue “%(queue)s”.")
                    % {"address": taken.address, "queue": taken.queue.name}
                }
            )

    def save(self, *args: object, **kwargs: object) -> None:
        self.normalised = addressing.normalise(self.address)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class QueueRight(models.Model):
    """One right of one team in one queue and all queues below it."""

    group = models.ForeignKey(
        Group, models.CASCADE, verbose_name=_("team"), related_name="queue_rights"
    )
    queue = models.ForeignKey(Queue, models.CASCADE, verbose_name=_("queue"), related_name="rights")
    right = models.CharField(_("right"), max_length=10, choices=Right.choices)

    privacy = {"right": NONE}

    class Meta:
        verbose_name = _("right of a team")
        verbose_name_plural = _("rights of teams")
        constraints = [
            models.UniqueConstraint(fields=["group", "queue", "right"], name="helpdesk_right_once")
        ]

    def __str__(self) -> str:
        return f"{self.group} · {self.queue} · {self.get_right_display()}"
