"""A restore that is not finished says so to every process; what it stopped is remembered."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.utils import translation
from django.utils.translation import gettext

from helpdesk import unfinished

pytestmark = pytest.mark.django_db


def served(application: unfinished.Application) -> tuple[str, bytes]:
    said: list[str] = []
    body = application({}, lambda status, _headers: said.append(status))
    return said[0], b"".join(body)


@pytest.fixture
def guarded() -> unfinished.Application:
    """An application behind the guard."""

    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"pages"]

    return unfinished.guarded(application)


def test_the_command_that_began_first_is_the_one_to_begin_again():
    assert unfinished.command() == ""
    unfinished.refuse()
    unfinished.begin("restore SOURCE --force")
    unfinished.begin("another one")
    with pytest.raises(unfinished.Unfinished, match="manage.py restore SOURCE --force$"):
        unfinished.refuse()
    unfinished.note_mailboxes([3, 4])
    assert unfinished.mailboxes() == [3, 4]
    unfinished.end()
    assert unfinished.command() == ""


def test_the_web_says_so_until_it_is_finished_and_then_asks_no_more(
    guarded, django_assert_num_queries
):
    unfinished.begin(unfinished.RESTORE)
    status, body = served(guarded)
    assert status == "503 Service Unavailable"
    with translation.override("de"):  # the language of the site
        words = gettext("This site is being restored from a backup. Please try again later.")
    assert body.decode() == f"{words}\n"
    unfinished.end()
    assert served(guarded) == ("200 OK", b"pages")
    with django_assert_num_queries(0):
        assert served(guarded) == ("200 OK", b"pages")


def test_a_database_that_is_gone_is_told_of_by_the_pages_themselves(guarded, monkeypatch):
    def gone() -> str:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(unfinished, "command", gone)
        assert served(guarded) == ("200 OK", b"pages")
    # nothing was learnt from that
    unfinished.begin(unfinished.RESTORE)
    assert served(guarded)[0] == "503 Service Unavailable"
