from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.agents.mailbox_address import Address
from helpdesk.mail.fetch import HardenedMailbox
from helpdesk.models import InboundMail, MailAccount, OAuthAccess, Right
from tests import factories as f
from tests.servers.dovecot import dovecot

from .conftest import browser

pytestmark = pytest.mark.django_db


def url(action: str, *args: object) -> str:
    return reverse(f"helpdesk_accounts_modeladmin_{action}", args=args)


def account(queue, **data):
    return {
        "name": "Desk",
        "active": "on",
        "protocol": "imap+ssl",
        "host": "mail.example",
        "port": "",
        "user": "desk@mail.example",
        "secret": "p@ss:word/?#",
        "folder": "",
        "queue": queue.pk,
        "move_to": "Done",
        **data,
    }


def test_account_is_created_with_an_encrypted_secret(admin, red):
    answer = admin.post(url("create"), account(red.queue))
    assert answer.status_code == 302
    mailbox = Mailbox.objects.get()
    assert mailbox.uri == "imap+ssl://desk%40mail.example@mail.example/"
    row = MailAccount.objects.get()
    assert (row.queue, row.move_to) == (red.queue, "Done")
    assert "p@ss" not in row.secret
    assert storage.decrypt(row.secret) == "p@ss:word/?#"
    assert HardenedMailbox.objects.get().get_connection()


def test_account_created_twice_is_one(admin, red):
    for _ in range(2):
        page = admin.post(url("create"), account(red.queue))
    assert "This account exists already." in page.content.decode()
    assert Mailbox.objects.count() == 1


def test_secret_is_never_shown_and_kept_when_empty(admin, red):
    admin.post(url("create"), account(red.queue))
    mailbox = Mailbox.objects.get()
    before = MailAccount.objects.get().secret
    page = admin.get(url("edit", mailbox.pk)).content.decode()
    assert "p@ss" not in page
    assert before not in page
    assert 'name="secret"' in page
    admin.post(url("edit", mailbox.pk), account(red.queue, secret="", name="Renamed"))
    assert Mailbox.objects.get().name == "Renamed"
    assert MailAccount.objects.get().secret == before
    admin.post(url("edit", mailbox.pk), account(red.queue, secret="new"))
    assert storage.decrypt(MailAccount.objects.get().secret) == "new"


def test_refused_form_does_not_repeat_the_secret(admin, red):
    page = admin.post(url("create"), account(red.queue, host=""))
    assert page.status_code == 200
    assert "p@ss" not in page.content.decode()
    assert "This is needed" in page.content.decode()
    assert not Mailbox.objects.exists()


def test_secret_in_an_old_address_moves_to_where_it_is_encrypted(admin, red):
    mailbox = Mailbox.objects.create(
        name="Old", uri="imap+ssl://desk:0ldW0rd%40@mail.example:993/?folder=In"
    )
    MailAccount.objects.create(mailbox=mailbox, queue=red.queue)
    for page in (admin.get(url("index")), admin.get(url("edit", mailbox.pk))):
        assert "0ldW0rd" not in page.content.decode()
    admin.post(url("edit", mailbox.pk), account(red.queue, secret="", folder="In", port="993"))
    mailbox.refresh_from_db()
    assert mailbox.uri == "imap+ssl://desk%40mail.example@mail.example:993/?folder=In"
    assert storage.decrypt(MailAccount.objects.get().secret) == "0ldW0rd@"


@pytest.mark.parametrize(
    "uri",
    [
        "imap+ssl://desk%40x@mail.example:993/?folder=In+box&ca=%2Fetc%2Fca.pem",
        "pop3+tls://desk@mail.example/",
        "maildir:///var/mail/desk?folder=new",
        "mbox:///var/mail/desk",
    ],
)
def test_addresses_survive_reading_and_writing(uri):
    assert Address.read(uri).uri() == uri


