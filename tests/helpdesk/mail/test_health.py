"""Silence is judged by a mailbox's own habits."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from django_mailbox.models import Mailbox

from helpdesk.mail import health
from helpdesk.models import InboundMail, MailAccount
from tests import factories as f

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
#: A Friday evening; the days before it were ordinary.
FRIDAY = datetime(2026, 11, 20, 17, 0, tzinfo=BERLIN)


@pytest.fixture
def account() -> MailAccount:
    mailbox = Mailbox.objects.create(name="Desk", uri="imap://desk@mail.example/")
    return MailAccount.objects.create(mailbox=mailbox, queue=f.QueueFactory())


def arrived(account: MailAccount, *moments: datetime) -> None:
    start = InboundMail.objects.count()
    rows = InboundMail.objects.bulk_create(
        InboundMail(source="x", key=str(start + number), mailbox=account.mailbox)
        for number, _moment in enumerate(moments)
    )
    for row, moment in zip(rows, moments, strict=True):
        InboundMail.objects.filter(pk=row.pk).update(received_at=moment)


def office(days: int = 21, end: datetime = FRIDAY) -> list[datetime]:
    """Return mails as an office gets them: from nine to five, from Monday to Friday."""
    found = []
    for back in range(days):
        day = end - timedelta(days=back)
        if day.weekday() < 5:
            found += [day.replace(hour=hour, minute=7) for hour in (9, 11, 14, 16)]
    return sorted(found)


def silent_at(account: MailAccount, moment: datetime) -> datetime | None:
    with time_machine.travel(moment, tick=False):
        health.watch_silence()
    account.refresh_from_db()
    return account.silent_since


def test_neither_night_nor_weekend_alarms_for_an_office(account):
    arrived(account, *office())
    for later in range(0, 96, 6):
        assert silent_at(account, FRIDAY + timedelta(hours=later)) is None


def test_a_week_without_a_mail_does(account):
    mails = office()
    arrived(account, *mails)
    assert silent_at(account, FRIDAY + timedelta(days=7)) == mails[-1]
    # and it stays so when the past has faded from memory
    assert silent_at(account, FRIDAY + timedelta(days=70)) == mails[-1]


def test_the_next_mail_ends_it(account):
    arrived(account, *office())
    monday = FRIDAY + timedelta(days=10)
    assert silent_at(account, monday)
    arrived(account, monday)
    assert silent_at(account, monday + timedelta(minutes=1)) is None


def test_a_busy_mailbox_alarms_within_hours(account):
    arrived(account, *(FRIDAY - timedelta(minutes=20 * back) for back in range(24 * 3 * 10)))
    assert silent_at(account, FRIDAY + timedelta(hours=3)) is None
    assert silent_at(account, FRIDAY + timedelta(hours=5)) == FRIDAY


@pytest.mark.parametrize(
    "mails",
    [
        [],
        [FRIDAY - timedelta(days=day) for day in range(19)],
        [FRIDAY - timedelta(minutes=minute) for minute in range(500)],
        [FRIDAY - timedelta(days=40, minutes=minute) for minute in range(50)],
    ],
    ids=["none", "too few", "moved in at once", "long ago"],
)
def test_too_little_is_known_to_alarm(account, mails):
    arrived(account, *mails)
    assert silent_at(account, FRIDAY + timedelta(days=7)) is None


def test_an_account_out_of_use_is_not_silent(account):
    arrived(account, *office())
    assert silent_at(account, FRIDAY + timedelta(days=7))
    Mailbox.objects.update(active=False)
    assert silent_at(account, FRIDAY + timedelta(days=7)) is None
    assert not health.in_trouble().exists()


def test_many_accounts_cost_no_more_queries(account, django_assert_num_queries):
    def look() -> None:
        with time_machine.travel(FRIDAY, tick=False), django_assert_num_queries(2):
            health.watch_silence()

    arrived(account, *office())
    look()
    for number in range(200):
        mailbox = Mailbox.objects.create(name=f"Desk {number}", uri="imap://desk@mail.example/")
        other = MailAccount.objects.create(mailbox=mailbox, queue=account.queue)
        arrived(other, FRIDAY) if number < 3 else None
    look()


def test_today_begins_at_midnight_in_the_time_zone_of_the_site(account, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    late = datetime(2026, 11, 20, 0, 30, tzinfo=BERLIN)
    with timezone.override("Europe/Berlin"), time_machine.travel(late, tick=False):
        arrived(account, late - timedelta(minutes=40), late - timedelta(minutes=20), late)
        row = Mailbox.objects.annotate(today=health.mails_today()).get()
    assert row.today == 2


def test_what_fails_or_is_silent_is_in_trouble_and_counted(account):
    assert health.summary() == (1, 0)
    account.last_error = "refused"
    account.save()
    assert [row.pk for row in health.in_trouble()] == [account.pk]
    assert health.summary() == (1, 1)
