"""The site with wagtail-localize in place of simple_translation, on a database in memory."""

from __future__ import annotations

from portal.settings.test import *  # noqa: F403
from portal.settings.test import INSTALLED_APPS

_INSTEAD = {
    "wagtail.contrib.simple_translation": "wagtail_localize",
    "wagtail.locales": "wagtail_localize.locales",
}
INSTALLED_APPS = [_INSTEAD.get(name, name) for name in INSTALLED_APPS]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
