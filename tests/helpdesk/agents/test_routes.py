"""Outgoing mail servers in the admin: for superusers, and the password stays inside."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from helpdesk import storage
from helpdesk.models import MailRoute, OutboundMail, Queue
from tests import factories as f
from tests.servers import smtp

pytestmark = pytest.mark.django_db


def url(action: str, *args: object) -> str:
    return reverse(f"helpdesk_routes:{action}", args=args)


def check(row: MailRoute) -> str:
    return reverse("helpdesk_agents:check_route", args=[row.pk])


def route(**data):
    return {
        "name": "Campus",
        "host": "mail.example",
        "security": "starttls",
        "port": "587",
        "user": "desk",
        "password": "p@ss:word",
        "oauth": "",
        "per_minute": "",
        **data,
    }


def test_route_is_created_with_an_encrypted_password(admin):
    assert admin.post(url("add"), route(per_minute="30")).status_code == 302
    row = MailRoute.objects.get()
    assert (row.host, row.port, row.security, row.per_minute) == (
        "mail.example",
        587,
        "starttls",
        30,
    )
    assert "p@ss" not in row.secret
    assert storage.decrypt(row.secret) == "p@ss:word"


def test_password_is_never_shown_and_kept_when_empty(admin):
    admin.post(url("add"), route())
    row = MailRoute.objects.get()
    for page in (admin.get(url("index")), admin.get(url("edit", row.pk))):
        assert "p@ss" not in page.content.decode()
        assert row.secret not in page.content.decode()
    admin.post(url("edit", row.pk), route(password="", name="Renamed"))
    after = MailRoute.objects.get()
    assert (after.name, after.secret) == ("Renamed", row.secret)
    admin.post(url("edit", row.pk), route(password="new"))
    assert storage.decrypt(MailRoute.objects.get().secret) == "new"


@pytest.mark.parametrize("changes", [{"user": ""}, {"oauth": "access"}])
def test_password_goes_when_nothing_needs_it(admin, changes):
    admin.post(url("add"), route())
    if "oauth" in changes:
        changes = {"oauth": f.OAuthAccessFactory().pk}
    admin.post(url("edit", MailRoute.objects.get().pk), route(password="", **changes))
    assert MailRoute.objects.get().secret == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "smtp://mail.example"}, "name of the server only"),
        ({"port": "70000"}, "1 to 65535"),
        ({"user": ""}, "a user is needed"),
        ({"per_minute": "0"}, "greater than or equal to 1"),
        ({"name": ""}, "required"),
    ],
)
def test_impossible_values_are_refused_and_the_password_is_not_repeated(admin, changes, words):
    page = admin.post(url("add"), route(**changes))
    assert page.status_code == 200
    assert words in page.content.decode()
    assert "p@ss" not in page.content.decode()
    assert not MailRoute.objects.exists()


def test_password_and_oauth_exclude_each_other(admin):
    page = admin.post(url("add"), route(oauth=f.OAuthAccessFactory().pk))
    assert "either a password or an OAuth2 access" in page.content.decode()


def test_nobody_but_superusers_comes_near_them(red):
    row = f.MailRouteFactory()
    for address in (url("index"), url("add"), url("edit", row.pk), url("delete", row.pk)):
        assert red.client.get(address).status_code in (302, 404)
    assert red.client.post(check(row)).status_code == 404
    assert "helpdesk/routes" not in red.client.get("/admin/").content.decode()


def test_list_and_form_show_the_last_error_and_success(admin):
    f.MailRouteFactory(name="Broken", last_error="554 go away", last_error_at=timezone.now())
    assert "554 go away" in admin.get(url("index")).content.decode()
    page = admin.get(url("edit", MailRoute.objects.get().pk)).content.decode()
    assert "554 go away" in page
    assert "Test connection" in page


def test_list_needs_as_many_queries_for_50_as_for_2(admin, django_assert_num_queries):
    from .test_ticket import count

    f.MailRouteFactory.create_batch(2, oauth=f.OAuthAccessFactory())
    few = count(admin, url("index"))
    for _number in range(40):
        f.MailRouteFactory(oauth=f.OAuthAccessFactory())
    assert count(admin, url("index")) == few


def test_connection_is_tested_by_a_button_that_says_what_happened(admin):
    with smtp.sink(login=("desk", "s3cret")) as sink:
        row = f.MailRouteFactory(port=sink.port, user="desk", secret=storage.encrypt("s3cret"))
        page = admin.post(check(row), follow=True).content.decode()
        assert "the log-in succeeded" in page
        MailRoute.objects.update(secret=storage.encrypt("wr0ng"))
        page = admin.post(check(row), follow=True).content.decode()
        assert "refused the user or the password" in page
        assert "535" in page
        assert "wr0ng" not in page
        assert sink.mails == []
    assert admin.get(check(row)).status_code == 405


def test_route_that_queues_use_cannot_be_deleted(admin):
    row = f.MailRouteFactory()
    f.QueueFactory(route=row)
    page = admin.post(url("delete", row.pk), follow=True).content.decode()
    assert MailRoute.objects.exists()
    assert "cannot be deleted" in page


def queue_data(queue: Queue, **data):
    return {
        "name": queue.name,
        "slug": queue.slug,
        "purpose": queue.purpose,
        "addresses-TOTAL_FORMS": "0",
        "addresses-INITIAL_FORMS": "0",
        **{f"right-{row.group_id}-{row.right}": "1" for row in queue.rights.all()},
        **data,
    }


def test_superusers_choose_the_server_of_a_queue_and_managers_do_not(admin, red):
    one, other = f.MailRouteFactory(name="Campus"), f.MailRouteFactory(name="City")
    edit = reverse("helpdesk_queues:edit", args=[red.queue.pk])
    assert admin.post(edit, queue_data(red.queue, route=one.pk)).status_code == 302
    red.queue.refresh_from_db()
    assert red.queue.route == one
    page = red.client.get(edit).content.decode()
    assert "Campus" in page
    assert "City" not in page
    assert red.client.post(edit, queue_data(red.queue, route=other.pk)).status_code == 302
    red.queue.refresh_from_db()
    assert red.queue.route == one


def test_log_and_article_name_the_server_and_what_came_back(admin, red):
    row = OutboundMail.objects.create(
        ticket=red.ticket,
        article=red.ticket.articles.get(),
        route=f.MailRouteFactory(name="Campus"),
        kind="answer",
        state="failed",
        message_id="<1@desk.example>",
        from_address="a@desk.example",
        subject="x",
        body="x",
        due_at=timezone.now(),
        server_reply="550 no such user",
        bounces=[["gone@mail.example", "5.1.1", "unknown"]],
        bounced_at=timezone.now(),
    )
    log = reverse("helpdesk_outbound_modeladmin_index")
    for address in (log, reverse("helpdesk_outbound_modeladmin_inspect", args=[row.pk])):
        page = admin.get(address).content.decode()
        assert "Campus" in page
        assert "gone@mail.example" in page
    page = red.client.get(reverse("helpdesk_agents:ticket", args=[red.ticket.pk])).content.decode()
    assert "Campus" in page
    assert "550 no such user" in page
    assert "Send again" in page
