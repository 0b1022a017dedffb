"""Providers of tokens on this machine: a whole OpenID provider, and a small one for what that cannot do."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import requests

from helpdesk import storage
from helpdesk.models import OAuthAccess

from .ports import free_ports, stop, wait_for


@dataclass(frozen=True)
class Provider:
    """An OpenID provider that signs in whom one names."""

    base: str

    @property
    def userinfo(self) -> str:
        return f"{self.base}/userinfo"

    def access(self, **facts: object) -> OAuthAccess:
        """Return a new access, not yet connected."""
        return make_access(f"{self.base}/oauth2/authorize", f"{self.base}/oauth2/token", **facts)

    def sign_in(self, url: str, user: str) -> str:
        """Sign in as a browser would, and return the address it is sent back to."""
        answer = requests.post(url, data={"sub": user}, timeout=10, allow_redirects=False)
        assert answer.status_code == 302, answer.text[:500]
        return answer.headers["Location"]

    def revoke(self, user: str) -> None:
        """Make all tokens of a user worthless."""
        answer = requests.post(f"{self.base}/users/{user}/revoke-tokens", timeout=10)
        assert answer.status_code == 204


def make_access(authorize: str, token: str, **facts: object) -> OAuthAccess:
    """Return a new access to a provider that is neither Microsoft nor Google."""
    return OAuthAccess.objects.create(
        **{
            "name": f"Provider {secrets.token_hex(4)}",
            "provider": OAuthAccess.Provider.OTHER,
            "client_id": "desk",
            "client_secret": storage.encrypt("cl1ent-s3cret"),
            "authorize_url": authorize,
            "token_url": token,
            "scope": "openid email",
            **facts,
        }
    )


@contextmanager
def openid(*options: str) -> Iterator[Provider]:
    """Run an OpenID provider (oidc-provider-mock) as a process of its own: its warnings are not ours."""
    [port] = free_ports(1)
    program = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    program += options
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        stop(process)


@dataclass
class Tokens:
    """A small token server: client credentials, and refresh tokens that hold only once."""

    base: str = ""
    user: str = "desk"
    refresh: str = "first"
    lifetime: int = 3600
    asked: list[dict[str, str]] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    #: what is answered instead: status and body
    instead: tuple[int, bytes] | None = None
    #: called before each answer
    meanwhile: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def userinfo(self) -> str:
        return f"{self.base}/userinfo"

    def access(self, **facts: object) -> OAuthAccess:
        """Return a new access that holds the first refresh token."""
        return make_access(
            f"{self.base}/authorize",
            f"{self.base}/token",
            **{"refresh_token": storage.encrypt(self.refresh), **facts},
        )

    def answer(self, form: dict[str, str]) -> tuple[int, bytes]:
        with self.lock:
            self.asked.append(form)
            known = form.get("grant_type") == "client_credentials" or (
                form.get("grant_type") == "refresh_token"
                and form.get("refresh_token") == self.refresh
            )
            if self.instead is not None:
                return self.instead
            if not known:
                return 400, json.dumps({"error": "invalid_grant"}).encode()
            token = secrets.token_urlsafe(16)
            self.valid.add(token)
            found = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime}
            if form["grant_type"] == "refresh_token":
                self.refresh = found["refresh_token"] = secrets.token_urlsafe(16)
            return 200, json.dumps(found).encode()


@contextmanager
def tokens() -> Iterator[Tokens]:
    """Run a small token server; its userinfo address knows its tokens."""
    state = Tokens()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            form["authorization"] = self.headers.get("Authorization", "")
            state.meanwhile()
            self._say(*state.answer(form))

        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if urlsplit(self.path).path == "/userinfo" and token in state.valid:
                self._say(200, json.dumps({"sub": state.user}).encode())
            else:
                self._say(401, b"{}")

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status in (301, 302, 307):
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join(5)
