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
WHOLE = {"LDAP_URL": SAFE, "LDAP_SEARCH_BASE": "dc=x"}


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
        ({**WHOLE, "LDAP_STARTTLS": "maybe"}, "LDAP_STARTTLS is neither yes nor no"),
        ({**WHOLE, "LDAP_USER_FILTER": "(uid={name}"}, "each ( needs its )"),
        (
            {**WHOLE, "LDAP_PERSONS_FILTER": "objectClass=person"},
            "LDAP_PERSONS_FILTER is no filter",
        ),
        ({**WHOLE, "LDAP_REQUIRED_GROUP": "it-service"}, "LDAP_REQUIRED_GROUP: “it-service” is no"),
        ({**WHOLE, "LDAP_GROUPS": "it-service => IT"}, "LDAP_GROUPS: “it-service” is no DN"),
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
        (
            {
                "OIDC_ISSUER": "https://a.example",
                "OIDC_CLIENT_ID": "a",
                "OIDC_CLIENT_SECRET": "s",
                "OIDC_CLIENT_AUTH": "header",
            },
            "One of auto, basic and post",
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


@pytest.mark.parametrize(
    ("name", "id_", "says"),
    [
        ("LDAP_REQUIRE_GROUP", "portal.E104", "LDAP_REQUIRED_GROUP"),
        ("OIDC_ISSUER_URL", "portal.E104", "OIDC_ISSUER"),
        ("LOGIN_DOOR", "portal.E104", "LOGIN_DOORS"),
        ("SAML_QUITE_ELSE", "portal.W105", "docs/login.md"),
    ],
)
def test_a_misspelt_setting_is_no_setting(settings, name, id_, says):
    settings.LOGIN_UNKNOWN = config.unknown([name, "LDAP_URL", "LDAPTLS_CACERT", "HOME"])
    [one] = checks.check_names()
    assert (one.id, one.msg) == (id_, f"{name} is set, but there is no such setting.")
    assert says in one.hint


def test_what_clusters_set_by_themselves_is_nobodys_mistake():
    names = ["LDAP_SERVICE_HOST", "LDAP_SERVICE_PORT_LDAPS", "LDAP_PORT", "LDAP_PORT_389_TCP_ADDR"]
    assert config.unknown([*names, *config.NAMES]) == []


def test_two_buttons_must_not_say_the_same(settings):
    settings.OIDC.update(ISSUER="https://a.example", CLIENT_ID="a", CLIENT_SECRET="s")
    assert checks.check_buttons() == []
    settings.SAML.update(METADATA="https://idp.example")
    assert [one.id for one in checks.check_buttons()] == ["portal.W106"]
    settings.SAML["BUTTON"] = "Shibboleth"
    assert checks.check_buttons() == []
    settings.SAML["BUTTON"], settings.LOGIN_DOORS = "", ["saml", "local"]
    assert checks.check_buttons() == []


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
    assert "groups here: none" in text
    assert not User.objects.exists()  # nothing was changed
    assert settings.LDAP["BIND_PASSWORD"] not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"URL": "ldap://127.0.0.1:9"}, "ldap://127.0.0.1:9: nothing listens there"),
        ({"URL": "ldap://nowhere.invalid"}, "there is no host of this name"),
        ({"BIND_PASSWORD": "wrong-one"}, "refuses the help desk's own account: LDAP_BIND_DN"),
        ({"SEARCH_BASE": "ou=nowhere,dc=uni,dc=example"}, "LDAP_SEARCH_BASE: ou=nowhere,"),
        ({"USER_FILTER": "(cn={name})"}, "0 entries"),
        ({"ATTR_NAME": "sAMAccountName"}, "no attribute that LDAP_ATTR_NAME names"),
        ({"REQUIRED_GROUP": "cn=none"}, "not a member of LDAP_REQUIRED_GROUP"),
        ({"DENIED_GROUP": "cn=baned,dc=uni,dc=example"}, "LDAP_DENIED_GROUP: cn=baned,"),
        ({"GROUPS": "cn=x,dc=uni,dc=example => X"}, "LDAP_GROUPS: cn=x,dc=uni"),
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
        text, fine = run()
        assert not fine
        assert "it answers with 404" in text
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
    text, fine = run()
    assert not fine
    assert "SAML_IDP_ENTITY_ID" in text


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
