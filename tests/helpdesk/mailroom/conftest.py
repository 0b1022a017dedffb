from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def mailroom(settings, tmp_path):
    """A mail room with an empty maildir; nothing listens on its port."""
    settings.HELPDESK = {
        **settings.HELPDESK,
        "MAILROOM": True,
        "MAILROOM_DIR": str(tmp_path / "mailroom"),
        "MAILROOM_SMTP_PORT": 1,
    }
    return settings
