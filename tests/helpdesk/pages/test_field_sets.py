"""Field sets: unfolded wherever a form's fields are walked, once in a form, in its language."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils import translation
from wagtail.blocks import StreamBlockValidationError
from wagtail.models import Locale, ReferenceIndex
from wagtail.test.utils.form_data import nested_form_data, streamfield

from helpdesk.models import Ticket
from helpdesk.pages.forms import IntakeForm
from helpdesk.pages.stream import FieldsBlock, FormFieldsBlock
from portal.models import FieldSet, IntakeFormPage
from tests import factories as f
from tests import page_factories as pages

pytestmark = pytest.mark.django_db

ROOM = [
    pages.question("text", "building", "Gebäude", required=True),
    pages.question("choice", "floor", "Stock", choices={"eg": "Erdgeschoss", "og": "Obergeschoss"}),
]


@pytest.fixture
def tree():
    return pages.make_site()


def make_set(title="Ort", fields=None, language="de", **options):
    one = FieldSet(title=title, locale=Locale.objects.get(language_code=language), **options)
    one.fields = json.dumps(fields or ROOM)
    one.save()
    return one


def use(one):
    return {"type": "field_set", "value": one.pk}


def make_form(tree, *blocks, **options):
    return pages.make_form(tree.home, list(blocks), **options)


def test_a_form_asks_the_questions_of_its_set(client, tree):
    form = make_form(tree, pages.question("text", "what", "Was?"), use(make_set()))
    assert form.get_data_fields() == [("what", "Was?"), ("building", "Gebäude"), ("floor", "Stock")]
    html = client.get(form.url).content.decode()
    assert html.index("q_what") < html.index("q_building") < html.index("q_floor")
    pages.sent(client, form, q_room=None, q_what="Licht", q_building="23", q_floor="eg")
    [ticket] = Ticket.objects.all()
    assert [(one["key"], one["value"]) for one in ticket.answers] == [
        ("what", "Licht"),
        ("building", "23"),
        ("floor", "eg"),
    ]
    assert ticket.answers[2]["shown"] == "Erdgeschoss"


def test_the_set_speaks_the_language_of_the_page(client, tree):
    german = make_set()
    english = german.copy_for_translation(Locale.objects.get(language_code="en"))
    english.fields[0].value["label"] = "Building"
    english.save()
    english.save_revision().publish()
    form = make_form(tree, use(german))
    copy = form.copy_for_translation(tree.english.locale, copy_parents=True)
    copy.save_revision().publish()
    assert "Building" in client.get(copy.url).content.decode()
    assert "Gebäude" in client.get(form.url).content.decode()
    with translation.override("en"):
        assert (
            dict(IntakeFormPage.objects.get(pk=copy.pk).get_data_fields())["building"] == "Building"
        )


def test_keys_stay_in_translations_copies_and_aliases(tree):
    fields = [
        {"type": "text", "id": "a1", "value": {"label": "Gebäude"}},
        {"type": "group", "id": "b2", "value": {"label": "Leute", "columns": [
            {"type": "choice", "id": "c3", "value": {"label": "Rolle", "choices": [
                {"type": "item", "id": "d4", "value": {"label": "Leitung"}}]}}]}},
    ]  # fmt: skip
    source = make_set(fields=fields)
    copy = source.copy_for_translation(Locale.objects.get(language_code="en"))
    copy.save()

    def keys(stream):
        found = [child.value["key"] for child in stream]
        [column] = stream[1].block.inner(stream[1].value)
        choices = [one["value"] for one in column.block.choices_of(column.value)]
        return [*found, column.value["key"], *choices]

    expected = keys(FieldSet.objects.get(pk=source.pk).fields)
    assert len(set(expected)) == 4
    assert keys(FieldSet.objects.get(pk=copy.pk).fields) == expected
    form = pages.make_form(tree.home, fields)
    for other in (
        form.copy(update_attrs={"slug": "kopie"}),
        form.create_alias(update_slug="alias"),
        form.copy_for_translation(tree.english.locale, copy_parents=True),
    ):
        assert keys(IntakeFormPage.objects.get(pk=other.pk).fields) == expected


def test_a_set_not_published_asks_for_nothing(tree):
    form = make_form(tree, pages.question("text", "what", "Was?"), use(make_set(live=False)))
    assert [key for key, _label in form.get_data_fields()] == ["what"]


def test_a_draft_of_the_translation_leaves_the_original(tree):
    german = make_set()
    german.copy_for_translation(Locale.objects.get(language_code="en")).save()
    form = make_form(tree, use(german))
    with translation.override("en"):
        assert dict(form.get_data_fields())["building"] == "Gebäude"


def cleaned(*raw):
    block = FormFieldsBlock()
    return block.clean(block.to_python(list(raw)))


def test_a_set_stands_in_a_form_once(tree):
    one = make_set()
    with pytest.raises(StreamBlockValidationError) as caught:
        cleaned(use(one), pages.question("text", "what", "Was?"), use(one))
    assert list(caught.value.block_errors) == [2]


def test_a_set_with_a_field_of_the_form_is_refused(tree):
    with pytest.raises(StreamBlockValidationError) as caught:
        cleaned(pages.question("text", "building", "Haus"), use(make_set()))
    assert list(caught.value.block_errors) == [1]


def test_sets_have_no_sets_in_them_and_sites_without_a_model_offer_none(settings):
    assert "field_set" not in FieldsBlock().child_blocks
    assert "field_set" in FormFieldsBlock().child_blocks
    settings.HELPDESK = {**settings.HELPDESK, "FIELD_SET_MODEL": ""}
    assert "field_set" not in FormFieldsBlock().child_blocks


def test_a_used_set_is_not_deleted(client, tree):
    one = make_set()
    form = make_form(tree, use(one))
    ReferenceIndex.create_or_update_for_object(form)
    client.force_login(f.UserFactory(is_superuser=True))
    address = reverse(FieldSet.snippet_viewset.get_url_name("delete"), args=[one.pk])
    response = client.post(address, follow=True)
    assert FieldSet.objects.filter(pk=one.pk).exists()
    assert "kann nicht gelöscht werden" in response.content.decode() or (
        "cannot be deleted" in response.content.decode()
    )
    form.delete()
    client.post(address)
    assert not FieldSet.objects.filter(pk=one.pk).exists()


def test_a_form_whose_set_is_gone_goes_on(client, tree):
    one = make_set()
    form = make_form(tree, pages.question("text", "what", "Was?"), use(one))
    FieldSet.objects.filter(pk=one.pk).delete()
    response = client.get(form.url)
    assert response.status_code == 200
    assert b"q_what" in response.content


def test_editors_see_list_editor_and_preview(client, tree):
    one = make_set()
    client.force_login(f.UserFactory(is_superuser=True))
    viewset = FieldSet.snippet_viewset
    for name, args in (("list", []), ("add", []), ("edit", [one.pk])):
        assert client.get(reverse(viewset.get_url_name(name), args=args)).status_code == 200
    preview = one.make_preview_request()
    assert "Gebäude" in preview.rendered_content


def queries(form, django_assert_max_num_queries, count):
    form = IntakeFormPage.objects.get(pk=form.pk)
    with django_assert_max_num_queries(count) as seen:
        shown = IntakeForm(stream=form.fields)
        list(shown.parts())
        form.get_data_fields()
    return len(seen)


def test_the_number_of_queries_does_not_grow(tree, django_assert_max_num_queries):
    one, two = make_set(), make_set("Zwei", [pages.question("text", "more", "Mehr")])
    few = make_form(tree, pages.question("text", "what", "Was?"), use(one))
    many = make_form(
        tree,
        *[pages.question("text", f"q{n}", f"Frage {n}") for n in range(100)],
        use(one),
        use(two),
        title="Viele",
    )
    assert queries(few, django_assert_max_num_queries, 5) == queries(
        many, django_assert_max_num_queries, 5
    )


# --- a set that rules of live forms ask about ------------------------------------------------------

AT_23 = {"field": "building", "op": "is", "value": "23"}


def edit(one, fields, *, draft=False):
    form_class = FieldSet.snippet_viewset.get_edit_handler().get_form_class()
    blocks = []
    for child in fields:
        value = {"label": child.value["label"], "key": child.value["key"]}
        if "choices" in child.value:
            rows = [(row["label"], row["value"]) for row in child.value["choices"]]
            value["choices"] = inline_list([{"label": label, "value": key} for label, key in rows])
        blocks.append((child.block_type, value))
    data = nested_form_data({"title": one.title, "fields": streamfield(blocks)})
    form = form_class(data=data, instance=FieldSet.objects.get(pk=one.pk))
    if draft:
        form.defer_required_fields()
    return form


def inline_list(values):
    """Return the data of a list block."""
    return {"count": str(len(values))} | {
        str(at): {"deleted": "", "order": str(at), "id": "", "value": value}
        for at, value in enumerate(values)
    }


def routed_form(tree, one, secret, **options):
    route = {"condition": AT_23, "queue": secret.pk, "ticket_type": None, "priority": None, "owner": None}  # fmt: skip
    routes = json.dumps([{"type": "route", "value": route}])
    form = make_form(
        tree, pages.question("text", "what", "Was?"), use(one), routes=routes, **options
    )
    ReferenceIndex.create_or_update_for_object(form)
    return form


@pytest.fixture
def secret(db):
    return f.QueueFactory(name="Ombudsstelle", is_confidential=True)


def unpublish(client, one):
    client.force_login(f.UserFactory(is_superuser=True))
    address = reverse(FieldSet.snippet_viewset.get_url_name("unpublish"), args=[one.pk])
    response = client.post(address, follow=True)
    client.logout()
    one.refresh_from_db()
    return response


def test_a_used_set_is_not_unpublished(client, tree, secret):
    one = make_set()
    form = routed_form(tree, one, secret)
    html = unpublish(client, one).content.decode()
    assert one.live
    assert "“Ort” cannot be unpublished" in html or "„Ort“" in html
    form.delete()
    unpublish(client, one)
    assert not one.live


def test_a_set_that_goes_all_the_same_opens_no_confidential_request(client, tree, secret):
    one = make_set()
    form = routed_form(tree, one, secret)
    FieldSet.objects.filter(pk=one.pk).update(live=False)  # its time is over
    pages.sent(client, IntakeFormPage.objects.get(pk=form.pk), q_room=None, q_building="23")
    assert Ticket.objects.get().queue == secret


def test_a_question_that_a_live_form_asks_about_stays_in_its_set(tree, secret):
    one = make_set()
    form = routed_form(tree, one, secret, title="Beschwerde")
    assert errors_without_building(one) == {
        "fields": [
            "“Gebäude” is used by the form “Beschwerde”: “routing by answers”, number 1. "
            "Change that first."
        ]
    }
    assert errors_without_building(one, draft=True) == {}
    form.unpublish()
    assert errors_without_building(one) == {}


def test_a_question_asked_about_by_a_field_of_a_live_form_stays(tree):
    one = make_set()
    asks = pages.question("text", "what", "Was?", condition=AT_23)
    ReferenceIndex.create_or_update_for_object(make_form(tree, use(one), asks))
    assert "the condition of “Was?”" in errors_without_building(one)["fields"][0]


def test_a_question_that_stands_in_a_text_of_a_live_form_stays(tree):
    one = make_set()
    what = pages.question("text", "what", "Was?")
    form = make_form(tree, use(one), what, subject="{{ answer_building }}")
    ReferenceIndex.create_or_update_for_object(form)
    assert "the text “subject of the tickets”" in errors_without_building(one)["fields"][0]


def test_the_set_of_a_language_answers_for_the_forms_in_it(tree, secret):
    german = make_set()
    form = routed_form(tree, german, secret)
    english = german.copy_for_translation(Locale.objects.get(language_code="en"))
    english.save()
    # nobody is shown the English one: no form is in English
    assert errors_without_building(english) == {}
    copy = form.copy_for_translation(tree.english.locale, copy_parents=True)
    copy.save_revision().publish()
    ReferenceIndex.create_or_update_for_object(copy)
    # as yet the English form shows the German set; without the question it would lose it
    assert errors_without_building(english)
    english.save_revision().publish()
    form.unpublish()
    assert errors_without_building(german) == {}


def errors_without_building(one, **options):
    with translation.override("en"):
        form = edit(
            one, [child for child in one.fields if child.value["key"] != "building"], **options
        )
        return dict(form.errors)


def test_versions_of_a_set_are_compared_in_words(admin_client, tree):
    one = make_set()
    first = one.save_revision().pk
    one.fields = json.dumps([pages.question("text", "building", "Haus"), ROOM[1]])
    second = one.save_revision().pk
    name = one.snippet_viewset.get_url_name("revisions_compare")
    html = admin_client.get(reverse(name, args=[one.pk, first, second])).content.decode()
    assert "„Gebäude“: Frage oder Beschriftung geändert von „Gebäude“ in „Haus“" in html


def test_questions_in_another_language_than_the_page_say_which(client, tree):
    columns = [pages.question("text", "first", "Vorname")]
    asked = [
        {"type": "section", "value": {"heading": "Ort", "text": "<p>Wo?</p>"}},
        *ROOM,
        pages.question("group", "crew", "Gruppe", columns=columns, minimum=1),
    ]
    form = make_form(tree, pages.question("text", "what", "What?"), use(make_set(fields=asked)))
    copy = form.copy_for_translation(tree.english.locale, copy_parents=True)
    copy.save_revision().publish()

    def spoken(page, name):
        """Return the language in which a part of the form is read out."""
        soup = BeautifulSoup(client.get(page.url).content, "html.parser")
        return soup.select_one(name).find_parent(lang=True)["lang"]

    assert spoken(copy, "label[for=id_q_what]") == "en"
    for name in ("label[for=id_q_building]", "#id_q_floor", "input[name=q_crew-0-first]"):
        assert spoken(copy, name) == "de"
    assert spoken(copy, "[name=q_crew-add]") == "en"
    soup = BeautifulSoup(client.get(copy.url).content, "html.parser")
    assert soup.find("h2", string="Ort")["lang"] == "de"
    assert "lang=" not in str(BeautifulSoup(client.get(form.url).content, "html.parser").form)
