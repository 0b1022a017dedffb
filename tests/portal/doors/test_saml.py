"""Log-in by a SAML provider (pysaml2) that tells Shibboleth's attributes."""

from __future__ import annotations

import base64
import html
import re

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from helpdesk import actions
from helpdesk.models import AuditEntry, AuditKind, Channel, CustomerAddress, Proof
from portal.doors import config
from portal.models import NameFrom, User
from tests import factories as f
from tests.servers.saml import ENTITY, IdentityProvider, identity_provider, write_pair

pytestmark = pytest.mark.django_db

GO, ACS = "/accounts/door/saml/", "/accounts/saml/sso/acs/"
METADATA = "/accounts/saml/sso/metadata/"
ADA = {
    "uid": ["ada01"],
    "mail": ["ada.lovelace@uni.example", "a.lovelace@uni.example"],
    "givenName": ["Ada"],
    "sn": ["Lovelace"],
    "eduPersonPrincipalName": ["ada01@uni.example"],
    "isMemberOf": ["it-service"],
}


def browser() -> Client:
    return Client(headers={"host": "testserver"})


@pytest.fixture
def client() -> Client:
    return browser()


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> IdentityProvider:
    return identity_provider(tmp_path_factory.mktemp("idp"))


@pytest.fixture
def idp(made, settings, client) -> IdentityProvider:
    settings.SAML = {
        **config.SAML_DEFAULTS,
        "METADATA": str(made.metadata_file()),
        "IDP_ENTITY_ID": ENTITY,
        "BUTTON": "Log in with Shibboleth",
    }
    made.sp_metadata = client.get(METADATA).content.decode()
    return made


def begin(client, **form: str) -> str:
    answer = client.post(GO, form)
    assert answer.status_code == 200, answer.content.decode()
    match = re.search(r'content="0; url=([^"]+)"', answer.content.decode())
    assert match, answer.content.decode()
    return html.unescape(match.group(1))


def finish(client, form: dict[str, str]):
    """Post the provider's form as the browser does, and go where it leads."""
    answer = client.post(ACS, form)
    assert answer.status_code == 302
    return client.get(answer.url)


def log_in(client, idp, attributes=ADA, target: str = "", **changed):
    return finish(client, idp.answer(begin(client, next=target), attributes, **changed))


def who(client) -> str:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else ""


def test_metadata_tell_the_provider_what_it_must_know(client, idp):
    answer = client.get(METADATA)
    text = answer.content.decode()
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    assert 'entityID="http://testserver/accounts/saml/sso/metadata/"' in text
    assert 'Location="http://testserver/accounts/saml/sso/acs/"' in text
    assert 'WantAssertionsSigned="true"' in text
    assert "SingleLogoutService" not in text


def test_the_first_log_in_makes_the_account(client, idp):
    answer = log_in(client, idp)
    assert answer.url == reverse("helpdesk_customers:list")
    user = User.objects.get()
    assert (user.username, user.get_full_name(), user.name_from) == (
        "ada01",
        "Ada Lovelace",
        NameFrom.DOOR,
    )
    assert AuditEntry.objects.get(kind=AuditKind.LOGIN).data == {"by": "saml"}
    assert set(CustomerAddress.objects.values_list("address", "verified_by")) == {
        ("ada.lovelace@uni.example", Proof.DIRECTORY),
        ("a.lovelace@uni.example", Proof.DIRECTORY),
    }
    assert not SocialAccount.objects.exists()
    client.logout()
    log_in(client, idp, {**ADA, "sn": ["King"]}, userid="another-transient-name")
    assert who(client) == "ada01"
    assert User.objects.get().last_name == "King"


def test_the_principal_name_serves_where_there_is_no_uid(client, idp, settings):
    settings.SAML["SCOPE_OF_NAME"] = "uni.example"
    log_in(client, idp, {name: value for name, value in ADA.items() if name != "uid"})
    assert who(client) == "ada01"


def test_a_name_of_another_organisation_is_nobody_here(client, idp, settings):
    settings.SAML["SCOPE_OF_NAME"] = "uni.example"
    answer = log_in(client, idp, {"eduPersonPrincipalName": ["ada01@other.example"]})
    assert (answer.status_code, who(client)) == (403, "")


@pytest.mark.parametrize("attributes", [{}, {"mail": ["ada.lovelace@uni.example"]}])
def test_without_a_name_nobody_comes_in(client, idp, attributes):
    answer = log_in(client, idp, attributes)
    assert answer.status_code in (401, 403)
    assert not User.objects.exists()


def test_groups_come_from_the_attribute(client, idp, settings):
    settings.SAML["GROUPS"] = "it-service => IT service"
    Group.objects.create(name="IT service")
    log_in(client, idp)
    assert User.objects.get().groups.get().name == "IT service"
    client.logout()
    log_in(client, idp, {**ADA, "isMemberOf": []})
    assert not User.objects.get().groups.exists()


@pytest.mark.parametrize(
    ("signed", "sign_assertion", "sign_response", "enters"),
    [
        ("assertion", True, False, True),
        ("assertion", True, True, True),
        ("assertion", False, True, False),
        ("assertion", False, False, False),
        ("response", False, True, True),
        ("response", True, False, False),
        ("response", False, False, False),
    ],
)
def test_what_must_be_signed(client, idp, settings, signed, sign_assertion, sign_response, enters):
    settings.SAML["SIGNED"] = signed
    answer = log_in(client, idp, sign_assertion=sign_assertion, sign_response=sign_response)
    assert (who(client) == "ada01") is enters
    assert enters or answer.status_code == 401


