from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from wagtail.models import GroupPagePermission

from helpdesk.models import AutoResponse, QueueAddress, Ticket
from helpdesk.pages import untranslated, uses
from helpdesk.pages.publish_check import MANY, check
from portal.models import FieldSet
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

ROOM = p.question("text", "room", "Raum")
KIND = p.question("choice", "kind", "Art", choices={"paper": "Papier", "toner": "Toner"})


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def queue():
    queue = f.QueueFactory(
        legal_basis_de="§ 3 HG", retention_days=90, storage_purpose_de="Nachweis"
    )
    QueueAddress.objects.get_or_create(
        queue=queue, defaults={"address": "druck@desk.example", "normalised": "druck@desk.example"}
    )
    return queue


def make(tree, queue, *fields, english=True):
    """Return a form with a translation that asks the same in other words."""
    page = p.make_form(tree.services, list(fields) or [ROOM], queue=queue)
    if english:
        other = page.copy_for_translation(tree.english.locale, copy_parents=True)
        for child in other.fields:
            child.value["label"] = f"English {child.value['label']}"
            for choice in child.value.get("choices") or ():
                choice["label"] = f"English {choice['label']}"
        other.save_revision().publish()
    return type(page).objects.get(pk=page.pk)


def texts(page):
    return [finding.text for finding in check(page)]


def said(page, words):
    with translation.override("en"):  # whatever a visitor before has left
        found = [finding for finding in check(page) if words in finding.text]
    assert found, texts(page)
    return found[0]


def without(page, *keys):
    """Return the draft of a page that has lost some fields."""
    draft = type(page).objects.get(pk=page.pk)
    kept = [(c.block_type, c.value) for c in draft.fields if c.value["key"] not in keys]
    draft.fields = kept
    return draft


def test_good_form_has_no_findings(tree, queue):
    assert texts(make(tree, queue)) == []


def test_field_that_goes_is_told_with_the_open_tickets_that_hold_an_answer(client, tree, queue):
    page = make(tree, queue, ROOM, KIND)
    p.sent(client, page, q_kind="toner")
    p.sent(client, page, q_room="2", q_kind="paper")
    p.sent(client, page, q_room="3")
    tested = Ticket.objects.latest("pk")
    p.sent(client, page, q_room="4", q_kind="paper")
    Ticket.objects.filter(pk=Ticket.objects.latest("pk").pk).update(is_test=True)
    assert tested.pk
    translation.activate("en")  # the visitor's was German
    finding = said(without(page, "kind"), "“Art” is no longer asked")
    assert "2 open tickets hold an answer" in finding.text
    assert not finding.is_wrong
    # nobody ever answered
    assert said(without(make(tree, queue, ROOM, KIND), "kind"), "Art").text == (
        "Field “Art” is no longer asked."
    )


def test_field_that_goes_and_is_still_asked_about_is_wrong(tree, queue):
    asks = p.question(
        "text", "more", "Mehr", condition={"field": "kind", "op": "is", "value": "toner"}
    )
    page = make(tree, queue, KIND, asks)
    draft = without(page, "kind")
    draft.subject = "Fall {{ answer_kind }}"
    draft.receipt_text = "{{ answer_kind }} {{ kind }}"
    draft.thank_you = [("text", "<p>{{ answer_kind }}</p>")]
    finding = check(draft)[0]
    assert finding.is_wrong
    assert "the condition of “Mehr”" in finding.text
    assert "the text “subject of the tickets”" in finding.text
    assert "the text “text of the receipt” and the text “thank-you page”" in finding.text


def test_field_that_was_made_anew_is_told(tree, queue):
    page = make(tree, queue, ROOM, KIND)
    draft = without(page, "room")
    draft.subject = "Raum {{ answer_room }}"
    draft.fields.append(("number", {"label": "Raum", "key": "fresh"}))
    finding = said(draft, "“Raum” is no longer asked")
    assert "does not take its place" in finding.text
    assert "used by the text “subject of the tickets”" in finding.text
    assert finding.is_wrong


