from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from helpdesk import storage
from helpdesk.mail import dry_run, ledger
from helpdesk.models import InboundMail, MailFilter
from tests import factories as f

from .conftest import browser
from .pages import fields_of

pytestmark = pytest.mark.django_db

LIST = "/admin/helpdesk/filters/"
NEW = f"{LIST}new/"
IS_IT = {"field": "subject", "op": "contains", "value": "offer"}
DEEP = {"not": {"field": "subject", "op": "starts_with", "value": "offer"}}
_counter = itertools.count()


def make(name: str, condition: Any = None, effects: Any = None, **more: Any) -> MailFilter:
    effects = [{"do": "ignore", "reason": "advertising"}] if effects is None else effects
    more.setdefault("position", MailFilter.objects.count())
    return MailFilter.objects.create(
        name=name, condition=IS_IT if condition is None else condition, effects=effects, **more
    )


def order() -> list[str]:
    return list(MailFilter.objects.values_list("name", flat=True))


def press(client: Any, url: str, page: str, do: str, **typed: Any) -> Any:
    """Send the form of a page as a browser without script, with what is typed, by one button."""
    data: dict[str, Any] = {**fields_of(page), **{key.replace("_", "-"): value for key, value in typed.items()}}  # fmt: skip
    return client.post(url, {**data, "do": do})


# --- who may


def test_for_everybody_else_filters_do_not_exist(red):
    row = make("Ads")
    reader = browser(f.make_agent(red.queue, rights=["read"]))
    for client in (red.client, reader):
        for url in (
            LIST,
            NEW,
            f"{LIST}{row.pk}/",
            f"{LIST}{row.pk}/copy/",
            f"{LIST}{row.pk}/delete/",
        ):
            assert client.get(url).status_code == 404, url
            assert client.post(url, {"do": "save"}).status_code == 404, url
        for url in (f"{LIST}{row.pk}/move/", f"{LIST}{row.pk}/position/?position=0"):
            assert client.post(url, {"to": "up"}).status_code == 404, url
        assert "Mail filters" not in client.get("/admin/").content.decode()
    assert order() == ["Ads"]


def test_superusers_find_them_in_the_menu(admin):
    assert LIST in admin.get("/admin/").content.decode()


# --- list


def test_list_tells_each_filter_in_words(admin, red):
    make("Ads", stops=True, hits=4)
    make("Faults", {"any": [IS_IT, {"field": "size", "op": "gt", "value": 9}]}, [
        {"do": "set_queue", "queue": red.queue.pk}, {"do": "add_tags", "tags": "vpn"},
    ])  # fmt: skip
    page = admin.get(LIST).content.decode()
    assert "subject contains “offer” or size in kilobytes is more than 9" in page
    assert "make no ticket, because of “advertising”" in page
    assert "move to the queue Red, add the tags “vpn”" in page
    assert page.index("Ads") < page.index("Faults")
    assert "no further filter after this one" in page


def test_list_warns_of_what_cannot_be_read_or_is_gone(admin):
    make("Broken", {"field": "gone", "op": "is", "value": "x"})
    make("Stale", effects=[{"do": "set_queue", "queue": 99999}])
    page = admin.get(LIST).content.decode()
    assert "Cannot be read and is passed over: There is no such field." in page
    assert "This value does not exist any more. Choose another." in page


def queries(client: Any, url: str) -> int:
    with CaptureQueriesContext(connection) as found:
        client.get(url)
    return len(found)


def test_list_asks_the_same_number_of_queries_for_any_number(admin):
    account = {"field": "account", "op": "is", "value": 1}
    for number in range(2):
        make(f"f{number}", account)
    admin.get(LIST)
    few = queries(admin, LIST)
    for number in range(2, 200):
        make(f"f{number}", account)
    assert queries(admin, LIST) == few


# --- order


def test_filters_move_by_button_and_by_dragging(admin):
    rows = [make(name, position=0) for name in "abcd"]
    admin.post(f"{LIST}{rows[2].pk}/move/", {"to": "up"})
    assert order() == ["a", "c", "b", "d"]
    admin.post(f"{LIST}{rows[0].pk}/move/", {"to": "down"})
    assert order() == ["c", "a", "b", "d"]
    for to in ("up", "down"):  # at the ends nothing happens
        admin.post(f"{LIST}{rows[2 if to == 'up' else 3].pk}/move/", {"to": to})
    assert order() == ["c", "a", "b", "d"]
    assert admin.post(f"{LIST}{rows[3].pk}/position/?position=0").json() == {"success": True}
    assert order() == ["d", "c", "a", "b"]
    admin.post(f"{LIST}{rows[3].pk}/position/?position=x")
    assert order() == ["c", "a", "b", "d"]
    assert admin.get(f"{LIST}{rows[0].pk}/move/").status_code == 405
    assert admin.post(f"{LIST}999999/move/").status_code == 404
    assert admin.post(f"{LIST}999999/position/").status_code == 404


# --- form


