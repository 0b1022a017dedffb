from __future__ import annotations

import pytest
from django.urls import reverse
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.agents.accounts import Address
from helpdesk.mail.fetch import HardenedMailbox
from helpdesk.models import MailAccount, Right
from tests import factories as f

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
    assert red.client.get(url("edit", mailbox.pk)).status_code == 302
    assert red.client.post(url("edit", mailbox.pk), account(red.queue)).status_code == 302
    assert MailAccount.objects.get().queue == blue.queue


def test_agent_without_manage_sees_no_accounts(red):
    agent = browser(f.make_agent(red.queue, rights=[Right.READ, Right.ANSWER]))
    assert agent.get(url("index")).status_code == 302
    assert agent.get(url("create")).status_code == 302
