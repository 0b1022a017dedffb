"""Mail as it comes in: accounts and the ledger."""

from __future__ import annotations

from urllib.parse import quote

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_mailbox.models import Mailbox, Message

from .access import OAuthAccess
from .articles import Article
from .base import CONTENT, NONE, PERSON
from .blobs import Blob
from .queues import Queue
from .tickets import Ticket


class MailAccount(models.Model):
    """What we know of a mailbox beyond django-mailbox's own row: queue, secret, health, lease."""

    mailbox = models.OneToOneField(
        Mailbox, models.CASCADE, primary_key=True, related_name="helpdesk_account"
    )
    queue = models.ForeignKey(
        Queue,
        models.PROTECT,
        verbose_name=_("queue"),
        related_name="mail_accounts",
        help_text=_("Where mail goes whose recipient is none of the queue addresses."),
    )
    # encrypted with a key made from SECRET_KEY; never shown again
    secret = models.TextField(_("password"), blank=True)
    trusted = models.BooleanField(
        _("trusted"), default=False, help_text=_("X-Stelze- headers of its mails set attributes.")
    )
    move_to = models.CharField(
        _("move read mail to the folder"),
        max_length=250,
        blank=True,
        help_text=_("Empty: mail is deleted from the server once it is stored here."),
    )
    oauth = models.ForeignKey(
        OAuthAccess,
        models.PROTECT,
        verbose_name=_("OAuth2 access"),
        null=True,
        blank=True,
        related_name="mail_accounts",
        help_text=_("Instead of a password."),
    )
    # RFC 8601: only the results that this server wrote into a mail are believed
    authserv_id = models.CharField(
        _("name of the receiving mail server"),
        max_length=250,
        blank=True,
        help_text=_(
            "As it stands at the beginning of Authentication-Results. Empty: what stands there is not believed."
        ),
    )
    uses_idle = models.BooleanField(
        _("listen for new mail"),
        default=True,
        help_text=_("IMAP servers that can (IDLE) tell at once when mail arrives."),
    )
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # who listens (IDLE) at the moment; renewed while it does
    listening_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_mail_at = models.DateTimeField(_("last mail"), null=True, blank=True, editable=False)
    # since when it has been silent for longer than it usually is
    silent_since = models.DateTimeField(null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True, editable=False)
    last_error_at = models.DateTimeField(_("last error"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("error"), blank=True, editable=False)

    privacy = {"secret": NONE, "move_to": NONE, "authserv_id": NONE, "last_error": NONE}

    # columns that `rotate_secrets` encrypts anew
    encrypted = ("secret",)

    class Meta:
        verbose_name = _("mail account")
        verbose_name_plural = _("mail accounts")

    def __str__(self) -> str:
        return str(self.mailbox)

    @classmethod
    def prepare(cls, queue: Queue, address: str, server: str) -> MailAccount:
        """Make the account of an address on an IMAP server ready: out of use, until somebody enters its password."""
        mailbox = Mailbox.objects.create(
            name=address[:255],
            uri=f"imap+ssl://{quote(address, safe='')}@{server}/",
            from_email=address,
            active=False,
        )
        return cls.objects.create(mailbox=mailbox, queue=queue)

    @property
    def is_incomplete(self) -> bool:
        """Whether the account was never in use and has no password yet."""
        never = self.last_success_at is None and not self.mailbox.active
        return never and not self.secret and self.oauth_id is None


class InboundMail(models.Model):
    """A raw message as received; stored before anything else happens to it."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        FILED = "filed", _("filed")
        IGNORED = "ignored", _("ignored")
        FAILED = "failed", _("failed")
        # what it said is gone; that it came is still known, so that it is not taken for new once more
        ERASED = "erased", _("erased")

    class Outcome(models.TextChoices):
        OPENED = "opened", _("opened a ticket")
        APPENDED = "appended", _("joined a ticket")
        IGNORED = "ignored", _("made nothing new")

    class Rule(models.TextChoices):
        """Which rule decided over a mail; the evidence stands beside it."""

        OWN_MAIL = "own_mail", _("own mail")
        SECOND_DELIVERY = "second_delivery", _("second delivery")
        TOKEN = "token", _("signed reply address")
        REFERENCES = "references", _("answer to a message of the ticket")
        NUMBER = "number", _("ticket number in the subject")
        REPORT = "report", _("delivery report")
        BLOCKED = "blocked", _("blocked sender")
        SPAM = "spam", _("spam")
        FILTER = "filter", _("mail filter")
        HEADER = "header", _("header of a trusted account")
        RECIPIENT = "recipient", _("queue address")
        MAILBOX = "mailbox", _("queue of the mailbox")
        BY_HAND = "by_hand", _("filed by hand")

    # where it came from: "mailbox:7", "pipe", "archive", "mailroom"; with `key` the identity of the delivery
    source = models.CharField(_("source"), max_length=60)
    key = models.CharField(max_length=200)
    mailbox = models.ForeignKey(
        Mailbox, models.SET_NULL, verbose_name=_("mailbox"), null=True, blank=True, related_name="+"
    )
    queue = models.ForeignKey(
        Queue, models.SET_NULL, verbose_name=_("queue"), null=True, blank=True, related_name="+"
    )
    envelope_to = models.JSONField(default=list, blank=True)
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="inbound")
    size = models.PositiveBigIntegerField(_("size"), default=0)
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    # as the mail says: by these it is found again in the log
    sender = models.CharField(_("from"), max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    # the way it came may set attributes by X-Stelze- headers
    trusted = models.BooleanField(default=False)
    # moved in from an archive: nobody is answered, the ticket's date is the mail's
    silent = models.BooleanField(default=False)

    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RECEIVED
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    rule = models.CharField(_("rule"), max_length=20, choices=Rule.choices, blank=True)
    reason = models.CharField(_("reason"), max_length=250, blank=True)
    evidence = models.JSONField(_("evidence"), default=list, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)
    ticket = models.ForeignKey(
        Ticket, models.SET_NULL, null=True, blank=True, related_name="inbound"
    )
    article = models.ForeignKey(
        Article, models.SET_NULL, null=True, blank=True, related_name="inbound"
    )
    message = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="+")

    #: No column: what the journal will say of a mail that is being filed.
    journal_row: Message | None = None

    privacy = {
        "source": NONE,
        "key": NONE,
        "envelope_to": PERSON,
        "sender": PERSON,
        "subject": CONTENT,
        "state": NONE,
        "outcome": NONE,
        "rule": NONE,
        "reason": NONE,
        "evidence": PERSON,
        "error": NONE,
    }

    class Meta:
        verbose_name = _("inbound mail")
        verbose_name_plural = _("inbound mails")
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="helpdesk_inbound_once")
        ]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                name="helpdesk_inbound_todo",
                condition=Q(state__in=["received", "failed"]),
            ),
            models.Index(fields=["-received_at", "-id"], name="helpdesk_inbound_log"),
            models.Index(fields=["mailbox", "-received_at"], name="helpdesk_inbound_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"

    def reason_words(self) -> str:
        """Return the reason in the active language; what is stored is the language of the code."""
        return gettext(self.reason) if self.reason else ""

    reason_words.short_description = _("reason")  # type: ignore[attr-defined]

    def evidence_lines(self) -> list[str]:
        """Return what spoke for the decision, a sentence each, in the active language."""
        return [
            _in_words(value) if words == "%(value)s" else gettext(words) % {"value": value}
            for words, value in self.evidence
        ]

    def get_evidence_display(self) -> str:
        return "; ".join(self.evidence_lines())

    def get_reason_display(self) -> str:
        return self.reason_words()


def _in_words(text: str) -> str:
    """Return a sentence in the active language: as a whole, else part by part (“what: why”)."""
    whole = gettext(text) if text else ""
    return whole if whole != text else ": ".join(gettext(one) for one in text.split(": ") if one)
