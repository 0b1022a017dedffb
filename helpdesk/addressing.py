"""Placeholder until the codecs land."""

from __future__ import annotations

from datetime import date


class BadAddress(ValueError):
    pass


def canonical(address: str) -> str:
    if "@" not in address:
        raise BadAddress(address)
    return address.strip().lower()


def normalise(address: str) -> str:
    local, _, domain = canonical(address).rpartition("@")
    return local.split("+")[0] + "@" + domain


def message_id_key(mid: str) -> str:
    return mid[:255]


def make_number(day: date, system_id: str, counter: int) -> str:
    return f"{day:%Y%m%d}{system_id}{counter:05}0"
