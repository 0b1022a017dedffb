"""Placeholder until the codecs land."""

from __future__ import annotations


class BadAddress(ValueError):
    pass


def canonical(address: str) -> str:
    if "@" not in address:
        raise BadAddress(address)
    return address.strip().lower()


def normalise(address: str) -> str:
    local, _, domain = canonical(address).rpartition("@")
    return local.split("+")[0] + "@" + domain
