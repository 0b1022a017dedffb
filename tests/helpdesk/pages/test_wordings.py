"""What a form says in its own words: subject, receipt, thank-you page."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from wagtail.test.utils.form_data import rich_text

from helpdesk.models import AutoResponse, OutboundMail, Ticket
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

FIELDS = [
    p.question("text", "room", "Raum", required=True),
    p.question("choice", "kind", "Art", choices={"paper": "Papier", "toner": "Toner"}),
    p.question("text", "birth", "Geburtsort", private=True),
]
EVIL = '<script>alert("x")</script> {{ number }} & <b>fett</b>'


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def queue(db):
    return f.QueueAddressFactory(address="druck@desk.example").queue


def form_with(tree, fields=FIELDS, **options):
    thanks = options.pop("thanks", None)
    if thanks is not None:
        options["thank_you"] = json.dumps(thanks)
    return p.make_form(tree.services, fields, **options)


def text(html):
    return {"type": "text", "value": html}


# --- subject -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "answers", "subject"),
    [
        ("", {}, "Störung melden"),
        ("Druck", {}, "Druck"),
        ("Raum {{ answer_room }} ({{ answer_kind }})", {"q_kind": "toner"}, "Raum 12.3 (Toner)"),
        ("Raum {{ answer_room }} ({{ answer_kind }})", {}, "Raum 12.3"),
        ("{{answer_kind}}: {{ ANSWER_ROOM }}", {}, "12.3"),
        ("{{ answer_kind }}", {}, "Störung melden"),
        ("{{ page_title }} von {{ customer_name }}", {}, "Störung melden von Ada Beispiel"),
        ("{{ answer_gone }} {{ answer_room }}", {}, "12.3"),
        ("{{ answer_room }}", {"q_room": "{{ page_title }}"}, "{{ page_title }}"),
    ],
)
def test_subject_is_filled_with_the_answers(client, tree, template, answers, subject):
    p.sent(client, form_with(tree, subject=template), **answers)
    assert Ticket.objects.get().subject == subject


def test_marked_fields_are_still_added(client, tree):
    fields = [p.question("text", "room", "Raum", in_subject=True), *FIELDS[1:]]
    p.sent(client, form_with(tree, fields, subject="Art {{ answer_kind }}"), q_kind="paper")
    assert Ticket.objects.get().subject == "Art Papier: 12.3"


def test_personal_answers_stay_out_of_the_words_of_confidential_queues(client, tree, queue):
    queue.is_confidential = True
    queue.save()
    fields = [*FIELDS[:2], p.question("text", "birth", "Geburtsort", private=True, in_subject=True)]
    page = form_with(
        tree,
        fields,
        queue=queue,
        subject="Aus {{ answer_birth }} in {{ answer_room }}",
        receipt_text="Raum {{ answer_room }}.\n\nGeboren in {{ answer_birth }}.",
        thanks=[text("<p>Raum {{ answer_room }}</p><p>Ort {{ answer_birth }}</p>")],
    )
    response = p.sent(client, page, q_birth="Timbuktu")
    mail, ticket = OutboundMail.objects.get(), Ticket.objects.get()
    assert "Raum 12.3." in mail.body
    for said in (ticket.subject, mail.subject, mail.body, mail.html):
        assert "Timbuktu" not in said
    assert "Timbuktu" not in client.get(response["Location"]).content.decode()
    queue.is_confidential = False
    queue.save()
    p.sent(client, page, q_birth="Timbuktu", q_room="2")
    assert "Timbuktu" in OutboundMail.objects.order_by("pk").last().body


# --- receipt -------------------------------------------------------------------------------------


def test_receipt_of_the_form_is_sent_instead_of_the_queues(client, tree, queue):
    AutoResponse.objects.create(
        queue=queue, kind=AutoResponse.Kind.RECEIVED, subject_de="Von der Queue", body_de="Queue."
    )
    page = form_with(
        tree,
        queue=queue,
        receipt_subject="Ihr Antrag {{ answer_kind }}",
        receipt_text=(
            "{{ greeting }}\n\nRaum {{ answer_room }}, Nummer {{ number }}.\nArt: {{ answer_kind }}.\n\n"
            "Zu {{ page_title }}: {{ status_link }}"
        ),
    )
    p.sent(client, page, q_kind="toner", q_room=EVIL)
    mail, ticket = OutboundMail.objects.get(), Ticket.objects.get()
    assert "Queue." not in mail.body
    assert f"Raum {EVIL}, Nummer {ticket.number}.\nArt: Toner." in mail.body
    assert mail.body.startswith("Guten Tag Ada Beispiel,\n\n")
    assert "Zu Störung melden: http" in mail.body
    assert "<script>" not in mail.html
    assert "&lt;b&gt;fett" in mail.html
    assert mail.subject.endswith("Ihr Antrag Toner")
    assert ticket.number in mail.subject


def test_parts_of_the_receipt_that_are_empty_are_the_queues(client, tree, queue):
    AutoResponse.objects.create(
        queue=queue,
        kind=AutoResponse.Kind.RECEIVED,
        subject_de="Von der Queue",
        body_de="Text der Queue.",
    )
    p.sent(client, form_with(tree, queue=queue, receipt_subject="Eigener Betreff"))
    mail = OutboundMail.objects.get()
    assert mail.subject.endswith("Eigener Betreff")
    assert "Text der Queue." in mail.body


@pytest.mark.parametrize("off", ["queue", "text"])
def test_a_queue_without_receipts_sends_none(client, tree, queue, off):
    if off == "queue":
        queue.sends_receipt = False
        queue.save()
    else:
        AutoResponse.objects.create(queue=queue, kind=AutoResponse.Kind.RECEIVED, is_active=False)
    p.sent(client, form_with(tree, queue=queue, receipt_text="Danke."))
    assert Ticket.objects.exists()
    assert not OutboundMail.objects.exists()


def test_receipt_is_that_of_the_queue_it_is_routed_to(client, tree, queue):
    AutoResponse.objects.create(
        queue=queue, kind=AutoResponse.Kind.RECEIVED, subject_de="", body_de="Queue {{ queue }}."
    )
    routes = json.dumps([{"type": "route", "value": {"condition": None, "queue": queue.pk}}])
    p.sent(client, form_with(tree, routes=routes, receipt_subject="Zu {{ queue }}"))
    mail = OutboundMail.objects.get()
    assert f"Queue {queue.name}." in mail.body
    assert mail.subject.endswith(f"Zu {queue.name}")


# --- thank-you page ------------------------------------------------------------------------------

ALL_BLOCKS = [
    text("<p>Nummer <b>{{ number }}</b> für {{ customer_name }}.</p><p>{{ expected_answer }}</p>"),
    text("<ul><li>Art {{ answer_kind }}</li><li>Raum {{ answer_room }}</li></ul>"),
    {"type": "notice", "value": {"heading": "Wichtig zu {{ answer_room }}", "text": "<p>Bitte warten.</p>"}},
    {"type": "steps", "value": {"heading": "Wie es weitergeht", "steps": [
        {"type": "item", "id": "1", "value": "Wir lesen {{ number }}."},
        {"type": "item", "id": "2", "value": "Wir bringen {{ answer_kind }}."},
    ]}},
    {"type": "link", "value": {"label": "Zu {{ page_title }}", "page": None, "url": "https://desk.example/"}},
]  # fmt: skip


def test_thanks_are_filled_and_what_was_typed_is_text(client, tree):
    page = form_with(tree, thanks=ALL_BLOCKS)
    answer = client.get(p.sent(client, page, q_room=EVIL)["Location"])
    html, number = answer.content.decode(), Ticket.objects.get().number
    words = " ".join(BeautifulSoup(html, "html.parser").main.get_text(" ").split())
    assert f"<b>{number}</b>" in html
    assert f"Raum {EVIL}" in words
    assert "<script>alert" not in html
    assert "Art" not in words
    assert "Wir bringen" not in words
    assert f"Wir lesen {number}." in words
    assert "Ada Beispiel" in words
    assert ">Zu Störung melden</a>" in html


def test_thanks_that_may_not_name_the_request_say_the_rest(client, tree):
    page = form_with(tree, thanks=ALL_BLOCKS)
    words = client.get(f"{page.url}?done=forged").content.decode()
    assert "Bitte warten." in words
    assert "Zu Störung melden" in words
    assert "{{" not in words
    assert "Wir lesen" not in words


def test_thanks_in_the_preview_have_samples(tree):
    page = form_with(tree, thanks=ALL_BLOCKS)
    html = page.make_preview_request(preview_mode="landing").render().content.decode()
    assert "[Raum]" in html
    assert "2026031510000427" in html


def test_thanks_cost_a_constant_number_of_queries(client, tree, django_assert_max_num_queries):
    few = form_with(tree, thanks=ALL_BLOCKS)
    many = form_with(tree, thanks=ALL_BLOCKS * 20, title="Viele")
    counts = []
    for page in (few, many):
        address = p.sent(client, page)["Location"]
        with django_assert_max_num_queries(80) as found:
            client.get(address)
        counts.append(len(found))
    assert counts[0] == counts[1]


# --- the editor ----------------------------------------------------------------------------------


def errors_of(page, **changes):
    for name, value in changes.items():
        setattr(page, name, value)
    return dict(page.wording_errors())


def test_unknown_variables_are_refused_in_words_at_their_field(tree):
    page = form_with(tree)
    assert errors_of(page) == {}
    found = errors_of(
        page,
        subject="{{ number }}",
        receipt_subject="{{ answer_gone }}",
        receipt_text="{{ nummer",
        thank_you=json.dumps([text("<p>{{ status_link }}</p>")]),
    )
    assert set(found) == {"subject", "receipt_subject", "receipt_text", "thank_you"}
    assert "number" in found["subject"].messages[0]
    assert "answer_room" in found["subject"].messages[0]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (text("<p>{{ gone }}</p>"), []),
        (text("<p>{{ <b>number</b> }}</p>"), []),
        ({"type": "notice", "value": {"heading": "{{ gone }}", "text": "<p>x</p>"}}, ["heading"]),
        ({"type": "notice", "value": {"heading": "", "text": "<p>{{ gone }}</p>"}}, ["text"]),
        ({"type": "steps", "value": {"heading": "x", "steps": [
            {"type": "item", "id": "1", "value": "a"},
            {"type": "item", "id": "2", "value": "{{ gone }}"}]}}, ["steps", 1]),
        ({"type": "link", "value": {"label": "{{ gone }}", "page": None, "url": "https://a.example"}}, ["label"]),
    ],
)  # fmt: skip
def test_errors_of_the_thanks_stand_at_their_block(tree, block, path):
    page = form_with(tree)
    error = errors_of(page, thank_you=json.dumps([text("<p>gut</p>"), block]))["thank_you"]
    for step in [1, *path]:
        error = error.block_errors[step]
    assert error.messages


def edited(page, **changes):
    """Return the data of the page's editor as the browser sends it, with changes."""
    form_class = IntakeFormPage.get_edit_handler().get_form_class()
    form = form_class(instance=page, for_user=f.UserFactory(is_superuser=True))
    plain = ("title", "slug", "queue", "subject", "receipt_subject", "receipt_text", "audience")
    data = {name: form[name].value() or "" for name in plain}
    data |= {
        "fields-count": "1",
        "fields-0-type": "text",
        "fields-0-order": "0",
        "fields-0-id": "a",
    }
    data |= {"fields-0-deleted": "", "fields-0-value-label": "Raum", "fields-0-value-key": "room"}
    for name in ("help_text", "condition", "required_when"):
        data[f"fields-0-value-{name}"] = "null" if name != "help_text" else ""
    rich = ("intro", "text_before", "text_after", "text_full", "text_excluded")
    data |= {name: rich_text("") for name in rich}
    data |= {"routes-count": "0", "thank_you-count": "0", "comment_set-TOTAL_FORMS": "0"}
    data |= {"comment_set-INITIAL_FORMS": "0"} | changes
    return data


