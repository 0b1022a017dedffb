"""What surrounds a sent form: how often it may be sent, and how its sender is led to the request."""

from __future__ import annotations

from django.core import signing
from django.urls import NoReverseMatch, reverse

from helpdesk import addressing, conf, limits, origin
from helpdesk.models import Ticket

from .forms import IntakeForm
from .rows import RowsBoundField

#: The thank-you page names the request for so long (seconds); later it only says that it arrived.
THANKS_FOR = 3600
#: With more rows than this, in all lists together, a form is counted each time it is shown again.
LONG = 60


def count_form(form: IntakeForm) -> None:
    """Count a valid form against the limits. Raises `limits.TooOften`."""
    limits.count("FORMS_PER_IP")
    local, _at, domain = addressing.canonical(form.cleaned_data["contact_email"]).rpartition("@")
    limits.count("FORMS_PER_ADDRESS", f"{local.partition('+')[0]}@{domain}")
    for file in form.chosen():
        if file.row is None:  # those held were counted when they came
            limits.count("UPLOADS_PER_IP")


def count_long_lists(form: IntakeForm) -> None:
    """Count a form that is shown again with long lists of rows: to draw them is work that nobody has sent.

    Raises `limits.TooOften`. The limit is as wide as that of forms, and counted apart from them.
    """
    lists = (form[name] for name in form.inputs)
    rows = sum(len(one.data.rows) for one in lists if isinstance(one, RowsBoundField))
    network = origin.network()
    if rows > LONG and network:
        limits.count("FORMS_PER_IP", f"rows {network}")


def reference(ticket: Ticket) -> str:
    """Return a signed reference to a ticket just opened, for the thank-you address."""
    return signing.dumps(ticket.pk, salt="helpdesk.pages.thanks")


def read_reference(text: str) -> Ticket | None:
    """Return the ticket of a genuine reference that is not older than an hour, or None."""
    try:
        pk = signing.loads(text, salt="helpdesk.pages.thanks", max_age=THANKS_FOR)
    except signing.BadSignature:
        return None
    return Ticket.objects.filter(pk=pk).first()


def status_url(ticket: Ticket) -> str:
    """Return the signed address under which the asker follows the request; '' if there is none."""
    token = addressing.status_token(ticket.pk, ticket.link_nonce, addressing.signing_keys())
    try:
        return reverse(conf.get("STATUS_VIEW"), kwargs={"token": token})
    except NoReverseMatch:  # a site without the customers' pages
        return ""
