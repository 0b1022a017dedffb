"""What the town says of its tables."""

from __future__ import annotations

from django.apps import AppConfig


class TownConfig(AppConfig):
    name = "town"

    def ready(self):
        from helpdesk.privacy.register import Statement, declare

        inspection = Statement(
            part="requests",
            whose="whoever asks, and who was there",
            why="what was seen on the spot",
            kept="with the ticket",
            goes="`helpdesk/actions/erasing.py`, nightly",
            columns={"seen": "content", "picture": "content"},
        )
        declare({"town.Inspection": inspection})