def test_field_that_turned_into_another_kind_is_told(tree, queue):
    page = make(tree, queue, ROOM, KIND)
    draft = without(page, "room")
    draft.fields.append(("number", {"label": "Raum", "key": "room"}))
    assert not said(draft, "“Raum” is now of another kind").is_wrong
    draft.routes = [
        {"type": "route", "value": {"condition": {"field": "room", "op": "is", "value": "1"}}}
    ]
    finding = said(draft, "“Raum” is now of another kind")
    assert finding.is_wrong
    assert "“routing by answers”, number 1" in finding.text


def test_no_more_places_are_named_than_can_be_read(tree, queue):
    asks = [
        p.question("text", f"k{n}", f"Mehr {n}", condition={"field": "kind", "op": "not_empty"})
        for n in range(7)
    ]
    draft = without(make(tree, queue, KIND, *asks), "kind")
    assert "“Mehr 4” and 2 more." in said(draft, "no longer asked").text


def test_others_say_what_they_use(tree, queue, monkeypatch):
    monkeypatch.setattr(uses, "_FINDERS", list(uses._FINDERS))

    @uses.register
    def views(page):
        yield uses.Use("room", "the view “Rooms”")
        yield uses.Use("room", "the view “Rooms”")

    uses.register(views)
    page = make(tree, queue, ROOM, KIND)
    assert said(without(page, "room"), "Raum").text.count("the view “Rooms”") == 1
    assert texts(page) == []


def test_missing_and_incomplete_translations_are_told(tree, queue):
    page = make(tree, queue, ROOM, KIND, english=False)
    assert said(page, "no version of this form in English")
    other = page.copy_for_translation(tree.english.locale, copy_parents=True)
    assert said(page, "version in English is not published")
    other.save_revision().publish()
    assert said(page, "called the same as here, not translated? “Raum”, “Art”")
    page.fields = [*((c.block_type, c.value) for c in page.fields), ("text", {"label": "Neu", "key": "new"})]  # fmt: skip
    assert said(page, "version in English does not ask for “Neu”")
    assert said(without(page, "room"), "version in English still asks for “Raum”")


def test_storage_queue_and_receipt_are_looked_at(tree, queue):
    page = make(tree, queue)
    AutoResponse.objects.create(queue=queue, kind="received", is_active=False)
    assert said(page, "No receipt is sent")
    queue.legal_basis_de = ""
    queue.save()
    page.refresh_from_db()
    assert said(page, "legal basis")
    page.legal_basis = "Vertrag"
    assert not any("on which legal basis" in text for text in texts(page))
    queue.addresses.all().delete()
    assert said(page, "no mail address")
    queue.is_active = False
    queue.save()
    page.refresh_from_db()
    assert said(page, "not in use").is_wrong


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (p.question("email", "a", "Adresse"), "not marked “Personal”"),
        (p.question("phone", "a", "Telefon"), "not marked “Personal”"),
        (p.question("text", "a", "Name", private=True, in_subject=True), "goes into the subject"),
        (p.question("files", "a", "Foto", required=True), "without a file nobody can send"),
        (p.question("consent", "a", "Ja"), "hardly says what is agreed to"),
    ],
)
def test_fields_that_are_a_risk_are_told(tree, queue, field, words):
    page = make(tree, queue, field)
    assert [text for text in texts(page) if words in text]


def test_many_fields_are_told(tree, queue):
    fields = [p.question("text", f"k{n}", f"Feld {n}") for n in range(MANY + 1)]
    assert said(make(tree, queue, *fields), f"{MANY + 1} fields")


def test_check_needs_a_constant_number_of_queries(tree, queue):
    def cost(count):
        fields = [p.question("text", f"k{n}", f"Feld {n}") for n in range(count)]
        page = make(tree, queue, *fields)
        draft = without(page, *(f"k{n}" for n in range(count - 1)))
        with CaptureQueriesContext(connection) as queries:
            check(draft)
        return len(queries)

    assert cost(2) == cost(60) <= 12


