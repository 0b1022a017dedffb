from __future__ import annotations

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management import CommandError, call_command
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.management.commands import rotate_secrets
from helpdesk.models import AuditEntry, AuditKind, MailAccount
from tests import factories as f

pytestmark = pytest.mark.django_db

#: Parts of names of columns that hold secrets.
SUSPICIOUS = ("secret", "password", "token")
#: No secrets of ours, or none that could be read again.
NOT_ENCRYPTED = {
    "helpdesk.OAuthAccess.token_url",  # an address
    "portal.User.password",  # hashed
    "socialaccount.SocialToken.token",  # not kept: SOCIALACCOUNT_STORE_TOKENS is off
    "socialaccount.SocialToken.token_secret",
    "socialaccount.SocialApp.secret",  # providers are set in the settings, not in this table
}


@pytest.fixture
def keys(settings):
    def change(*keys: str, secret_key: str | None = None, fallbacks: tuple[str, ...] = ()):
        settings.HELPDESK = {**settings.HELPDESK, "ENCRYPTION_KEYS": list(keys)}
        if secret_key is not None:
            settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret_key, list(fallbacks)

    return change


def make_row(model, column: str, token: str):
    """Return a new row of a model with a secret in it."""
    if model is MailAccount:
        mailbox = Mailbox.objects.create(name=token[-12:], uri="")
        return MailAccount.objects.create(mailbox=mailbox, queue=f.QueueFactory(), secret=token)
    factory = {"MailRoute": "MailRouteFactory", "OAuthAccess": "OAuthAccessFactory"}
    return getattr(f, factory[model.__name__])(**{column: token})


def rotate() -> str:
    out = StringIO()
    call_command("rotate_secrets", stdout=out)
    return out.getvalue()


def test_every_column_that_looks_like_a_secret_is_declared():
    declared = {f"{m._meta.label}.{c}" for m, c in rotate_secrets.encrypted_columns()}
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label != "wagtailcore"
        for field in model._meta.get_fields()
        if any(word in field.name for word in SUSPICIOUS) and hasattr(field, "max_length")
    }
    assert found - NOT_ENCRYPTED - declared == set()
    assert len(declared) == 5


@pytest.mark.parametrize(
    ("model", "column"),
    list(rotate_secrets.encrypted_columns()),
    ids=lambda one: getattr(one, "__name__", one),
)
def test_each_column_is_encrypted_anew_and_needs_the_old_key_no_longer(keys, model, column):
    row = make_row(model, column, storage.encrypt("gull"))
    keys("k" * 32)
    assert storage.decrypt(getattr(row, column)) == "gull"
    assert f"{model._meta.label}.{column}: 1 encrypted anew" in rotate()
    row = model._base_manager.get(pk=row.pk)
    keys("k" * 32, secret_key="another")
    assert storage.decrypt(getattr(row, column)) == "gull"
    keys(secret_key="another")
    with pytest.raises(storage.SecretLost):
        storage.decrypt(getattr(row, column))


def test_second_factors_are_encrypted_anew(keys):
    data = {"secret": storage.encrypt("totp"), "codes": [storage.encrypt("1")], "used": 3}
    row = Authenticator.objects.create(user=f.UserFactory(), type="totp", data=data)
    keys("k" * 32)
    rotate()
    row.refresh_from_db()
    assert storage.is_current(row.data["secret"])
    assert storage.is_current(row.data["codes"][0])
    assert row.data["used"] == 3


def test_rotation_goes_on_where_it_stopped_and_is_noted(keys, monkeypatch):
    monkeypatch.setattr(rotate_secrets, "BATCH", 2)
    rows = [f.MailRouteFactory(secret=storage.encrypt(f"s{n}")) for n in range(5)]
    keys("new" * 12, "old" * 12)
    first = rows[0]
    type(first).objects.filter(pk=first.pk).update(secret=storage.renew(first.secret))
    assert "helpdesk.MailRoute.secret: 4 encrypted anew" in rotate()
    assert "helpdesk.MailRoute.secret: 0 encrypted anew" in rotate()
    entry = AuditEntry.objects.filter(kind=AuditKind.SECRETS_ROTATED).last()
    assert entry.data["changed"]["helpdesk.MailRoute.secret"] == 4
    assert "gAAAA" not in json.dumps(entry.data)


def test_lost_secret_is_named_and_stops_nothing_else(keys):
    lost = f.MailRouteFactory(secret=storage.encrypt("a"))
    keys(secret_key="other")
    kept = f.MailRouteFactory(secret=storage.encrypt("b"))
    keys("k" * 32)
    with pytest.raises(CommandError, match=f"helpdesk.MailRoute {lost.pk} secret"):
        rotate()
    kept.refresh_from_db()
    assert storage.is_current(kept.secret)


def test_secret_is_in_no_representation():
    row = f.MailRouteFactory(secret=storage.encrypt("gull"))
    assert row.secret not in repr(row) + str(row)
    assert "gull" not in repr(row) + str(row)
