"""What people write, who they are and what only they may know is in no line of the log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse
from gunicorn.config import Config

from helpdesk import storage
from helpdesk.customers import access
from helpdesk.mail import ingest, ledger
from helpdesk.models import Ticket
from helpdesk.notifications import send_due
from helpdesk.worker import Job, Worker
from portal import gunicorn_conf
from portal.errors import SecretsFilter
from portal.gunicorn_conf import MaskingLogger
from portal.logs import JsonFormatter, MaskAddresses, QuietFormatter, masked
from tests import factories as f
from tests import page_factories as pages

MARKS = {
    "subject": "Zaunkönig-subject",
    "body": "Zaunkönig-body",
    "name": "Zaunkoenig Personname",
    "address": "zaunkoenig-address@mail.example",
    "password": "zaunkoenig-password",
    "query": "zaunkoenig-query",
    "login": "zaunkoenig-login",
    "error": "zaunkoenig-error",
    "file": "zaunkoenig-file.txt",
}


@pytest.fixture(params=[QuietFormatter, JsonFormatter])
def lines(request) -> Iterator[io.StringIO]:
    """Collect what the site's handler would write, from all loggers, from INFO on."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(request.param())
    handler.addFilter(MaskAddresses())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def raw_mail() -> bytes:
    message = EmailMessage()
    message["From"] = f"{MARKS['name']} <{MARKS['address']}>"
    message["To"], message["Subject"] = "desk@desk.example", MARKS["subject"]
    message["Message-ID"] = "<1@mail.example>"
    message.set_content(MARKS["body"])
    message.add_attachment(b"x", maintype="text", subtype="plain", filename=MARKS["file"])
    return message.as_bytes()


def fail() -> None:
    raise ValueError(f"{MARKS['error']} {MARKS['body']}")


@pytest.mark.django_db
def test_no_line_holds_content_names_or_secrets(lines, client, monkeypatch):
    tree = pages.make_site()
    form = pages.make_form(pages.make_service(tree.services))
    f.QueueAddressFactory(address="desk@desk.example")
    ingest.process(ledger.accept(raw_mail(), source="test", key="1").pk)
    bad = raw_mail().replace(b"<1@mail", b"<2@mail")
    with monkeypatch.context() as broken:
        broken.setattr(ingest, "_raw", lambda row: fail())
        ingest.process(ledger.accept(bad, source="test", key="2").pk)
    pages.sent(
        client,
        form,
        contact_name=MARKS["name"],
        contact_email=MARKS["address"],
        q_room=MARKS["body"],
    )
    send_due()
    Worker([Job("broken", timedelta(1), fail)]).run_once(everything=True)
    client.post(reverse("account_login"), {"login": MARKS["login"], "password": MARKS["password"]})
    client.get("/nothing/", {"q": MARKS["query"]})
    token = access.status_token(Ticket.objects.first())
    client.get(reverse("helpdesk_customers:status_detail", args=[token + "x"]))
    client.get(reverse("helpdesk_customers:status_file", args=[token, 99]))
    Client(enforce_csrf_checks=True).post(
        reverse("helpdesk_customers:status_reply", args=[token]) + f"?x={MARKS['query']}"
    )
    client.raise_request_exception = False
    monkeypatch.setattr("portal.views.search_pages", lambda *args: fail())
    assert client.get("/search/", {"q": MARKS["query"]}).status_code == 500
    route = f.MailRouteFactory(secret=storage.encrypt(MARKS["password"]))
    logging.getLogger("test").error("route %r", route)

    said = lines.getvalue()
    for what in ("/nothing/", "/status/…", "/search/", "ValueError", "broken"):
        assert what in said
    for name, mark in {**MARKS, "token": token, "tail": token[-12:]}.items():
        assert mark not in said, name


@pytest.mark.pure
def test_each_line_can_be_read_by_a_machine():
    record = logging.LogRecord("x.y", 40, "x.py", 1, "two words=%s", ("a\nb",), None)
    assert json.loads(JsonFormatter().format(record))["message"] == "two words=a\nb"
    line = QuietFormatter().format(record)
    assert "\n" not in line
    assert 'level=ERROR logger=x.y message="two words=a\\nb"' in line


@pytest.mark.pure
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Not Found: /requests/status/abc-DEF/files/3/", "Not Found: /requests/status/…/files/3/"),
        ('"GET /search/?q=my+words HTTP/1.1" 200', '"GET /search/?… HTTP/1.1" 200'),
        ("/accounts/password/reset/key/3-cdef-0123/", "/accounts/password/reset/key/…/"),
        ("/accounts/confirm-email/MQ:1abc:xyz/", "/accounts/confirm-email/…/"),
        ("/x/AbCdEf0123456789AbCdEf0123/", "/x/…/"),
        ("/admin/helpdesk/tickets/27/", "/admin/helpdesk/tickets/27/"),
        ("/requests/2026112610000010/", "/requests/2026112610000010/"),
    ],
)
def test_secret_parts_of_addresses_are_masked(line, shown):
    assert masked(line) == shown


@pytest.mark.pure
def test_access_log_of_gunicorn_is_masked():
    logger = MaskingLogger(Config())
    response = SimpleNamespace(status="200 OK", sent=3, headers=[])
    request = SimpleNamespace(headers=[])
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/requests/status/SECRET/?q=SECRET",
        "PATH_INFO": "/requests/status/SECRET/",
        "QUERY_STRING": "q=SECRET",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": "https://help.example.org/requests/status/SECRET/",
    }
    atoms = logger.atoms(response, request, environ, timedelta(seconds=1))
    line = gunicorn_conf.access_log_format % {**dict.fromkeys("hmUsBL", "-"), **atoms}
    assert "/requests/status/…" in line
    assert "SECRET" not in line
    assert "SECRET" not in str(atoms["f"]) + str(atoms["r"])


@pytest.mark.pure
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://u:zaunkoenig@h/n"),
        ("EMAIL_URL", "smtp://u:zaunkoenig@h"),
        ("ENCRYPTION_KEYS", ["zaunkoenig"]),
        ("HELPDESK", {"ENCRYPTION_KEYS": ["zaunkoenig"], "SITE_NAME": "x"}),
        ("AUTH_LDAP_BIND_PASSWORD", "zaunkoenig"),
        ("SOCIALACCOUNT_PROVIDERS", {"openid_connect": {"APP": {"secret": "zaunkoenig"}}}),
    ],
)
def test_error_page_of_development_hides_secrets(name, value):
    assert "zaunkoenig" not in str(SecretsFilter().cleanse_setting(name, value))
