from __future__ import annotations

import pytest

from helpdesk.notifications import outbox
from tests.servers import smtp


@pytest.fixture
def server(settings):
    """A mail server the site sends by."""
    with smtp.sink() as sink:
        settings.EMAIL_BACKEND = outbox.SMTP_BACKEND
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.EMAIL_TIMEOUT = 5
        yield sink
