"""Settings for a machine of one's own: no secret to set, mail stays in the mail room."""

from __future__ import annotations

from .base import *  # noqa: F403
from .base import EMAIL_URL, HELPDESK, LOGGING, MAIL_PORT, MIDDLEWARE, SECRET_KEY

DEBUG = True
SECRET_KEY = SECRET_KEY or "for development only: production does not start with it"
ALLOWED_HOSTS = ["*"]
INTERNAL_IPS = ["127.0.0.1"]

# passkeys are for https and for http://localhost, which browsers trust as much
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True

HELPDESK = {**HELPDESK, "MAILROOM": True}
if not EMAIL_URL:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = "127.0.0.1", MAIL_PORT

# the development server serves static files itself
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]

# for eyes: with tracebacks as Python writes them
LOGGING["formatters"]["line"] = {"format": "{asctime} {levelname} {name} {message}", "style": "{"}
