"""Log-in with the password of the directory (LDAP, Active Directory), asked by django-auth-ldap.

Found by name with the help desk's own account, then bound with the password that was typed. A directory that does
not answer is logged by a code, and the next way to log in is tried: nobody gets an error page.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils.translation import gettext as _

from . import config, entering, matching
from .config import Ldap
from .person import Refused

logger = logging.getLogger(__name__)


class LdapBackend(ModelBackend):
    """Proves a password by the directory. Rights come from the groups here, as for everybody."""

    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> Any:
        """Return the account of the person with this name and password in the directory, or None."""
        door = config.ldap()
        # an empty password would be an anonymous bind, which every directory welcomes (RFC 4513 5.1.2)
        # directories fold what is alike (accents, blanks, soft hyphens): each spelling would have attempts of its own
        if not re.fullmatch(r"[A-Za-z0-9@.+_-]+", username or ""):
            return None
        if door is None or not password or "ldap" not in config.doors():
            return None
        try:
            return asking(door, request).authenticate(request, username=username, password=password)
        except ImportError:  # the system check says so: requirements/ldap.txt
            logger.error("ldap: package-missing")
        return None


def asking(door: Ldap, request: HttpRequest | None) -> Any:
    """Return django-auth-ldap's backend, set up for the directory, which finds accounts by our rules."""
    import ldap
    from django_auth_ldap.backend import LDAPBackend, ldap_error
    from django_auth_ldap.config import LDAPSearch, LDAPSettings

    from . import directory

    ldap_error.connect(note_fault, dispatch_uid="portal.doors.ldap")

    class Asking(LDAPBackend):
        def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[Any, bool]:
            try:
                values = directory.decoded(ldap_user.attrs)
                found = directory.proven(door, ldap_user.connection, ldap_user.dn, values)
                return matching.admit(found), False
            except Refused as refusal:
                entering.note_refusal("ldap", refusal)
                if refusal.code == "own-password":
                    matching.note_pending(request, found)
                _say(request, reason(refusal.code))
                raise ldap_user.AuthenticationFailed(refusal.code) from None

    backend = Asking()
    backend.settings = LDAPSettings(
        "STELZE_NONE_",
        {
            "SERVER_URI": door.url,
            "START_TLS": door.starttls,
            "CONNECTION_OPTIONS": directory.options(door),
            "BIND_DN": door.bind_dn,
            "BIND_PASSWORD": door.bind_password,
            "ALWAYS_UPDATE_USER": False,
            "USER_SEARCH": LDAPSearch(
                door.search_base,
                ldap.SCOPE_SUBTREE,
                door.user_filter.replace("%", "%%").replace("{name}", "%(user)s"),
                directory.attributes(door),
            ),
        },
    )
    return backend


def note_fault(
    sender: object, context: str, exception: Exception, request: Any = None, **_signal: Any
) -> None:
    """Log the directory's fault as a code; whoever waits is told that it does not answer."""
    logger.warning("ldap: %s (%s)", type(exception).__name__, context)
    _say(request, _("The directory does not answer at the moment. Please try again later."))


def own_password() -> str:
    """Return what somebody is told whose name has an account with a password of its own here."""
    return _(
        "There is an account of your name here already, with a password of its own. Log in with that password "
        "once, now: from then on your organisation's account opens it. If it is not yours, ask the help desk."
    )


def reason(code: str) -> str:
    """Return what somebody is told whose password the directory has taken, and who does not come in."""
    if code == "own-password":
        return own_password()
    if code == "account-inactive":
        return _("Your account here is switched off. Please ask the help desk.")
    told = _(
        "Your organisation knows you, but its answer does not open an account here. Please tell the help desk this code:"
    )
    return f"{told} {code}"


def _say(request: HttpRequest | None, text: str) -> None:
    """Let the log-in form say this, if nothing else lets the person in (see `AccountAdapter.validation_error`)."""
    if request is not None:
        request.door_says = text  # type: ignore[attr-defined]
