"""x"""

from __future__ import annotations

from .acts import Answer, Form, Mail
from .play import story

IT_STORIES = (
    story(
        "a",
        Form("29 08:40", "faults", "kranich", {"device": "Beamer", "since": "2026-10-01", "urgency": "later", "what": "x"}),
        Answer("29 09:10", "fink", "Hallo", state="solved"),
        Mail("28 09:10", "kranich", "Danke", reply=True),
    ),
)
