"""Writing to the desk as a customer would: a real mail, through the real server if it runs."""

from __future__ import annotations

import smtplib
from email.utils import make_msgid
from typing import Any

from django.utils import timezone

from helpdesk import conf
from helpdesk.mail.parse import ParsedMail
from helpdesk.models import OutboundMail
from helpdesk.notifications import mime

from . import room, server


class NotTaken(Exception):
    """The mail server refused the mail, in its own words."""


def reply_target(mail: ParsedMail) -> str:
    """Return the address a reply to `mail` goes to, or ''."""
    target = mail.reply_to[0] if mail.reply_to else mail.from_
    return target.address if target else ""


def first_values(mail: ParsedMail, key: str) -> dict[str, str]:
    """Return what stands in the form when somebody answers `mail`."""
    me = next(iter(mail.to), None)
    quoted = "\n".join(f"> {line}".rstrip() for line in mail.text.rstrip().splitlines())
    prefix = "" if mail.subject.casefold().startswith("re:") else "Re: "
    return {
        "from_name": me.name if me else "",
        "from_address": me.address if me else "",
        "to": reply_target(mail),
        "subject": prefix + mail.subject,
        "body": f"\n\n{quoted}\n",
        "reply": key,
    }


def send(values: dict[str, Any], answered: ParsedMail | None) -> None:
    """Send what the form holds; an answer continues the thread (RFC 5322 3.6.4). Raises `NotTaken`."""
    ids = (*answered.references, answered.message_id) if answered else ()
    row = OutboundMail(
        from_name=values["from_name"],
        from_address=values["from_address"],
        to=[["", values["to"]]],
        subject=values["subject"],
        body=values["body"],
        message_id=make_msgid(domain="mailroom.example"),
        in_reply_to=(answered.message_id or "") if answered else "",
        references=[one for one in ids if one],
        created_at=timezone.now(),
    )
    file = values["file"]
    files = [mime.File(file.name, file.content_type or "", file.read())] if file else []
    raw = mime.build(row, files)
    sender, recipients = mime.wire_address(row.from_address), [values["to"]]
    try:
        with smtplib.SMTP(server.HOST, conf.get("MAILROOM_SMTP_PORT"), timeout=30) as smtp:
            smtp.sendmail(sender, recipients, raw)
    except ConnectionRefusedError:
        # the server does not run: the mail takes the same way from behind it
        room.take(raw, sender=sender, recipients=recipients)
    except OSError as error:  # smtplib's own errors are OSErrors too
        raise NotTaken(str(error)) from error
