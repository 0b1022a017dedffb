"""Entry for WSGI servers (gunicorn portal.wsgi)."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from helpdesk import unfinished
from portal.checks import refuse_to_start_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")

application = unfinished.guarded(get_wsgi_application())
refuse_to_start_unsafe()
