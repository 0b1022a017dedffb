"""Log-in by a real OpenID provider (oidc-provider-mock)."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from helpdesk import actions
from helpdesk.models import AuditEntry, AuditKind, Channel, Customer, CustomerAddress, Proof, Team
from portal.doors import config, oidc
from portal.doors.person import Refused
from portal.models import NameFrom, User
from tests import factories as f
from tests.servers.provider import Provider, openid

pytestmark = pytest.mark.django_db

GO = "/accounts/door/oidc/"
CLAIMS = {
    "preferred_username": "ada01",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada.lovelace@uni.example",
    "email_verified": True,
    "groups": ["it-service", "students"],
}


@pytest.fixture(scope="session")
def server():
    with openid() as found:
        yield found


@pytest.fixture
def provider(server, settings) -> Provider:
    settings.OIDC = {
        **config.OIDC_DEFAULTS,
        "ISSUER": server.base,
        "CLIENT_ID": "stelze",
        "CLIENT_SECRET": "s3cret",
        "BUTTON": "Log in with your Unikennung",
    }
    return server


def person(provider: Provider, sub: str, **claims: object) -> str:
    """Make a person at the provider and return their unchanging name there."""
    answer = requests.put(f"{provider.base}/users/{sub}", json={**CLAIMS, **claims}, timeout=10)
    assert answer.status_code in (200, 201, 204), answer.text
    return sub


def begin(client, **form: str) -> str:
    """Press the button and return the provider's address."""
    answer = client.post(GO, form)
    assert answer.status_code == 200, answer.content
    match = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.content.decode())
    assert match, answer.content.decode()
    return html.unescape(match.group(1))


def log_in(client, provider: Provider, sub: str, **form: str):
    back = provider.sign_in(begin(client, **form), sub)
    return client.get(back.removeprefix("http://testserver"))


def who(client) -> str:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else ""


def test_the_button_is_on_the_log_in_page(client, provider, settings):
    page = client.get("/accounts/login/?next=/en/search/").content.decode()
    assert "Log in with your Unikennung" in page
    assert f'action="{GO}"' in page
    assert '<input type="hidden" name="next" value="/en/search/">' in page
    assert page.index("Unikennung") < page.index('name="login"')
    settings.LOGIN_DOORS = ["local", "oidc"]
    page = client.get("/accounts/login/").content.decode()
    assert page.index("Unikennung") > page.index('name="login"')
    settings.LOGIN_DOORS = ["oidc"]
    page = client.get("/accounts/login/").content.decode()
    assert 'name="login"' not in page
    assert 'name="login"' in client.get("/accounts/login/?local").content.decode()


def test_the_first_log_in_makes_the_account(client, provider):
    sub = person(provider, "s-1")
    answer = log_in(client, provider, sub)
    assert answer.url == reverse("helpdesk_customers:list")
    user = User.objects.get()
    assert (user.username, user.get_full_name()) == ("ada01", "Ada Lovelace")
    assert (user.name_from, user.has_usable_password()) == (NameFrom.DOOR, False)
    assert EmailAddress.objects.get(user=user, verified=True).email == "ada.lovelace@uni.example"
    assert CustomerAddress.objects.get().verified_by == Proof.DIRECTORY
    # nothing of what the provider told is kept, but its name of the person
    account = SocialAccount.objects.get()
    assert (account.uid, account.extra_data) == (sub, {})
    assert not SocialToken.objects.exists()


def test_the_second_time_it_is_the_same_account(client, provider):
    sub = person(provider, "s-1")
    log_in(client, provider, sub)
    client.logout()
    person(provider, "s-1", family_name="King")
    log_in(client, provider, sub)
    assert who(client) == "ada01"
    assert User.objects.get().last_name == "King"
    assert SocialAccount.objects.get().extra_data == {}


def test_what_is_asked_has_state_nonce_and_pkce(client, provider):
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begin(client)).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) > 20
    assert asked["state"]
    assert asked["redirect_uri"] == "http://testserver/accounts/oidc/sso/login/callback/"
    assert begin(client) != begin(client)


def test_in_english_the_provider_is_told_the_same_address(client, provider):
    answer = client.post("/en" + GO)
    assert "redirect_uri=http%3A%2F%2Ftestserver%2Faccounts%2Foidc%2F" in html.unescape(
        answer.content.decode()
    )


@pytest.mark.parametrize(
    ("target", "landed"),
    [("/en/search/", True), ("https://evil.example/", False), ("//evil.example", False)],
)
def test_next_stays_on_the_site(client, provider, target, landed):
    answer = log_in(client, provider, person(provider, "s-1"), next=target)
    assert (answer.url == target) is landed


