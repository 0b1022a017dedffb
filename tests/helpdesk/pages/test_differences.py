from __future__ import annotations

import copy

import pytest
from django.urls import reverse
from django.utils import translation

from helpdesk.pages.differences import differences
from helpdesk.pages.stream import FormFieldsBlock
from tests import factories as f
from tests import page_factories as p

BLOCK = FormFieldsBlock()
ROOM = {**p.question("text", "room", "Room", help_text="At the door"), "id": "1"}
MAIL = {**p.question("email", "mail", "E-mail"), "id": "2"}
KIND = {**p.question("choice", "kind", "Kind", choices={"now": "Now", "later": "Later"}), "id": "3"}
TIME = {**p.question("time", "begin", "Begin", latest="16:00"), "id": "6"}
HEAD = {"type": "section", "id": "4", "value": {"heading": "Who", "text": ""}}
TEXT = {"type": "help_text", "id": "5", "value": "<p>Please <b>read</b> this.</p>"}


def changed(field, **values):
    found = copy.deepcopy(field)
    found["value"].update(values)
    return found


def told(before, after):
    return differences(BLOCK.to_python(before), BLOCK.to_python(after))


CASES = [
    ([ROOM, MAIL], [ROOM, MAIL], []),
    ([ROOM], [ROOM, MAIL], ["Field “E-mail” was added after “Room”"]),
    ([ROOM], [MAIL, ROOM], ["Field “E-mail” was added at the beginning"]),
    ([ROOM, MAIL], [MAIL], ["Field “Room” was removed"]),
    ([ROOM, MAIL, KIND], [MAIL, KIND, ROOM], ["Field “Room” was moved behind “Kind”"]),
    ([ROOM, MAIL, KIND], [KIND, ROOM, MAIL], ["Field “Kind” was moved to the beginning"]),
    ([ROOM], [{**ROOM, "id": "9"}], []),
    (
        [ROOM],
        [changed(ROOM, label="Number of the room", required=True)],
        ["“Room”: Question or label changed from “Room” to “Number of the room”; must now be answered"],
    ),
    ([changed(ROOM, required=True)], [ROOM], ["“Room”: need not be answered any more"]),
    ([ROOM], [changed(ROOM, private=True)], ["“Room”: “Personal” was switched on"]),
    ([changed(ROOM, in_subject=True)], [ROOM], ["“Room”: “Into the subject” was switched off"]),
    ([ROOM], [changed(ROOM, help_text="")], ["“Room”: Help was emptied (it was “At the door”)"]),
    ([MAIL], [changed(MAIL, help_text="Yours")], ["“E-mail”: Help is now “Yours”"]),
    ([ROOM], [changed(ROOM, help_text="x" * 100)], ["“Room”: Help was reworded"]),
    (
        [ROOM],
        [{**ROOM, "type": "long_text"}],
        ["“Room”: is now of the kind “Long text”, and was “Short text”"],
    ),
    (
        [KIND],
        [changed(KIND, choices=[{"value": "now", "label": "At once"}, {"value": "x", "label": "Never"}])],
        ["“Kind”: answer “Now” is now called “At once”; answer “Later” removed; answer “Never” added"],
    ),
    (
        [KIND],
        [changed(KIND, choices=KIND["value"]["choices"][::-1])],
        ["“Kind”: Answers were put into another order"],
    ),
    (
        [TIME],
        [changed(TIME, earliest="09:30", latest="17:00")],
        ["“Begin”: Earliest time possible is now “9:30 a.m.”; Latest time possible changed from “4 p.m.” to “5 p.m.”"],
    ),
    ([ROOM], [HEAD, ROOM], ["Section “Who” was added at the beginning"]),
    ([HEAD], [changed(HEAD, heading="Where")], ["“Who”: Heading changed from “Who” to “Where”"]),
    ([TEXT], [], ["Text between fields “Please read this.” was removed"]),
    (
        [TEXT],
        [{**TEXT, "value": "<p>Please go.</p>"}],
        ["“Please read this.”: Text changed from “Please read this.” to “Please go.”"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "sentences"), CASES)
def test_changes_are_told_in_words(before, after, sentences):
    assert told(before, after) == sentences


def test_conditions_are_told_with_the_labels_of_their_time():
    later = {"field": "kind", "op": "is", "value": "later"}
    gone = {"field": "nothing", "op": "is", "value": "x"}
    one, other = changed(ROOM, condition=later), changed(ROOM, condition=gone)
    (added,) = told([KIND, ROOM], [KIND, one])
    assert "now only if Kind is Later" in added
    (taken,) = told([KIND, one], [KIND, ROOM])
    assert "no longer only if Kind is Later" in taken
    (odd,) = told([KIND, one], [KIND, other])
    assert "something holds that is no longer known" in odd
    called = changed(KIND, label="Sort")
    assert told([KIND, one], [called, one]) == [
        "“Kind”: Question or label changed from “Kind” to “Sort”"
    ]


def test_times_in_conditions_are_told_as_people_read_them():
    late = changed(ROOM, condition={"field": "begin", "op": "after", "value": "17:30"})
    (sentence,) = told([TIME, ROOM], [TIME, late])
    assert "now only if Begin is after 5:30 p.m." in sentence
    with translation.override("de"):
        (sentence,) = told([TIME, ROOM], [TIME, late])
        assert "17:30" in sentence


def test_words_are_those_of_the_reader():
    with translation.override("de"):
        assert told([ROOM], [MAIL]) != []


@pytest.fixture
def page(db):
    return p.make_form(p.make_site().services, [ROOM, KIND])


@pytest.mark.django_db
def test_wagtails_comparison_tells_the_fields_in_words(client, page):
    first = page.latest_revision_id
    page.fields = BLOCK.to_python([changed(ROOM, label="<b>Raum</b>"), MAIL])
    second = page.save_revision()
    client.force_login(f.UserFactory(is_superuser=True))
    url = reverse("wagtailadmin_pages:revisions_compare", args=[page.pk, first, second.pk])
    html = client.get(url).content.decode()
    assert "Room" in html
    assert "&lt;b&gt;Raum&lt;/b&gt;" in html
    assert "<b>Raum</b>" not in html
    assert "E-mail" in html
    assert "Kind" in html


def test_changes_within_a_list_of_rows_are_told_in_it():
    def people(*columns):
        value = {"label": "People", "key": "people", "columns": list(columns)}
        return [{"type": "group", "id": "7", "value": value}]

    first, mail = p.question("text", "first", "Name"), p.question("email", "mail", "E-mail")
    assert told(people(first), people(changed(first, required=True), mail)) == [
        "“People”: within: “Name”: must now be answered; within: Field “E-mail” was added after “Name”"
    ]


def test_answers_of_a_column_are_told_by_name():
    def rooms(*answers):
        extras = p.question("choices", "extras", "Extras", choices=dict(answers))
        return [{**p.question("group", "rooms", "Rooms", columns=[extras]), "id": "7"}]

    assert told(rooms(("bed", "Bed")), rooms(("bed", "Two beds"), ("dog", "Dog"))) == [
        "“Rooms”: within: “Extras”: answer “Bed” is now called “Two beds”; answer “Dog” added"
    ]


def test_hidden_and_required_conditions_of_any_slot_are_told():
    later = {"field": "kind", "op": "is", "value": "later"}
    (sentence,) = told([KIND, ROOM], [KIND, changed(ROOM, required_when=later)])
    assert "now only if Kind is Later" in sentence
    step = {"type": "step", "id": "8", "value": {"title": "Second", "condition": later}}
    assert told([KIND, {**step, "value": {"title": "Second"}}, ROOM], [KIND, step, ROOM])
