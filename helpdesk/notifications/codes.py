"""One-time codes by mail, for customers without an account."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django_tasks import task

from helpdesk import conf, permissions, storage
from helpdesk.models import Customer, CustomerAddress, OutboundMail

from . import compose
from .automatic import Withheld, why_not


@task()
def send_code(address: str, sealed: str, language: str) -> str:
    """Mail a one-time code to `address` (canonical) if there are requests to see with it; return what was done.

    `sealed` is the code, encrypted (`storage.encrypt`). It runs in the worker: whoever asked for the code waits as
    long for an address that nobody knows. Who has an account is told to log in.
    """
    person = Customer.objects.filter(addresses__normalised=address).first()
    with translation.override(conf.site_language(language)):
        if _has_account(person, address):
            return _queue(address, person, "", language)
        actor = permissions.guest(address, person)
        if not permissions.visible_tickets(actor).exists():
            return "nothing"
        try:
            code = storage.decrypt(sealed)
        except storage.SecretLost:  # older than the keys
            return "lost"
        return _queue(address, person, code, language)


def _has_account(person: Customer | None, address: str) -> bool:
    """Tell whether the address was proved by an account in use: then that account is the way in."""
    rows = CustomerAddress.objects.filter(
        Q(verified_at__isnull=False), customer=person, normalised=address
    )
    return person is not None and rows.filter(customer__user__is_active=True).exists()


def _queue(address: str, person: Customer | None, code: str, language: str) -> str:
    row = compose.notice(queue=None, language=conf.site_language(language))
    row.kind = OutboundMail.Kind.CODE
    reason: Withheld | None = why_not(address, sender=row.from_address, customer=person)
    if reason is not None:
        return str(reason)
    path = reverse("helpdesk_customers:list", settings.ROOT_URLCONF)
    context = {
        "code": f"{code[:4]} {code[4:]}" if code else "",
        "url": f"{conf.get('SITE_URL')}{path}",
        "site_name": conf.get("SITE_NAME"),
    }
    row.to = [[person.name if person is not None else "", address]]
    row.subject = _("Your code for %(site)s") % {"site": context["site_name"]}
    if not code:
        row.subject = _("Your requests at %(site)s") % {"site": context["site_name"]}
    row.body = render_to_string("helpdesk/mail/code.txt", context)
    row.save(force_insert=True)
    return "code" if code else "account"