def test_a_filter_is_built_row_by_row_without_script(admin, red):
    make("First")
    page = admin.get(NEW).content.decode()
    answer = press(admin, NEW, page, "refresh", condition_0_0_field="subject")
    page = answer.content.decode()
    typed = {"condition_0_0_op": "starts_with", "condition_0_0_value": "WLAN"}
    page = press(admin, NEW, page, "condition:add:0", **typed).content.decode()
    page = press(admin, NEW, page, "refresh", condition_0_1_field="language").content.decode()
    page = press(admin, NEW, page, "refresh", condition_0_1_op="in").content.decode()
    page = press(
        admin, NEW, page, "condition:group", condition_0_1_value=["de", "en"]
    ).content.decode()
    typed = {"condition_1_0_field": "is_followup"}
    page = press(admin, NEW, page, "refresh", **typed).content.decode()
    page = press(
        admin, NEW, page, "refresh", condition_1_0_value="false", effect_0_do="set_queue"
    ).content.decode()
    page = press(admin, NEW, page, "effect:add", effect_0_queue=str(red.queue.pk)).content.decode()
    page = press(admin, NEW, page, "refresh", effect_1_do="add_tags").content.decode()
    assert not MailFilter.objects.filter(name="Network").exists()
    answer = press(admin, NEW, page, "save", effect_1_tags="wlan", name="Network", is_active="on")
    assert answer.status_code == 302
    row = MailFilter.objects.get(name="Network")
    assert row.condition == {
        "all": [
            {"field": "subject", "op": "starts_with", "value": "WLAN"},
            {"field": "language", "op": "in", "value": ["de", "en"]},
            {"field": "is_followup", "op": "is", "value": False},
        ]
    }
    assert row.effects == [
        {"do": "set_queue", "queue": red.queue.pk},
        {"do": "add_tags", "tags": "wlan"},
    ]
    assert (row.is_active, row.stops, row.position) == (True, False, 1)


@pytest.mark.parametrize("condition", [IS_IT, DEEP, {"all": []}, {"any": [IS_IT, DEEP]}])
def test_saving_a_form_as_it_is_changes_nothing(admin, condition):
    row = make("Ads", condition, hits=3, stops=True)
    url = f"{LIST}{row.pk}/"
    before = MailFilter.objects.values().get()
    page = admin.get(url).content.decode()
    assert press(admin, url, page, "save").status_code == 302
    assert MailFilter.objects.values().get() == before


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "Taken"}, "already exists"),
        ({"condition_0_0_op": "matches", "condition_0_0_value": "(a+)+"}, "condition-0-0-error"),
        ({"condition_0_0_op": "matches", "condition_0_0_value": "["}, "condition-0-0-error"),
        ({"condition_0_0_value": ""}, "condition-0-0-error"),
        ({"effect_0_reason": ""}, "effect-0-error"),
        ({"effect_0_do": ""}, "Choose what to do with these mails."),
    ],
)
def test_what_is_broken_cannot_be_saved_and_nothing_typed_is_lost(admin, typed, words):
    make("Taken")
    row = make("Ads")
    url = f"{LIST}{row.pk}/"
    before = list(MailFilter.objects.values())
    page = admin.get(url).content.decode()
    answer = press(admin, url, page, "save", **{"name": "New name", **typed})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    for name, value in typed.items():
        assert fields_of(page)[name.replace("_", "-")] == [value]
    assert list(MailFilter.objects.values()) == before


def test_broken_json_cannot_be_saved(admin):
    row = make("Deep", DEEP)
    url = f"{LIST}{row.pk}/"
    page = admin.get(url).content.decode()
    assert "not (subject starts with “offer”)" in page
    answer = press(admin, url, page, "save", condition_json='{"not": ')
    assert answer.status_code == 422
    assert "This is no JSON" in answer.content.decode()
    row.refresh_from_db()
    assert row.condition == DEEP


def test_a_filter_that_cannot_be_read_opens_and_can_be_mended(admin):
    row = make("Broken", {"field": "gone", "op": "is", "value": "x"}, [{"do": "fly", "x": 1}])
    url = f"{LIST}{row.pk}/"
    page = admin.get(url).content.decode()
    assert "There is no such field." in page
    assert "There is no such effect." in page
    typed = {"condition_json": '{"field": "subject", "op": "is", "value": "a"}'}
    page = press(
        admin, url, page, "condition:simple", effect_0_do="ignore", **typed
    ).content.decode()
    assert press(admin, url, page, "save", effect_0_reason="x").status_code == 302


def test_copy_fills_the_form_and_saves_nothing_yet(admin):
    row = make("Ads", DEEP, stops=True, hits=5)
    url = f"{LIST}{row.pk}/copy/"
    page = admin.get(url).content.decode()
    assert order() == ["Ads"]
    press(admin, url, page, "save")
    assert order() == ["Ads", "Copy of Ads"]
    copy = MailFilter.objects.get(name="Copy of Ads")
    assert (copy.condition, copy.effects, copy.stops, copy.hits) == (DEEP, row.effects, True, 0)


