"""The main menu."""

from __future__ import annotations

import itertools

import pytest

from helpdesk.agents.menu import GROUPS

#: What Wagtail itself has there.
WAGTAILS = ("explorer", "images", "documents", "forms", "reports", "settings", "help")


@pytest.mark.pure
def test_no_name_begins_with_another() -> None:
    """Wagtail's menu would open both."""
    names = [*WAGTAILS, *(group.name for group in GROUPS)]
    pairs = itertools.permutations(names, 2)
    assert [pair for pair in pairs if pair[0].startswith(pair[1])] == []
