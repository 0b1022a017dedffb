"""What gunicorn is told: `gunicorn -c python:portal.gunicorn_conf portal.wsgi`."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from portal.logs import masked


class MaskingLogger(Logger):
    """An access log without queries and without the secret parts of addresses."""

    def atoms(self, resp: Any, req: Any, facts: Any, request_time: Any) -> dict[str, Any]:
        found = super().atoms(resp, req, facts, request_time)
        return {key: masked(value) if isinstance(value, str) else value for key, value in found.items()}  # fmt: skip


logger_class = MaskingLogger
accesslog = "-"
access_log_format = 'from=%(h)s method=%(m)s path="%(U)s" status=%(s)s bytes=%(B)s seconds=%(L)s'
