"""Servers for the doors, each started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from portal.doors import config
from tests.servers.ldap import Directory, directory


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _no_door_is_set_up(settings) -> None:
    """Whatever the environment of this machine says."""
    settings.LOGIN_DOORS, settings.LOGIN_MAIL_DOMAINS = [], []
    settings.LDAP = dict(config.LDAP_DEFAULTS)
    settings.OIDC = dict(config.OIDC_DEFAULTS)
    settings.SAML = dict(config.SAML_DEFAULTS)


@pytest.fixture(scope="session")
def slapd() -> Iterator[Directory]:
    with directory(limits="sizelimit 50") as found:
        found.person(
            "ada01", "Ada", "Lovelace", "ada.lovelace@uni.example", "a.lovelace@uni.example"
        )
        found.person("bob02", "Bob", "Brown", "bob.brown@uni.example")
        found.person("eve03", "Eve", "Evers", "eve@uni.example", "eve@mail.example")
        found.person("nomail", "Nora", "Mehl")
        yield found


@pytest.fixture
def ldap_door(slapd, settings) -> Directory:
    """Log-in by the directory is set up."""
    settings.LDAP = slapd.settings()
    return slapd
