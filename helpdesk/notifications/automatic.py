"""Whom the machine may write to. Every automatic mail to an outsider passes `why_not`, whatever it says."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing
from helpdesk.models import Customer, directory
from helpdesk.rules.unread import nobody_reads

from . import limiter, suspension


class Withheld(models.TextChoices):
    """Why an automatic mail was not queued: a code for the history, with its words."""

    QUEUE_OFF = "queue_off", _("this queue confirms no receipt")
    TEXT_OFF = "text_off", _("switched off for this queue")
    CLOSED = "closed", _("the ticket was closed at once")
    FORGED = "forged", _("the receiving mail server says that somebody else wrote it")
    JUNK = "junk", _("the queue takes spam")
    MACHINE = "machine", _("a machine wrote the message")
    NO_CONTACT = "no_contact", _("there is no address")
    BAD_ADDRESS = "bad_address", _("it is no mail address")
    NOBODY_READS = "nobody_reads", _("nobody reads mail at this address")
    BLOCKED = "blocked", _("the customer is blocked")
    SUSPENDED = "suspended", _("mail to this address comes back")
    OWN_ADDRESS = "own_address", _("the address is one of ours")
    LIMIT_DAY = str(limiter.Limit.DAY), _("too many automatic mails to this address today")
    LIMIT_BURST = str(limiter.Limit.BURST), _("too many automatic mails to this address just now")


def why_not(address: str, *, sender: str, customer: Customer | None) -> Withheld | None:
    """Return the first reason against an automatic mail to `address`; None, and it is counted.

    `sender` is where the mail would come from. Ask last, when the mail is certain otherwise: each
    None is one of the mails the limiter allows.
    """
    if not address:
        return Withheld.NO_CONTACT
    try:
        normalised = addressing.normalise(address)
    except addressing.BadAddress:
        return Withheld.BAD_ADDRESS
    if nobody_reads(normalised):
        return Withheld.NOBODY_READS
    if customer is not None and customer.is_blocked:
        return Withheld.BLOCKED
    if is_ours(normalised, sender):
        return Withheld.OWN_ADDRESS
    if addressing.canonical(address) in directory().bounced and suspension.suspended(address):
        return Withheld.SUSPENDED
    limit = limiter.take(normalised)
    return Withheld(str(limit)) if limit is not None else None


def is_ours(address: str, sender: str) -> bool:
    """Tell whether mail to a normalised address would come back to us; `sender` is where it would come from."""
    if addressing.is_address(sender) and address == addressing.normalise(sender):
        return True
    return address in directory().own_addresses
