"""OAuth2 accesses in the admin: connecting by the real way, for superusers only, secrets never shown."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from helpdesk import storage
from helpdesk.models import OAuthAccess
from tests.servers.provider import Provider, openid, tokens

pytestmark = pytest.mark.django_db

LIST, NEW = "helpdesk_oauth:index", "helpdesk_oauth:add"
BACK = "helpdesk_agents:oauth_callback"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with openid() as running:
        yield running


def facts(**data: object) -> dict[str, object]:
    return {
        "name": "Mail of the university",
        "provider": "other",
        "flow": "code",
        "tenant": "",
        "client_id": "desk",
        "secret": "cl1ent-s3cret",
        "authorize_url": "https://login.example/authorize",
        "token_url": "https://login.example/token",
        "scope": "",
        **data,
    }


def edit(access: OAuthAccess) -> str:
    return reverse("helpdesk_oauth:edit", args=[access.pk])


def connect(client, access: OAuthAccess):
    return client.post(reverse("helpdesk_agents:oauth_connect", args=[access.pk]))


def test_an_access_is_made_and_its_secret_never_shown(admin):
    answer = admin.post(reverse(NEW), facts())
    access = OAuthAccess.objects.get()
    assert answer["Location"] == edit(access)
    assert storage.decrypt(access.client_secret) == "cl1ent-s3cret"
    for url in (edit(access), reverse(LIST)):
        page = admin.get(url).content.decode()
        assert "Not connected" in page
        assert "s3cret" not in page
        assert access.client_secret not in page
    page = admin.get(edit(access)).content.decode()
    assert f"http://testserver{reverse(BACK)}" in page
    admin.post(edit(access), facts(secret="", name="Renamed"))
    access.refresh_from_db()
    assert (access.name, storage.decrypt(access.client_secret)) == ("Renamed", "cl1ent-s3cret")


def test_somebody_connects_it(admin, provider):
    access = provider.access()
    sent = connect(admin, access)
    back = provider.sign_in(sent["Location"], "desk")
    assert back.startswith(f"http://testserver{reverse(BACK)}?")
    answer = admin.get(back, follow=True)
    assert "is connected" in answer.content.decode()
    assert "Connected since" in answer.content.decode()
    access.refresh_from_db()
    assert access.connected_at
    assert storage.decrypt(access.refresh_token)
    for kept in (access.refresh_token, access.access_token):
        assert storage.decrypt(kept) not in answer.content.decode()
    # the way back is gone once only
    assert admin.get(back).status_code == 404


def test_the_application_connects_by_itself(admin):
    with tokens() as running:
        access = running.access(flow=OAuthAccess.Flow.CLIENT, refresh_token="")
        answer = admin.post(reverse("helpdesk_agents:oauth_connect", args=[access.pk]), follow=True)
    assert "Connected since" in answer.content.decode()


def test_a_refusal_is_told_in_words(admin, provider):
    access = provider.access()
    sent = connect(admin, access)["Location"]
    state = parse_qs(urlsplit(sent).query)["state"][0]
    page = admin.get(reverse(BACK), {"state": state, "error": "access_denied"}, follow=True)
    assert "The provider says: access_denied" in page.content.decode()
    state = parse_qs(urlsplit(connect(admin, access)["Location"]).query)["state"][0]
    page = admin.get(reverse(BACK), {"state": state, "code": "forged"}, follow=True)
    assert "Does not work: 127.0.0.1 refused" in page.content.decode()


@pytest.mark.parametrize("state", ["", "guessed"])
def test_nobody_comes_back_who_was_not_sent(admin, provider, state):
    access = provider.access()
    assert admin.get(reverse(BACK), {"state": state, "code": "x"}).status_code == 404
    connect(admin, access)
    assert admin.get(reverse(BACK), {"state": state, "code": "x"}).status_code == 404
    access.refresh_from_db()
    assert access.connected_at is None


def test_a_manager_sees_and_does_nothing_here(red, admin, provider):
    access = provider.access()
    state = parse_qs(urlsplit(connect(admin, access)["Location"]).query)["state"][0]
    assert red.client.get(reverse(LIST)).status_code == 302
    assert red.client.get(edit(access)).status_code in (302, 404)
    assert red.client.post(edit(access), facts()).status_code in (302, 404)
    assert connect(red.client, access).status_code == 404
    back = {"state": state, "code": "x"}
    assert red.client.get(reverse(BACK), back).status_code == 404
    assert admin.get(reverse("helpdesk_agents:oauth_connect", args=[access.pk])).status_code == 405


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"token_url": "http://login.example/token"}, "token_url"),
        ({"authorize_url": ""}, "authorize_url"),
        ({"flow": "client", "secret": ""}, "secret"),
        ({"provider": "google", "flow": "client"}, "flow"),
        ({"provider": "microsoft", "flow": "client"}, "tenant"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(admin, data, field):
    answer = admin.post(reverse(NEW), facts(**data))
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not OAuthAccess.objects.exists()


def test_tokens_go_with_what_they_belonged_to(admin, provider):
    access = provider.access()
    admin.get(provider.sign_in(connect(admin, access)["Location"], "desk"))
    kept = facts(
        name=access.name,
        secret="",
        authorize_url=access.authorize_url,
        token_url=access.token_url,
        scope=access.scope,
    )
    admin.post(edit(access), {**kept, "name": "Renamed"})
    access.refresh_from_db()
    assert access.refresh_token
    admin.post(edit(access), {**kept, "token_url": "https://elsewhere.example/token"})
    access.refresh_from_db()
    assert (access.refresh_token, access.access_token, access.connected_at) == ("", "", None)
