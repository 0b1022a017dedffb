"""What the orderer of a queue is told, in the language of the request."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _

from helpdesk import conf
from helpdesk.models import QueueOrder, Ticket
from helpdesk.rules.ordering import AgentRow

from .site_side import PlannedPage


def approval(
    order: QueueOrder, ticket: Ticket, agents: Sequence[AgentRow], pages: Sequence[PlannedPage]
) -> str:
    """Return the answer to an order that was approved: the address, how to log in, what is left to do."""
    with translation.override(conf.site_language(ticket.language)):
        said = {"queue": order.name, "address": order.address}
        names = "\n".join(f"- {row.name} ({row.login_name})" for row in agents)
        parts = [
            _greeting(ticket),
            _("The queue “%(queue)s” is set up. Its address is %(address)s.") % said,
            _login(),
            "{}\n{}".format(_("These people can work on its requests:"), names),
            "{}\n{}".format(_("What is left to do:"), "\n".join(_left(order, pages))),
            _("If something is missing, just answer this message."),
        ]
        return "\n\n".join(parts)


def _greeting(ticket: Ticket) -> str:
    name = ticket.customer.name if ticket.customer else ""
    return _("Hello %(name)s,") % {"name": name} if name else _("Hello,")


def _login() -> str:
    try:
        path = reverse("wagtailadmin_home", settings.ROOT_URLCONF)
    except NoReverseMatch:  # agents of this site work elsewhere
        path = "/"
    return _("Your team logs in at %(url)s with the log-in name of your institution.") % {
        "url": f"{conf.get('SITE_URL')}{path}"
    }


def _left(order: QueueOrder, pages: Sequence[PlannedPage]) -> list[str]:
    lines = []
    if order.waits_for_account:
        lines.append(_("- We connect the mailbox. Mail to the new address arrives after that."))
    else:
        lines.append(_("- Send a mail to the new address, and see it arrive as a ticket."))
    if pages:
        lines.append(
            _(
                "- The page of the queue and a form are drafts. The editors publish them once you agree with their words."
            )
        )
    lines.append(_("- Tell the people who write to you about the new address."))
    return lines


def refusal(order: QueueOrder, ticket: Ticket) -> str:
    """Return the answer to an order that was refused, with the reason."""
    with translation.override(conf.site_language(ticket.language)):
        said = {"queue": order.name, "address": order.address}
        parts = [
            _greeting(ticket),
            _(
                "We cannot set up the queue “%(queue)s” with the address %(address)s, for this reason:"
            )
            % said,
            order.reason,
            _("You can answer this message, or order again with other details."),
        ]
        return "\n\n".join(parts)
