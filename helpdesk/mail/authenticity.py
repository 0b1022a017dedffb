"""Whether a mail really comes from the address in its From.

Two witnesses are heard: the results that our own receiving server wrote into the mail
(Authentication-Results, RFC 8601), and, where it says nothing, the mail's DKIM signature.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_noop

from helpdesk import addressing, conf
from helpdesk.models import InboundMail, MailAccount

from . import authentication_results, signatures
from .authentication_results import Result
from .headers import Fields, read_block
from .parsed import ParsedMail

# what stands before a reason; each part is translated where the inbound log shows it
_IS, _IS_NOT = gettext_noop("authentic"), gettext_noop("not authentic")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a mail is authentic, and a sentence for the inbound log that says by what."""

    authentic: bool
    evidence: str


def server_of(inbound: InboundMail) -> str:
    """Return the name of the server whose results in this mail are believed; '' for none.

    That of the mailbox it was fetched from; for mail handed in, the setting AUTHSERV_ID. A mailbox
    without a name does not fall back to the setting: another server filled it.
    """
    if inbound.mailbox_id is None:
        return str(conf.get("AUTHSERV_ID"))
    account = MailAccount.objects.filter(pk=inbound.mailbox_id).only("authserv_id").first()
    return account.authserv_id if account is not None else ""


def denied_by(inbound: InboundMail, raw: bytes, mail: ParsedMail) -> str:
    """Return the server of ours that says the mail is not from its From domain (dmarc=fail), else ''.

    A server that says nothing of DMARC, or that nobody named as ours, denies nothing. `mail` is parsed from
    `raw`. One query at most, and only for a mail of which some server says so.
    """
    if "authentication-results" not in mail.headers:
        return ""
    fields, _body = read_block(raw, 0)
    field = authentication_results.read(fields.get("authentication-results") or b"")
    if field is None or not _denies(field):
        return ""
    server = server_of(inbound).strip().lower()
    return server if server == field.server else ""


def _denies(field: authentication_results.Field) -> bool:
    return any(one.method == "dmarc" and one.result == "fail" for one in field.results)


def judge(
    raw: bytes,
    mail: ParsedMail,
    *,
    server: str,
    now: datetime,
    covering: Collection[str] = (),
) -> Verdict:
    """Decide whether `mail` (parsed from `raw`) comes from its From address; never raises.

    `server` is the authserv-id to believe ('' for none), `now` the time of the receipt, `covering`
    the fields (lower case) that must be there once, and that a DKIM signature must cover, beside From
    and Date. May wait for the DNS, a few seconds at most; what cannot be looked up is not authentic.
    """
    domain = _from_domain(mail)
    if not domain:
        return Verdict(False, gettext_noop("not authentic: there is not exactly one From address"))
    fields, _body = read_block(raw, 0)
    for name in sorted({"from", "date", *covering}):
        # of a field that is there twice, a signature covers the lower one only: our server passes it
        if len(fields.all(name)) != 1:
            return Verdict(False, f"{_IS_NOT}: not exactly one field {name}")
    told = _told(fields, server.strip().lower(), domain)
    if told is not None:
        return told
    checked = signatures.check(
        raw, accepts=lambda d: aligned(d, domain), covering=covering, now=now
    )
    if checked.holds:
        return Verdict(True, f"{_IS}: {checked.evidence}")
    return Verdict(False, f"{_IS_NOT}: {checked.evidence}")


def aligned(domain: str, from_domain: str) -> bool:
    """Tell whether who answers for `domain` answers for the From domain as well.

    It must be the same, or a parent of it with at least two labels: who owns uni.example decides
    about staff.uni.example. Not the other way round, though DMARC's relaxed mode would allow it: a
    subdomain is easily somebody else's (a student club's web space), and speaks for nobody above.
    """
    domain, from_domain = _ascii(domain), _ascii(from_domain)
    if domain.count(".") < 1 or not from_domain:
        return False
    return domain == from_domain or from_domain.endswith(f".{domain}")


def _ascii(domain: str) -> str:
    """Return a domain in lower case and ASCII, '' for what is none."""
    try:
        return addressing.canonical(f"x@{domain}").rpartition("@")[2]
    except addressing.BadAddress:
        return ""


def _from_domain(mail: ParsedMail) -> str:
    if mail.from_ is None or {"from-repeated", "from-several", "header-cut"} & set(mail.defects):
        return ""
    return _ascii(mail.from_.address.rpartition("@")[2])


def _told(fields: Fields, server: str, domain: str) -> Verdict | None:
    """Return what our server says, None if it says nothing that decides.

    Only the topmost field counts: servers add theirs at the top, so what is below one of another
    name came with the mail.
    """
    value = fields.get("authentication-results")
    if not server or value is None:
        return None
    field = authentication_results.read(value)
    if field is None or field.server != server:
        return None
    if _denies(field):
        return Verdict(False, f"{_IS_NOT}: {server} says dmarc=fail")
    for one in field.results:
        found = one.result == "pass" and _shows(one, domain)
        if found:
            return Verdict(True, f"{_IS}: {server} says {one.method}=pass for {found}")
    return None


def _shows(result: Result, domain: str) -> str:
    """Return the domain by which a passed result speaks for the From domain, else ''."""
    properties = result.properties
    if result.method == "dmarc":
        about = _ascii(properties.get("header.from", "").rpartition("@")[2])
        return about if about == domain else ""
    if result.method == "dkim":
        about = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
    elif result.method == "spf":
        about = properties.get("smtp.mailfrom", "").rpartition("@")[2]
    else:
        return ""
    return _ascii(about) if aligned(about, domain) else ""
