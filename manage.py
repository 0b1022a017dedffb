#!/usr/bin/env python3
"""Django's command line for this site; development settings unless told otherwise."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit(
            "Django is not installed here. Run `make install`, then use .venv/bin/python manage.py."
        )
    execute_from_command_line(sys.argv)
