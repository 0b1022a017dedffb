"""The settings for retention, the list of all policies, and the step before a policy is changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk.actions import Origin
from helpdesk.models import AuditEntry, AuditKind, Queue, RetentionSettings, TermsChange, Ticket
from helpdesk.privacy import applying
from helpdesk.rules.terms import Terms
from tests import factories as f
from tests import page_factories as p

from .conftest import browser
from .test_queues import queue as queue_data

pytestmark = pytest.mark.django_db

SETTINGS = "/admin/helpdesk/retention/settings/"
LIST = "/admin/helpdesk/retention/"


def settings(**data):
    return {"at_end": "erase", **data}


def request(queue: Queue, days: int = 730, form=None) -> Ticket:
    terms = Terms(retention_days=days)
    return f.make_ticket(queue, contact="", terms=terms, origin=Origin(form_key=form))


def edit(queue: Queue) -> str:
    return reverse("helpdesk_queues:edit", args=[queue.pk])


def filled(queue: Queue, **data):
    return queue_data(queue.name, slug=queue.slug, **data)


# --- settings ------------------------------------------------------------------------------------------


def test_settings_are_saved_at_once_when_no_request_is_touched(admin, red):
    Ticket.objects.all().delete()
    data = settings(retention_days=365, purpose_de="Nachweis", legal_basis_de="§ 3 HG")
    assert admin.post(SETTINGS, data).status_code == 302
    found = RetentionSettings.current()
    assert (found.retention_days, found.purpose_de) == (365, "Nachweis")
    line = AuditEntry.objects.get(kind=AuditKind.SETTING_CHANGED)
    assert line.data["model"] == "helpdesk.retentionsettings"


def test_the_sentence_is_shown_in_both_languages_before_anything_is_saved(admin):
    f.QueueFactory()
    data = settings(
        retention_days=60,
        attachment_days=30,
        purpose_de="Nachweis",
        purpose_en="Proof",
        preview="1",
    )
    page = admin.post(SETTINGS, data).content.decode()
    for words in ("60 Tage", "60 days", "30 Tage", "Nachweis.", "Purpose: Proof"):
        assert words in page
    assert "on which legal basis" in page
    assert "what requests are kept for" not in page
    assert not RetentionSettings.objects.exists()


def test_what_is_missing_is_said_for_the_queues_where_it_is(admin):
    page = admin.get(SETTINGS).content.decode()
    assert "hd-error" not in page  # without a queue nothing is promised
    says = {"storage_purpose_de": "Nachweis", "legal_basis_de": "§ 3 HG"}
    above = f.QueueFactory(name="Upper", **says)
    f.QueueFactory(name="Below it", parent=above)
    f.QueueFactory(name="Closed down", is_active=False)
    assert "hd-error" not in admin.get(SETTINGS).content.decode()
    for number in range(8):
        f.QueueFactory(name=f"Bare {number}", legal_basis_de="§ 3 HG")
    page = admin.get(SETTINGS)
    shown = ", ".join(f"Bare {number}" for number in range(6))
    assert page.context["lacks"] == [
        f"Nothing says what requests are kept for in these queues: {shown}, 2 more."
    ]
    data = settings(purpose_de="Nachweis", preview="1")
    assert admin.post(SETTINGS, data).context["lacks"] == []


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("attachment_days", {"retention_days": 30, "attachment_days": 31}),
        ("personal_days", {"personal_days": 731}),
        ("retention_days", {"retention_days": 36501}),
        ("objection_days", {"objection_days": 0}),
    ],
)
def test_days_that_make_no_sense_are_refused_at_their_field(admin, field, data):
    answer = admin.post(SETTINGS, settings(**data))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not RetentionSettings.objects.exists()


def test_changed_settings_ask_first_and_lose_nothing_typed(admin, red):
    request(red.queue)
    request(red.queue, 90)
    Ticket.objects.filter(pk=red.ticket.pk).delete()
    data = settings(retention_days=365, legal_basis_de="§ 3 HG")
    answer = admin.post(SETTINGS, data)
    page = answer.content.decode()
    assert "1 request was promised longer than that." in page
    assert "1 request keeps the stricter promise" in page
    assert 'value="§ 3 HG"' in page
    assert not RetentionSettings.objects.exists()
    shown = answer.context["step"].token
    back = admin.post(SETTINGS, {**data, "shown": shown, "existing": "back"})
    assert back.context["step"] is None
    assert 'value="§ 3 HG"' in back.content.decode()
    other = admin.post(SETTINGS, {**data, "retention_days": 30, "shown": shown, "existing": "new"})
    assert other.context["step"].token != shown  # an answer to another change
    assert not RetentionSettings.objects.exists()
    admin.post(SETTINGS, {**data, "shown": shown, "existing": "new"})
    assert RetentionSettings.current().retention_days == 365
    assert not TermsChange.objects.exists()


def compared(table) -> list[tuple[str, str, bool]]:
    return [(row.before, row.after, row.changes) for row in table.rows]


def test_the_step_shows_what_held_and_what_holds_side_by_side(admin, red):
    request(red.queue)
    f.QueueFactory(name="Green", retention_days=60)
    f.QueueFactory(name="Grey", attachment_days=90)
    data = settings(retention_days=365, attachment_days=30, at_end="anonymise")
    answer = admin.post(SETTINGS, data)
    step = answer.context["step"]
    tables = {table.whom: compared(table) for table in step.tables}
    assert tables == {
        "queue “Red”": [
            ("2 years", "1 year", True),
            ("–", "30 days", True),
            ("–", "–", False),
            ("erased", "anonymised", True),
        ],
        "queue “Green”": [
            ("60 days", "60 days", False),
            ("–", "30 days", True),
            ("–", "–", False),
            ("erased", "anonymised", True),
        ],
        "queue “Grey”": [
            ("2 years", "1 year", True),
            ("90 days", "90 days", False),
            ("–", "–", False),
            ("erased", "anonymised", True),
        ],
    }
    page = answer.content.decode()
    assert page.count('<span class="hd-label">changes</span>') == 7  # said in a word, not by colour
    assert "more combination" not in page


def test_many_ways_of_changing_are_counted(admin, red):
    request(red.queue)
    for number in range(6):
        f.QueueFactory(attachment_days=number + 1)
    step = admin.post(SETTINGS, settings(retention_days=365)).context["step"]
    assert (len(step.tables), step.others) == (4, 3)


def test_applying_shows_what_requests_were_promised_and_what_they_get(admin, red):
    Ticket.objects.all().delete()
    for _time in range(2):
        request(red.queue)
    request(red.queue, 400)
    request(red.queue, 90)
    Queue.objects.filter(pk=red.queue.pk).update(retention_days=365, attachment_days=30)
    url = f"{LIST}queue-{red.queue.pk}/apply/"
    tables = admin.get(url).context["tables"]
    assert [(table.whom, compared(table)[0], compared(table)[1]) for table in tables] == [
        ("2 requests", ("2 years", "1 year", True), ("–", "30 days", True)),
        ("1 request", ("400 days", "1 year", True), ("–", "30 days", True)),
        ("1 request", ("90 days", "90 days", False), ("–", "30 days", True)),
    ]


def test_shorter_terms_are_applied_by_the_worker_and_longer_never(admin, red):
    long, short = request(red.queue, 730), request(red.queue, 90)
    data = settings(retention_days=365)
    shown = admin.post(SETTINGS, data).context["step"].token
    answer = admin.post(SETTINGS, {**data, "shown": shown, "existing": "shorter"})
    assert answer["Location"] == LIST
    assert "Shorter terms are being applied: 0 of 2" in admin.get(LIST).content.decode()
    while applying.apply_orders():
        pass
    days = dict(Ticket.objects.values_list("pk", "retention_days"))
    assert (days[long.pk], days[short.pk]) == (365, 90)
    data = settings(retention_days=9000)
    answer = admin.post(SETTINGS, data)
    assert 'value="shorter"' not in answer.content.decode()
    shown = answer.context["step"].token
    admin.post(SETTINGS, {**data, "shown": shown, "existing": "shorter"})
    assert RetentionSettings.current().retention_days == 9000
    assert TermsChange.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_settings_do_not_exist_for_others(red, method):
    assert getattr(red.client, method)(SETTINGS, {}).status_code == 404
    assert not RetentionSettings.objects.exists()


# --- queues --------------------------------------------------------------------------------------------


def test_a_queue_says_what_it_inherits_and_what_customers_read(admin, red):
    RetentionSettings(attachment_days=44, purpose_de="Nachweis").save()
    parent = f.QueueFactory(name="House", retention_days=500)
    Queue.objects.filter(pk=red.queue.pk).update(parent=parent, legal_basis_en="Section 3")
    page = admin.get(edit(red.queue)).content.decode()
    assert "Empty: as the queue “House” above: 500 days." in page
    assert "Empty: as everywhere in the help desk: 44 days." in page
    assert 'placeholder="Nachweis"' in page
    assert "500 days after it is closed" in page
    assert " Nachweis." in page
    assert "Legal basis: Section 3" in page


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("attachment_days", {"retention_days": 30, "attachment_days": 31}),
        ("personal_days", {"personal_days": 501}),
        ("retention_days", {"retention_days": 999999}),
    ],
)
def test_a_step_of_a_queue_is_no_longer_than_the_whole(admin, red, field, data):
    parent = f.QueueFactory(retention_days=500)
    answer = admin.post(edit(red.queue), filled(red.queue, parent=parent.pk, **data))
    assert list(answer.context["form"].errors) == [field]


def test_a_changed_queue_asks_and_its_rights_and_addresses_are_kept_as_typed(admin, red):
    child = f.QueueFactory(name="Child", parent=red.queue)
    request(child)
    group = f.GroupFactory()
    data = filled(
        red.queue,
        rows=("new@desk.example",),
        retention_days=30,
        **{f"right-{group.pk}-read": "1"},
    )
    answer = admin.post(edit(red.queue), data)
    page = answer.content.decode()
    assert "The change holds for: queue “Child”, queue “Red”." in page
    assert 'value="new@desk.example"' in page
    assert f'name="right-{group.pk}-read"' in page
    assert not red.queue.addresses.exists()
    red.queue.refresh_from_db()
    assert red.queue.retention_days is None
    shown = answer.context["step"].token
    saved = admin.post(edit(red.queue), {**data, "shown": shown, "existing": "shorter"})
    assert saved.status_code == 302
    red.queue.refresh_from_db()
    assert (red.queue.retention_days, red.queue.addresses.count()) == (30, 1)
    while applying.apply_orders():
        pass
    assert set(Ticket.objects.values_list("retention_days", flat=True)) == {30}
    line = AuditEntry.objects.get(kind=AuditKind.TERMS_SHORTENED)
    assert (line.queue_id, line.data["tickets"]) == (red.queue.pk, 2)


def test_another_place_in_the_tree_is_another_policy(admin, red):
    parent = f.QueueFactory(retention_days=5)
    answer = admin.post(edit(red.queue), filled(red.queue, parent=parent.pk))
    assert answer.context["step"].figures.longer == 1


def test_what_is_no_policy_is_saved_at_once(admin, red):
    data = filled(red.queue, purpose="Something else", legal_basis_de="§ 3")
    assert admin.post(edit(red.queue), data).status_code == 302


def test_who_administers_a_queue_may_shorten_for_it_and_those_below(red):
    child = f.QueueFactory(parent=red.queue)
    ticket = request(child)
    data = filled(red.queue, retention_days=30)
    shown = red.client.post(edit(red.queue), data).context["step"].token
    red.client.post(edit(red.queue), {**data, "shown": shown, "existing": "shorter"})
    while applying.apply_orders():
        pass
    ticket.refresh_from_db()
    assert ticket.retention_days == 30


# --- the list ------------------------------------------------------------------------------------------


@pytest.fixture
def tree():
    return p.make_site()


def test_the_list_names_every_queue_and_form_with_what_is_promised(admin, red, tree):
    Queue.objects.filter(pk=red.queue.pk).update(retention_days=365)
    form = p.make_form(
        tree.services, [p.question("text", "room", "Raum")], queue=red.queue, retention_days=30
    )
    request(red.queue, 90, form=form.translation_key)
    request(red.queue, 90)
    answer = admin.get(LIST)
    lines = {line.title: line for line in answer.context["lines"]}
    assert (lines["Red"].period, lines["Red"].total, lines["Red"].longer) == ("1 year", 2, 1)
    assert (lines[form.title].period, lines[form.title].longer) == ("30 days", 1)
    assert lines[form.title].depth == 1


def test_applying_is_confirmed_with_its_figures_and_done_by_the_worker(admin, red, tree):
    form = p.make_form(
        tree.services, [p.question("text", "room", "Raum")], queue=red.queue, retention_days=30
    )
    theirs, other = request(red.queue, 90, form=form.translation_key), request(red.queue, 90)
    url = f"{LIST}form-{form.translation_key}/apply/"
    assert "1 request was promised longer than that." in admin.get(url).content.decode()
    assert not TermsChange.objects.exists()
    assert admin.post(url).status_code == 302
    while applying.apply_orders():
        pass
    days = dict(Ticket.objects.values_list("pk", "retention_days"))
    assert (days[theirs.pk], days[other.pk]) == (30, 90)
    assert "Shorter terms were applied to 1 request" in admin.get(LIST).content.decode()
    assert "No request was promised longer" in admin.get(url).content.decode()


def test_administrators_see_and_apply_what_is_theirs_only(red, blue):
    Queue.objects.update(retention_days=1)
    titles = [line.title for line in red.client.get(LIST).context["lines"]]
    assert titles == ["Red"]
    for method in ("get", "post"):
        answer = getattr(red.client, method)(f"{LIST}queue-{blue.queue.pk}/apply/")
        assert answer.status_code == 404
    assert not TermsChange.objects.exists()
    assert red.client.get(f"{LIST}queue-{red.queue.pk}/apply/").status_code == 200


def test_who_only_answers_has_no_such_screen(red):
    reader = browser(f.make_agent(red.queue, rights=["read", "answer"]))
    assert reader.get(LIST).status_code == 302
    assert reader.post(f"{LIST}queue-{red.queue.pk}/apply/").status_code == 302
    assert not TermsChange.objects.exists()


def test_the_list_asks_as_much_with_two_as_with_many(admin, red, tree):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert admin.get(LIST).status_code == 200
        return len(queries)

    def one(number: int) -> None:
        queue = f.QueueFactory(parent=red.queue, retention_days=number)
        form = p.make_form(
            tree.services, [p.question("text", "room", "Raum")], queue=queue, slug=f"form-{number}"
        )
        request(queue, 900, form=form.translation_key)

    one(1)
    admin.get(LIST)
    few = asked()
    for number in range(2, 14):
        one(number)
    assert asked() == few


def test_what_is_due_tonight_is_said(admin, red):
    ticket = request(red.queue, 730)
    long_ago = timezone.now() - timedelta(days=100)
    done = f.state("closed")
    Ticket.objects.filter(pk=ticket.pk).update(state=done, closed_at=long_ago)
    page = admin.post(SETTINGS, settings(retention_days=30)).content.decode()
    assert "1 of them is erased in the coming night" in page
