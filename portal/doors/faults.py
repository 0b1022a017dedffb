"""What went wrong on the way to a directory or a provider, in plain words for whoever sets it up."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

from .config import Ldap

PORTS = {"ldap": 389, "ldaps": 636}
#: The question for STARTTLS (RFC 4511 4.14) and the part of an answer that grants it.
STARTTLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
GRANTED = b"\x0a\x01\x00"

#: Codes of the directory and of refusals, and what helps.
CODES = {
    "CONNECT_ERROR": "no safe connection to the directory: its certificate, LDAP_CA_FILE",
    "FILTER_ERROR": "LDAP_USER_FILTER or LDAP_GROUP_FILTER is no filter",
    "INSUFFICIENT_ACCESS": "the help desk's own account may not read this",
    "INVALID_CREDENTIALS": "the directory refuses the help desk's own account: LDAP_BIND_DN, LDAP_BIND_PASSWORD",
    "INVALID_DN_SYNTAX": "LDAP_BIND_DN or one of the bases is no DN",
    "NO_SUCH_OBJECT": "an entry is not there, or the help desk's own account may not read it: LDAP_SEARCH_BASE, "
    "LDAP_GROUP_BASE",
    "SERVER_DOWN": "the directory cannot be reached, or its certificate is not accepted: LDAP_URL, LDAP_CA_FILE",
    "TIMEOUT": "the directory did not answer in LDAP_TIMEOUT seconds",
    "denied-group": "a member of LDAP_DENIED_GROUP",
    "name-unusable": "the log-in name has signs that none may have",
    "no-name": "the entry has no attribute that LDAP_ATTR_NAME names",
    "required-group": "not a member of LDAP_REQUIRED_GROUP",
}


def explained(code: str) -> str:
    """Return a code with what helps, or the code alone."""
    return f"{code}: {CODES[code]}" if code in CODES else code


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def of_error(error: BaseException) -> str:
    """Return why a server was not reached: no host, nobody there, a certificate, or an answer that is none."""
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {one.verify_message}"
        if isinstance(one, ssl.SSLError):
            return "it does not speak TLS there"
        if isinstance(one, socket.gaierror):
            return "there is no host of this name"
        if isinstance(one, ConnectionRefusedError):
            return "nothing listens there"
        if isinstance(one, TimeoutError | requests.Timeout):
            return "it does not answer in time"
        if isinstance(one, requests.HTTPError) and one.response is not None:
            return f"it answers with {one.response.status_code}"
        if isinstance(one, requests.TooManyRedirects):
            return "it leads to another address: name that one"
        if isinstance(one, ValueError) and not isinstance(one, requests.RequestException):
            return "what it answers is no JSON"
    return type(error).__name__


def of_directory(door: Ldap) -> str:
    """Return which of the directory's servers cannot be reached, and why; '' if a plain look finds nothing."""
    for url in door.url.split():
        try:
            _shake_hands(door, url)
        except OSError as error:
            return f"{url}: {of_error(error)}"
    return ""


def _shake_hands(door: Ldap, url: str) -> None:
    """Connect as the directory's library does, and check the certificate. Raises `OSError`."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 389)
    with socket.create_connection((host, port), timeout=door.timeout) as plain:
        if parts.scheme != "ldaps":
            if not door.starttls:
                return
            plain.sendall(STARTTLS)
            if GRANTED not in plain.recv(4096):
                raise ssl.SSLError("no STARTTLS")
        context = ssl.create_default_context(cafile=door.ca_file or None)
        with context.wrap_socket(plain, server_hostname=host):
            pass
