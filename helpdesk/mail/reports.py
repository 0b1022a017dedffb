"""The machine-readable parts of delivery reports (RFC 3464), read receipts (RFC 8098) and complaints."""

from __future__ import annotations

from typing import Final

from helpdesk.mail.addresses import addresses, message_id
from helpdesk.mail.headers import Fields, read_block, text
from helpdesk.mail.parsed import Delivery

LIMIT_GROUPS: Final = 100
_LIMIT_BYTES: Final = 256 * 1024


def groups(data: bytes) -> list[Fields]:
    """Return the field groups of a report body, which stand like header blocks one after another."""
    found: list[Fields] = []
    position, data = 0, data[:_LIMIT_BYTES]
    while position < len(data) and len(found) < LIMIT_GROUPS:
        fields, following = read_block(data, position)
        if following <= position:
            break
        if fields.items:
            found.append(fields)
        position = following
    return found


def deliveries(data: bytes) -> list[Delivery]:
    """Return what a message/delivery-status body says of each recipient."""
    return [
        Delivery(
            recipient=recipient(group.get("final-recipient") or group.get("original-recipient")),
            action=text(group.get("action"), limit=40).lower().split(" ")[0],
            status=text(group.get("status"), limit=40).split(" ")[0],
            diagnostic=text(group.get("diagnostic-code"), limit=2000),
            original=recipient(group.get("original-recipient")),
        )
        for group in groups(data)
        if group.get("final-recipient") or group.get("action")
    ]


def recipient(value: bytes | None) -> str:
    """Return the address of a typed address field ("rfc822; a@example.org")."""
    bare = (value or b"").split(b";", 1)[-1]
    found = addresses(bare)
    return found[0].address if found else text(bare, limit=320)


def disposition(data: bytes) -> tuple[str, str | None]:
    """Return the disposition of a read receipt and the id of the mail it speaks of."""
    for group in groups(data):
        if group.get("disposition"):
            original = message_id(group.get("original-message-id"))
            return text(group.get("disposition"), limit=200), original
    return "", None


def original_id(data: bytes) -> str | None:
    """Return the Message-ID in the header of a returned mail."""
    fields, _ = read_block(data, 0)
    return message_id(fields.get("message-id"))


def subject(data: bytes) -> str:
    """Return the subject in the header of a nested mail."""
    fields, _ = read_block(data, 0)
    return text(fields.get("subject"), limit=500)
