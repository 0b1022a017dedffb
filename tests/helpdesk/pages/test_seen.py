"""A form that changes while somebody has it open: nobody answers a question that was never put to them."""

from __future__ import annotations

import json

import pytest
from django.core import signing
from django.urls import reverse
from django.utils import translation

from helpdesk.models import Ticket
from portal.models import FieldSet, IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

ROOM = p.question("text", "room", "Raum", required=True)
WHAT = p.question("long_text", "what", "Beschreibung")
LONG = "Ein sehr langer Text, den ich geschrieben habe"


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def page(tree):
    return p.make_form(tree.services, [ROOM, WHAT])


def opened(client, page, **values):
    """Open a form, and return what its page sends."""
    form = client.get(page.url).context["form"]
    own = {name: form[name].value() for name in ("submission_key", "shown_at", "form_seen")}
    data = {"contact_name": "Ada", "contact_email": "ada@mail.example", "q_room": "12.3", **own}
    return {**data, **values}


def publish(page, *fields, **values):
    page = IntakeFormPage.objects.get(pk=page.pk)
    if fields:
        page.fields = json.dumps(fields)
    for name, value in values.items():
        setattr(page, name, value)
    page.save_revision().publish()


def again(response, data, **values):
    """Return what the page sends that was shown again."""
    form = response.context["form"]
    own = {name: form[name].value() for name in ("submission_key", "shown_at", "form_seen")}
    return {**data, **own, **values}


def test_nothing_is_taken_and_nothing_lost_when_the_questions_changed(client, page):
    data = opened(client, page, q_what=LONG)
    publish(page, p.question("text", "room", "Telefonnummer Ihres Vorgesetzten", required=True))
    response = client.post(page.url, data)
    html = response.content.decode()
    assert (response.status_code, Ticket.objects.count()) == (409, 0)
    assert "Dieses Formular wurde geändert" in html
    assert "Telefonnummer Ihres Vorgesetzten" in html
    assert f">Beschreibung: {LONG}</textarea>" in html.replace("\n", "")
    assert 'value="12.3"' in html
    # another error later does not cost the text either
    data = again(response, data, given_back=response.context["form"].given_back)
    response = client.post(page.url, {**data, "q_room": ""})
    assert (response.status_code, Ticket.objects.count()) == (200, 0)
    assert LONG in response.content.decode()
    response = client.post(page.url, again(response, data, q_room="Frau Berg"))
    ticket = Ticket.objects.get()
    page.refresh_from_db()
    assert (response.status_code, ticket.revision_id) == (302, page.live_revision_id)
    assert [(one["label"], one["value"]) for one in ticket.answers] == [
        ("Telefonnummer Ihres Vorgesetzten", "Frau Berg")
    ]
    assert LONG not in ticket.articles.get().body


def test_in_english_it_is_said_in_english(client, tree, page):
    english = page.copy_for_translation(tree.english.locale, copy_parents=True)
    english.save_revision().publish()
    data = opened(client, english)
    publish(page, p.question("text", "room", "Telefon"))
    # the German page is another form: whoever has the English one open is not bothered
    assert client.post(english.url, data).status_code == 302
    data = opened(client, english)
    publish(english, p.question("text", "room", "Phone"))
    response = client.post(english.url, data)
    assert response.status_code == 409
    assert "This form has changed since you opened it" in response.content.decode()


@pytest.mark.parametrize("age", ["published once more", "other words around it", "new ids"])
def test_a_form_with_the_same_questions_is_taken(client, page, age):
    data = opened(client, page)
    if age == "new ids":  # the editor took a field out and put the very same in again
        publish(page, {**ROOM, "id": "8a0a4b1e-0000-4000-8000-000000000001"}, WHAT)
    else:
        publish(page, title="Anders", intro="<p>Neu.</p>") if age[0] == "o" else publish(page)
    assert client.post(page.url, data).status_code == 302
    ticket = Ticket.objects.get()
    page.refresh_from_db()
    assert ticket.revision_id == page.live_revision_id


@pytest.mark.parametrize("note", [None, "", "forged", signing.Signer().sign("0" * 64)])
def test_a_note_that_is_missing_or_forged_changes_nothing(client, page, note):
    """A page that was open during an update has none."""
    data = {**opened(client, page), "form_seen": note}
    sent = {name: value for name, value in data.items() if value is not None}
    assert client.post(page.url, sent).status_code == 302


@pytest.mark.parametrize(
    "change",
    [
        {"label": "Etage"},
        {"help_text": "Mit dem Buchstaben des Gebäudes"},
        {"required": False},
        {"condition": {"field": "what", "op": "not_empty"}},
    ],
)
def test_words_and_rules_of_a_question_are_part_of_it(client, page, change):
    data = opened(client, page)
    publish(page, WHAT, {**ROOM, "value": {**ROOM["value"], **change}})
    assert client.post(page.url, data).status_code == 409