@pytest.mark.parametrize(("protocol", "path"), [("mbox", "/etc/passwd"), ("maildir", "/var/mail")])
def test_manager_reaches_no_files_of_the_machine(red, protocol, path):
    answer = red.client.post(url("create"), account(red.queue, protocol=protocol, path=path))
    assert answer.status_code == 200
    assert not Mailbox.objects.exists()


def test_manager_cannot_choose_a_foreign_queue(red, blue):
    assert red.client.post(url("create"), account(blue.queue)).status_code == 200
    assert not Mailbox.objects.exists()


def test_manager_cannot_make_an_account_trusted(red):
    assert red.client.post(url("create"), account(red.queue, trusted="on")).status_code == 302
    assert not MailAccount.objects.get().trusted


def test_account_of_another_team_is_refused(red, blue):
    blue.client.post(url("create"), account(blue.queue))
    mailbox = Mailbox.objects.get()
    assert "Desk</" not in red.client.get(url("index")).content.decode()
    assert red.client.get(url("edit", mailbox.pk)).status_code == 404
    assert red.client.post(url("edit", mailbox.pk), account(red.queue)).status_code == 404
    assert MailAccount.objects.get().queue == blue.queue


def test_agent_without_manage_sees_no_accounts(red):
    agent = browser(f.make_agent(red.queue, rights=[Right.READ, Right.ANSWER]))
    assert agent.get(url("index")).status_code == 302
    assert agent.get(url("create")).status_code == 302


def saved(client, queue, **data) -> Mailbox:
    client.post(url("create"), account(queue, **data))
    return Mailbox.objects.latest("pk")


def test_the_facts_of_ours_are_kept(admin, red):
    access = OAuthAccess.objects.create(name="M", provider="microsoft", client_id="x")
    mailbox = saved(admin, red.queue, oauth=access.pk, authserv_id="mx.example", secret="")
    row = MailAccount.objects.get()
    assert (row.oauth, row.authserv_id, row.uses_idle, row.secret) == (
        access,
        "mx.example",
        False,
        "",
    )
    page = admin.get(url("edit", mailbox.pk)).content.decode()
    assert 'value="mx.example"' in page
    assert f'<option value="{access.pk}" selected>M</option>' in page
    admin.post(url("edit", mailbox.pk), account(red.queue, uses_idle="on"))
    row.refresh_from_db()
    assert (row.oauth, row.uses_idle) == (None, True)


def test_a_manager_gives_nobodys_token_away(admin, red):
    access = OAuthAccess.objects.create(name="M", provider="microsoft", client_id="x")
    saved(red.client, red.queue, oauth=access.pk, authserv_id="mx.example", secret="x")
    row = MailAccount.objects.get()
    assert (row.oauth, row.authserv_id) == (None, "")
    MailAccount.objects.update(oauth=access)
    red.client.post(url("edit", row.pk), account(red.queue, host="evil.example", name="Renamed"))
    row.refresh_from_db()
    assert (row.oauth, row.mailbox.name) == (access, "Renamed")
    assert "evil" not in Mailbox.objects.get().uri


def test_a_stored_password_goes_to_no_other_server(red):
    mailbox = saved(red.client, red.queue)
    answer = red.client.post(
        url("edit", mailbox.pk), account(red.queue, host="evil.example", secret="")
    )
    assert "enter the password again" in answer.content.decode()
    assert "evil" not in Mailbox.objects.get().uri
    red.client.post(url("edit", mailbox.pk), account(red.queue, host="b.example", secret="new"))
    assert "b.example" in Mailbox.objects.get().uri


def test_a_token_goes_through_no_open_line(admin, red):
    access = OAuthAccess.objects.create(name="M", provider="microsoft", client_id="x")
    answer = admin.post(url("create"), account(red.queue, oauth=access.pk, protocol="imap"))
    assert "encrypted connection" in answer.content.decode()


# Trying out


