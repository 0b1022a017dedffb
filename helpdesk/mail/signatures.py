"""Checks the DKIM signatures of a mail (RFC 6376, RFC 8301) over its raw bytes.

dkimpy does the arithmetic. What it would take and we do not is refused before: a body signed in part
(l=), old algorithms, keys in test, mails whose shape makes its patterns slow.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import dkim
import dns.exception
import dns.nameserver
import dns.resolver
from django.utils.translation import gettext_noop
from dkim.util import InvalidTagValueList, parse_tag_value

from helpdesk import conf

#: What is larger is not checked, and so not taken for genuine.
LIMIT_BYTES: Final = 12 * 1024 * 1024
LIMIT_LINES: Final = 500_000
LIMIT_BLANKS: Final = 100  # in a row: dkimpy's time grows with their square
LIMIT_FIELDS: Final = 400
LIMIT_FIELD: Final = 5_000  # octets of one signature
LIMIT_NAMES: Final = 100  # in its h=
LIMIT_SIGNATURES: Final = 4  # that are tried
LIMIT_RECORD: Final = 2_000
MIN_KEY_BITS: Final = 1024
LOOKUP_SECONDS: Final = 3.0

_SELECTOR = re.compile(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,5}")
_DOMAIN = re.compile(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,10}")
_SLACK: Final = 300  # seconds by which clocks may differ
_SILENT = logging.Logger("dkim", logging.CRITICAL + 1)  # its messages quote mails


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a signature holds, and in words which one, or why none does."""

    holds: bool
    evidence: str


class _Refused(Exception):
    """A signature that is not to be believed; the text says why."""


def check(
    raw: bytes, *, accepts: Callable[[str], bool], covering: Collection[str], now: datetime
) -> Checked:
    """Look for a signature that holds at `now`, of a domain that `accepts` takes; never raises.

    From, Date and the fields named in `covering` (lower case) must stand in the mail once each and be
    among what it signs: of a field that is there twice, a signature covers the lower one only. Keys come
    from the name servers of the setting DNS_SERVERS, else the system's; waits at most
    `LOOKUP_SECONDS` for each of at most `LIMIT_SIGNATURES`.
    """
    try:
        covered = {"from", "date", *covering}
        message = _message(raw, covered)
        reasons = _reasons(message, accepts, covered, now)
    except _Refused as refusal:
        return Checked(False, str(refusal))
    except Exception as error:  # noqa: BLE001  dkimpy raises anything at all on odd bytes
        return Checked(False, f"the signature cannot be read ({type(error).__name__})")
    if isinstance(reasons, Checked):
        return reasons
    return Checked(False, "; ".join(reasons) or gettext_noop("no signature of this domain"))


def _message(raw: bytes, once: set[str]) -> dkim.DKIM:
    if len(raw) > LIMIT_BYTES or raw.count(b"\n") > LIMIT_LINES:
        raise _Refused(gettext_noop("the mail is too large to be checked"))
    if b" " * LIMIT_BLANKS in raw.replace(b"\t", b" "):
        raise _Refused(gettext_noop("the mail has too many blanks in a row to be checked"))
    message = dkim.DKIM(raw, logger=_SILENT, minkey=MIN_KEY_BITS)
    if len(message.headers) > LIMIT_FIELDS:
        raise _Refused(gettext_noop("the mail has too many fields to be checked"))
    names = [name.lower().decode("ascii") for name, _value in message.headers]
    for name in sorted(once):
        if names.count(name) != 1:
            raise _Refused(f"not exactly one field {name}")
    return message


def _reasons(
    message: dkim.DKIM, accepts: Callable[[str], bool], covering: set[str], now: datetime
) -> Checked | list[str]:
    """Return the first signature that holds, or of each that was tried why it does not."""
    fields = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
    reasons: list[str] = []
    for index, value in enumerate(fields[:LIMIT_FIELDS]):
        try:
            tags = _tags(value)
            domain = tags[b"d"].decode("ascii").lower()
            if not accepts(domain):
                continue
            if len(reasons) >= LIMIT_SIGNATURES:
                break
            _refuse(tags, covering, now)
            _verify(message, index, tags)
        except _Refused as refusal:
            reasons.append(str(refusal))
        else:
            selector = tags[b"s"].decode("ascii")
            return Checked(True, f"DKIM signature of {domain} (key {selector}) holds")
    return reasons


