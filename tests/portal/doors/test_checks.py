"""A door that is set up by half says what it lacks, with an example."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from portal.doors import checks, config
from portal.models import NameFrom, User
from tests import factories as f
from tests.servers.ldap import GROUPS
from tests.servers.provider import openid
from tests.servers.saml import ENTITY, write_pair

SAFE = "ldaps://ldap.example.org"


def found(settings, **values: str) -> list[tuple[str, str]]:
    for name, value in values.items():
        prefix, _, rest = name.partition("_")
        getattr(settings, prefix)[rest] = value
    return [(one.id, f"{one.msg} {one.hint}") for one in checks.check_doors()]


def test_nothing_set_is_nothing_wrong(settings):
    assert found(settings) == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"LDAP_URL": SAFE}, "LDAP_SEARCH_BASE=ou=people,dc=example,dc=org"),
        ({"LDAP_SEARCH_BASE": "dc=x"}, "LDAP_URL=ldaps://ldap.example.org"),
        ({"LDAP_URL": "ldap://ldap.example.org", "LDAP_SEARCH_BASE": "dc=x"}, "LDAP_STARTTLS=yes"),
        ({"LDAP_URL": "ldap.example.org", "LDAP_SEARCH_BASE": "dc=x"}, "no address of a directory"),
        (
            {"LDAP_URL": SAFE, "LDAP_SEARCH_BASE": "dc=x", "LDAP_BIND_DN": "cn=x"},
            "LDAP_BIND_PASSWORD",
        ),
        (
            {"LDAP_URL": SAFE, "LDAP_SEARCH_BASE": "dc=x", "LDAP_CA_FILE": "/nowhere.pem"},
            "LDAP_CA_FILE is no file",
        ),
        (
            {"LDAP_URL": SAFE, "LDAP_SEARCH_BASE": "dc=x", "LDAP_USER_FILTER": "(uid=%s)"},
            "sAMAccountName={name}",
        ),
        ({"LDAP_URL": SAFE, "LDAP_SEARCH_BASE": "dc=x", "LDAP_TIMEOUT": "soon"}, "LDAP_TIMEOUT=5"),
        ({"LDAP_URL": SAFE, "LDAP_SEARCH_BASE": "dc=x", "LDAP_GROUPS": "cn=it"}, "“cn=it”"),
        ({"OIDC_ISSUER": "https://a.example"}, "OIDC_CLIENT_ID=stelze"),
        ({"OIDC_CLIENT_SECRET": "s"}, "OIDC_ISSUER=https://"),
        (
            {"OIDC_ISSUER": "http://a.example", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "s"},
            "no https address",
        ),
        (
            {
                "OIDC_ISSUER": "https://a.example",
                "OIDC_CLIENT_ID": "a",
                "OIDC_CLIENT_SECRET": "s",
                "OIDC_SCOPES": "email",
            },
            "openid",
        ),
        (
            {
                "OIDC_ISSUER": "https://a.example",
                "OIDC_CLIENT_ID": "a",
                "OIDC_CLIENT_SECRET": "s",
                "OIDC_MAIL_VERIFIED": "yes",
            },
            "claim, always and never",
        ),
        ({"SAML_METADATA": "/nowhere.xml"}, "SAML_METADATA is no file"),
        ({"SAML_METADATA": "http://idp.example"}, "no https address"),
        ({"SAML_ENTITY_ID": "x"}, "SAML_METADATA=https://"),
        ({"SAML_METADATA": "https://idp.example", "SAML_SIGNED": "no"}, "SAML_SIGNED=assertion"),
        (
            {"SAML_METADATA": "https://idp.example", "SAML_CERTIFICATE": "/nowhere"},
            "belong together",
        ),
    ],
)
def test_what_is_missing_is_said_with_an_example(settings, values, says):
    assert any(says in text for _id, text in found(settings, **values))


def test_a_whole_directory_is_nothing_wrong(settings):
    values = {"LDAP_URL": SAFE, "LDAP_SEARCH_BASE": "dc=x", "LDAP_GROUPS": "cn=a => A"}
    assert found(settings, **values) == []
    assert found(settings, LDAP_URL="ldap://a.example ldap://b.example", LDAP_STARTTLS="yes") == []


def test_no_secret_is_in_what_is_said(settings):
    texts = found(settings, LDAP_BIND_PASSWORD="hush-hush", OIDC_CLIENT_SECRET="hush-hush")
    assert texts
    assert not any("hush" in text for _id, text in texts)


@pytest.mark.parametrize(("doors", "id_"), [(["kerberos"], "E100"), (["oidc", "local"], "E101")])
def test_an_order_that_names_what_there_is_not(settings, doors, id_):
    settings.LOGIN_DOORS = doors
    assert [one for one, _text in found(settings)] == [f"portal.{id_}"]


def test_the_packages_are_asked_for_only_where_needed(settings, monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    assert found(settings) == []
    assert "requirements/ldap.txt" in found(settings, LDAP_URL=SAFE, LDAP_SEARCH_BASE="dc=x")[0][1]
    settings.LDAP = dict(config.LDAP_DEFAULTS)
    assert "requirements/saml.txt" in found(settings, SAML_METADATA="https://idp.example")[0][1]


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("a.example", False), ("", False)],
)
def test_this_machine(host, here):
    assert checks.is_here(host) is here


# --- manage.py check_login -----------------------------------------------------------------------


def run(*arguments: str) -> tuple[str, bool]:
    """Return what the command says and whether it found all in order."""
    out = io.StringIO()
    try:
        call_command("check_login", *arguments, stdout=out)
    except CommandError:
        return out.getvalue(), False
    return out.getvalue(), True


@pytest.mark.django_db
def test_the_directory_is_tried_and_a_person_looked_up(ldap_door, settings):
    ldap_door.group("tried", "ada01")
    settings.LDAP["GROUPS"] = f"cn=tried,{GROUPS} => IT service"
    text, fine = run("ada01")
    ldap_door.drop_group("tried")
    assert not fine  # the group is not there yet
    assert "The group “IT service” of the map does not exist here" in text
    assert "answers and takes" in text
    assert f"group there: cn=tried,{GROUPS}" in text
    assert "addresses it proves: ada.lovelace@uni.example, a.lovelace@uni.example" in text
    assert "groups here: IT service" in text
    assert not User.objects.exists()  # nothing was changed
    assert settings.LDAP["BIND_PASSWORD"] not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"URL": "ldap://127.0.0.1:9"}, "SERVER_DOWN"),
        ({"BIND_PASSWORD": "wrong-one"}, "INVALID_CREDENTIALS"),
        ({"SEARCH_BASE": "ou=nowhere,dc=uni,dc=example"}, "NO_SUCH_OBJECT"),
        ({"USER_FILTER": "(cn={name})"}, "0 entries"),
        ({"DENIED_GROUP": "x", "REQUIRED_GROUP": "cn=none"}, "required-group"),
    ],
)
def test_what_is_wrong_with_a_directory_is_told(ldap_door, settings, change, says):
    settings.LDAP.update(change)
    text, fine = run("ada01")
    assert not fine
    assert says in text
    assert "wrong-one" not in text


@pytest.mark.django_db
def test_the_openid_provider_is_tried(settings):
    with openid() as server:
        settings.OIDC.update(ISSUER=server.base, CLIENT_ID="stelze", CLIENT_SECRET="hush-hush")
        text, fine = run()
        assert fine, text
        assert "/accounts/oidc/sso/login/callback/" in text
        settings.OIDC["ISSUER"] = server.base + "/realms/other"
        assert not run()[1]
    assert "hush" not in text


@pytest.mark.django_db
def test_the_saml_provider_is_tried(settings, tmp_path):
    from tests.servers.saml import identity_provider

    idp = identity_provider(tmp_path)
    public, private = write_pair(tmp_path, "sp")
    settings.SAML.update(METADATA=str(idp.metadata_file()), IDP_ENTITY_ID=ENTITY)
    settings.SAML.update(CERTIFICATE=str(public), PRIVATE_KEY=str(private))
    text, fine = run()
    assert fine, text
    assert "/accounts/saml/sso/metadata/" in text
    assert "valid until" in text
    settings.SAML["PRIVATE_KEY"] = str(idp.key)
    text, fine = run()
    assert "do not belong together" in text
    assert "PRIVATE KEY-----" not in text
    settings.SAML["IDP_ENTITY_ID"] = "https://other.example"
    assert not run()[1]


# --- manage.py link_account ----------------------------------------------------------------------


@pytest.mark.django_db
def test_an_administrator_joins_renames_and_releases():
    user = f.UserFactory(username="ada01")
    call_command("link_account", "ada01", "--rename", "ada01.local", stdout=io.StringIO())
    user.refresh_from_db()
    assert (user.username, user.has_usable_password()) == ("ada01.local", True)
    call_command("link_account", "ada01.local", stdout=io.StringIO())
    user.refresh_from_db()
    assert (user.name_from, user.has_usable_password()) == (NameFrom.DOOR, False)
    with pytest.raises(CommandError):
        call_command("link_account", "ada01.local", "--rename", "x", stdout=io.StringIO())
    call_command("link_account", "ada01.local", "--release", stdout=io.StringIO())
    user.refresh_from_db()
    assert user.name_from == ""
    with pytest.raises(CommandError):
        call_command("link_account", "nobody", stdout=io.StringIO())


@pytest.mark.django_db
@pytest.mark.parametrize("new", ["FINK", "a b", "x" * 200])
def test_no_name_is_given_twice_or_unusable(new):
    f.UserFactory(username="fink")
    f.UserFactory(username="ada01")
    with pytest.raises(CommandError):
        call_command("link_account", "ada01", "--rename", new, stdout=io.StringIO())
