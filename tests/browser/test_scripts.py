"""Scripts of strangers do not run, with the policy switched off: escaping and sanitising hold alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse

from helpdesk.customers import access
from helpdesk.mail import ingest, ledger
from helpdesk.models import Article, Queue, Ticket
from tests import factories as f
from tests.helpdesk.mail.samples import COLLECTED, OWN

from .conftest import Visitor
from .stage import set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

HIT = "window.top.__hit=(window.top.__hit||0)+1"
PAYLOADS = [
    f"<script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f"<svg onload={HIT}>",
    f"<svg><script>{HIT}</script></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={HIT}>",
    f"<a href='javascript:{HIT}' id=go>x</a>",
    f"<a href='java&#x09;script:{HIT}' id=go>x</a>",
    f"<iframe srcdoc='<script>{HIT}</script>'></iframe>",
    f"<details open ontoggle={HIT}>x</details>",
    f"<form action='javascript:{HIT}'><button id=go>x</button></form>",
    f"<style>@import 'javascript:{HIT}';</style><p style='background:url(javascript:{HIT})'>x",
    f"<meta http-equiv=refresh content='0;url=javascript:{HIT}'>",
    f"<base href='javascript:{HIT}//'><a href=x id=go>x</a>",
    f'<noscript><p title="</noscript><img src=x onerror={HIT}>">',
    f"<template><img src=x onerror={HIT}></template>",
    f'"><script>{HIT}</script>',
    f"'-{HIT}-'",
    "{{constructor.constructor('" + HIT + "')()}}",
    "</textarea></script><img src=x onerror=" + HIT + ">",
]


@pytest.fixture
def no_policy(settings):
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "policies" not in one]


def mail(payload: str, number: int) -> bytes:
    subject = payload.replace("\n", " ")[:150]
    head = (
        f"From: {payload[:60].replace('<', '').replace('>', '')} <x{number}@mail.example>\r\n"
        "To: desk@desk.example\r\n"
        f"Subject: {subject}\r\nMessage-ID: <xss{number}@mail.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    )
    return (head + f"<p>Hello</p>{payload}").encode()


def no_hit(visitor: Visitor) -> bool:
    return visitor.page.evaluate("window.__hit") is None


def open_thread(visitor: Visitor, ticket: Ticket) -> None:
    page = visitor.page
    visitor.goto(reverse("helpdesk_agents:ticket", args=[ticket.pk]))
    for summary in page.locator(".hd-html > summary").all():
        summary.click()
    page.wait_for_load_state("networkidle")
    for frame in page.frames[1:]:
        for link in frame.locator("#go").all():
            link.click(timeout=2000)


def test_own_payloads_run_nowhere(no_policy, visit: Callable[..., Visitor]):
    set_up()
    queue = Queue.objects.get(name="Möbelei")
    f.QueueAddressFactory(queue=queue, address="desk@desk.example")
    for number, payload in enumerate(PAYLOADS):
        ingest.process(ledger.accept(mail(payload, number), source="t", key=str(number)).pk)
    tickets = list(Ticket.objects.all())
    assert len(tickets) >= len(PAYLOADS) - 3
    visitor = visit()
    visitor.log_in("agent")
    visitor.goto(reverse("helpdesk_agents:tickets"))
    assert no_hit(visitor)
    for ticket in tickets:
        open_thread(visitor, ticket)
        assert no_hit(visitor), ticket.subject
        visitor.goto(
            reverse("helpdesk_customers:status_detail", args=[access.status_token(ticket)])
        )
        assert no_hit(visitor), ticket.subject


@pytest.mark.mails
def test_no_sample_mail_runs_a_script(no_policy, visit: Callable[..., Visitor]):
    set_up()
    queue = Queue.objects.get(name="Möbelei")
    f.QueueAddressFactory(queue=queue, address="desk@desk.example")
    files = [*OWN.rglob("*.eml"), *(one for one in COLLECTED.rglob("*") if _is_html(one))]
    if not files:
        pytest.skip("no sample mails on this machine")
    for number, path in enumerate(files):
        ingest.process(
            ledger.accept(path.read_bytes(), source="t", key=str(number), queue=queue).pk
        )
    articles = Article.objects.exclude(html="").select_related("ticket")
    assert articles.count() > (20 if COLLECTED.exists() else 3)
    visitor = visit()
    visitor.log_in("agent")
    visitor.page.add_init_script("window.alert = window.prompt = () => { window.top.__hit = 1 }")
    for article in articles:
        visitor.goto(reverse("helpdesk_agents:frame", args=[article.ticket_id, article.pk]))
        assert no_hit(visitor), article.pk
        ran = visitor.page.locator("script, iframe, object, embed, form, base, meta[http-equiv]")
        assert ran.count() == 0, article.pk
        attributes = visitor.page.evaluate(
            "[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())"
            ".filter(name => name.startsWith('on'))"
        )
        assert attributes == []


def _is_html(path: Path) -> bool:
    return (
        path.is_file()
        and path.suffix in (".eml", ".txt", ".msg", ".mbox", "")
        and path.stat().st_size < 500_000
        and b"text/html" in path.read_bytes()
    )
