"""The second factor: set up, asked for, demanded by a team, kept encrypted, and taken away."""

from __future__ import annotations

import re
import time
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from wagtail.admin.auth import require_admin_access

from helpdesk import storage
from helpdesk.models import AuditEntry, AuditKind, Team
from portal import second_factor
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _counted_anew():
    cache.clear()


@pytest.fixture
def agent():
    user = f.make_agent(f.QueueFactory(), username="fink", email="fink@staff.example")
    Team.objects.create(group=user.groups.get())
    return user


def demand(user) -> None:
    Team.objects.filter(group__user=user).update(requires_second_factor=True)


def code_for(secret: str) -> str:
    """Return the code that an app would show now (RFC 6238)."""
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def log_in(user, client: Client | None = None) -> Client:
    client = client or Client()
    client.post("/accounts/login/", {"login": user.username, "password": "secret"})
    return client


def confirm(client: Client) -> None:
    client.post("/accounts/reauthenticate/", {"password": "secret"})


def set_up(client: Client) -> str:
    """Set up an app; return its secret."""
    confirm(client)
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    response = client.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)})
    assert response["Location"] == "/accounts/2fa/recovery-codes/"
    cache.clear()  # a code that was used counts once
    return secret


def is_in(client: Client) -> bool:
    return client.get("/requests/").status_code == 200


def kinds() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.filter(kind__startswith="factor.").order_by("pk")
    return [(row.kind, row.user_name, row.data["factor"]) for row in rows]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_log_in_asks_for_the_code_on_both_fronts(agent):
    secret = set_up(log_in(agent))
    assert sorted(kinds()) == [
        ("factor.added", "fink", "recovery_codes"),
        ("factor.added", "fink", "totp"),
    ]
    client = Client()
    asked = client.get("/admin/", follow=True)
    assert asked.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert log_in(agent, client).session.get("_auth_user_id") is None
    assert not is_in(client)
    assert client.get("/admin/").status_code == 302
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not is_in(client)
    assert AuditEntry.objects.get(kind=AuditKind.LOGIN_FAILED).subject_name == "fink"
    client.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})
    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_recovery_codes_are_shown_once_and_each_works_once(agent):
    client = log_in(agent)
    set_up(client)
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    codes = re.findall(r"^\W*(?:<textarea[^>]*>)?(\d{8})\b", page, re.MULTILINE)
    assert len(codes) == 10
    assert "download" in page
    again = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert not any(code in again for code in codes)
    assert client.get("/accounts/2fa/recovery-codes/download/").status_code == 403
    for expected in (True, False):
        other = log_in(agent)
        other.post("/accounts/2fa/authenticate/", {"code": codes[3]})
        assert is_in(other) is expected


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_secrets_are_kept_encrypted_and_can_be_encrypted_anew(agent, settings):
    secret = set_up(log_in(agent))
    row = Authenticator.objects.get(type="totp")
    assert secret not in str(row.data)
    assert storage.decrypt(row.data["secret"]) == secret
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert not any(code in str(one.data) for one in Authenticator.objects.all() for code in codes)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key"
    call_command("rotate_secrets", stdout=StringIO())
    settings.SECRET_KEY_FALLBACKS = []
    row.refresh_from_db()
    assert storage.decrypt(row.data["secret"]) == secret
    assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() == codes


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_first_factor_ends_sessions_that_came_in_without(agent):
    other, client = log_in(agent), log_in(agent)
    set_up(client)
    assert is_in(client)
    assert not is_in(other)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_wrong_codes_have_an_end(agent):
    set_up(log_in(agent))
    client = log_in(agent)
    for _number in range(30):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    page = client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert "Es gab zu viele Versuche" in page


#: A page of every kind that somebody logged in could open.
EVERYWHERE = [
    "/",
    "/admin/",
    "/admin/account/",
    "/admin/pages/",
    "/admin/helpdesk/tickets/",
    "/admin/helpdesk/notices/count/",
    "/admin/api/main/pages/",
    "/documents/1/x.pdf",
    "/requests/",
    "/requests/12345/",
    "/en/requests/",
    "/search/?q=x",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/sessions/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/totp/deactivate/",
]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["get", "post"])
def test_without_the_factor_a_team_demands_there_is_nothing_to_do(agent, path, method):
    client = log_in(agent)
    demand(agent)  # the session is older than the flag
    before = AuditEntry.objects.count()
    response = getattr(client, method)(path)
    assert response.status_code == 302, path
    assert response["Location"] in ("/accounts/2fa/", "/en/accounts/2fa/")
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("path", ["/admin/helpdesk/notices/count/", "/admin/api/main/pages/"])
@pytest.mark.parametrize(
    "headers", [{"accept": "application/json"}, {"sec-fetch-dest": "empty"}], ids=str
)
def test_a_script_is_refused_instead(agent, path, headers):
    client = log_in(agent)
    demand(agent)
    response = client.get(path, headers=headers)
    assert response.status_code == 403
    assert "zweiten Faktor" in response.json()["detail"]


