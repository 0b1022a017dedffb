"""One line of the plan of an order, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How a step stands."""

    MAKE = "make"  # will be made
    THERE = "there"  # is there already
    STOPS = "stops"  # is in the way of approving
    LEFT = "left"  # is left for people to do


@dataclass(frozen=True)
class Step:
    """One line of a plan. `note` says what to look at twice, `url` leads to what is there."""

    part: str
    standing: Standing
    words: str
    note: str = ""
    url: str = ""
