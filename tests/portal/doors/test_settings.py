"""What the environment makes of the settings, in a process of its own; also where the extras are not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
WITHOUT = """
import importlib.machinery as machinery
real = machinery.PathFinder.find_spec
def spec(name, path=None, target=None):
    return None if name.split(".")[0] in {"ldap", "django_auth_ldap", "onelogin", "xmlsec", "lxml", "saml2"} else real(name, path, target)
machinery.PathFinder.find_spec = staticmethod(spec)
"""
LOOK = """
import django
django.setup()
import portal.urls
from django.conf import settings
from django.core.checks import run_checks
print([one.rpartition(".")[2] for one in settings.AUTHENTICATION_BACKENDS])
print(settings.HELPDESK["PERSONS"])
for error in run_checks():
    if error.id.startswith("portal.E1"):
        print(error.id, error.hint)
from django.contrib.auth import authenticate
"""
DIRECTORY = {"LDAP_URL": "ldaps://127.0.0.1:9", "LDAP_SEARCH_BASE": "dc=x"}


def run(code: str, **values: str) -> list[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LDAP_", "OIDC_", "SAML_", "LOGIN_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "portal.settings.dev", "DATABASE_URL": "", **values},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("order", "first"),
    [("", "LdapBackend"), ("ldap,local", "LdapBackend"), ("local, ldap", "AccountBackend")],
)
def test_the_order_of_the_doors_is_that_in_which_passwords_are_tried(order, first):
    backends, persons = run(LOOK, **DIRECTORY, LOGIN_DOORS=order)[:2]
    assert backends.startswith(f"['{first}'")
    assert persons == "portal.doors.persons.find"


def test_everything_works_without_the_extras():
    assert run(WITHOUT + LOOK)[1:] == [""]


def test_a_door_without_its_packages_says_what_to_install():
    metadata = {"SAML_METADATA": "https://idp.example.org"}
    lines = run(WITHOUT + LOOK, **DIRECTORY, **metadata)[2:]
    assert [line.partition(" ")[0] for line in lines] == ["portal.E110", "portal.E130"]
    assert "requirements/ldap.txt" in lines[0]
    assert "requirements/saml.txt" in lines[1]