def test_delete_asks_first(admin):
    row = make("Ads")
    url = f"{LIST}{row.pk}/delete/"
    assert "Ads" in admin.get(url).content.decode()
    assert order() == ["Ads"]
    admin.post(url)
    assert order() == []


def test_form_asks_the_same_number_of_queries_for_any_number_of_rows(admin):
    few = make("few", {"all": [{"field": "account", "op": "is", "value": 1}]})
    many = make("many", {"all": [{"field": "account", "op": "is", "value": 1}] * 40})
    admin.get(f"{LIST}{few.pk}/")
    assert queries(admin, f"{LIST}{few.pk}/") == queries(admin, f"{LIST}{many.pk}/")


# --- trial


def arrived(subject: str, sender: str = "a@mail.example", **more: Any) -> InboundMail:
    raw = f"From: {sender}\r\nTo: red@desk.example\r\nSubject: {subject}\r\n\r\nHi\r\n".encode()
    row = ledger.accept(raw, source="test", key=str(next(_counter)))
    InboundMail.objects.filter(pk=row.pk).update(**{"state": "filed", "outcome": "opened", **more})
    return row


def test_a_trial_runs_what_is_typed_and_saves_nothing(admin, red):
    arrived("Our best offer", "ads@mail.example")
    arrived("Offer accepted", outcome="appended")
    arrived("WLAN")
    tags = make(
        "Tag",
        {"field": "subject", "op": "contains", "value": "best"},
        [{"do": "add_tags", "tags": "x"}],
    )
    row = make("Ads", is_active=False)
    url = f"{LIST}{row.pk}/"
    before = list(MailFilter.objects.values())
    page = admin.get(url).content.decode()
    answer = press(admin, url, page, "try", name="", condition_0_0_value="OFFER", mails="50")
    assert answer.status_code == 200
    page = answer.content.decode()
    trial = page[page.index('id="trial"') :]
    for shown in (
        "3 mails looked at",
        "2 fit",
        "with 2 something else happens than now",
        "ads@mail.example",
        "makes a ticket: add the tags “x”",
        "joins its ticket",
        "make no ticket, because of “advertising”",
    ):
        assert shown in trial, shown
    assert "WLAN" not in trial
    assert list(MailFilter.objects.values()) == before
    assert fields_of(page)["condition-0-0-value"] == ["OFFER"]
    assert tags.hits == 0


def test_a_trial_says_when_an_earlier_filter_stops(admin):
    arrived("Our best offer")
    make("Before", effects=[{"do": "set_queue", "queue": 1}], stops=True)
    row = make("Ads")
    url = f"{LIST}{row.pk}/"
    page = press(admin, url, admin.get(url).content.decode(), "try").content.decode()
    assert "an earlier filter lets no other follow" in page
    MailFilter.objects.filter(pk=row.pk).update(position=0)
    MailFilter.objects.filter(name="Before").update(position=1)
    page = press(admin, url, admin.get(url).content.decode(), "try").content.decode()
    assert "an earlier filter lets no other follow" not in page


def test_a_trial_of_something_broken_shows_the_error_at_its_row(admin):
    arrived("Our best offer")
    page = admin.get(NEW).content.decode()
    page = press(admin, NEW, page, "refresh", condition_0_0_field="subject").content.decode()
    answer = press(admin, NEW, page, "try", condition_0_0_op="matches", condition_0_0_value="(")
    assert answer.status_code == 422
    assert "condition-0-0-error" in answer.content.decode()
    assert 'id="trial"' not in answer.content.decode()


def test_a_trial_bears_lost_files_and_keeps_its_time(admin, monkeypatch):
    lost, _kept = arrived("An offer that is lost"), arrived("An offer that is kept")
    arrived("Own offer", rule=InboundMail.Rule.OWN_MAIL)
    storage.delete(lost.blob.sha256)
    row = make("Ads")
    url = reverse("helpdesk_agents:filter", args=[row.pk])
    page = press(admin, url, admin.get(url).content.decode(), "try").content.decode()
    assert "1 mail looked at" in page
    assert "1 mail could not be read from the storage." in page
    monkeypatch.setattr(dry_run.time, "monotonic", itertools.count(0, 3).__next__)
    page = press(admin, url, admin.get(url).content.decode(), "try").content.decode()
    assert "The time was up" in page


def test_a_trial_says_nothing_of_mails_to_confidential_queues(admin):
    safe = f.QueueFactory(is_confidential=True)
    arrived("An offer of the diagnosis", "ina@mail.example", ticket=f.make_ticket(safe))
    arrived("An offer that waits", "uwe@mail.example", queue=safe)
    arrived("An offer for all", "ads@mail.example")
    url = f"{LIST}{make('Ads').pk}/"
    page = press(admin, url, admin.get(url).content.decode(), "try").content.decode()
    trial = page[page.index('id="trial"') :]
    assert "3 fit" in trial
    assert "An offer for all" in trial
    assert trial.count("confidential") == 2
    for hidden in ("diagnosis", "ina@mail.example", "that waits", "uwe@mail.example"):
        assert hidden not in trial