def test_the_connection_is_tried_and_nothing_changes_there(red):
    with dovecot() as server:
        server.deliver(b"Subject: x\r\n\r\ny\r\n")
        facts = account(
            red.queue,
            protocol="imap",
            host="127.0.0.1",
            port=server.imap,
            user=server.user,
            secret=server.secret,
            uses_idle="on",
            test="1",
        )
        answer = red.client.post(url("create"), facts, follow=True)
        mailbox = Mailbox.objects.get()
        assert answer.redirect_chain[-1][0] == url("edit", mailbox.pk)
        page = answer.content.decode()
        assert "The connection works. 1 mail lies there." in page
        assert "The server tells at once when mail arrives." in page
        page = red.client.post(
            url("edit", mailbox.pk), {**facts, "secret": "wrong"}, follow=True
        ).content.decode()
        assert "refused the login of desk" in page
        assert server.secret not in page
        assert len(server.remaining()) == 1
        assert list((server.home / "new").iterdir()), "even the mark of a new mail stays"
    page = red.client.post(url("edit", mailbox.pk), facts, follow=True).content.decode()
    assert "failed" in page
    assert not InboundMail.objects.exists()


def test_saving_alone_connects_to_nothing(red):
    answer = red.client.post(url("create"), account(red.queue, host="127.0.0.1"), follow=True)
    assert "connection" not in " ".join(str(m) for m in answer.context["messages"])


# How they are


def test_the_list_tells_how_they_are_with_few_queries(admin, red):
    def make(number: int, **facts: object) -> None:
        mailbox = Mailbox.objects.create(name=f"Desk {number}", uri="imap://desk@mail.example/")
        MailAccount.objects.create(mailbox=mailbox, queue=red.queue, **facts)
        InboundMail.objects.create(source="x", key=str(number), mailbox=mailbox)

    make(0, last_error="The name is not known")
    make(1, silent_since=timezone.now())
    admin.get(url("index"))
    with CaptureQueriesContext(connection) as few:
        page = admin.get(url("index")).content.decode()
    assert "The name is not known" in page
    assert "it is never silent for so long" in page
    for number in range(2, 200):
        make(number)
    with CaptureQueriesContext(connection) as many:
        admin.get(url("index"))
    assert len(many) <= len(few)


@pytest.mark.parametrize("name", ["wagtailadmin_home", "helpdesk_agents:failures"])
def test_trouble_is_told_to_those_who_manage_the_queue(red, blue, name):
    mailbox = saved(red.client, red.queue, name="Mail of the reds")
    page = reverse(name)
    assert "need a look" not in red.client.get(page).content.decode()
    MailAccount.objects.update(last_error="The <name> is not known")
    shown = red.client.get(page).content.decode()
    assert "need a look" in shown
    assert "The &lt;name&gt; is not known" in shown
    assert url("edit", mailbox.pk) in shown
    assert "Mail of the reds" not in blue.client.get(page).content.decode()


def test_trouble_is_not_told_to_an_agent(red):
    saved(red.client, red.queue, name="Mail of the reds")
    MailAccount.objects.update(last_error="refused")
    agent = browser(f.make_agent(red.queue, rights=[Right.READ, Right.ANSWER]))
    assert "Mail of the reds" not in agent.get(reverse("wagtailadmin_home")).content.decode()


@pytest.mark.parametrize("believed", [{"trusted": True}, {"authserv_id": "mx.example"}])
def test_a_manager_lets_no_other_server_be_believed(admin, red, believed):
    """What a server says of agents or attributes is believed because a superuser chose that server."""
    mailbox = saved(admin, red.queue)
    MailAccount.objects.update(**believed)
    before = Mailbox.objects.get().uri
    red.client.post(url("edit", mailbox.pk), account(red.queue, host="evil.example", secret="x"))
    assert Mailbox.objects.get().uri == before
    admin.post(url("edit", mailbox.pk), account(red.queue, host="new.example", secret="x"))
    assert "new.example" in Mailbox.objects.get().uri
