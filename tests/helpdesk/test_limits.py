from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from helpdesk import limits
from helpdesk.customers import access
from helpdesk.models import Ticket
from tests import factories as f
from tests import page_factories as pages

pytestmark = pytest.mark.django_db
NOON = "2026-11-26T12:00:00Z"


@pytest.fixture
def bounds(settings):
    def change(**values):
        settings.HELPDESK = {**settings.HELPDESK, **values}

    return change


@pytest.fixture
def form_page():
    tree = pages.make_site()
    return pages.make_form(pages.make_service(tree.english))


def sent(page: str, **more: str) -> dict[str, str]:
    """Return what a browser would send of the form shown on a page, filled in."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    known = {"contact_name": "Eva", "contact_email": "eva@mail.example", "q_room": "1"}
    return {**found, **known, **more}


def test_form_sent_at_once_is_asked_for_again_and_keeps_everything(client, bounds, form_page):
    bounds(FORM_MIN_SECONDS=3)
    with time_machine.travel(NOON, tick=False) as clock:
        data = sent(client.get(form_page.url).text)
        clock.shift(1)
        answer = client.post(form_page.url, data)
        assert "send it once more" in answer.text
        assert 'value="eva@mail.example"' in answer.text
        assert not Ticket.objects.exists()
        clock.shift(3)
        assert client.post(form_page.url, sent(answer.text)).status_code == 302
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("stamped", ["", "forged", ":1uTest:abcdef", None])
def test_form_without_a_genuine_stamp_is_asked_for_again(client, bounds, form_page, stamped):
    bounds(FORM_MIN_SECONDS=3)
    with time_machine.travel(NOON, tick=False) as clock:
        data = sent(client.get(form_page.url).text)
        if stamped is None:
            clock.shift(timedelta(days=1, minutes=1))
        else:
            data["shown_at"] = stamped
            clock.shift(10)
        answer = client.post(form_page.url, data)
        assert not Ticket.objects.exists()
        clock.shift(4)
        assert client.post(form_page.url, sent(answer.text)).status_code == 302


def test_who_is_logged_in_may_be_quick(client, bounds, form_page):
    bounds(FORM_MIN_SECONDS=3)
    client.force_login(f.UserFactory(first_name="Ada", last_name="B", email="ada@mail.example"))
    data = sent(client.get(form_page.url).text)
    assert client.post(form_page.url, data).status_code == 302


@pytest.mark.parametrize("name", ["FORMS_PER_IP", "FORMS_PER_ADDRESS"])
def test_too_many_forms_are_stopped_with_everything_typed(client, bounds, form_page, name):
    bounds(**{name: 2})
    with time_machine.travel(NOON, tick=False) as clock:
        clock.shift(600)
        for _number in range(2):
            page = client.get(form_page.url).text
            assert client.post(form_page.url, sent(page)).status_code == 302
        page = client.get(form_page.url).text
        answer = client.post(form_page.url, sent(page))
        assert answer.status_code == 429
        assert answer["Retry-After"] == "3000"
        assert "in 50 minutes" in answer.text
        assert 'value="eva@mail.example"' in answer.text
        other = sent(page, contact_email="other@mail.example")
        passes = client.post(form_page.url, other).status_code == 302
        assert passes is (name == "FORMS_PER_ADDRESS")
        clock.shift(3000)
        assert client.post(form_page.url, sent(page)).status_code == 302


def test_plus_part_is_no_other_address(client, bounds, form_page):
    bounds(FORMS_PER_ADDRESS=1)
    codes = [
        client.post(
            form_page.url, sent(client.get(form_page.url).text, contact_email=address)
        ).status_code
        for address in ("eva@mail.example", "Eva+2@mail.example")
    ]
    assert codes == [302, 429]


@pytest.mark.parametrize(
    ("name", "files"), [("REPLIES_PER_IP", 0), ("REPLIES_PER_REQUEST", 0), ("UPLOADS_PER_IP", 1)]
)
def test_too_many_replies_are_stopped_with_the_words(client, bounds, name, files):
    bounds(**{name: 1})
    ticket = f.make_ticket()
    door = access.by_link(access.status_token(ticket))
    codes = []
    for number in range(2):
        data = {"body": f"words {number}", "key": f"{number:032}"}
        data["attachments"] = [SimpleUploadedFile("a.txt", b"x")] * files
        answer = client.post(door.url("reply"), data)
        codes.append(answer.status_code)
    assert codes == [302, 429]
    assert "words 1" in answer.text
    assert int(answer["Retry-After"]) > 0
    assert ticket.articles.count() == 2


def test_who_guesses_links_has_to_wait_and_genuine_ones_still_open(client, bounds):
    bounds(WRONG_LINKS_PER_IP=3)
    urls = [reverse("helpdesk_customers:status_detail", args=[f"wrong{n}"]) for n in range(4)]
    assert [client.get(url).status_code for url in urls] == [404, 404, 404, 429]
    door = access.by_link(access.status_token(f.make_ticket()))
    assert client.get(door.url()).status_code == 200


def test_search_is_limited_by_the_minute(client, bounds):
    pages.make_site()
    bounds(SEARCHES_PER_IP=2)
    with time_machine.travel(NOON, tick=False) as clock:
        url = reverse("search")
        assert [client.get(url, {"q": "x"}).status_code for _n in range(3)] == [200, 200, 429]
        assert client.get(url).status_code == 200
        clock.shift(60)
        assert client.get(url, {"q": "x"}).status_code == 200


def test_zero_is_no_limit(bounds):
    for _number in range(5):
        limits.count("FORMS_PER_ADDRESS", "eva@mail.example")
    bounds(FORMS_PER_ADDRESS=1)
    limits.count("FORMS_PER_ADDRESS", "eva@mail.example")
    with pytest.raises(limits.TooOften) as error:
        limits.count("FORMS_PER_ADDRESS", "eva@mail.example")
    assert 0 < error.value.seconds <= 3600


def test_a_note_tells_its_moment_if_it_is_genuine():
    noon = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
    with time_machine.travel(noon, tick=False):
        stamped = limits.stamp()
    with time_machine.travel(noon + timedelta(days=3), tick=False):
        assert limits.moment_of(stamped) == noon
        assert limits.moment_of(limits.stamp(60)) == noon + timedelta(days=3, minutes=-1)
        forged = stamped.replace(stamped.split(":")[1], limits.stamp().split(":")[1])
    assert [limits.moment_of(text) for text in ("", ":", "a:b:c", forged)] == [None] * 4
