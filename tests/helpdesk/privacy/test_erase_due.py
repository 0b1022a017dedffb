"""`manage.py erase_due`: the night's work by hand."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from helpdesk.models import ErasureRun, Ticket

from .conftest import at, closed, exists

pytestmark = pytest.mark.django_db


def erase_due(*args: Any, day: int = 731) -> list[str]:
    out = StringIO()
    with time_machine.travel(at(day, 1), tick=False):
        call_command("erase_due", *args, stdout=out)
    return out.getvalue().splitlines()


def test_it_erases_what_is_due_and_says_what():
    ticket, young = closed(), closed(when=at(10))
    lines = erase_due()
    assert lines[0] == "1 ticket erased"
    assert exists(ticket, young) == [False, True]
    assert erase_due() == lines  # the same night; nothing more to do
    assert ErasureRun.objects.count() == 1


def test_a_dry_run_says_by_queue_and_changes_nothing():
    ticket = closed()
    before = list(Ticket.objects.values())
    lines = erase_due("--dry-run")
    assert lines == ["1 ticket erased", f"{ticket.queue}: erased: their time is over: 1"]
    assert list(Ticket.objects.values()) == before
    assert not ErasureRun.objects.exists()
    assert erase_due("--dry-run", day=700) == ["nothing to do"]
    later = at(731).date().isoformat()
    assert erase_due("--dry-run", "--now", later, day=700)[0] == "1 ticket erased"


def test_nothing_is_erased_before_its_time():
    ticket = closed()
    with pytest.raises(CommandError, match="not due yet"):
        erase_due("--now", at(731).date().isoformat(), day=700)
    assert exists(ticket) == [True]


@pytest.mark.parametrize("text", ["tomorrow", "2027-13-01", "2027-02-30T25:00"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(CommandError, match="is no date"):
        erase_due("--now", text)
