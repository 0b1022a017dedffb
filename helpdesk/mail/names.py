"""Names of files: what a sender called them, made safe; or one of our own making."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from helpdesk.mail.charsets import one_line

LIMIT_NAME: Final = 150

_EXTENSIONS: Final = {
    "application/msword": "doc",
    "application/octet-stream": "bin",
    "application/pdf": "pdf",
    "application/pgp-encrypted": "txt",
    "application/pgp-keys": "asc",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/rtf": "rtf",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/external-body": "txt",
    "message/feedback-report": "txt",
    "message/partial": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/directory": "vcf",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
    "video/mp4": "mp4",
}
_STEMS: Final = {
    "application/pgp-encrypted": "pgp-version",
    "application/pgp-signature": "signature",
    "application/pkcs7-mime": "smime",
    "application/pkcs7-signature": "smime",
    "application/x-pkcs7-mime": "smime",
    "application/x-pkcs7-signature": "smime",
    "message/delivery-status": "delivery-status",
    "message/disposition-notification": "read-receipt",
    "message/feedback-report": "feedback-report",
    "text/calendar": "invite",
    "text/rfc822-headers": "headers",
}


def file_name(given: str, content_type: str, number: int) -> str:
    """Return a safe name for the `number`-th file: never empty, no path, no control characters."""
    name = safe(given)
    if name:
        return name
    stem = _STEMS.get(content_type)
    extension = _EXTENSIONS.get(content_type, "txt" if content_type.startswith("text/") else "bin")
    if stem is None:
        stem = f"image-{number}" if content_type.startswith("image/") else f"attachment-{number}"
    return f"{stem}.{extension}"


def mail_name(subject: str, number: int) -> str:
    """Return the name of a nested mail: its subject and .eml."""
    stem = safe(subject.replace("/", "_").replace("\\", "_"))[: LIMIT_NAME - 4].strip(" .")
    return f"{stem or f'message-{number}'}.eml"


def safe(given: str) -> str:
    """Return the last part of a path without characters that hide, reorder or mean something."""
    name = re.split(r"[/\\]", one_line(given))[-1]
    # format characters turn a name around: "exe.pdf" may end in .exe
    name = "".join(
        char for char in name[:1000] if unicodedata.category(char) not in ("Cf", "Cc", "Cs")
    )
    name = re.sub(r'[<>:"|?*]', "_", name).strip(" .")
    if len(name) <= LIMIT_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        return name[:LIMIT_NAME]
    return f"{stem[: LIMIT_NAME - len(extension) - 1]}.{extension}"
