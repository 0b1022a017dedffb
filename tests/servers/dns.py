"""A small name server on loopback UDP that knows the TXT records a test gives it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

#: A record that says nothing: the question stays without an answer.
SILENCE = "silence"
#: A record that stands for a server in trouble.
SERVFAIL = "servfail"


@dataclass
class Zone:
    """A running server: its address for DNS_SERVERS, its records, and the names asked for."""

    address: str
    records: dict[str, list[str]] = field(default_factory=dict)  # name without the last dot
    asked: list[str] = field(default_factory=list)


@contextmanager
def name_server() -> Iterator[Zone]:
    """Serve until the block ends; names without a record do not exist."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    zone = Zone(f"127.0.0.1:{server.getsockname()[1]}")
    closing = threading.Event()

    def serve() -> None:
        while not closing.is_set():
            wire, peer = server.recvfrom(4096)
            answer = _answer(zone, wire) if wire else None
            if answer:
                server.sendto(answer, peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield zone
    finally:
        closing.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", server.getsockname())
        thread.join(10)
        server.close()


def _answer(zone: Zone, wire: bytes) -> bytes | None:
    query = dns.message.from_wire(wire)
    (question,) = query.question
    name = question.name.to_text(omit_final_dot=True).lower()
    zone.asked.append(name)
    texts = zone.records.get(name, [])
    if texts == [SILENCE]:
        return None
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA | dns.flags.AA
    if texts == [SERVFAIL]:
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif not texts:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif question.rdtype == dns.rdatatype.TXT:
        answer.answer.append(
            dns.rrset.from_text_list(
                question.name, 60, "IN", "TXT", [_strings(text) for text in texts]
            )
        )
    return answer.to_wire()


def _strings(text: str) -> str:
    """Return a record's text as the quoted strings it is cut into (255 octets each)."""
    pieces = [text[start : start + 250] for start in range(0, len(text), 250)]
    return " ".join('"' + piece.replace('"', r"\"") + '"' for piece in pieces)