def editor(tree):
    user = f.UserFactory()
    group = Group.objects.create(name="Redaktion")
    group.permissions.add(*f.make_team().permissions.all())
    for right in ("add", "change", "publish"):
        GroupPagePermission.objects.create(group=group, page=tree.home, permission_type=right)
    user.groups.add(group)
    return user


def test_editor_reads_the_check_in_the_page_editor(client, tree, queue):
    page = make(tree, queue, p.question("email", "a", "<i>Adresse</i>"), english=False)
    client.force_login(editor(tree))
    html = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    assert "hd-check__item" in html
    assert "&lt;i&gt;Adresse&lt;/i&gt;" in html


# --- what has to be the same in all languages ------------------------------------------------------


def in_english(page, **changes):
    """Change the English version of a form on the site."""
    other = type(page).objects.exclude(pk=page.pk).get(translation_key=page.translation_key)
    groups = changes.pop("audience_groups", None)
    for name, value in changes.items():
        setattr(other, name, value)
    if groups is not None:
        other.audience_groups.set(groups)
    other.save_revision().publish()
    return type(page).objects.get(pk=page.pk)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"audience": "signed_in"}, "who may send it"),
        ({"opens_at": timezone.now()}, "opens at"),
        ({"closes_at": timezone.now()}, "closes at"),
        ({"submission_limit": 30}, "so many requests at most"),
    ],
)
def test_no_language_is_the_way_around_another(tree, queue, changes, name):
    page = make(tree, queue)
    finding = said(in_english(page, **changes), f"version in English differs in “{name}”")
    assert finding.is_wrong


def test_queue_and_groups_are_compared_and_rules_are_a_remark(tree, queue):
    page = in_english(make(tree, queue), queue=f.QueueFactory())
    assert said(page, "differs in “queue”").is_wrong
    group = Group.objects.create(name="Promovierende")
    page = in_english(make(tree, queue), audience="groups", audience_groups=[group])
    page.audience = "groups"
    assert said(page, "differs in “who may send it”").is_wrong
    route = {"condition": None, "queue": queue.pk, "ticket_type": None, "priority": None, "owner": None}  # fmt: skip
    routes = json.dumps([{"type": "route", "value": route}])
    page = in_english(make(tree, queue), routes=routes, retention_days=5)
    finding = said(page, "differs in “routing by answers” and “days kept after closing”")
    assert not finding.is_wrong
    page.routes, page.retention_days = routes, 5
    assert not [text for text in texts(page) if "differs" in text]


def test_the_number_of_days_of_the_site_is_told_where_nobody_says_another(tree, queue, settings):
    settings.HELPDESK = {**settings.HELPDESK, "RETENTION_DAYS": 400}
    queue.retention_days = None
    queue.save()
    page = make(tree, queue)
    finding = said(page, "how long the requests are kept")
    assert "400 days after closing" in finding.text
    assert not finding.is_wrong
    page.retention_days = 30
    assert not [text for text in texts(page) if "how long" in text]


def test_field_set_that_is_not_published_is_wrong(tree, queue):
    one = FieldSet(title="Einwilligung", locale=tree.home.locale, live=False)
    one.fields = json.dumps([ROOM])
    one.save()
    page = make(tree, queue, KIND, {"type": "field_set", "value": one.pk}, english=False)
    assert said(page, "The field set “Einwilligung” is not published").is_wrong
    FieldSet.objects.update(live=True)
    page = type(page).objects.get(pk=page.pk)
    assert not [text for text in texts(page) if "field set" in text]


def test_hidden_value_in_the_subject_is_told(tree, queue):
    page = make(tree, queue, ROOM, p.question("hidden", "h", "Ort", value="x", in_subject=True))
    assert said(page, "Hidden value “Ort” goes into the subject")


ONLY_TONER = {"field": "kind", "op": "is", "value": "toner"}
PHOTO = p.question("files", "photo", "Foto", required=True)


