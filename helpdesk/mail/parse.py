"""Bytes of a mail to a `ParsedMail`: the only entry to reading mail.

`parse` never raises and is bounded whatever the bytes say: the structure is found by one linear
scan, each header is cut to a limit before it is decoded, and every cap reached is named in
`defects`. Nothing is repaired silently, and nothing is lost: the raw mail is kept elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from helpdesk.mail import addresses, bodies, headers, structure
from helpdesk.mail.parsed import Address, Delivery, Event, ParsedMail, Part, Report

__all__ = ["Address", "Delivery", "Event", "ParsedMail", "Part", "Report", "parse"]

LIMIT_SUBJECT: Final = 1_000
LIMIT_FIELDS: Final = 300
LIMIT_FIELD: Final = 2_000  # characters of one value in `headers`
_LIMIT_REPEATS: Final = 50  # fields of one name in `headers`

_ENVELOPE: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "resent-to")
_REPORT_TYPES: Final = {"delivery-status", "disposition-notification", "feedback-report"}
_ID_IN_TEXT = re.compile(r"^[> \t]*Message-I[Dd]:[ \t]*(<[^<>\s]{3,300}>)", re.MULTILINE)


def parse(raw: bytes) -> ParsedMail:
    """Read one mail (RFC 5322, MIME) as it came from the wire; never raises.

    Texts are storable (no NUL, no lone surrogates), times in UTC, ids with angle brackets. `text`
    is what people read, taken from the HTML where the mail has no other; `html` is not sanitised.
    `content_hash` is equal for two deliveries of one mail, whatever their ways and headers.
    """
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    tree = structure.scan(raw)
    fields = tree.root.fields
    hint = tree.root.kind.params.get("charset")
    contents = bodies.read(raw, tree.root)
    from_, defects = _from(fields, hint)
    report_type = _report_type(tree.root, contents)
    date = addresses.date(fields.get("date"))
    defects = [*tree.defects, *defects, *_header_defects(fields), *contents.defects]
    return ParsedMail(
        subject=_subject(fields, hint),
        from_=from_,
        sender=next(iter(addresses.addresses(fields.get("sender"), hint)), None),
        reply_to=_addresses(fields, "reply-to", hint),
        return_path=_return_path(fields),
        to=_addresses(fields, "to", hint),
        cc=_addresses(fields, "cc", hint),
        delivered_to=_delivered_to(fields),
        date=date,
        message_id=addresses.message_id(fields.get("message-id")),
        in_reply_to=addresses.message_ids(fields.get("in-reply-to")),
        references=addresses.message_ids(fields.get("references")),
        text=contents.text,
        html=contents.html,
        attachments=tuple(contents.files),
        events=tuple(contents.events),
        headers=_mapping(fields, hint),
        report_type=report_type,
        report=_report(fields, contents, report_type),
        protection=contents.protection or _inline_pgp(contents.text),
        content_hash=_hash(from_, fields.get("date"), contents),
        defects=tuple(dict.fromkeys(defects)),
    )


def _subject(fields: headers.Fields, hint: str | None) -> str:
    value = fields.get("subject") or b""
    # an encoded word may take eight characters for one; what is beyond cannot be shown anyway
    return headers.text(value, hint, limit=LIMIT_SUBJECT * 12)[:LIMIT_SUBJECT]


def _joined(fields: headers.Fields, name: str) -> bytes:
    return b", ".join(fields.all(name)[:_LIMIT_REPEATS])


def _addresses(fields: headers.Fields, name: str, hint: str | None) -> tuple[Address, ...]:
    return addresses.addresses(_joined(fields, name), hint)


def _from(fields: headers.Fields, hint: str | None) -> tuple[Address | None, list[str]]:
    """Return who the mail says it is from: the first readable mailbox of the first From field."""
    defects = []
    values = fields.all("from")
    if len(values) > 1:
        defects.append("from-repeated")
    for value in values[:5]:
        found = addresses.addresses(value, hint)
        if found:
            if len(found) > 1:
                defects.append("from-several")
            return found[0], defects
    return None, [*defects, "from-missing"]


def _return_path(fields: headers.Fields) -> str | None:
    """Return the envelope's sender as our server noted it; "" is the empty path of a bounce."""
    value = fields.get("return-path")
    if value is None:
        return None
    found = addresses.addresses(value)
    if found:
        return found[0].address
    return "" if re.fullmatch(rb"\s*<\s*>\s*", value) else None