def test_the_editor_saves_drafts_and_refuses_to_publish_what_cannot_be_filled(admin_client, tree):
    page = form_with(tree, FIELDS[:1])
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    data = edited(page, subject="Raum {{ answer_raum }}")
    saved = admin_client.post(url, data)
    assert saved.status_code == 302, saved.context["form"].errors.as_data()
    draft = IntakeFormPage.objects.get(pk=page.pk).get_latest_revision_as_object()
    assert draft.subject == "Raum {{ answer_raum }}"
    answer = admin_client.post(url, {**data, "action-publish": "1"})
    assert answer.status_code == 200
    assert "answer_raum" in answer.content.decode()
    assert IntakeFormPage.objects.get(pk=page.pk).subject == ""
    data["subject"] = "Raum {{ answer_room }}"
    assert admin_client.post(url, {**data, "action-publish": "1"}).status_code == 302
    assert IntakeFormPage.objects.get(pk=page.pk).subject == "Raum {{ answer_room }}"


def test_the_editor_refuses_a_window_that_closes_first_and_groups_without_one(admin_client, tree):
    page = form_with(tree, FIELDS[:1])
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    for wrong, field in (
        ({"opens_at": "2026-12-02 08:00", "closes_at": "2026-12-02 08:00"}, "closes_at"),
        ({"audience": "groups"}, "audience_groups"),
    ):
        data = edited(page, **wrong)
        answer = admin_client.post(url, {**data, "action-publish": "1"})
        assert list(answer.context["form"].errors) == [field]


