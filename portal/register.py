"""What the register of stored data (docs/privacy.md) says of the site's own tables, and of those of log-in."""

from __future__ import annotations

from typing import Final

from helpdesk.models import Privacy
from helpdesk.privacy.register import Statement

CONTENT, PERSON, NONE = str(Privacy.CONTENT), str(Privacy.PERSON), str(Privacy.NONE)
ACCOUNT: Final = "customers, agents and editors with an account"
WITH_ACCOUNT: Final = "with the account"
CASCADE: Final = "with the row it belongs to"
EDITED: Final = "until an editor deletes it"
NAMED: Final = "people whom a page names"


def _page(why: str, **columns: str) -> Statement:
    """A page type: what editors publish, and everybody may read."""
    return Statement("site", NAMED, why, "with the page", "an editor deletes it", columns, NONE)


STATEMENTS: Final[dict[str, Statement]] = {
    # accounts
    "portal.User": Statement(
        "accounts",
        ACCOUNT,
        "log-in; the password as a digest (Argon2)",
        "as long as somebody asks or works here: an agent's account is set out of use and stays, because the history "
        "names it; a customer's goes when the person asks for it",
        "`helpdesk/privacy/persons.py`; a superuser with `manage.py shell`",
        {"username": PERSON, "first_name": PERSON, "last_name": PERSON, "email": PERSON},
        NONE,
    ),
    "account.EmailAddress": Statement(
        "accounts", ACCOUNT, "proved addresses", WITH_ACCOUNT, CASCADE, {"email": PERSON}
    ),
    "account.EmailConfirmation": Statement(
        "accounts",
        ACCOUNT,
        "links of earlier versions that prove an address; today it is a code",
        WITH_ACCOUNT,
        CASCADE,
        {"key": NONE},
    ),
    "mfa.Authenticator": Statement(
        "accounts",
        ACCOUNT,
        "second factor: secrets encrypted, names of keys",
        "until it is removed; with the account",
        CASCADE,
        {"data": PERSON},
        NONE,
    ),
    "socialaccount.SocialAccount": Statement(
        "accounts",
        "whoever logs in with the account of their organisation",
        "which account that is, and what the organisation said of it",
        WITH_ACCOUNT,
        CASCADE,
        {"uid": PERSON, "extra_data": PERSON},
        NONE,
    ),
    "socialaccount.SocialApp": Statement(
        "settings",
        "nobody",
        "servers of log-in that are entered in the database; ours are set in `.env`",
        "as long as it is in use",
        "an administrator deletes it",
        rest=NONE,
    ),
    "socialaccount.SocialToken": Statement(
        "accounts",
        "nobody",
        "tokens of such servers: none is stored (`SOCIALACCOUNT_STORE_TOKENS`)",
        "nothing is written here",
        "–",
        rest=NONE,
    ),
    "usersessions.UserSession": Statement(
        "accounts",
        ACCOUNT,
        "list of one's sessions: IP address, browser, last seen",
        "until one logs out or the session is over; 14 days at most (`SESSION_MAX_MINUTES_CUSTOMERS`)",
        "`portal/sessions.py: forget_sessions`, daily",
        {"ip": PERSON, "session_key": PERSON, "user_agent": PERSON, "data": PERSON},
    ),
    # pages
    "portal.HomePage": _page("start page"),
    "portal.ServiceIndexPage": _page("list of services"),
    "portal.ServicePage": _page("services"),
    "portal.ArticlePage": _page("answers to frequent questions"),
    "portal.QueuePage": _page("what a team does, and how it is reached"),
    "portal.IntakeFormPage": _page("forms"),
    "portal.QueueOrderPage": _page("form on which a queue is ordered"),
    "portal.PrivacyPage": _page("privacy notice", officer=PERSON, controller=PERSON),
    "portal.AccessibilityStatementPage": _page(
        "accessibility statement", feedback_email=PERSON, feedback_phone=PERSON
    ),
    "portal.FieldSet": _page("fields that several forms use"),
    "portal.TranslationCheck": _page("whether a translation was looked through"),
    # files
    "portal.CustomImage": Statement(
        "site",
        "people in pictures",
        "pictures on pages",
        EDITED,
        "Wagtail",
        {"file": CONTENT},
        NONE,
    ),
    "portal.CustomRendition": Statement(
        "site",
        "people in pictures",
        "sizes of pictures",
        "with the picture",
        CASCADE,
        {"file": CONTENT},
        NONE,
    ),
    "portal.CustomDocument": Statement(
        "site", NAMED, "documents on pages", EDITED, "Wagtail", {"file": CONTENT}, NONE
    ),
    # settings
    "portal.SiteSettings": Statement(
        "settings",
        "contact of the site",
        "name, look and contact of the site",
        "as long as it is in use",
        "an administrator changes it",
        {"contact_email": PERSON, "contact_phone": PERSON},
        NONE,
    ),
    "portal.DepartmentLook": Statement(
        "settings",
        "contact of a department",
        "look and contact of a department",
        "as long as it is in use",
        "an administrator changes it",
        {"contact_email": PERSON, "contact_phone": PERSON},
        NONE,
    ),
}
