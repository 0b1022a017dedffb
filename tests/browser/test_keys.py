"""Factors in a real browser: passkeys with a virtual authenticator, an app by computing its code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from playwright.sync_api import expect

from helpdesk.models import Team

from .conftest import Visitor
from .stage import account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: What forbids every inline script, and all from elsewhere.
STRICT = "script-src 'self'; object-src 'none'; base-uri 'none'"


@pytest.fixture(autouse=True)
def _place(settings: Any) -> None:
    """Passkeys are for https and localhost; so that is where we are."""
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    cache.clear()
    set_up()
    account("kundin", "de", first_name="Ada", last_name="Beispiel")


def at_localhost(visitor: Visitor) -> Visitor:
    """Go by the name that browsers trust, under a strict Content-Security-Policy."""
    visitor.base = visitor.base.replace("127.0.0.1", "localhost")

    def strict(route: Any) -> None:
        answer = route.fetch(max_redirects=0)
        route.fulfill(
            response=answer, headers={**answer.headers, "content-security-policy": STRICT}
        )

    visitor.page.route(lambda url: "/accounts/" in url, strict)
    visitor.page.on(
        "console",
        lambda line: visitor.faults.append(line.text) if line.type == "error" else None,
    )
    return visitor


def plug_in(visitor: Visitor) -> None:
    """Give the browser an authenticator that holds passkeys, with somebody who touches it."""
    client = visitor.context.new_cdp_session(visitor.page)
    client.send("WebAuthn.enable")
    client.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def confirm(visitor: Visitor) -> None:
    visitor.page.fill("[name=password]", "secret")
    visitor.page.click("main button[type=submit]")


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


@pytest.mark.parametrize("phone", [False, True])
def test_a_passkey_is_added_and_logs_in(visit: Callable[..., Visitor], phone: bool) -> None:
    visitor = at_localhost(visit(phone=phone))
    plug_in(visitor)
    page = visitor.page
    visitor.log_in("kundin")
    visitor.goto("/accounts/2fa/")
    visitor.check()
    visitor.goto("/accounts/2fa/webauthn/add/")
    visitor.check()
    confirm(visitor)
    page.fill("[name=name]", "Mein Telefon")
    page.check("[name=passwordless]")
    visitor.check()
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/recovery-codes/")
    visitor.check()
    with page.expect_download() as download:
        page.click("a[download]")
    codes = download.value.path().read_text().split()
    assert len(codes) == 10
    visitor.goto("/accounts/2fa/webauthn/")
    expect(page.locator("main")).to_contain_text("Mein Telefon")
    visitor.check()

    visitor.goto("/accounts/logout/")
    page.click("main button[type=submit]")
    page.wait_for_load_state()
    visitor.goto("/accounts/login/")
    page.click("#passkey_login")
    page.wait_for_url("**/requests/")
    # the key counts for both: no code is asked for
    visitor.goto("/accounts/sessions/")
    expect(page.locator(".account-list li")).to_have_count(1)
    visitor.check()


def test_a_passkey_that_does_not_work_is_told_in_words(visit: Callable[..., Visitor]) -> None:
    visitor = at_localhost(visit())
    visitor.context.new_cdp_session(visitor.page).send("WebAuthn.enable")
    visitor.page.add_init_script(
        "navigator.credentials.get = () => Promise.reject(new DOMException('x', 'NotAllowedError'))"
    )
    visitor.goto("/accounts/login/")
    visitor.page.click("#passkey_login")
    expect(visitor.page.locator("[data-keys-error]")).to_be_visible()
    visitor.check()


@pytest.mark.parametrize("phone", [False, True])
def test_a_team_that_demands_a_factor_and_an_app(
    visit: Callable[..., Visitor], phone: bool
) -> None:
    visitor = at_localhost(visit(phone=phone))
    page = visitor.page
    agent = Authenticator._meta.get_field("user").related_model.objects.get(username="agent")
    Team.objects.create(group=agent.groups.get(), requires_second_factor=True)
    visitor.log_in("agent")
    page.wait_for_url("**/accounts/2fa/")
    visitor.check()
    visitor.goto("/admin/")
    page.wait_for_url("**/accounts/2fa/")
    page.click("a[href$='/totp/activate/']")
    confirm(visitor)
    visitor.check()
    secret = page.input_value("#authenticator_secret")
    page.fill("[name=code]", code_for(secret))
    page.click("main button[type=submit]")
    page.wait_for_url("**/recovery-codes/")
    visitor.goto("/admin/")
    page.wait_for_url("**/admin/")
    page.wait_for_load_state("networkidle")

    visitor.context.clear_cookies()
    cache.clear()  # the code just used counts once
    visitor.log_in("agent")
    page.wait_for_url("**/2fa/authenticate/")
    visitor.check()
    page.fill("[name=code]", "000000")
    page.click("main form button[type=submit] >> nth=0")
    visitor.check()
    page.fill("[name=code]", code_for(secret))
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("phone", [False, True])
def test_every_page_of_log_in_and_security_is_accessible(
    visit: Callable[..., Visitor], phone: bool, language: str
) -> None:
    visitor = at_localhost(visit(phone=phone, language=language))
    start = "/en" if language == "en" else ""
    paths = ("login", "signup", "password/reset", "password/reset/done")
    visitor.tour({path: f"{start}/accounts/{path}/" for path in paths})
    visitor.tour({"code": f"{start}/requests/code/"})
    visitor.page.fill("[name=address]", "nobody@mail.example")
    visitor.page.click("main button[type=submit]")
    visitor.check()
    visitor.log_in("kundin")
    paths = (
        "2fa",
        "password/change",
        "email",
        "sessions",
        "logout",
        "reauthenticate",
        "password/set",
    )
    visitor.tour({path: f"{start}/accounts/{path}/" for path in paths})