def test_the_session_gets_a_new_key(client, provider):
    sub = person(provider, "s-1")
    back = provider.sign_in(begin(client), sub)
    before = client.cookies["sessionid"].value
    client.get(back.removeprefix("http://testserver"))
    assert who(client) == "ada01"
    assert client.cookies["sessionid"].value != before


def test_an_answer_from_another_browser_logs_nobody_in(client, provider):
    """Log-in CSRF: somebody else's finished log-in is put under a person."""
    theirs = provider.sign_in(begin(Client()), person(provider, "s-1"))
    answer = client.get(theirs.removeprefix("http://testserver"))
    assert answer.status_code == 401
    assert who(client) == ""


def test_an_answer_holds_once(client, provider):
    back = provider.sign_in(begin(client), person(provider, "s-1")).removeprefix(
        "http://testserver"
    )
    client.get(back)
    client.logout()
    assert client.get(back).status_code == 401
    assert who(client) == ""


def test_a_log_in_begins_by_a_post_with_its_token_only(provider):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(GO).status_code == 403
    assert strict.get(GO).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/3rdparty/",
        "/accounts/3rdparty/signup/",
        "/accounts/oidc/other/login/callback/",
        "/accounts/saml/sso/sls/",
        "/accounts/door/other/",
    ],
)
def test_what_allauth_offers_besides_is_closed(client, provider, path):
    client.force_login(f.UserFactory())
    assert client.get(path).status_code in (404, 405)
    assert client.post(path).status_code == 404


def test_allauths_own_start_leads_to_the_log_in_page(client, provider):
    assert client.get("/accounts/oidc/sso/login/?process=connect").url == "/accounts/login/"


def test_an_account_with_a_password_of_its_own_is_joined_after_both_were_shown(client, provider):
    own = f.UserFactory(username="ada01")
    sub = person(provider, "s-1")
    answer = log_in(client, provider, sub)
    assert answer.status_code == 403
    assert "schon ein Konto mit eigenem Passwort" in answer.content.decode()
    assert who(client) == ""
    client.post("/accounts/login/", {"login": "ada01", "password": "secret"})
    own.refresh_from_db()
    assert who(client) == "ada01"
    assert own.name_from == NameFrom.DOOR
    client.logout()
    log_in(client, provider, sub)
    assert who(client) == "ada01"


def test_a_name_given_to_somebody_else_later_does_not_open_the_account(client, provider):
    log_in(client, provider, person(provider, "s-1"))
    client.logout()
    answer = log_in(client, provider, person(provider, "s-2"))
    assert (answer.status_code, who(client)) == (403, "")
    assert "other-subject" in answer.content.decode()


def test_a_person_whose_name_changes_keeps_the_account(client, provider):
    log_in(client, provider, person(provider, "s-1"))
    client.logout()
    log_in(client, provider, person(provider, "s-1", preferred_username="king01"))
    assert who(client) == "ada01"
    assert User.objects.count() == 1


def test_never_by_mail_address_alone(client, provider):
    other = f.UserFactory(username="other", email=CLAIMS["email"])
    EmailAddress.objects.create(user=other, email=other.email, verified=True, primary=True)
    actions.verify_address(user=other, address=other.email)
    log_in(client, provider, person(provider, "s-1"))
    assert who(client) == "ada01"
    assert CustomerAddress.objects.get().customer.user == other


@pytest.mark.parametrize(
    ("says", "verified", "counts"),
    [
        ("claim", True, True),
        ("claim", False, False),
        ("claim", None, False),
        ("always", None, True),
        ("never", True, False),
    ],
)
def test_an_address_counts_if_the_provider_vouches_for_it(
    client, provider, settings, says, verified, counts
):
    settings.OIDC["MAIL_VERIFIED"] = says
    log_in(client, provider, person(provider, "s-1", email_verified=verified))
    assert who(client) == "ada01"
    assert CustomerAddress.objects.exists() is counts


@pytest.mark.parametrize(
    ("name", "scope", "login"),
    [
        ("ada01@uni.example", "uni.example", "ada01"),
        ("ada01@uni.example", "@UNI.example", "ada01"),
        ("ada01@uni.example", "", "ada01@uni.example"),
        ("ada01@other.example", "uni.example", ""),
        ("ada 01", "", ""),
        ("x" * 200, "", ""),
        ("", "", ""),
    ],
)
def test_the_scope_of_a_name_is_cut_off_and_no_other_is_taken(
    client, provider, settings, name, scope, login
):
    settings.OIDC.update(CLAIM_NAME="eduperson_principal_name", SCOPE_OF_NAME=scope)
    log_in(client, provider, person(provider, "s-1", eduperson_principal_name=name))
    assert who(client) == login
    assert User.objects.count() == bool(login)


