"""The main job on the second site, by the doors that people use: form, admin, mail, status link.

tests/test_second_site.py copies this folder out of the checkout and runs this file there.
"""

from __future__ import annotations

import importlib.util
import io
import re
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import TestCase, override_settings
from django.urls import reverse
from town.models import Inspection, OfficePage, ReportPage
from wagtail.models import Site

import helpdesk
from helpdesk import actions
from helpdesk.models import Queue, QueueAddress, QueueRight, Right, Sender, Ticket, Tombstone
from helpdesk.privacy import register

pytestmark = pytest.mark.django_db

LAYOUTS = {
    "one language": {},
    "several languages": {
        "ROOT_URLCONF": "town.urls_languages",
        "WAGTAIL_I18N_ENABLED": True,
        "LANGUAGES": [("en-gb", "English"), ("fr", "Français")],
        "WAGTAIL_CONTENT_LANGUAGES": [("en-gb", "English"), ("fr", "Français")],
    },
}
CUSTOMER = "ina@mail.example"
AGENT = "grace@town.example"


@pytest.fixture(params=LAYOUTS)
def layout(request, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.HELPDESK = settings.HELPDESK | {"UNDO_SECONDS": 0}  # answers go out at once
    for name, value in LAYOUTS[request.param].items():
        setattr(settings, name, value)
    return request.param


@pytest.fixture
def queue(layout):
    queue = Queue.objects.create(name="Streets", slug="streets", purpose="Lamps and holes.")
    QueueAddress.objects.create(queue=queue, address="streets@town.example", is_sender=True)
    return queue


@pytest.fixture
def form_page(queue):
    home = Site.objects.get(is_default_site=True).root_page
    office = home.add_child(instance=OfficePage(title="Streets", slug="streets", queue=queue))
    field = {"label": "Where?", "key": "place", "required": True, "in_subject": True}
    form = ReportPage(title="Report a fault", slug="fault", queue=queue)
    form.fields = [("text", form.fields.stream_block.child_blocks["text"].to_python(field))]
    return office.add_child(instance=form)


@pytest.fixture
def agent(queue):
    team = Group.objects.create(name="Streets")
    team.permissions.add(Permission.objects.get(codename="access_admin"))
    QueueRight.objects.bulk_create(
        QueueRight(group=team, queue=queue, right=right) for right in Right.values
    )
    user = User.objects.create_user("grace", AGENT, "secret", first_name="Grace")
    user.groups.add(team)
    return user


def test_helpdesk_comes_from_the_wheel_alone():
    here = Path(helpdesk.__file__)
    assert "site-packages" in here.parts
    assert importlib.util.find_spec("portal") is None
    assert importlib.util.find_spec("tests") is None


def test_main_job_runs(client, form_page, agent):
    ticket = submit_form(client, form_page)
    receipt = work()
    assert receipt.to == [CUSTOMER]
    assert ticket.number in receipt.subject
    status = urlsplit(re.search(r"https://town\.example(/\S+)", receipt.body)[0])

    answer_ticket(client, ticket, "We will send somebody.")
    sent = work()
    assert "We will send somebody." in sent.body
    client.logout()
    page = client.get(status.path)
    assert page.status_code == 200
    assert "We will send somebody." in page.text

    reply_on_the_site(client, status.path)
    reply_by_mail(sent)
    work(mails=0)
    ticket.refresh_from_db()
    texts = [article.body.strip() for article in ticket.articles.filter(sender=Sender.CUSTOMER)]
    assert texts[1:] == ["It flickers.", "Now it is dark."]
    assert "Now it is dark." in client.get(status.path).text


def test_pages_show_themselves_with_the_shipped_templates(client, form_page):
    office = client.get(form_page.get_parent().url)
    assert "streets@town.example" in office.text
    assert "Where?" in client.get(form_page.url).text


def test_own_requests_ask_for_the_log_in_of_the_site(client, layout, agent):
    address = reverse("helpdesk_customers:list")
    assert client.get(address).headers["Location"].startswith("/admin/login/?next=")
    client.force_login(agent)
    assert client.get(address).status_code == 200


def test_mail_in_a_language_the_site_lacks_is_answered_in_its_own(queue, settings):
    settings.LANGUAGES = [("en-gb", "English")]
    message = letter("Lampe", "Guten Tag, die Lampe ist nicht hell und ich bitte um Licht.")
    deliver(message)
    assert Ticket.objects.get().language == "en-gb"
    assert "/requests/status/" in work().body


def test_worker_runs_the_job_of_the_site(queue, caplog):
    work(mails=0)
    assert "0 tickets have no owner" in caplog.text


def test_rows_of_the_site_go_with_their_ticket(client, form_page):
    ticket = submit_form(client, form_page)
    picture = ContentFile(b"a dark lamp", name="lamp.txt")
    row = Inspection.objects.create(ticket=ticket, seen="It is dark.", picture=picture)
    stored = Path(row.picture.path)
    assert stored.exists()
    with TestCase.captureOnCommitCallbacks(execute=True):
        done = actions.erase(tickets=[ticket.pk], reason=Tombstone.Reason.BY_HAND)
    assert done["tickets"] == 1
    assert not Inspection.objects.exists()
    assert not stored.exists()
    assert not [said for said in register.missing() if said.startswith("town.Inspection")]


# --- the steps -----------------------------------------------------------------------------------


def submit_form(client, form_page):
    """Fill in the form as a visitor; return the ticket."""
    key = re.search(r'name="submission_key" value="(\w+)"', client.get(form_page.url).text)[1]
    data = {
        "contact_name": "Ina",
        "contact_email": CUSTOMER,
        "q_place": "Mill Lane",
        "submission_key": key,
    }
    # a person takes longer than a test
    with override_settings(HELPDESK={**settings.HELPDESK, "FORM_MIN_SECONDS": 0}):
        thanks = client.post(form_page.url, data, follow=True)
    ticket = Ticket.objects.get()
    assert ticket.number in thanks.text
    assert "/requests/status/" not in thanks.text  # it goes to the address by mail
    assert ticket.subject == "Report a fault: Mill Lane"
    return ticket


def work(mails=1):
    """Let the worker run everything once; return the last of the `mails` it sent to customers."""
    before = len(mail.outbox)
    call_command("worker", "--once", "--all", stdout=io.StringIO())
    sent = [one for one in mail.outbox[before:] if one.to != [AGENT]]  # notices are not meant
    assert len(sent) == mails
    return sent[-1] if sent else None


def answer_ticket(client, ticket, text):
    """Log in as the agent by the admin's own form, open the ticket, send the reply form."""
    admin = reverse("wagtailadmin_home")
    client.post(f"/admin/login/?next={admin}", {"username": "grace", "password": "secret"})
    assert reverse("helpdesk_agents:tickets") in client.get(admin).text
    assert ticket.subject in client.get(reverse("helpdesk_agents:tickets")).text
    screen = BeautifulSoup(
        client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).text, "html.parser"
    )
    assert "Rain in Mill Lane" in screen.text
    assert screen.select_one(f'a[href="/map/?q={ticket.pk}"]')
    form = screen.select_one('form[action$="/do/reply/"]')
    data = {one["name"]: one.get("value", "") for one in form.select("input[name]")}
    done = client.post(form["action"], {**data, "body": text}, follow=True)
    assert done.status_code == 200
    assert text in done.text


def reply_on_the_site(client, path):
    key = re.search(r'name="key" value="([^"]+)"', client.get(path).text)[1]
    done = client.post(f"{path}reply/", {"body": "It flickers.", "key": key}, follow=True)
    assert "It flickers." in done.text


def reply_by_mail(sent):
    """Answer the help desk's mail from a mail program."""
    message = letter(f"Re: {sent.subject}", "Now it is dark.")
    message["In-Reply-To"] = sent.message()["Message-ID"]
    deliver(message)


def letter(subject, text):
    message = EmailMessage()
    message["From"], message["To"] = CUSTOMER, "streets@town.example"
    message["Subject"], message["Message-ID"] = subject, f"<{abs(hash(text))}@mail.example>"
    message.set_content(text)
    return message


def deliver(message):
    """Hand a mail over as a mail server does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(message.as_bytes())))
        call_command("deliver_mail", "--to", "streets@town.example")