def _tags(value: bytes) -> Mapping[bytes, bytes]:
    if len(value) > LIMIT_FIELD:
        raise _Refused(gettext_noop("a signature is too long"))
    try:
        tags: Mapping[bytes, bytes] = parse_tag_value(value)
    except InvalidTagValueList:
        raise _Refused(gettext_noop("a signature breaks the grammar")) from None
    if not _DOMAIN.fullmatch(tags.get(b"d", b"")) or not _SELECTOR.fullmatch(tags.get(b"s", b"")):
        raise _Refused(gettext_noop("a signature names no domain or key"))
    return tags


def _refuse(tags: Mapping[bytes, bytes], covering: set[str], now: datetime) -> None:
    """Raise `_Refused` for what its own tags make unfit."""
    if tags.get(b"a") != b"rsa-sha256":
        raise _Refused(gettext_noop("the signature's algorithm is not rsa-sha256"))
    if b"l" in tags:
        raise _Refused(gettext_noop("the signature covers a part of the body only (l=)"))
    names = [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
    if len(names) > LIMIT_NAMES:
        raise _Refused(gettext_noop("the signature names too many fields"))
    missing = sorted(covering - {name.decode("ascii", "replace") for name in names})
    if missing:
        raise _Refused(f"the signature does not cover {', '.join(missing)}")
    expiry = tags.get(b"x", b"")
    if expiry and not (expiry.isdigit() and int(expiry[:15]) >= now.timestamp() - _SLACK):
        raise _Refused(gettext_noop("the signature has expired"))


def _verify(message: dkim.DKIM, index: int, tags: Mapping[bytes, bytes]) -> None:
    name = b"%s._domainkey.%s." % (tags[b"s"], tags[b"d"])
    record = _record(name.decode("ascii"))
    try:
        holds = message.verify(index, dnsfunc=lambda _name, timeout=0: record)
    except dkim.ValidationError as error:
        body = str(error).startswith("body hash")
        raise _Refused(
            gettext_noop("the body was changed")
            if body
            else gettext_noop("the signature is faulty")
        ) from None
    except dkim.KeyFormatError:
        raise _Refused(gettext_noop("the key is too short or faulty")) from None
    except Exception as error:  # noqa: BLE001  as above
        raise _Refused(f"the signature is faulty ({type(error).__name__})") from None
    if not holds:
        raise _Refused(gettext_noop("the signature does not fit"))


def _record(name: str) -> bytes:
    """Return the key record at `name`. Raises `_Refused` if there is none to be used."""
    try:
        answer = _resolver().resolve(name, "TXT", lifetime=LOOKUP_SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        raise _Refused(gettext_noop("there is no such key")) from None
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise _Refused(f"the key could not be looked up ({type(error).__name__})") from None
    records = [b"".join(row.strings) for row in answer]
    if len(records) != 1 or len(records[0]) > LIMIT_RECORD:
        raise _Refused(gettext_noop("there is not exactly one key"))
    try:
        tags = parse_tag_value(records[0])
    except InvalidTagValueList:
        raise _Refused(gettext_noop("the key is faulty")) from None
    if not tags.get(b"p"):
        raise _Refused(gettext_noop("the key was withdrawn"))
    if b"y" in _list(tags.get(b"t", b"")):
        raise _Refused(gettext_noop("the domain only tests its signatures (t=y)"))
    if not {b"*", b"email"} & _list(tags.get(b"s", b"*")):
        raise _Refused(gettext_noop("the key is not for mail"))
    if b"sha256" not in _list(tags.get(b"h", b"sha256")):
        raise _Refused(gettext_noop("the key is not for sha256"))
    return records[0]


def _list(value: bytes) -> set[bytes]:
    return {one.strip().lower() for one in value.split(b":")}


def _resolver() -> dns.resolver.Resolver:
    """Return a resolver that asks DNS_SERVERS ("192.0.2.53", "192.0.2.53:5353", "[2001:db8::1]:53")."""
    servers = conf.get("DNS_SERVERS")
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [_server(str(one)) for one in servers]
    return resolver


def _server(text: str) -> dns.nameserver.Do53Nameserver:
    host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "")
    return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port or 53))
