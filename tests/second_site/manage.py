from __future__ import annotations

import os

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "town.settings")
execute_from_command_line()
