"""Mails that a careless transport bends."""

from __future__ import annotations

HEAD = b"From: a@example.org\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\n\r\n"

EXACT = {
    "eight bit": HEAD + "Grüße, Ω\r\n".encode() + b"\xff\xfe\x80 raw\r\n",
    "long line": HEAD + b"y" * 200_000 + b"\r\nend\r\n",
    "dots": HEAD + b".\r\n..\r\n.hidden\r\n",
    "commands": HEAD + b"* 1 FETCH (UID 1)\r\nA1 OK done\r\n+OK\r\n-ERR\r\n",
    "literal": HEAD + b"BODY[] {5}\r\n)\r\n",
    "empty lines": HEAD + b"\r\n\r\n\r\n",
    "from lines": HEAD
    + b"\r\nFrom a@example.org Tue Nov 24 02:03:47 2026\r\n>From here\r\n>>From there\r\n",
    "header only": b"Subject: nothing more\r\n\r\n",
    "large": HEAD + b"0123456789abcde\r\n" * 60_000,
}
# What only a file hands out unchanged: IMAP has no NUL (RFC 3501 section 9), POP3 ends every line.
FILE_ONLY = {
    "no final newline": HEAD + b"end",
    "bare newlines": b"Subject: x\n\nunix\n",
    "lone returns": HEAD + b"a\rb\r\n\rc\r\n",
    "nul": HEAD + b"a\0b\r\n",
    "no mail at all": b"\0\xff",
}


def mail(number: int) -> bytes:
    return b"Subject: %d\r\n\r\nbody %d\r\n" % (number, number)
