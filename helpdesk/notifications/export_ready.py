"""The mail that says that an archive of personal data is ready, to whoever asked for it. It holds none, and no name of whose it is."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from helpdesk import conf
from helpdesk.models import Customer, DataExport, OutboundMail

from . import compose, links, notices, suspension
from .automatic import why_not

_TEXT = "helpdesk/mail/export.txt"


def send_export_ready(export: DataExport) -> OutboundMail | None:
    """Queue the mail that an archive is ready; None where no mail may go. Where it is, asks for the log-in.

    To one of the team who had it made, in their language; else to the customer's own proved address, or to that by
    which a guest is known, in the language in which they asked.
    """
    if export.asked_by is not None:
        return _to_colleague(export, export.asked_by)
    if export.is_complete:  # whoever asked for it has no account any more
        return None
    customer = export.customer
    address = _address_of(customer) if customer is not None else next(iter(export.addresses), "")
    row = compose.notice(queue=None, language=conf.site_language(export.language))
    row.kind = OutboundMail.Kind.LINK
    if why_not(address, sender=row.from_address, customer=customer) is not None:
        return None
    name = customer.name if customer is not None else ""
    with translation.override(row.language):
        path = reverse("helpdesk_customers:data", settings.ROOT_URLCONF)
        row.to = [[name, address]]
        row.subject = _("Your data at %(site)s are ready") % {"site": conf.get("SITE_NAME")}
        row.body = _text(export, name=name, url=f"{conf.get('SITE_URL')}{path}")
    row.save(force_insert=True)
    return row


def _address_of(customer: Customer) -> str:
    """Return where somebody with an account is reached: an address that they proved, else that of the account."""
    proved = customer.addresses.filter(verified_at__isnull=False).order_by("-is_main", "pk")
    address = proved.values_list("address", flat=True).first()
    return address or (customer.user.email if customer.user is not None else "")


def _to_colleague(export: DataExport, user: Any) -> OutboundMail | None:
    if not user.is_active or notices.why_not(user, None, suspension.suspended_among([user.email])):
        return None
    language = notices.language_of(user)
    with translation.override(language):
        row = compose.desk_notice(
            unique=f"e{secrets.token_hex(10)}",
            user=user,
            subject=_("An archive of personal data is ready") + f" · {conf.get('SITE_NAME')}",
            text=_text(export, name=user.get_full_name(), url=links.desk_url("persons"), team=True),
            language=language,
        )
    row.save(force_insert=True)
    return row


def _text(export: DataExport, **more: Any) -> str:
    facts = {"day": timezone.localtime(export.expires_at), "site_name": conf.get("SITE_NAME")}
    return render_to_string(_TEXT, {**facts, **more}).strip() + "\n"
