"""The sample mails of our own (tests/mails) and those collected elsewhere (SAMPLE_MAILS)."""

from __future__ import annotations

import os
from pathlib import Path

from helpdesk.mail.parse import ParsedMail, parse

ROOT = Path(__file__).resolve().parents[3]
OWN = ROOT / "tests" / "mails"
COLLECTED = Path(os.environ.get("SAMPLE_MAILS", ROOT.parent / "shared" / "mail"))
REPLIES = COLLECTED.parent / "mail-replies"


def parsed(name: str) -> ParsedMail:
    """Return the parsed sample mail of that name."""
    return parse((OWN / f"{name}.eml").read_bytes())