def test_what_is_open_without_the_factor(agent):
    client = log_in(agent)
    demand(agent)
    assert client.get("/accounts/2fa/").status_code == 200
    confirm(client)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
    assert client.get("/accounts/2fa/webauthn/add/").status_code == 200
    assert client.get("/healthz/live").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_with_the_factor_everything_is_open_and_the_last_one_stays(agent):
    client = log_in(agent)
    demand(agent)
    set_up(client)
    assert client.get("/admin/").status_code == 200
    page = client.post("/accounts/2fa/totp/deactivate/", {}).content.decode()
    assert "Ihr Team braucht einen zweiten Faktor" in page
    assert Authenticator.objects.filter(type="totp").exists()
    Team.objects.update(requires_second_factor=False)
    client.post("/accounts/2fa/totp/deactivate/", {})
    assert not Authenticator.objects.exists()
    assert ("factor.removed", "fink", "totp") in kinds()


def test_other_people_are_not_asked(agent):
    demand(agent)
    assert is_in(log_in(f.UserFactory(email="ada@mail.example")))
    assert Client().get("/").status_code in (200, 404)


def test_recovery_codes_alone_are_no_factor(agent):
    demand(agent)
    Authenticator.objects.create(
        user=agent, type="recovery_codes", data={"seed": "", "used_mask": 0}
    )
    assert second_factor.is_missing(agent)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/password_reset/",
        "/admin/password_reset/done/",
        "/admin/password_reset/confirm/MQ/x-y/",
        "/admin/password_reset/complete/",
    ],
)
def test_the_admin_has_no_password_forms_of_its_own(client, path):
    for method in (client.get, client.post):
        response = method(path)
        assert response.status_code == 404 or "/accounts/" in response.get("Location", ""), path


@pytest.mark.parametrize("path", ["/admin/login/", "/en/admin/login/", "/admin/login"])
def test_the_admin_lets_nobody_in_by_itself(client, agent, path):
    client.post(path, {"username": "fink", "password": "secret"})
    assert "_auth_user_id" not in client.session
    assert require_admin_access is not None


def test_the_account_page_changes_neither_password_nor_address_and_leads_to_where_one_can(agent):
    client = log_in(agent)
    page = client.get("/admin/account/").content.decode()
    assert 'name="password-old_password"' not in page
    assert 'name="name_email-email"' not in page
    assert reverse("mfa_index") in page
    client.post("/admin/account/", {"name_email-email": "evil@mail.example"})
    agent.refresh_from_db()
    assert agent.email == "fink@staff.example"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_superuser_takes_factors_away_and_it_is_written_down(agent):
    client = log_in(agent)
    set_up(client)
    chief = f.UserFactory(username="chief", is_superuser=True)
    own = Client()
    own.force_login(chief)
    url = reverse("portal_keys", args=[agent.pk])
    assert url in own.get("/admin/users/").content.decode()
    assert "TOTP" in own.get(url).content.decode()
    assert own.post(url, {"do": "factors"}).status_code == 302
    assert not Authenticator.objects.exists()
    assert ("factor.removed", "chief", "totp") in kinds()
    assert not is_in(client)
    assert is_in(log_in(agent))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_nobody_else_may_take_them_away(agent):
    client = log_in(agent)
    set_up(client)
    assert (
        client.post(reverse("portal_keys", args=[agent.pk]), {"do": "factors"}).status_code == 404
    )
    assert Authenticator.objects.count() == 2


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_command_takes_factors_away(agent, capsys):
    set_up(log_in(agent))
    call_command("reset_second_factor", "fink")
    assert "fink: 2 removed." in capsys.readouterr().out
    assert is_in(log_in(agent))
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "nobody")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_sensitive_changes_ask_again_who_is_there(agent):
    client = log_in(agent)
    confirm(client)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()
    for path in (
        "/accounts/2fa/totp/activate/",
        "/accounts/2fa/webauthn/add/",
        "/accounts/2fa/recovery-codes/generate/",
    ):
        assert "/reauthenticate/" in client.get(path)["Location"], path
    data = {"email": "evil@mail.example", "action_add": ""}
    assert "/reauthenticate/" in client.post("/accounts/email/", data)["Location"]


def test_addresses_can_be_added_with_a_factor(agent):
    """With several addresses nobody has to give up the factor."""
    Authenticator.objects.create(
        user=agent, type="totp", data={"secret": storage.encrypt("A" * 32)}
    )
    client = Client()
    client.force_login(agent)
    confirm(client)
    response = client.post(
        "/accounts/email/", {"email": "second@mail.example", "action_add": ""}, follow=True
    )
    assert "second@mail.example" in response.content.decode()
