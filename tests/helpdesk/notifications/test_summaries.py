"""What an agent is told at the return."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, notifications, permissions
from helpdesk.actions import AbsencePlan, Draft
from helpdesk.models import (
    Absence,
    Channel,
    EventKind,
    Handover,
    Notice,
    NoticeChoice,
    NoticeKind,
    OutboundMail,
    Right,
    Ticket,
    Watcher,
)
from helpdesk.notifications import summaries
from tests import factories as f

pytestmark = pytest.mark.django_db

SECRET = "Words that no summary quotes"
DAY = timedelta(days=1)


@pytest.fixture
def queue():
    return f.QueueFactory()


@pytest.fixture
def amsel(queue):
    return f.make_agent(queue, first_name="Amsel", last_name="Bird")


@pytest.fixture
def fink(queue):
    return f.make_agent(queue, first_name="Fink", last_name="Bird")


def note(ticket, by):
    draft = Draft(body=SECRET, channel=Channel.NOTE)
    actions.add_note(actor=permissions.agent(by), ticket=ticket, draft=draft)


def owned(user, queue, **options) -> Ticket:
    ticket = f.make_ticket(queue, contact="", subject=SECRET, **options)
    return actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=user)


def go_away(user, **options) -> Absence:
    now = timezone.now()
    plan = AbsencePlan(starts_at=now, ends_at=now + 7 * DAY, **options)
    return actions.enter_absence(actor=permissions.agent(user), user=user, plan=plan)


def come_back(user, absence):
    return actions.end_absence(actor=permissions.agent(user), absence=absence)


def labels(*kinds):
    return {str(EventKind(kind).label) for kind in kinds}


def test_summary_tells_of_tickets_owned_before_owned_now_and_watched(amsel, fink, queue):
    before, kept, watched, others = (owned(amsel, queue) for _number in range(4))
    for ticket in (watched, others):
        actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=fink)
    Watcher.objects.create(ticket=watched, user=amsel)
    note(kept, fink)
    absence = go_away(
        amsel, deputy=fink, handover=Handover.DEPUTY, tickets={kept.pk: Handover.KEEP}
    )
    for ticket in (before, kept, kept, watched, others):
        note(ticket, fink)
    note(kept, amsel)
    found = summaries.read(come_back(amsel, absence))
    by_ticket = {moved.ticket: dict(moved.kinds) for moved in found.tickets}
    wrote, owner = (str(EventKind(k).label) for k in ("note.added", "owner.changed"))
    assert by_ticket == {before: {owner: 1, wrote: 1}, kept: {wrote: 2}, watched: {wrote: 1}}
    assert dict(found.totals) == {wrote: 4, owner: 1}
    assert found.number == 3


def test_summary_leaves_out_what_came_after_and_what_the_agent_may_not_read(amsel, fink, queue):
    ticket, lost = owned(amsel, queue), owned(amsel, queue)
    absence = go_away(amsel)
    note(lost, fink)
    Ticket.objects.filter(pk=lost.pk).update(queue=f.QueueFactory())
    absence = come_back(amsel, absence)
    note(ticket, fink)
    assert summaries.read(absence) == summaries.Summary()


def test_summary_takes_as_many_queries_for_many_tickets(
    amsel, fink, queue, django_assert_num_queries
):
    absence = go_away(amsel)
    for number in range(12):
        note(owned(amsel, queue), fink)
        if number in (1, 11):
            with django_assert_num_queries(4):
                assert summaries.read(absence).number == number + 1


def test_agent_is_told_once_after_the_return(amsel):
    absence = go_away(amsel)
    assert summaries.sum_up_absences() == 0
    come_back(amsel, absence)
    assert [summaries.sum_up_absences() for _run in range(2)] == [1, 0]
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.in_admin) == (amsel, NoticeKind.RETURN, True)
    assert summaries.absence_of(notice) == absence
    assert not OutboundMail.objects.filter(kind=OutboundMail.Kind.NOTICE).exists()


def test_a_process_that_dies_between_tells_all_the_same_and_once(amsel, monkeypatch):
    come_back(amsel, go_away(amsel))

    def die(**options):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(summaries, "send_return", die)
        with pytest.raises(SystemExit):
            summaries.sum_up_absences()
    assert summaries.sum_up_absences() == 1
    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("by_mail", "mails"),
    [(Notice.ByMail.NOW, 1), (Notice.ByMail.DIGEST, 0), (Notice.ByMail.NO, 0)],
)
def test_mail_goes_as_the_agent_chose(amsel, fink, queue, by_mail, mails):
    NoticeChoice.objects.create(user=amsel, kind=NoticeKind.RETURN, in_admin=False, by_mail=by_mail)
    ticket = owned(amsel, queue)
    absence = go_away(amsel, reason="private")
    note(ticket, fink)
    come_back(amsel, absence)
    summaries.sum_up_absences()
    notice = Notice.objects.get()
    assert (notice.in_admin, notice.by_mail) == (False, by_mail)
    found = OutboundMail.objects.filter(kind=OutboundMail.Kind.NOTICE)
    assert found.count() == mails
    for mail in found:
        assert notice.mail == mail
        assert mail.to == [["Amsel Bird", amsel.email]]
        assert f"/admin/helpdesk/absences/{absence.pk}/summary/" in mail.body
        assert SECRET not in mail.subject + mail.body
        assert "private" not in mail.body


def test_mail_speaks_the_recipients_language_and_goes_out(amsel, mailoutbox):
    amsel.language = "en"
    amsel.save()
    NoticeChoice.objects.create(user=amsel, kind=NoticeKind.RETURN, by_mail=Notice.ByMail.NOW)
    come_back(amsel, go_away(amsel))
    summaries.sum_up_absences()
    notifications.send_due()
    (mail,) = mailoutbox
    assert mail.subject == "What happened while you were away"
    assert "Nothing happened on your tickets meanwhile." in mail.body
    assert mail.extra_headers["Auto-Submitted"] == "auto-replied"


def test_who_is_no_agent_any_more_is_not_told(amsel, queue):
    come_back(amsel, go_away(amsel))
    queue.rights.filter(right__in=Right.values).delete()
    assert summaries.sum_up_absences() == 1
    assert not Notice.objects.exists()
