"""What is found about a person is given out, kind by kind, or named with the reason for which it is not."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.utils import timezone
from wagtail.models import ModelLogEntry

from helpdesk import actions, permissions
from helpdesk.actions import Origin
from helpdesk.actions.persons import columns
from helpdesk.models import (
    AuditKind,
    Channel,
    Customer,
    Hold,
    Mention,
    Notice,
    NoticeKind,
    SavedDraft,
    Ticket,
    Watcher,
)
from helpdesk.privacy import archive, found, kinds, persons
from helpdesk.privacy.export_scope import Scope
from tests import factories as f

from . import world as w

pytestmark = pytest.mark.django_db

#: Tables with words or names of people, or that point to one, that have no kind of their own, and where they stand.
ELSEWHERE = {
    **dict.fromkeys(
        ("Ticket", "Answer", "Attachment", "QueueOrder", "Participant"), "with their request"
    ),
    "CustomerAddress": "person.addresses",
    "SearchEntry": "an index of what stands elsewhere",
    "AutoMail": "that an automatic mail went to an address, for some hours",
    "DraftFile": "files of what nobody has sent",
    "HeldFile": "chosen in a form that was not sent, for some hours",
    "FileRemoval": "files that are about to go",
    "PersonErasure": "who it is while their erasure is under way",
    **dict.fromkeys(
        ("AgentSettings", "NoticeChoice", "MutedQueue"), "how somebody works here: My settings"
    ),
    **dict.fromkeys(("Seen", "Presence", "DismissedHint"), "marks on screens of the team"),
    "AbsenceDeputy": "with the absence, which is somebody else's",
    "Merge": "in the history",
    **dict.fromkeys(("TermsChange", "ErasureRun"), "who gave an order: in the audit log"),
}


@pytest.fixture
def world(settings, tmp_path) -> w.World:
    settings.MEDIA_ROOT = tmp_path / "media"
    world = w.make_world()
    _everything_else(world)
    return world


def _everything_else(world: w.World) -> None:
    """Make of what the world has none: the person works here, too."""
    user, now = world.user, timezone.now()
    note = world.control.articles.first()
    Notice.objects.create(user=user, kind=NoticeKind.NOTE, ticket=world.control, at=now)
    Watcher.objects.create(user=user, ticket=world.control, at=now)
    Mention.objects.create(user=user, ticket=world.control, article=note)
    SavedDraft.objects.create(
        user=user, ticket=world.control, mode="note", fields={"body": "x"}, saved_at=now
    )
    SavedDraft.objects.create(
        user=world.agent,
        ticket=world.alone,
        mode="reply",
        fields={"body": "Dear marker-of-a-draft, write to other@mail.example"},
        saved_at=now,
    )
    f.make_absence(user)
    note.author = user
    note.save()
    Hold.objects.create(
        ticket=world.alone,
        reason="marker-of-a-hold, says other@mail.example",
        until=now.date() + timedelta(days=9),
        placed_at=now,
    )
    actions.rename(actor=world.actor, ticket=world.alone, subject="marker-of-history")
    own = permissions.customer(world.customer)
    actions.object_to_storage(actor=own, ticket=world.alone, channel=Channel.WEB)
    Ticket.objects.filter(pk=world.alone.pk).update(objection_reason="marker-of-a-reason")
    ModelLogEntry.objects.log_action(world.customer, "wagtail.edit", user=user)
    from helpdesk import audit

    audit.record(AuditKind.LOGIN, user=user)


def exported(person: Any) -> dict[str, Any]:
    target = io.BytesIO()
    archive.write(Scope(person), target, language="en")
    data: dict[str, Any] = json.loads(zipfile.ZipFile(target).read("data.json"))
    return data


#: Of what stands with the requests: under which of their keys.
WITH_REQUESTS = {"history": "history", "holds": "holds", "drafts_about": "drafts"}


def given_out(data: dict[str, Any], code: str) -> int:
    """Count what an archive holds of a kind."""
    if code in {one.code for one in kinds.TICKETS}:
        return sum(code in one["found_by"] for one in data["requests"])
    if code in WITH_REQUESTS:
        return sum(len(one.get(WITH_REQUESTS[code], ())) for one in data["requests"])
    (kind,) = (one for one in kinds.LISTS if one.code == code)
    return len(data["person"][kind.key]) if kind.key else 0


def test_what_is_found_is_what_is_exported_kind_by_kind(world):
    boss = permissions.agent(f.UserFactory(is_superuser=True))
    person = persons.person_of(customers=[world.customer.pk])
    sections = {one.code: one.count for one in found.everything(boss, person)}
    data = exported(person)
    named = {one["kind"]: one for one in data["person"]["found"]}
    every = {one.code for one in (*kinds.TICKETS, *kinds.LISTS)}
    absent = every - sections.keys()
    assert absent <= {"pages", "sessions"}, "the world of this test has none of these kinds"
    assert {code: one["count"] for code, one in named.items()} == sections
    for code, count in sections.items():
        if named[code]["where"]:
            assert given_out(data, code) == count, code
        else:
            assert named[code]["left_out"], code
    assert [code for code, one in named.items() if not one["where"]] == ["authored"]


def test_it_says_what_only_the_team_saw_without_addresses_of_others(world):
    data = exported(persons.person_of(customers=[world.customer.pk]))
    requests = {one["number"]: one for one in data["requests"]}
    alone = requests[world.alone.number]
    assert alone["objection_reason"] == "marker-of-a-reason"
    assert "marker-of-a-hold" in alone["holds"][0]["reason"]
    assert "marker-of-a-draft" in alone["drafts"][0]["text"]
    assert "marker-of-history" in str(alone["history"])
    assert data["person"]["claims"][0]["address"] == "new.zq31415@mail.example"
    assert data["person"]["blocks"][0]["pattern"] == "old.zq@mail.example"
    assert "other@mail.example" not in json.dumps(data)


def test_of_forms_and_orders_of_others_it_holds_their_entries(world):
    data = exported(persons.person_of(customers=[world.customer.pk]))
    form = next(one for one in data["requests"] if one["number"] == world.form.number)
    assert form["answers"] == [{"question": "People 2: Address", "answer": w.OTHER_ADDRESS}]
    assert form["entries_in_order"] == [
        {"first_name": w.FIRST, "last_name": w.LAST, "email": w.ADDRESS, "login_name": w.LOGIN}
    ]
    assert form["drafts"][0]["text"] == f"ask {w.LOGIN}"
    assert {"answers", "orders"} <= set(form["found_by"])
    assert "history" not in form
    assert "oo1" not in json.dumps(data)
    assert "someone@mail.example" not in json.dumps(data)


def test_rows_of_theirs_in_lists_of_others_are_whole_and_those_of_others_are_not(world):
    def row(name: str, mail: str) -> list[dict[str, Any]]:
        return [
            {"key": "who", "type": "text", "label": "Who", "value": name, "shown": name},
            {"key": "mail", "type": "email", "label": "Mail", "value": mail, "shown": mail},
        ]

    said = [
        {"key": "people", "type": "group", "label": "People", "rows": [row("Z", w.ADDRESS), row("Olga", "o@x.example")]},
        {"key": "why", "type": "long_text", "label": "Why", "shown": f"Olga's words.\n\nAsk {w.NAME}."},
    ]  # fmt: skip
    ticket = f.make_ticket(world.queue, customer=world.other, origin=Origin(answers=tuple(said)), body=w.ADDRESS)  # fmt: skip
    data = exported(persons.person_of(customers=[world.customer.pk]))
    one = next(one for one in data["requests"] if one["number"] == ticket.number)
    assert one["answers"] == [
        {"question": "People 1: Who", "answer": "Z"},
        {"question": "People 1: Mail", "answer": w.ADDRESS},
        {"question": "Why", "answer": f"Ask {w.NAME}."},
    ]


def test_drafts_on_what_others_are_merged_into_hold_only_what_names_the_person(world):
    theirs = f.make_ticket(world.queue, subject="Olga's", body="Olga's.", customer=world.other)
    actions.merge(actor=permissions.SYSTEM, source=theirs, target=world.alone, visible=False)
    data = exported(persons.person_of(customers=[world.customer.pk]))
    assert "marker-of-a-draft" not in json.dumps(data)


def test_the_customers_own_archive_holds_none_of_it(world):
    person = persons.person_of(customers=[world.customer.pk])
    target = io.BytesIO()
    archive.write(Scope(person, permissions.customer(world.customer)), target, language="en")
    text = zipfile.ZipFile(target).read("data.json").decode()
    for word in ("draft", "hold", "history", "reason"):
        assert f"marker-of-a-{word}" not in text
    data = json.loads(text)
    assert "found" not in data["person"]
    assert [one["address"] for one in data["person"]["claims"]] == ["new.zq31415@mail.example"]


def test_no_table_with_people_in_it_is_forgotten():
    """A new table has to say where the sheet of a person and the archive show what it holds."""
    person = persons.Person(customers=(1,), users=(1,), addresses=frozenset(["a@x.example"]))
    rows = [kind.rows(person) for kind in kinds.LISTS]
    covered = {one.model.__name__ for one in rows if one is not None}
    people = {get_user_model(), Customer}
    known = {
        model.__name__
        for model in apps.get_app_config("helpdesk").get_models()
        if not model._meta.proxy
        and (
            columns(model)
            or any(one.related_model in people for one in model._meta.concrete_fields)
        )
    }
    assert sorted(known - covered) == sorted(ELSEWHERE)


def test_every_kind_that_is_left_out_says_why():
    for kind in kinds.LISTS:
        assert kind.key or kind.why_not, kind.code
    codes = [one.code for one in (*kinds.TICKETS, *kinds.LISTS)]
    assert len(codes) == len(set(codes))
    assert set(WITH_REQUESTS) == {one.code for one in kinds.LISTS if one.key == kinds.REQUESTS}