def test_groups_come_from_the_claim(client, provider, settings):
    settings.OIDC["GROUPS"] = "it-service => IT service; office => Office"
    for name in ("IT service", "Office", "By hand"):
        Group.objects.create(name=name)
    sub = person(provider, "s-1")
    log_in(client, provider, sub)
    user = User.objects.get()
    user.groups.add(*Group.objects.filter(name__in=["Office", "By hand"]))
    client.logout()
    log_in(client, provider, sub)
    assert set(user.groups.values_list("name", flat=True)) == {"IT service", "By hand"}
    client.logout()
    person(provider, "s-1", groups=[])
    log_in(client, provider, sub)
    assert set(user.groups.values_list("name", flat=True)) == {"By hand"}


def test_a_claim_inside_another_is_found(client, provider, settings):
    settings.OIDC.update(CLAIM_GROUPS="realm_access.roles", GROUPS="desk => Desk")
    Group.objects.create(name="Desk")
    log_in(client, provider, person(provider, "s-1", realm_access={"roles": ["desk"]}))
    assert User.objects.get().groups.get().name == "Desk"


def test_an_account_switched_off_here_stays_shut(client, provider):
    sub = person(provider, "s-1")
    log_in(client, provider, sub)
    User.objects.update(is_active=False)
    client.logout()
    assert log_in(client, provider, sub).status_code == 403
    assert who(client) == ""


def test_the_account_opens_by_the_door_only(client, provider):
    log_in(client, provider, person(provider, "s-1"))
    client.logout()
    user = User.objects.get()
    user.set_password("secret")
    user.save()
    answer = client.post("/accounts/login/", {"login": "ada01", "password": "secret"})
    assert answer.url == "/accounts/login/"
    assert who(client) == ""


def test_mails_from_the_proved_address_are_in_my_requests(client, provider):
    def mailed(address):
        return f.make_ticket(
            customer=actions.customer_for_address(address), contact=address, channel=Channel.EMAIL
        )

    mine, other = mailed("ADA.lovelace@uni.example"), mailed("ada.lovelace@gmail.example")
    log_in(client, provider, person(provider, "s-1"))
    assert client.get(reverse("helpdesk_customers:detail", args=[mine.number])).status_code == 200
    assert client.get(reverse("helpdesk_customers:detail", args=[other.number])).status_code == 404


def test_a_customer_whom_an_agent_took_from_the_directory_is_theirs(client, provider):
    customer = Customer.objects.create(name="Ada", login_name="ada01")
    ticket = f.make_ticket(customer=customer, contact="")
    log_in(client, provider, person(provider, "s-1"))
    assert client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": ["ada01"]},
        {"email": ["ada.lovelace@uni.example", 7, None]},
        {"groups": "it-service"},
        {"groups": {"a": 1}},
        {"given_name": None, "family_name": None},
        {"given_name": "x" * 500},
    ],
)
def test_odd_claims_are_read_as_far_as_they_go(client, provider, claims):
    log_in(client, provider, person(provider, "s-1", **claims))
    assert who(client) == "ada01"


def test_a_subject_that_is_too_long_is_no_error_page(client, provider):
    sub = person(provider, "s" * 300)
    assert log_in(client, provider, sub).status_code == 403
    assert not User.objects.exists()


def test_a_client_that_the_provider_does_not_take_is_named_in_the_log(client, settings, caplog):
    with openid("--require-registration", "true") as strict:
        place = "http://testserver/accounts/oidc/sso/login/callback/"
        made = requests.post(
            f"{strict.base}/oauth2/clients",
            json={"redirect_uris": [place], "token_endpoint_auth_method": "client_secret_basic"},
            timeout=10,
        ).json()
        settings.OIDC = {**config.OIDC_DEFAULTS, "ISSUER": strict.base}
        settings.OIDC.update(CLIENT_ID=made["client_id"], CLIENT_SECRET="wr0ng-secret")
        settings.OIDC["CLIENT_AUTH"] = "basic"
        sub = person(strict, "s-strict")
        answer = log_in(client, strict, sub)
        assert (answer.status_code, who(client)) == (401, "")
        assert "oidc: unknown OAuth2Error invalid_client" in caplog.text
        assert "wr0ng" not in caplog.text
        settings.OIDC["CLIENT_SECRET"] = made["client_secret"]
        log_in(client, strict, sub)
        assert who(client) == "ada01"


