"""Settings of the test run: quick hashing, no manifest, tasks at once, a database of its own."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec

from .base import *  # noqa: F403
from .base import DATABASES, HELPDESK, INSTALLED_APPS, TEST_DB_NAME, TEST_TEMPLATE

DEBUG = False
SECRET_KEY = "only for tests"  # noqa: S105
ALLOWED_HOSTS = ["*"]
SITE_URL = "http://testserver"
WAGTAILADMIN_BASE_URL = SITE_URL
MEDIA_ROOT = tempfile.mkdtemp(prefix="stelze-media-")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# passes of time in tests log nobody out; the limits have tests of their own
SESSION_IDLE_MINUTES = SESSION_IDLE_MINUTES_CUSTOMERS = 10_000_000
SESSION_MAX_MINUTES = SESSION_MAX_MINUTES_CUSTOMERS = 10_000_000
# what agents write goes out at once; the window has tests of its own
HELPDESK = {**HELPDESK, "SITE_URL": SITE_URL, "MAIL_DOMAIN": "desk.example", "UNDO_SECONDS": 0}
# tests are quick and many; the limits have tests of their own
HELPDESK |= {"FORM_MIN_SECONDS": 0, "FORMS_PER_IP": 0, "FORMS_PER_ADDRESS": 0, "REPLIES_PER_IP": 0}
HELPDESK |= {
    "CHECKS_PER_IP": 0,
    "REPLIES_PER_REQUEST": 0,
    "UPLOADS_PER_IP": 0,
    "WRONG_LINKS_PER_IP": 0,
    "SEARCHES_PER_IP": 0,
}
# goes with the files of the run
HELPDESK["ERASURE_JOURNAL"] = f"{MEDIA_ROOT}/erasures"
HELPDESK["OAUTH_PRIVATE_HOSTS"] = ["127.0.0.1", "localhost"]
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]  # noqa: F405

# the tests set up doors one by one
SAML_APP = "allauth.socialaccount.providers.saml"
if find_spec("onelogin") and SAML_APP not in INSTALLED_APPS:
    INSTALLED_APPS.append(SAML_APP)

# a database that has had its migrations is copied (PostgreSQL's own word; for SQLite see tests/conftest.py)
DATABASES["default"]["TEST"] = {"NAME": TEST_DB_NAME or None, "TEMPLATE": TEST_TEMPLATE or None}
