"""Log-in at an OpenID provider, in a browser, with and without scripts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import requests
from django.core.cache import cache

from portal.doors import config
from portal.models import User
from tests.servers.provider import openid

from .stage import set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: Where to put pictures of the screens, if anywhere.
PICTURES = os.environ.get("DOORS_PICTURES", "")


@pytest.fixture
def provider(settings):
    cache.clear()
    set_up()
    with openid() as found:
        claims = {
            "preferred_username": "ada01",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "email": "ada@uni.example",
            "email_verified": True,
        }
        requests.put(f"{found.base}/users/s-1", json=claims, timeout=10)
        settings.LOGIN_DOORS = ["oidc", "local"]
        settings.OIDC = {
            **config.OIDC_DEFAULTS,
            "ISSUER": found.base,
            "CLIENT_ID": "stelze",
            "CLIENT_SECRET": "s3cret",
            "BUTTON": "Mit der Unikennung anmelden",
        }
        yield found


@pytest.mark.parametrize(("phone", "scripts"), [(False, True), (True, False)])
def test_a_person_comes_in_by_the_provider_and_lands_where_they_wanted(
    visit, provider, phone, scripts
):
    visitor = visit(phone=phone, scripts=scripts)
    visitor.goto("/accounts/login/?next=/requests/")
    visitor.check()
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"login-{phone}.png", full_page=True)
    button = visitor.page.get_by_role("button", name="Mit der Unikennung anmelden")
    button.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(f"{provider.base}/**")
    visitor.page.fill("[name=sub]", "s-1")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/requests/")
    assert User.objects.get(username="ada01").get_full_name() == "Ada Lovelace"
    visitor.check()
    visitor.context.clear_cookies()
    visitor.goto("/accounts/oidc/sso/login/callback/?code=1&state=2")
    visitor.check()
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"refused-{phone}.png", full_page=True)