def test_file_that_everybody_must_send_is_told(tree, queue):
    page = make(tree, queue, KIND, PHOTO)
    assert said(page, "“Foto” must be answered: without a file nobody")


@pytest.mark.parametrize(
    "fields",
    [
        [p.question("files", "photo", "Foto", required=True, condition=ONLY_TONER)],
        [{"type": "section", "value": {"heading": "Toner", "condition": ONLY_TONER}}, PHOTO],
        [
            {"type": "step", "value": {"title": "Toner", "condition": ONLY_TONER}},
            {"type": "section", "value": {"heading": "Bild"}},
            PHOTO,
        ],
    ],
)
def test_file_that_is_asked_only_sometimes_stops_nobody(tree, queue, fields):
    page = make(tree, queue, KIND, *fields, english=False)
    assert not [text for text in texts(page) if "Foto" in text]


def test_a_section_counts_for_its_own_fields_only(tree, queue):
    section = {"type": "section", "value": {"heading": "Toner", "condition": ONLY_TONER}}
    rest = {"type": "section", "value": {"heading": "Bild"}}
    page = make(tree, queue, KIND, section, ROOM, rest, PHOTO, english=False)
    assert said(page, "“Foto” must be answered")


# --- texts that nobody translated ---------------------------------------------------------------------


def test_texts_of_the_other_language_that_are_still_ours_are_named(tree, queue):
    texts_of_page = {"intro": "<p>Hallo</p>", "receipt_text": "Danke, {{ number }}!"}
    page = p.make_form(
        tree.services,
        [
            {"type": "section", "value": {"heading": "Ort", "text": "<p>Wo?</p>"}},
            p.question("text", "room", "Raum", help_text="Am Türschild"),
            KIND,
        ],
        queue=queue,
        subject="{{ room }}",
        thank_you=json.dumps([{"type": "text", "value": "<p>Vielen Dank</p>"}]),
        **texts_of_page,
    )
    other = page.copy_for_translation(tree.english.locale, copy_parents=True)
    for child in other.fields:
        if "label" in child.value:
            child.value["label"] = f"English {child.value['label']}"
    other.save_revision().publish()
    page = type(page).objects.get(pk=page.pk)
    with translation.override("en"):
        assert untranslated.left_as_they_are(page, other) == [
            "“Ort” (Heading)",
            "“Ort” (Text)",
            "“Raum” (Help)",
            "“Art” (Answers)",
            "“introduction”",
            "“text of the receipt”",
            "“thank-you page”",
        ]
    finding = said(page, "In English these texts are the same as here, not translated?")
    assert "“Raum” (Help)" in finding.text
    assert finding.text.endswith("2 more.")
    assert not finding.is_wrong


def test_translated_texts_and_bare_variables_are_no_finding(tree, queue):
    page = p.make_form(
        tree.services, [ROOM], queue=queue, subject="{{ room }}", intro="<p>Hallo</p>"
    )
    other = page.copy_for_translation(tree.english.locale, copy_parents=True)
    other.fields[0].value["label"], other.intro = "Room", "<p>Hello</p>"
    other.save_revision().publish()
    assert texts(type(page).objects.get(pk=page.pk)) == []


def test_words_of_the_queue_in_another_language_are_told_where_they_appear(tree, queue):
    page = make(tree, queue)
    other = type(page).objects.exclude(pk=page.pk).get(translation_key=page.translation_key)
    assert not said(other, "“purpose of keeping” is said by the queue in another").is_wrong
    assert said(other, "“legal basis” is said by the queue in another language only")
    assert not [text for text in texts(page) if "another language" in text]
    other.storage_purpose, other.legal_basis = "Proof", "Section 3"
    assert not [text for text in texts(other) if "another language" in text]
    queue.storage_purpose_en, queue.legal_basis_en = "Proof", "Section 3"
    queue.save()
    other = type(other).objects.get(pk=other.pk)
    assert not [text for text in texts(other) if "another language" in text]
