"""The extension's settings: one dictionary, `HELPDESK`, with decided defaults.

A site sets only what differs. Everything is read through the functions below at the time of use,
so that tests may override the setting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import get_supported_language_variant

#: The database refuses to let younger lines of the audit log go (migration 0016), whatever AUDIT_DAYS says.
AUDIT_AT_LEAST: Final = 365

DEFAULTS: dict[str, Any] = {
    # two digits inside every ticket number: tells two installations apart
    "SYSTEM_ID": "10",
    # the public site's address, without a slash at the end; links in mails start with it
    "SITE_URL": "http://127.0.0.1:8000",
    # name of the view that a status link leads to; it takes the `token`
    "STATUS_VIEW": "helpdesk_customers:status_detail",
    # days after its closing, or after the last thing that happened with an open one, in which a request's status links still work
    "STATUS_LINK_DAYS": 90,
    # right-hand side of our Message-IDs; empty: the host of SITE_URL
    "MAIL_DOMAIN": "",
    # sender of mails of queues that have no address of their own
    "DEFAULT_FROM": "helpdesk@localhost",
    # name shown as sender and in mails
    "SITE_NAME": "Help desk",
    # days a ticket is kept after its last closing, when neither queue nor form says otherwise
    "RETENTION_DAYS": 730,
    # days after closing until a ticket with an objection is erased
    "OBJECTION_DAYS": 14,
    # days without anything happening after which an open ticket is erased if its customer objects, and at least
    # if not
    "OPEN_DAYS": 90,
    # days before an open ticket is erased in which its team is warned
    "STORAGE_WARNING_DAYS": 14,
    # the hour (site's time zone) from which the nightly erasure runs
    "ERASE_HOUR": 2,
    # where it is written down what was erased, outside the database: a folder; empty: beside MEDIA_ROOT
    "ERASURE_JOURNAL": "",
    # the folder of PostgreSQL's client programs (pg_dump, pg_restore, psql), for backups; empty: those in PATH
    "POSTGRES_TOOLS": "",
    # days after closing from which a ticket leaves the daily lists
    "ARCHIVE_DAYS": 60,
    # days a mail is kept that was ignored, and made no ticket
    "IGNORED_MAIL_DAYS": 90,
    # days the audit log is kept, never less than AUDIT_AT_LEAST
    "AUDIT_DAYS": 365,
    # days an export of somebody's data waits to be fetched
    "EXPORT_DAYS": 7,
    # automatic mails to one address: at most so many a day, and in ten minutes
    "AUTO_MAIL_PER_DAY": 10,
    "AUTO_MAIL_BURST": 3,
    # the largest file, in bytes, and the number of files of one submission or reply
    "UPLOAD_MAX_BYTES": 20 * 1024 * 1024,
    "UPLOAD_MAX_FILES": 10,
    # what a log-in name looks like that somebody types into a form (see rules/patterns.py for what a pattern may hold)
    "LOGIN_NAME_PATTERN": "[a-z][a-z0-9._-]{1,49}",
    # the site's snippet model of field sets, "app.Model"; empty: forms offer none
    "FIELD_SET_MODEL": "",
    # the bytes of all files of one submission or reply
    "UPLOAD_MAX_TOTAL": 60 * 1024 * 1024,
    # hours for which the files of a form that came back to its sender are held, and the bytes held at a time for one
    # IP address; 0 bytes: no limit
    "HELD_FILE_HOURS": 24,
    "HELD_BYTES_PER_IP": 500 * 1024 * 1024,
    # files that are not taken in forms, replies and answers: media types (told by the content), endings with a dot;
    # None: programs, scripts and web pages
    "UPLOAD_REFUSED": None,
    # what secrets are encrypted with, newest first; empty: a key made from SECRET_KEY
    "ENCRYPTION_KEYS": [],
    # secrets kept in tables of other apps: dotted names of functions, see `rotate_secrets`
    "MORE_SECRETS": [],
    # the virus scanner: "host:port" or the path of a socket of clamd; empty: files are not scanned
    "CLAMD": "",
    # a form sent sooner than so many seconds after it was shown has to be sent once more; 0: no such check
    "FORM_MIN_SECONDS": 3,
    # at most so many in an hour, 0: no limit. Many people may share one IP address: forms, replies by address and
    # by request are counted besides
    "FORMS_PER_IP": 400,
    "FORMS_PER_ADDRESS": 15,
    # how often the form on which a queue is ordered is looked through, complete or not: it says whether an address is
    # in use, and whether the directory knows a log-in name
    "CHECKS_PER_IP": 60,
    "REPLIES_PER_IP": 600,
    "REPLIES_PER_REQUEST": 30,
    "UPLOADS_PER_IP": 1000,
    # links to requests that lead nowhere: somebody guesses
    "WRONG_LINKS_PER_IP": 60,
    # passwords tried at one page, or part of the site, that asks for one; the right one begins anew
    "PAGE_PASSWORDS_PER_IP": 60,
    # how often somebody may have their data put together
    "EXPORTS_PER_PERSON": 3,
    # downloads of single requests, and of exports
    "DOWNLOADS_PER_IP": 120,
    # searches in a minute
    "SEARCHES_PER_IP": 240,
    # the largest mail taken from a mailbox, in bytes
    "MAIL_MAX_BYTES": 50 * 1024 * 1024,
    # seconds between two fetches of a mailbox
    "FETCH_EVERY": 60,
    # name of our own receiving mail server for mail that is piped or handed in (RFC 8601); empty: the
    # results of its checks (Authentication-Results) are not believed
    "AUTHSERV_ID": "",
    # name servers asked for DKIM keys ("192.0.2.53" or "192.0.2.53:5353"); empty: the system's
    "DNS_SERVERS": [],
    # from this score on (X-Spam-Score and its like) a mail is taken for spam
    "SPAM_SCORE": 5.0,
    # an address is suspended after so many mails that came back for good
    "HARD_BOUNCES": 3,
    # seconds in which an agent can take an answer back
    "UNDO_SECONDS": 10,
    # an open ticket with no other date is due again after so many minutes of working time
    "LOOK_AGAIN_MINUTES": 960,
    # notices by mail to one agent: at most so many a day, and in ten minutes; what is more comes in the digest
    "NOTICE_MAIL_PER_DAY": 100,
    "NOTICE_MAIL_BURST": 15,
    # days after which a notice is forgotten
    "NOTICE_DAYS": 90,
    # the hour (site's time zone) from which the daily digest goes out
    "DIGEST_HOUR": 7,
    # a ticket that nobody has owned for more than so many hours stands in the digest
    "UNOWNED_HOURS": 4,
    # servers in the inner network that may be asked for tokens (OAuth2): names as they stand in the addresses
    "OAUTH_PRIVATE_HOSTS": [],
    # reverse proxies in front of the site that append to X-Forwarded-For; 0: it is not believed
    "PROXIES": 0,
    # people whom the organisation knows: dotted name of a function, see `helpdesk.persons`; empty: none
    "PERSONS": "",
    # what the site makes for a queue that was ordered (pages): dotted name of a class, see
    # `helpdesk.actions.site_side`; empty: nothing
    "ORDERED_QUEUES": "",
    # more jobs for the worker's schedule: dotted names of `helpdesk.worker.Job` instances
    "JOBS": [],
    # the development mail room (page and SMTP server); never in production
    "MAILROOM": False,
    # its maildir; empty: beside MEDIA_ROOT
    "MAILROOM_DIR": "",
    "MAILROOM_SMTP_PORT": 8025,
}


def get(name: str) -> Any:
    """Return the value of one setting; an unknown name raises `KeyError`."""
    return getattr(settings, "HELPDESK", {}).get(name, DEFAULTS[name])


def site_language(code: str = "") -> str:
    """Return the one of the site's `LANGUAGES` that is nearest to `code`, else its main language."""
    for wanted in (code, settings.LANGUAGE_CODE):
        try:
            return get_supported_language_variant(wanted)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


def language_choices() -> list[tuple[str, Any]]:
    """Return the site's languages, as choices of a field."""
    return list(settings.LANGUAGES)


def mail_domain() -> str:
    """Return the domain of our own Message-IDs."""
    return get("MAIL_DOMAIN") or get("SITE_URL").split("//", 1)[-1].split("/", 1)[0].split(":")[0]


def mailroom_dir() -> Path:
    """Return the folder of the mail room's maildir."""
    folder = get("MAILROOM_DIR")
    return Path(folder) if folder else Path(settings.MEDIA_ROOT).parent / "mailroom"