def test_a_field_set_that_changed_counts_and_a_hidden_value_does_not(client, tree):
    fields = FieldSet(title="S", locale=tree.home.locale, fields=json.dumps([ROOM]))
    fields.save()
    fields.save_revision().publish()
    used = {"type": "field_set", "value": fields.pk}
    page = p.make_form(tree.services, [used, p.question("hidden", "h", "H", value="a")])
    data = opened(client, page)
    publish(page, used, p.question("hidden", "h", "H", value="b"))
    assert client.post(page.url, data).status_code == 302
    data = opened(client, page)
    fields.fields = json.dumps([p.question("text", "room", "Etage")])
    fields.save_revision().publish()
    assert client.post(page.url, data).status_code == 409


def test_what_a_new_control_cannot_show_is_given_back(client, tree):
    columns = [p.question("text", "c1", "Name"), p.question("text", "c2", "Ort")]
    rows = p.question("group", "g", "Personen", columns=columns)
    kind = p.question("choice", "k", "Art", choices={"apfel": "Apfel", "birne": "Birne"})
    day = p.question("text", "d", "Wann")
    page = p.make_form(tree.services, [rows, kind, day, ROOM])
    data = opened(
        client, page, q_k="birne", q_d="übermorgen", q_room="Hier", **{"q_g-rows": "1", "q_g-0-c1": "Byron", "q_g-0-c2": "Köln"}
    )  # fmt: skip
    publish(
        page,
        p.question("group", "g", "Personen", columns=columns[:1]),
        p.question("choice", "k", "Art", choices={"apfel": "Apfel"}),
        p.question("date", "d", "Wann"),
        ROOM,
    )
    response = client.post(page.url, data)
    assert response.context["form"].given_back.split("\n\n") == [
        "Art: Birne",
        "Wann: übermorgen",
        "Personen, Ort: Köln",
    ]
    html = response.content.decode()
    assert 'value="Byron"' in html
    assert "Ungültig" not in html


def test_labels_are_those_that_were_read_also_on_an_alias_and_only_those_of_this_form(client, tree):
    what = p.question("text", "x", "Was genau?")
    page = p.make_form(tree.services, [ROOM, what])
    alias = page.create_alias(parent=tree.home, update_slug="alias")
    other = p.make_form(tree.services, [ROOM, p.question("text", "x", "Geheim")], title="Anderes")
    data = {one.url: opened(client, one, q_x="Das") for one in (page, alias)}
    publish(page, p.question("text", "x2", "Mehr"), ROOM)
    for url, sent in data.items():
        assert client.post(url, sent).context["form"].given_back == "Was genau? Das"
    sent = {**data[page.url], "form_seen": opened(client, other)["form_seen"]}
    assert client.post(page.url, sent).context["form"].given_back == "Das"
    IntakeFormPage.objects.get(pk=page.pk).revisions.exclude(
        pk=IntakeFormPage.objects.get(pk=page.pk).live_revision_id
    ).delete()
    assert client.post(page.url, data[page.url]).context["form"].given_back == "Das"


def test_rows_of_a_list_that_is_gone_are_given_back_line_by_line(client, tree):
    columns = [p.question("text", "c1", "Name"), p.question("text", "c2", "Ort")]
    page = p.make_form(tree.services, [p.question("group", "g", "Personen", columns=columns), ROOM])
    cells = {"q_g-0-c1": "Ada", "q_g-0-c2": "Köln", "q_g-1-c1": "Ben", "q_g-paste": "Kim\tBonn"}
    data = opened(client, page, **{"q_g-rows": "2", **cells})
    publish(page, ROOM)
    given = client.post(page.url, data).context["form"].given_back
    assert given == "Personen:\nAda\tKöln\nBen\nKim\tBonn"


def test_a_button_of_a_list_shows_the_new_questions_and_a_check_names_no_error(client, page):
    data = opened(client, page, q_room="")
    publish(page, p.question("text", "room", "Etage", required=True))
    answer = client.post(page.url, {**data, "check_step": "1"})
    assert (answer.status_code, answer.json()["errors"]) == (409, {})
    fresh = opened(client, page, q_room="")
    answer = client.post(page.url, {**fresh, "check_step": "1"})
    assert list(answer.json()["errors"]) == ["q_room"]


def test_a_form_open_for_days_asks_once_only(client, page, monkeypatch):
    from helpdesk import limits

    data = opened(client, page, shown_at=limits.stamp(seconds_ago=3 * 86400))
    publish(page, p.question("text", "room", "Etage"))
    response = client.post(page.url, data)
    assert response.status_code == 409
    with translation.override("de"):
        assert client.post(page.url, again(response, data)).status_code == 302


def test_a_trial_of_a_draft_that_changed_is_shown_again(client, page):
    client.force_login(f.UserFactory(is_superuser=True, is_staff=True))
    url = reverse("helpdesk_forms:try", args=[page.pk])
    form = client.get(url).context["form"]
    data = {"q_room": "1", "form_seen": form["form_seen"].value()}
    draft = IntakeFormPage.objects.get(pk=page.pk)
    draft.fields = json.dumps([p.question("text", "room", "Etage")])
    draft.save_revision()
    response = client.post(url, data)
    assert "Dieses Formular wurde geändert" in response.content.decode()
    assert not Ticket.objects.exists()
