"""Settings of the site that hold everywhere. Every environment variable is read in this file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from portal.doors import config as doors

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def _port(name: str, default: int) -> int:
    value = env.str(name, "") or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise SystemExit(f"{name}={value} is no port: give a number between 1 and 65535.")
    return int(value)


def _number(name: str, default: int) -> int:
    value = env.str(name, "") or str(default)
    if not value.isdecimal():
        raise SystemExit(f"{name}={value} is no whole number: give one, for example {default}.")
    return int(value)


def _one_of(name: str, *values: str) -> str:
    value = env.str(name, "") or values[0]
    if value not in values:
        raise SystemExit(f"{name}={value} is not known: give one of {', '.join(values)}.")
    return value


# --- what the environment says ------------------------------------------------------------------
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
PORT = _port("PORT", 8000)
MAIL_PORT = _port("MAIL_PORT", 8025)
SITE_URL = env.str("SITE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
DATABASE_URL = env.str("DATABASE_URL", "")
EMAIL_URL = env.str("EMAIL_URL", "")
MEDIA_ROOT = env.str("MEDIA_ROOT", str(VAR_DIR / "media"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "helpdesk@localhost")
SITE_NAME = env.str("SITE_NAME", "Stelze")
TICKET_SYSTEM_ID = env.str("TICKET_SYSTEM_ID", "10")
LOG_LEVEL = _one_of("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")
SAMPLE_MAILS = env.str("SAMPLE_MAILS", str(BASE_DIR.parent / "shared" / "mail"))
TEST_DB_NAME = env.str("TEST_DB_NAME", "")
TEST_TEMPLATE = env.str("TEST_TEMPLATE", "")
PROXIES = _number("PROXIES", 0)
CACHE_URL = env.str("CACHE_URL", "")
# file of breached passwords, see docs/accounts.md
BREACHED_PASSWORDS = env.str("BREACHED_PASSWORDS", "")
# after so many minutes a session ends: without activity, and at all; customers (nobody with rights) have their own
SESSION_IDLE_MINUTES = _number("SESSION_IDLE_MINUTES", 120)
SESSION_MAX_MINUTES = _number("SESSION_MAX_MINUTES", 16 * 60)
SESSION_IDLE_MINUTES_CUSTOMERS = _number("SESSION_IDLE_MINUTES_CUSTOMERS", 24 * 60)
SESSION_MAX_MINUTES_CUSTOMERS = _number("SESSION_MAX_MINUTES_CUSTOMERS", 14 * 24 * 60)

# doors: log-in with the account of one's organisation (docs/login.md)
LOGIN_DOORS = list(doors.words(env.str("LOGIN_DOORS", "")))
LOGIN_MAIL_DOMAINS = list(doors.words(env.str("LOGIN_MAIL_DOMAINS", "")))
LDAP = {name: env.str(f"LDAP_{name}", default) for name, default in doors.LDAP_DEFAULTS.items()}
OIDC = {name: env.str(f"OIDC_{name}", default) for name, default in doors.OIDC_DEFAULTS.items()}
SAML = {name: env.str(f"SAML_{name}", default) for name, default in doors.SAML_DEFAULTS.items()}
# misspelt ones, which would count as not set: the system check names them
LOGIN_UNKNOWN = doors.unknown(env.ENVIRON)
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])
CLAMD = env.str("CLAMD", "")
# what was erased, written down outside the database; empty: beside MEDIA_ROOT
ERASURE_JOURNAL = env.str("ERASURE_JOURNAL", "")
# folder of pg_dump, pg_restore and psql, if those in PATH are not the right ones
POSTGRES_TOOLS = env.str("POSTGRES_TOOLS", "")
LOG_FORMAT = _one_of("LOG_FORMAT", "text", "json")
# further places that forms may lead to: servers of log-ins elsewhere
CSP_FORM_ACTION = env.list("CSP_FORM_ACTION", default=[])

# --- applications -------------------------------------------------------------------------------
INSTALLED_APPS = [
    "portal",
    "helpdesk",  # before django_mailbox: its getmail and processincomingmessage are ours
    "django_mailbox",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.contrib.simple_translation",
    "wagtail_modeladmin",
    "wagtail.embeds",
    "wagtail.sites",
    "portal.users_app.UsersConfig",  # wagtail.users
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",  # never `modelsearch` beside it: two instances of one app
    "wagtail.locales",
    "wagtail.admin",
    "wagtail",
    "django_tasks",
    "django_tasks_db",
    "django_filters",
    "modelcluster",
    "taggit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.sitemaps",
]
if SAML["METADATA"] and find_spec("onelogin"):  # it needs requirements/saml.txt
    INSTALLED_APPS.append("allauth.socialaccount.providers.saml")

MIDDLEWARE = [
    "helpdesk.origin.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.policies.PolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.sessions.SessionLimits",
    "portal.second_factor.SecondFactorMiddleware",
    "portal.exports.ExportsAreTold",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wagtail.contrib.settings.context_processors.settings",
            ],
        },
    },
]

# --- database -----------------------------------------------------------------------------------
if DATABASE_URL:
    try:
        if DATABASE_URL.partition(":")[0] not in {"postgres", "postgresql", "sqlite"}:
            raise ValueError("not one of ours")
        database = env.db_url_config(DATABASE_URL)
    except (ValueError, KeyError):
        raise SystemExit(
            "DATABASE_URL cannot be read. Write it as postgresql://USER:PASSWORD@HOST:5432/NAME."
        ) from None
else:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "db.sqlite3")}
if database["ENGINE"] == "django.db.backends.sqlite3":
    # one writer at a time waits its turn instead of failing; readers never wait
    database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # what is deleted is overwritten, and does not lie in the file until something else comes there
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
    }
else:
    database["CONN_MAX_AGE"] = 60
    database["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

#: real use: `production` says yes
PRODUCTION = False

# --- people -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["portal.backends.AccountBackend"]
# the first makes new ones; a password kept in another way is kept anew at the next log-in
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
# the directory is asked first, unless LOGIN_DOORS names the local password before it
AUTHENTICATION_BACKENDS.insert(
    1 if [one for one in LOGIN_DOORS if one in ("local", "ldap")] == ["local", "ldap"] else 0,
    "portal.doors.ldap.LdapBackend",
)
# long and unknown to attackers, nothing else: no rules of composition (NIST SP 800-63B, 3.1.1.2)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.passwords.BreachedPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
# no log-in name: whoever may choose one learns which are taken, and could take that of a colleague to come
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# a code for the browser that asked: a link could be opened by somebody else's hand, and their requests taken over
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True  # the same work for an address without an account
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{SITE_NAME}: "
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "portal.doors.social.SocialAdapter"
# a door proves the person, and which addresses are theirs
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
# what failed counts: from one IP address, for one account (also wrong codes), for an account from one IP address,
# and from a browser that the account has used before; the last three are ours (portal.accounts)
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "30/h/key",
    "login_failed_ip": "20/m/ip,200/h/ip",
    "login_failed_here": "5/5m/key",
    "login_failed_known": "10/5m/key",
    "signup": "20/h/ip",
    "reset_password": "20/h/ip,5/h/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "10/m/user",
    "reauthenticate": "10/5m/user",
}
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
MFA_ADAPTER = "portal.second_factor.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = SITE_NAME
MFA_TOTP_TOLERANCE = 1
# nobody comes in with an unproved address only; so further addresses may wait for their proof
MFA_ALLOW_UNVERIFIED_EMAIL = True
USERSESSIONS_ADAPTER = "portal.sessions.UserSessionsAdapter"
USERSESSIONS_TRACK_ACTIVITY = True  # shows it; `portal.sessions` notes it
SESSION_COOKIE_AGE = 60 * max(SESSION_MAX_MINUTES, SESSION_MAX_MINUTES_CUSTOMERS)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
WAGTAILADMIN_LOGIN_URL = "/admin/login/"  # leads on to account_login
# passwords and addresses are changed in one place only, which asks who is there and writes it down
WAGTAIL_PASSWORD_RESET_ENABLED = False
# accounts may be made ahead for people who come in by a door
WAGTAILUSERS_PASSWORD_REQUIRED = not (LDAP["URL"] or OIDC["ISSUER"] or SAML["METADATA"])
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False

# --- cache: limits are counted here, so all processes of a site share it ------------------------
if CACHE_URL:
    try:
        cache = env.cache_url_config(CACHE_URL)
    except (ValueError, KeyError, ImproperlyConfigured):
        raise SystemExit("CACHE_URL cannot be read. Write it as redis://HOST:6379/1.") from None
else:
    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
CACHES = {"default": cache}

# --- languages ----------------------------------------------------------------------------------
LANGUAGE_CODE = "de"
LANGUAGES = WAGTAIL_CONTENT_LANGUAGES = [("de", _("German")), ("en", _("English"))]
WAGTAILADMIN_PERMITTED_LANGUAGES = [("de", "Deutsch"), ("en", "English")]
TIME_ZONE = "Europe/Berlin"
USE_I18N = True
USE_TZ = True
WAGTAIL_I18N_ENABLED = True
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
FORMAT_MODULE_PATH = ["portal.formats"]

# --- Wagtail ------------------------------------------------------------------------------------
WAGTAIL_SITE_NAME = SITE_NAME
WAGTAILADMIN_BASE_URL = SITE_URL
WAGTAILIMAGES_IMAGE_MODEL = "portal.CustomImage"
WAGTAILDOCS_DOCUMENT_MODEL = "portal.CustomDocument"
WAGTAILDOCS_SERVE_METHOD = "serve_view"
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# --- django-mailbox: the registry of mailboxes; its admin shows secrets, ours does not -----------
DJANGO_MAILBOX_ADMIN_ENABLED = False
DJANGO_MAILBOX_STORE_ORIGINAL_MESSAGE = False

# --- files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = str(VAR_DIR / "static")
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# --- mail out -----------------------------------------------------------------------------------
if EMAIL_URL:
    try:
        vars().update(env.email_url_config(EMAIL_URL))
    except (ValueError, KeyError, ImproperlyConfigured):
        raise SystemExit(
            "EMAIL_URL cannot be read. Write it as smtp+tls://USER:PASSWORD@HOST:587."
        ) from None
EMAIL_TIMEOUT = 30

# --- what a browser is told -----------------------------------------------------------------------
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# pictures that browsers show; SVG holds scripts, so editors offer it as a document to be downloaded
WAGTAILIMAGES_EXTENSIONS = ["avif", "gif", "jpg", "jpeg", "png", "webp"]
WAGTAILDOCS_INLINE_CONTENT_TYPES = []

# --- work in the background ---------------------------------------------------------------------
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

HELPDESK = {
    "SYSTEM_ID": TICKET_SYSTEM_ID,
    "SITE_URL": SITE_URL,
    "SITE_NAME": SITE_NAME,
    "DEFAULT_FROM": DEFAULT_FROM_EMAIL,
    "MAILROOM_SMTP_PORT": MAIL_PORT,
    "PROXIES": PROXIES,
    "PERSONS": "portal.doors.persons.find" if LDAP["URL"] and doors.truth(LDAP["PERSONS"]) else "",
    "CLAMD": CLAMD,
    "ERASURE_JOURNAL": ERASURE_JOURNAL,
    "POSTGRES_TOOLS": POSTGRES_TOOLS,
    "ENCRYPTION_KEYS": ENCRYPTION_KEYS,
    "FIELD_SET_MODEL": "portal.FieldSet",
    "MORE_SECRETS": ["portal.secrets.renew_factors"],
    "JOBS": ["portal.sessions.FORGETTING"],
    "ORDERED_QUEUES": "portal.ordering.OrderedQueues",
}

# --- logs: codes and ids, never what people wrote (portal/logs.py) ------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": "portal.logs.MaskAddresses"}},
    "formatters": {
        "line": {
            "()": "portal.logs.JsonFormatter"
            if LOG_FORMAT == "json"
            else "portal.logs.QuietFormatter"
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["mask"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # the first says every few seconds that there is nothing to do; the second loses Django's own handlers
    "loggers": {
        "django_tasks_db": {"level": "WARNING"},
        "django": {"level": "INFO"},
        "django_auth_ldap": {"level": "CRITICAL"},  # names people; portal.doors writes codes
    },
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.errors.SecretsFilter"
