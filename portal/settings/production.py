"""Settings for real use, behind a reverse proxy that speaks TLS.

`portal.checks` refuses to start while a secret is missing and says which.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .base import *  # noqa: F403
from .base import ALLOWED_HOSTS, CACHE_URL, CACHES, SITE_URL, STORAGES

# also for a module of one's own that takes its settings from here: the checks of production ask for it
PRODUCTION = True
DEBUG = False
ALLOWED_HOSTS = ALLOWED_HOSTS or [urlsplit(SITE_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
# the proxy asks over plain HTTP whether we live
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
# a browser takes cookies so named only from this very host, over TLS, for all its paths
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"

if not CACHE_URL:  # in the database: all processes share it, and no further server is needed
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "portal_cache",
            "OPTIONS": {"MAX_ENTRIES": 50_000},
        }
    }

STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
