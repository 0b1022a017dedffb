"""Mails signed as a sending server signs them, with the key's record for a name server."""

from __future__ import annotations

import base64
from functools import cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SELECTOR = "s1"


@cache
def private_key(bits: int = 1024) -> bytes:
    """Return a key as PEM; small, for it signs nothing but tests."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def record(pem: bytes | None = None, tags: str = "v=DKIM1; k=rsa") -> str:
    """Return the TXT record of a key."""
    key = serialization.load_pem_private_key(pem or private_key(), None)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"{tags}; p={base64.b64encode(public).decode()}"


def name(domain: str, selector: str = SELECTOR) -> str:
    """Return where the record stands."""
    return f"{selector}._domainkey.{domain}"


def sign(
    raw: bytes,
    domain: str,
    *,
    pem: bytes | None = None,
    headers: tuple[str, ...] = ("from", "to", "subject", "date", "message-id"),
    algorithm: str = "rsa-sha256",
    length: bool = False,
) -> bytes:
    """Return the mail with a signature at its top."""
    signature = dkim.DKIM(raw, signature_algorithm=algorithm.encode()).sign(
        SELECTOR.encode(),
        domain.encode(),
        pem or private_key(),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[one.encode() for one in headers],
        length=length,
    )
    return bytes(signature) + raw