def test_the_editor_lists_the_variables(admin_client, tree):
    page = form_with(tree)
    html = admin_client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    for name in ("answer_room", "answer_birth", "page_title", "expected_answer"):
        assert f"<code>{{{{ {name} }}}}</code>" in html


def test_the_subject_in_a_confidential_queue_names_nobody(client, tree, queue):
    page = form_with(tree, queue=queue, subject="Meldung von {{ customer_name }}")
    p.sent(client, page)
    assert Ticket.objects.get().subject == "Meldung von Ada Beispiel"
    queue.is_confidential = True
    queue.save()
    p.sent(client, IntakeFormPage.objects.get(pk=page.pk))
    assert "Ada" not in Ticket.objects.latest("pk").subject


# --- hidden values -------------------------------------------------------------------------------

HIDDEN = p.question("hidden", "mark", "Vermerk", value="GEHEIM-INTERN")


def test_who_sends_a_form_never_reads_its_hidden_value(client, tree, queue):
    page = form_with(tree, [*FIELDS, HIDDEN], queue=queue)
    # what was written before hidden values were kept back
    page.receipt_text = "Raum {{ answer_room }}.\n\nVermerk {{ answer_mark }}."
    page.thank_you = json.dumps([text("<p>Raum {{ answer_room }}</p><p>{{ answer_mark }}</p>")])
    page.save_revision().publish()
    user = f.UserFactory(first_name="Ada", last_name="Byron")
    client.force_login(user)
    response = p.sent(client, page)
    mail, ticket = OutboundMail.objects.get(), Ticket.objects.get()
    thanks = client.get(response["Location"]).content.decode()
    own = client.get(reverse("helpdesk_customers:detail", kwargs={"number": ticket.number}))
    assert "Raum 12.3." in mail.body
    assert "Raum 12.3" in thanks
    assert "12.3" in own.content.decode()
    for words in (mail.body, thanks, own.content.decode(), ticket.articles.get().body):
        assert "GEHEIM-INTERN" not in words
        assert "Vermerk" not in words
    # who works on it has it, beside its question, and finds it
    assert [one["value"] for one in ticket.answers if one["key"] == "mark"] == ["GEHEIM-INTERN"]
    assert ticket.answer_rows.filter(key="mark", text="geheim-intern").exists()
    client.force_login(f.make_agent(queue))
    desk = client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).content.decode()
    assert "GEHEIM-INTERN" in desk
    assert "hd-fold" in desk  # the message repeats the answers, and is folded


def test_a_hidden_value_stands_on_the_page_only_where_a_condition_asks_about_it(client, tree):
    page = form_with(tree, [*FIELDS, HIDDEN])
    assert "GEHEIM" not in client.get(page.url).content.decode()
    assert "GEHEIM" not in p.sent(client, page, q_room="").content.decode()
    asks = {"field": "mark", "op": "is", "value": "GEHEIM-INTERN"}
    more = p.question("text", "more", "Mehr", condition=asks)
    page = form_with(tree, [*FIELDS, HIDDEN, more], title="Zweites")
    assert 'value="GEHEIM-INTERN"' in client.get(page.url).content.decode()


def test_texts_that_the_sender_reads_know_no_hidden_value(tree):
    page = form_with(tree, [*FIELDS, HIDDEN], receipt_text="{{ answer_mark }}", subject="{{ answer_mark }}")  # fmt: skip
    assert [name for name, _error in page.wording_errors()] == ["receipt_text"]
