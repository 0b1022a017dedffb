"""Trying out a mailbox: connect and look, change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk import oauth, storage
from helpdesk.models import MailAccount

from .fetch import HardenedMailbox
from .transports import TransportError
from .transports.idle import offered
from .transports.imap import ImapTransport

#: Seconds for each answer: somebody waits before a screen.
TIMEOUT = 8.0
#: Messages that are counted.
MOST = 500


@dataclass(frozen=True)
class Trial:
    """What happened, in words."""

    good: bool
    words: str


def try_out(account: MailAccount) -> Trial:
    """Connect to a mailbox, log in and count what lies there. Nothing is read, stored or changed anywhere.

    No right is asked for here, and nothing is raised for what may go wrong with a server.
    """
    mailbox = HardenedMailbox.objects.get(pk=account.pk)
    listens = False
    try:
        with mailbox.get_connection(timeout=TIMEOUT) as transport:
            count = sum(1 for _item in islice(transport.listing(), MOST + 1))
            if isinstance(transport, ImapTransport):
                listens = account.uses_idle and offered(transport)
    except (TransportError, oauth.OAuthError) as error:
        return Trial(False, str(error))
    except storage.SecretLost:
        return Trial(False, _("The stored password cannot be read; enter it again."))
    if count > MOST:
        found = _("The connection works. More than %(count)d mails lie there.") % {"count": MOST}
    else:
        found = ngettext(
            "The connection works. %(count)d mail lies there.",
            "The connection works. %(count)d mails lie there.",
            count,
        ) % {"count": count}
    if listens:
        return Trial(True, f"{found} {_('The server tells at once when mail arrives.')}")
    return Trial(True, f"{found} {_('It is looked at every minute.')}")