def test_who_cancels_is_told_so(client, provider):
    url = begin(client)
    answer = requests.post(url, data={"action": "deny"}, timeout=10, allow_redirects=False)
    back = answer.headers["Location"].removeprefix("http://testserver")
    state = parse_qs(urlsplit(url).query)["state"][0]
    if "state=" not in back:  # the mock forgets it
        back += f"&state={state}"
    assert "cancelled" in client.get(back).url


def test_a_provider_that_is_down_is_no_error_page(client, provider, settings):
    settings.OIDC["ISSUER"] = "http://127.0.0.1:9"
    answer = client.post(GO)
    assert answer.status_code == 403
    assert "antwortet nicht wie erwartet" in answer.content.decode()


def test_a_provider_that_dies_on_the_way_is_no_error_page(client, provider, settings):
    back = provider.sign_in(begin(client), person(provider, "s-1"))
    settings.OIDC["ISSUER"] = "http://127.0.0.1:9"
    answer = client.get(back.removeprefix("http://testserver"))
    assert answer.status_code in (401, 403)
    assert who(client) == ""


def test_without_a_provider_there_is_no_door(client):
    assert client.post(GO).status_code == 404
    assert client.get("/accounts/oidc/sso/login/callback/?code=1&state=2").status_code == 404
    assert "door/" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("token", "told", "nonce", "code"),
    [
        ({"nonce": "other"}, {}, "n", "wrong-nonce"),
        ({}, {}, "n", "wrong-nonce"),
        ({"nonce": ""}, {}, "", "wrong-nonce"),
        ({"nonce": "n", "iss": "https://evil.example"}, {}, "n", "other-issuer"),
        ({"nonce": "n", "sub": ""}, {}, "n", "other-subject-told"),
        ({"nonce": "n"}, {"sub": "s-2"}, "n", "other-subject-told"),
        (None, {"sub": "s-1"}, "n", "no-id-token"),
    ],
)
def test_what_the_token_must_say(provider, token, told, nonce, code):
    if token is not None:
        token = {"iss": provider.base, "sub": "s-1", "preferred_username": "ada01", **token}
    with pytest.raises(Refused) as refusal:
        oidc.proven({"id_token": token, "userinfo": told}, {"nonce": nonce})
    assert refusal.value.code == code


def test_redirects_are_not_followed():
    from allauth.socialaccount.adapter import get_adapter

    from tests.servers.provider import tokens

    with tokens() as server, get_adapter().get_requests_session() as session:
        server.instead = (302, b"")
        with pytest.raises(requests.TooManyRedirects):
            session.post(f"{server.base}/token", data={})
    assert len(server.asked) == 1


def test_a_door_asks_for_the_second_factor_too(client, provider):
    sub = person(provider, "s-factor")
    log_in(client, provider, sub)
    TOTP.activate(User.objects.get(), "ABCDEFGHIJKLMNOP")
    again = Client()
    answer = log_in(again, provider, sub)
    assert (who(again), answer.status_code) == ("", 302)
    assert answer.url.startswith("/accounts/2fa/authenticate/")
    assert again.get("/requests/").status_code == 302
    code = format_hotp_value(hotp_value("ABCDEFGHIJKLMNOP", next(yield_hotp_counters_from_time())))
    again.post("/accounts/2fa/authenticate/", {"code": code})
    assert who(again) == "ada01"
    last = AuditEntry.objects.filter(kind=AuditKind.LOGIN).latest("pk")
    assert last.data == {"by": "oidc, totp"}


def test_a_claim_that_is_not_there_is_named_in_the_log_but_no_value(client, provider, caplog):
    sub = person(provider, "s-none", preferred_username=None)
    log_in(client, provider, sub)
    assert "oidc: no-name (user -), it told only: " in caplog.text
    assert "given_name" in caplog.text
    assert "Lovelace" not in caplog.text


def test_who_comes_by_a_door_gets_the_factor_that_their_team_demands(client, provider):
    sub = person(provider, "s-team")
    log_in(client, provider, sub)
    team = f.make_team(f.QueueFactory())
    User.objects.get().groups.add(team)
    Team.objects.create(group=team, requires_second_factor=True)
    again = Client()
    log_in(again, provider, sub)
    assert who(again) == "ada01"
    answer = again.get("/admin/helpdesk/tickets/")
    assert (answer.status_code, "2fa" in answer.url) == (302, True)