def _delivered_to(fields: headers.Fields) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in _ENVELOPE:
        for mailbox in addresses.addresses(_joined(fields, name)):
            found.setdefault(mailbox.address)
    return tuple(found)


def _header_defects(fields: headers.Fields) -> list[str]:
    defects = []
    if fields.get("date") and addresses.date(fields.get("date")) is None:
        defects.append("date-broken")
    if addresses.message_id(fields.get("message-id")) is None:
        defects.append("message-id-missing")
    for name in ("to", "cc"):
        if _joined(fields, name).count(b"@") > addresses.LIMIT_ADDRESSES:
            defects.append("addresses-cut")
    if (fields.get("references") or b"").count(b"<") > addresses.LIMIT_IDS:
        defects.append("references-cut")
    if len(fields.get("subject") or b"") > LIMIT_SUBJECT * 12:
        defects.append("subject-cut")
    if len(fields.items) > LIMIT_FIELDS:
        defects.append("fields-cut")
    return defects


def _mapping(fields: headers.Fields, hint: str | None) -> Mapping[str, tuple[str, ...]]:
    """Return all fields decoded, for screening and filters."""
    values: dict[str, list[str]] = {}
    for name, value in fields.items[:LIMIT_FIELDS]:
        known = values.setdefault(name, [])
        if len(known) < _LIMIT_REPEATS:
            known.append(headers.text(value, hint, limit=LIMIT_FIELD))
    return MappingProxyType({name: tuple(known) for name, known in values.items()})


def _report_type(root: structure.Node, contents: bodies.Contents) -> str | None:
    """Return which report (RFC 6522) this is; a report part counts even under a wrong label."""
    named = root.kind.params.get("report-type", "").lower()
    if root.kind.value == "multipart/report" and named in _REPORT_TYPES:
        return named
    if contents.reported:
        return "disposition-notification" if contents.disposition else "delivery-status"
    return None


def _report(
    fields: headers.Fields, contents: bodies.Contents, report_type: str | None
) -> Report | None:
    """Return what a report says; Exim and Google name failed recipients in a header instead."""
    deliveries = tuple(contents.deliveries)
    original = contents.original_id
    if not deliveries and fields.get("x-failed-recipients"):
        found = addresses.addresses(_joined(fields, "x-failed-recipients"))
        deliveries = tuple(Delivery(box.address, "failed", "", "") for box in found)
        report_type = report_type or "delivery-status"
    if report_type is None:
        return None
    if original is None:
        quoted = _ID_IN_TEXT.search(contents.text[:100_000])
        original = quoted[1] if quoted else None
    return Report(deliveries, contents.disposition, original)


def _inline_pgp(text: str) -> str | None:
    if "-----BEGIN PGP MESSAGE-----" in text:
        return "pgp-encrypted"
    return "pgp-signed" if "-----BEGIN PGP SIGNED MESSAGE-----" in text else None


def _without_line_ends(file: Part) -> bytes:
    """Return a file's content; where servers may rewrite line ends, in their plain form."""
    textual = file.content_type.startswith(("text/", "message/"))
    return file.content.replace(b"\r\n", b"\n").strip() if textual else file.content


def _hash(from_: Address | None, date: bytes | None, contents: bodies.Contents) -> str:
    """Hash what makes two deliveries the same mail, each piece with its length before it."""
    pieces = [
        (from_.address.lower() if from_ else "").encode(),
        b" ".join((date or b"").split()),
        "\n".join(line.rstrip() for line in contents.text.strip().split("\n")).encode(),
        *(hashlib.sha256(_without_line_ends(file)).digest() for file in contents.files),
    ]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()
