"""The one request there is: a form to the token address, and what its answer means."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import requests
from django.utils.translation import gettext as _
from oauthlib.oauth2 import MissingTokenError, OAuth2Error, WebApplicationClient
from requests import PreparedRequest
from requests.auth import HTTPBasicAuth

from helpdesk import storage
from helpdesk.errors import HelpdeskError, InvalidInput
from helpdesk.models import OAuthAccess

from . import outside
from .providers import Endpoints, endpoints

#: Seconds to connect, to wait for a byte, and for the whole answer: below the 20 s for which SQLite waits for a lock.
TIMEOUT = (5.0, 10.0)
PATIENCE = 12.0
MOST = 256 * 1024  # bytes of an answer
#: What a provider says when it only cannot at present (RFC 6749 sections 4.1.2.1 and 5.2).
PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


class OAuthError(HelpdeskError):
    """There is no token to log in with. The sentence is for an administrator and holds no secret."""

    code = "oauth"


class AccessRefused(OAuthError):
    """The provider refuses, or nobody has signed in: a person must look at it, waiting will not help."""

    code = "oauth_refused"


class Unreachable(OAuthError):
    """The provider did not answer, or not in a way that can be understood: worth another try later."""

    code = "oauth_unreachable"


def endpoints_of(access: OAuthAccess) -> Endpoints:
    """Return `endpoints`, or raise `AccessRefused` where they cannot be used."""
    try:
        return endpoints(access)
    except InvalidInput as error:
        raise AccessRefused(_("The addresses of the provider cannot be used: %s") % error) from None


def ask(access: OAuthAccess, body: str) -> dict[str, object]:
    """Send a request to the token address; return the token with what belongs to it."""
    where = endpoints_of(access)
    host = urlsplit(where.token).hostname or ""
    if not outside.is_allowed(host):
        raise AccessRefused(
            _("%s is in an inner network. OAUTH_PRIVATE_HOSTS has to name it.") % host
        )
    secret = storage.decrypt(access.client_secret)
    # a header of our own making, even an empty one: requests would look for credentials in ~/.netrc
    auth: Any = _unchanged
    if access.provider == OAuthAccess.Provider.OTHER and secret:
        # the way every server must know (RFC 6749 section 2.3.1)
        auth = HTTPBasicAuth(quote_plus(access.client_id), quote_plus(secret))
    else:
        named = {"client_id": access.client_id, "client_secret": secret}
        body += "&" + urlencode({name: value for name, value in named.items() if value})
    status, text = _post(where.token, body, auth)
    return _understood(status, text, urlsplit(where.token).hostname or "")


_HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


def _unchanged(request: PreparedRequest) -> PreparedRequest:
    return request


def _post(url: str, body: str, auth: Any) -> tuple[int, str]:
    """Post a form; no redirect is followed, neither size nor time is up to the other side."""
    host = urlsplit(url).hostname or ""
    until = time.monotonic() + PATIENCE
    try:
        with requests.post(
            url,
            data=body,
            headers=_HEADERS,
            auth=auth,
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as answer:
            found = bytearray()
            for piece in answer.iter_content(1024):
                found += piece
                if len(found) > MOST or time.monotonic() > until:
                    raise Unreachable(_("The answer of %s was too long.") % host)
            return answer.status_code, found.decode("utf-8", "replace")
    except requests.exceptions.SSLError:
        raise Unreachable(_("The certificate of %s is not trusted.") % host) from None
    except requests.Timeout:
        raise Unreachable(_("%s did not answer in time.") % host) from None
    except (requests.RequestException, OSError):
        # its words may hold the address with all that was sent
        raise Unreachable(_("The connection to %s failed.") % host) from None


def _understood(status: int, text: str, host: str) -> dict[str, object]:
    """Return the token of an answer (RFC 6749 section 5.1), or raise what its refusal (5.2) means."""
    values: dict[str, object] = {"host": host, "status": status}
    client = WebApplicationClient("")
    try:
        found = dict(client.parse_request_body_response(text))
    except MissingTokenError:
        raise _strange(values) from None
    except OAuth2Error as error:
        words = f"{error.error}: {error.description}" if error.description else str(error.error)
        values["words"] = " ".join(words.split())[:400]
        if error.error in PASSING or status >= 500 or status == 429:
            raise Unreachable(_("%(host)s cannot at present: %(words)s") % values) from None
        if 400 <= status < 500:
            raise AccessRefused(_("%(host)s refused: %(words)s") % values) from None
        raise _strange(values) from None
    except (ValueError, TypeError, AttributeError):
        raise _strange(values) from None
    kept = found.get("access_token")
    kind = str(found.get("token_type", "Bearer"))
    if status != 200 or not isinstance(kept, str) or not kept.isprintable():
        raise _strange(values)
    if kind.lower() != "bearer" or not kept.isascii():
        raise _strange(values)
    return found


def _strange(values: dict[str, object]) -> Unreachable:
    return Unreachable(
        _("%(host)s answered in a way that cannot be understood (status %(status)d).") % values
    )
