"""How people log in to the site."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from helpdesk import actions, addressing, audit, conf, origin, throttle
from helpdesk.errors import AddressTaken
from helpdesk.models import AuditKind

from .doors import config as doors
from .doors import entering

#: A browser that somebody logged in with before: its own attempts count apart, so that nobody can lock its owner out.
KNOWN_BROWSER = "known_browser"
KNOWN_FOR = 180 * 24 * 3600
#: Of a series of refused attempts one in so many seconds is written down.
NOTE_EVERY = 300


#: allauth's codes for a log-in that nobody let in.
WRONG_PASSWORD = ("email_password_mismatch", "username_password_mismatch")


class AccountAdapter(DefaultAccountAdapter):
    """Agents and editors land in the admin, customers at their requests. Slows down who guesses."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _(
            "There were too many attempts to log in. Please wait a few minutes and try again."
        ),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the audit log and the limits of the help desk count with, too."""
        return origin.address_of(request) or "0.0.0.0"  # noqa: S104  nothing is bound

    def new_user(self, request: HttpRequest) -> Any:
        user = super().new_user(request)
        user.language = conf.site_language(get_language() or "")
        return user

    def generate_unique_username(self, txts: Any, regex: str | None = None) -> str:
        """Return a random log-in name: one made from the address might be that of a colleague to come."""
        return f"k-{get_random_string(12, 'abcdefghjkmnpqrstuvwxyz23456789')}"

    def send_account_already_exists_mail(self, email: str) -> None:
        make_password(get_random_string(20))  # as long as a new account takes
        super().send_account_already_exists_mail(email)

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """Send the link; who logs in elsewhere gets no password here, for it would outlive their account there."""
        if user.has_usable_password():
            super().send_password_reset_mail(user, email, context)
        else:
            self.send_notification_mail("account/email/password_elsewhere", user, email=email)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return doors.has_local()

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if request.user.has_perm("wagtailadmin.access_admin"):
            return reverse("wagtailadmin_home")
        return reverse("helpdesk_customers:list")

    def pre_login(
        self, request: HttpRequest, user: Any, *, signup: bool, **hook: Any
    ) -> HttpResponse | None:
        """Let in whom an administrator made: only who signed up alone has to confirm the address.

        Such an account has no address row of its own yet. Without this the first administrator
        could not log in before mail works.
        """
        answer = entering.before_login(request, user, **hook)
        if answer is not None:
            return answer
        # a door says itself which addresses it proves; the one of an account that an order made was only typed
        if not signup and not entering.is_by_door(user, hook.get("signal_kwargs")):
            _vouch_for_address(user)
        return super().pre_login(request, user, signup=signup, **hook)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Log in; the audit log says by which ways."""
        user.came_by = entering.came_by(request, user)
        super().login(request, user)

    def validation_error(self, code: str, *arguments: Any) -> Any:
        """Return what a form says. A password that the directory took, or could not be asked about, was not wrong."""
        said = getattr(self.request, "door_says", "")
        if said and code in WRONG_PASSWORD:
            return ValidationError(said, code=code)
        return super().validation_error(code, *arguments)

    def post_login(self, request: HttpRequest, user: Any, **hook: Any) -> HttpResponse:
        """Make the browser known for the account."""
        response = super().post_login(request, user, **hook)
        response.set_cookie(
            KNOWN_BROWSER,
            signing.dumps([user.pk, _browser_of(request, user) or get_random_string(16)]),
            max_age=KNOWN_FOR,
            httponly=True,
            secure=request.is_secure(),
            samesite="Lax",
        )
        return response

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count an attempt. Raises `ValidationError` if there were too many, in the same words for everybody."""
        user = account_of(**credentials)
        key = self._get_login_attempts_cache_key(request, **credentials)
        browser = _browser_of(request, user)
        self._attempts: list[ratelimit.RateLimitUsage] = []
        counted = [("login_failed_ip", "")]
        if browser:
            counted.append(("login_failed_known", f"{key} {browser}"))
        else:
            counted.append(("login_failed_here", f"{key} {ratelimit.get_ip(request)}"))
            counted.append(("login_failed", key))
        for action, whose in counted:
            usage = ratelimit.consume(request, app="allauth.account", action=action, key=whose)
            if not usage:
                if throttle.allow("portal.locked", f"{action} {key}", times=1, seconds=NOTE_EVERY):
                    audit.record(AuditKind.LOGIN_LOCKED, subject=user, data={"limit": action})
                raise self.validation_error("too_many_login_attempts")
            self._attempts.append(usage)

    def _rollback_login_failed_rl_usage(self) -> None:
        for usage in self._attempts:
            usage.rollback()

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return what attempts are counted by: the account, by whichever of its names, or what was typed."""
        user = account_of(**credentials)
        typed = credentials.get("username") or credentials.get("email") or ""
        return f"user {user.pk}" if user is not None else f"name {typed.lower()}"


def account_of(**credentials: Any) -> Any:
    """Return the account that somebody tries to enter, or None."""
    name, address = credentials.get("username") or "", credentials.get("email") or ""
    user = get_user_by_username(name) if name else None
    if user is None and (address or name):
        found = filter_users_by_email(address or name, prefer_verified=True, for_login=True)
        user = next(iter(sorted(found, key=lambda one: one.pk)), None)
    return user


def _browser_of(request: HttpRequest, user: Any) -> str:
    """Return the name of the browser if `user` logged in with it before, else ''."""
    try:
        known = signing.loads(request.COOKIES.get(KNOWN_BROWSER, ""), max_age=KNOWN_FOR)
    except signing.BadSignature:
        return ""
    return str(known[1]) if user is not None and known[0] == user.pk else ""


def note_password(sender: object, user: Any, **_signal: object) -> None:
    """Write down that somebody changed, set or reset their password."""
    audit.record(AuditKind.PASSWORD_CHANGED, user=user, subject=user)


def _vouch_for_address(user: Any) -> None:
    if not user.email or EmailAddress.objects.filter(user=user).exists():
        return
    if not EmailAddress.objects.filter(email__iexact=user.email, verified=True).exists():
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def join_requests(email_address: EmailAddress, **_signal: object) -> None:
    """Give an account the requests that came by mail from an address it has just confirmed."""
    if not addressing.is_address(email_address.email):
        return
    # an address that another account has confirmed stays that account's
    with suppress(AddressTaken):
        actions.verify_address(user=email_address.user, address=email_address.email)