def test_a_changed_assertion_is_refused(client, idp):
    form = idp.answer(begin(client), ADA)
    xml = base64.b64decode(form["SAMLResponse"]).replace(b"ada01", b"bob02")
    answer = finish(client, {**form, "SAMLResponse": base64.b64encode(xml).decode()})
    assert (answer.status_code, who(client)) == (401, "")


def test_another_key_is_refused(client, idp, tmp_path):
    certificate, key = write_pair(tmp_path, "evil")
    evil = IdentityProvider(tmp_path, certificate, key, sp_metadata=idp.sp_metadata)
    answer = finish(client, evil.answer(begin(client), ADA))
    assert (answer.status_code, who(client)) == (401, "")


def test_an_assertion_for_another_service_is_refused(client, idp, settings):
    form = idp.answer(begin(client), ADA)
    settings.SAML["ENTITY_ID"] = "https://other.example/sp"
    answer = finish(client, form)
    assert (answer.status_code, who(client)) == (401, "")


def test_an_answer_meant_for_another_address_is_refused(client, idp):
    answer = log_in(client, idp, destination="https://other.example/acs")
    assert (answer.status_code, who(client)) == (401, "")


def test_an_answer_holds_once(client, idp):
    form = idp.answer(begin(client), ADA)
    finish(client, form)
    assert who(client) == "ada01"
    client.logout()
    answer = finish(client, form)
    assert (answer.status_code, who(client)) == (403, "")


def test_an_answer_from_another_browser_logs_nobody_in(client, idp):
    form = idp.answer(begin(browser()), ADA)
    answer = finish(client, form)
    assert (answer.status_code, who(client)) == (403, "")


def test_an_answer_that_nobody_asked_for_is_refused(client, idp):
    answer = log_in(client, idp, in_response_to=None)
    assert answer.status_code in (401, 403)
    assert who(client) == ""


RESPONSE = b'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
FILE = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
ODD = [b"", b"<a/>", b"<a>", BOMB, FILE, RESPONSE + b"/>", RESPONSE + b' Version="2.0" ID="x"/>']


@pytest.mark.parametrize(
    "text", ["nonsense", "%%%", *(base64.b64encode(one).decode() for one in ODD)]
)
def test_nonsense_is_no_error_page(client, idp, text):
    answer = finish(client, {"SAMLResponse": text})
    assert answer.status_code in (401, 403)
    assert "root:" not in answer.content.decode()


def test_finish_without_an_answer_is_no_error_page(client, idp):
    assert client.get("/accounts/saml/sso/acs/finish/").status_code == 401


@pytest.mark.parametrize(
    ("target", "landed"), [("/en/search/", True), ("https://evil.example/", False)]
)
def test_next_stays_on_the_site(client, idp, target, landed):
    assert (log_in(client, idp, target=target).url == target) is landed


def test_the_session_gets_a_new_key(client, idp):
    form = idp.answer(begin(client), ADA)
    before = client.cookies["sessionid"].value
    finish(client, form)
    assert who(client) == "ada01"
    assert client.cookies["sessionid"].value != before


def test_an_account_with_a_password_of_its_own_is_not_taken_over(client, idp):
    f.UserFactory(username="ada01")
    answer = log_in(client, idp)
    assert (answer.status_code, who(client)) == (403, "")
    assert "schon ein Konto mit eigenem Passwort" in answer.content.decode()


def test_mails_from_the_proved_addresses_are_in_my_requests(client, idp):
    def mailed(address):
        return f.make_ticket(
            customer=actions.customer_for_address(address), contact=address, channel=Channel.EMAIL
        )

    mine, other = mailed("A.Lovelace@uni.example"), mailed("ada.lovelace@gmail.example")
    log_in(client, idp)
    assert client.get(reverse("helpdesk_customers:detail", args=[mine.number])).status_code == 200
    assert client.get(reverse("helpdesk_customers:detail", args=[other.number])).status_code == 404


def test_an_assertion_may_be_encrypted_for_us(client, idp, settings, tmp_path):
    """What Shibboleth does by itself: the response signed, the assertion in it encrypted."""
    certificate, key = write_pair(tmp_path, "sp")
    settings.SAML.update(CERTIFICATE=str(certificate), PRIVATE_KEY=str(key), SIGNED="response")
    idp.sp_metadata = client.get(METADATA).content.decode()
    assert 'AuthnRequestsSigned="true"' in idp.sp_metadata
    url = begin(client)
    assert "Signature=" in url
    form = idp.answer(
        url,
        ADA,
        sign_assertion=False,
        sign_response=True,
        encrypt_assertion=True,
        encrypt_assertion_self_contained=True,
        encrypt_cert_assertion=certificate.read_text(),
    )
    assert b"EncryptedAssertion" in base64.b64decode(form["SAMLResponse"])
    finish(client, form)
    assert who(client) == "ada01"


def test_metadata_that_cannot_be_read_are_no_error_page(client, idp, settings, tmp_path):
    for content in (
        "",
        "<html>",
        '<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>',
    ):
        path = tmp_path / f"m{len(content)}.xml"
        path.write_text(content)
        settings.SAML["METADATA"] = str(path)
        assert client.post(GO).status_code == 403
        assert client.get(METADATA).status_code == 403
    settings.SAML["METADATA"] = "http://127.0.0.1:9/metadata"
    assert client.post(GO).status_code == 403


def test_without_a_provider_there_is_no_door(client):
    assert client.post(GO).status_code == 404
    assert client.post(ACS, {"SAMLResponse": "x"}).status_code == 404
    assert client.get(METADATA).status_code == 404
