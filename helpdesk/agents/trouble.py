"""What those who manage queues must look at: mail accounts in trouble, queues of which nobody would hear."""

from __future__ import annotations

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from helpdesk.actions import scanning
from helpdesk.mail import health
from helpdesk.models import MailAccount, Queue, Right
from helpdesk.notifications import recipients
from helpdesk.permissions import Actor

from . import policy

#: Accounts in trouble that are listed at once.
MOST = 20


def with_words(actor: Actor) -> list[tuple[MailAccount, str]]:
    """Return the accounts in trouble of the queues that the actor manages, with what is wrong; at most `MOST`."""
    if not policy.may_manage(actor):
        return []
    rows = health.in_trouble().filter(policy.in_managed_queues(actor, "queue"))
    return [(row, trouble_words(row)) for row in rows.order_by("mailbox__name")[:MOST]]


def unheard(actor: Actor) -> list[Queue]:
    """Return the queues that the actor manages in which nobody would be told of a new ticket; at most `MOST`."""
    if not policy.may_manage(actor):
        return []
    managed = None if policy.is_superuser(actor) else actor.queues_with(Right.MANAGE)
    return recipients.unheard(managed)[:MOST]


def scanner_words(actor: Actor) -> str:
    """Return for those who manage queues that the virus scanner does not answer; '' if all is well, or there is none."""
    if not policy.may_manage(actor) or not scanning.is_down():
        return ""
    return _("The virus scanner does not answer. Files that come meanwhile are not checked.")


def trouble_words(account: MailAccount) -> str:
    """Return in words what is wrong with an account; '' if nothing is."""
    if account.last_error:
        return account.last_error
    if account.silent_since is not None:
        since = date_format(timezone.localtime(account.silent_since), "SHORT_DATETIME_FORMAT")
        return _("No mail since %(date)s; it is never silent for so long.") % {"date": since}
    return ""
