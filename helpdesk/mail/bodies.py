"""From the tree of parts to what people read and the files that came with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html import escape
from typing import Final
from urllib.parse import unquote

from helpdesk.mail import names, reports, sanitise, tnef, transfer
from helpdesk.mail.charsets import decode, storable
from helpdesk.mail.headers import text as header_text
from helpdesk.mail.headers import valued
from helpdesk.mail.invitations import events
from helpdesk.mail.parsed import Delivery, Event, Part
from helpdesk.mail.structure import Node

LIMIT_TEXT: Final = 1_000_000  # characters of one text; a longer one is also kept as a file
LIMIT_HTML: Final = 4_000_000

_READABLE: Final = {"text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html"}
_MAILS: Final = {"message/rfc822", "message/global", "message/news"}
_TNEF: Final = {"application/ms-tnef", "application/vnd.ms-tnef"}
_SMIME: Final = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE
)
_CID = re.compile(r"""cid:([^"'\s>)]{1,250})""", re.IGNORECASE)
_LOOKS_HTML = re.compile(rb"\s*(?:<!doctype html|<html\b)", re.IGNORECASE)


@dataclass(slots=True)
class _Piece:
    """One readable stretch of the mail, in one or two forms."""

    text: str | None = None
    html: str | None = None


@dataclass(slots=True)
class Contents:
    """What the parts hold."""

    text: str = ""
    html: str | None = None
    files: list[Part] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    disposition: str = ""
    original_id: str | None = None
    reported: bool = False  # whether a report part was there
    protection: str | None = None
    defects: list[str] = field(default_factory=list)


def read(raw: bytes, root: Node) -> Contents:
    """Decode the parts under `root`; never raises."""
    reader = _Reader(raw, root)
    pieces = reader.pieces(root)
    contents = reader.contents
    contents.text = _texts(pieces, contents.defects)
    if any(piece.html for piece in pieces):
        contents.html = "\n".join(_as_html(piece) for piece in pieces)
        shown = {unquote(cid) for cid in _CID.findall(contents.html)}
        contents.files = [
            replace(file, inline=file.inline or file.content_id in shown) for file in contents.files
        ]
    return contents


def _texts(pieces: list[_Piece], defects: list[str]) -> str:
    """Return the pieces as one text; HTML stands in where a piece has no other form."""
    texts: list[str] = []
    left = sanitise.LIMIT_HTML
    for piece in pieces:
        text = piece.text or ""
        if not text.strip() and piece.html:
            text = sanitise.to_text(piece.html) if left > 0 else ""
            left -= len(piece.html)
            if left < 0:
                defects.append("text-cut")
        if text.strip():
            texts.append(text.strip("\n"))
    return "\n\n".join(texts)[:LIMIT_TEXT]


def _as_html(piece: _Piece) -> str:
    if piece.html is not None:
        return piece.html
    return f'<div style="white-space:pre-wrap">{escape(piece.text or "")}</div>'


class _Reader:
    """Goes through the tree and sorts its parts into text and files."""

    def __init__(self, raw: bytes, root: Node) -> None:
        self._raw = raw
        self._root = root
        self._first = next(root.leaves())
        self._left = {"text/plain": LIMIT_TEXT, "text/html": LIMIT_HTML}
        self.contents = Contents()

    def pieces(self, node: Node) -> list[_Piece]:
        """Return the readable pieces under a node, in the order of the mail."""
        kind = node.kind.value
        if not node.children:
            piece = self._leaf(node)
            return [piece] if piece else []
        if kind == "multipart/signed":
            smime = "pkcs7" in node.kind.params.get("protocol", "").lower()
            self._protected("smime-signed" if smime else "pgp-signed")
        elif kind == "multipart/encrypted":
            self._protected("pgp-encrypted")
        found = [piece for child in node.children for piece in self.pieces(child)]
        if kind != "multipart/alternative":
            return found
        # the last of each form is the richest one; some senders list the same form twice
        texts = [piece.text for piece in found if piece.text is not None]
        htmls = [piece.html for piece in found if piece.html is not None]
        filled = [text for text in texts if text.strip()] or texts
        return (
            [_Piece(filled[-1] if filled else None, htmls[-1] if htmls else None)] if found else []
        )

    def _protected(self, how: str) -> None:
        self.contents.protection = self.contents.protection or how

    def _leaf(self, node: Node) -> _Piece | None:
        kind = node.kind.value
        data, defect = transfer.body(self._raw, node.start, node.end, node.fields)
        if defect:
            self.contents.defects.append(defect)
        if kind.startswith("multipart/"):
            return self._empty_multipart(node, data)
        if not node.declared and node is self._root and _LOOKS_HTML.match(data):
            return self._html(node, data)
        disposition = valued(node.fields.get("content-disposition"))
        name = disposition.params.get("filename") or node.kind.params.get("name", "")
        body = kind in _READABLE or (node is self._root and kind.startswith("text/"))
        if kind == "text/calendar" and disposition.value != "attachment":
            body = False
        if body and disposition.value != "attachment" and (not name or node is self._first):
            return self._html(node, data) if kind == "text/html" else self._text(node, data)
        self._attach(node, data, name, inline=disposition.value == "inline")
        return None

    def _empty_multipart(self, node: Node, data: bytes) -> _Piece | None:
        """Read a multipart in which no part was found: its body is text, or a tree too deep."""
        if not data.strip():
            return None
        if data.count(b"\n--", 0, 100_000) > 1:
            self._file(names.file_name("", "message/partial", self._number()), "text/plain", data)
            return None
        self.contents.defects.append("multipart-without-parts")
        return self._html(node, data) if _LOOKS_HTML.match(data) else self._text(node, data)

    def _number(self) -> int:
        return len(self.contents.files) + 1

    def _text(self, node: Node, data: bytes) -> _Piece:
        if b"begin " in data or b"begin-base64 " in data:
            found = transfer.uuencoded(data)
            for raw_name, content in found.files:
                name = names.file_name(
                    decode(raw_name, None)[0], "application/octet-stream", self._number()
                )
                self._file(name, "application/octet-stream", content)
            data = found.rest
        text = self._decoded(node, data, "text/plain", node.kind.params.get("charset"))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if node.kind.params.get("format", "").lower() == "flowed":
            text = transfer.flowed(
                text, delete_space=node.kind.params.get("delsp", "").lower() == "yes"
            )
        if node.kind.value in ("text/enriched", "text/richtext"):
            text = re.sub(r"<[^<>]{1,60}>", "", text).replace("<<", "<")
        return _Piece(text=text)

    def _html(self, node: Node, data: bytes) -> _Piece:
        label = node.kind.params.get("charset")
        meta = _META_CHARSET.search(data, 0, 4096) if not label else None
        label = meta[1].decode("ascii") if meta else label
        return _Piece(html=self._decoded(node, data, "text/html", label))

    def _decoded(self, node: Node, data: bytes, form: str, label: str | None) -> str:
        """Decode a readable part; what exceeds the mail's allowance for its form is kept as a file."""
        limit = self._left[form]
        self._left[form] -= min(limit, len(data))
        if len(data) > limit:
            self.contents.defects.append("text-cut")
            name = names.file_name("", node.kind.value, self._number())
            self._file(name, node.kind.value, data)
            # at a line's end no character is cut in two
            cut = data.rfind(b"\n", limit // 2, limit)
            data = data[: cut + 1 or limit]
        text, defect = decode(data, label)
        if defect:
            self.contents.defects.append(defect)
        return text

    def _attach(self, node: Node, data: bytes, name: str, *, inline: bool) -> None:
        kind = node.kind.value
        if kind in _MAILS:
            name = (
                name
                if name.lower().endswith(".eml")
                else names.mail_name(name or reports.subject(data), self._number())
            )
            kind = "message/rfc822"
        if kind in _TNEF or name.lower() == "winmail.dat":
            if self._unpack(data):
                return
            self.contents.defects.append("tnef-broken")
        self._note(kind, node, data)
        content_id = header_text(node.fields.get("content-id"), limit=300).strip("<> ") or None
        self._file(
            names.file_name(name, kind, self._number()),
            kind,
            data,
            content_id=content_id,
            inline=inline and kind.startswith("image/"),
        )

    def _file(
        self,
        name: str,
        kind: str,
        data: bytes,
        *,
        content_id: str | None = None,
        inline: bool = False,
    ) -> None:
        self.contents.files.append(Part(name, kind, data, content_id, inline))

    def _note(self, kind: str, node: Node, data: bytes) -> None:
        """Take from a machine-readable part what the mail as a whole says by it."""
        contents = self.contents
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            contents.reported = True
            contents.deliveries += reports.deliveries(data)
        elif kind == "message/disposition-notification":
            contents.reported = True
            contents.disposition, original = reports.disposition(data)
            contents.original_id = original or contents.original_id
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/global-headers"):
            contents.original_id = contents.original_id or reports.original_id(data)
        elif kind in ("text/calendar", "application/ics"):
            text, _ = decode(data, node.kind.params.get("charset") or "utf-8")
            found, defects = events(text)
            contents.events += found
            contents.defects += defects
        elif kind in _SMIME:
            signed = "signed" in node.kind.params.get("smime-type", "").lower()
            self._protected("smime-signed" if signed else "smime-encrypted")

    def _unpack(self, data: bytes) -> bool:
        """Put the files of a winmail.dat in its place; return whether that was possible."""
        unpacked = tnef.unpack(data)
        if unpacked is None or not unpacked.whole:
            return False
        for file in unpacked.files:
            kind = file.content_type if "/" in file.content_type else "application/octet-stream"
            name = names.file_name(file.name, kind, self._number())
            self._file(name, kind, file.content, content_id=storable(file.content_id) or None)
        if unpacked.text.strip() or unpacked.html.strip():
            self._late_body(unpacked)
        return True

    def _late_body(self, unpacked: tnef.Tnef) -> None:
        """Keep a body found only inside winmail.dat as a file; the mail's own text stays its text."""
        if unpacked.html.strip():
            self._file(
                names.file_name("message.html", "text/html", 0), "text/html", unpacked.html.encode()
            )
        else:
            self._file("message.txt", "text/plain", unpacked.text.encode())
