#!/usr/bin/env python3
"""Django's command line for this site; development settings unless told otherwise."""

from __future__ import annotations

import gc
import os
import sys

#: They make the models of the site anew for each of hundreds of steps.
MIGRATING = ("migrate", "prepare")

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit(
            "Django is not installed here. Run `make install`, then use .venv/bin/python manage.py."
        )
    if sys.argv[1:2] and sys.argv[1] in MIGRATING:
        # looking for garbage among them took a third of the time; now it is half of that, with 400 MB at most
        gc.set_threshold(200_000, 50, 100)
    execute_from_command_line(sys.argv)
