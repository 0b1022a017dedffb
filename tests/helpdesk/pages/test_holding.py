"""Files sent with a form that comes back are held until it is sent for good."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from helpdesk import limits, storage
from helpdesk.models import Attachment, Blob, HeldFile, Ticket
from helpdesk.models.blobs import Scan
from helpdesk.pages import holding
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p
from tests.helpdesk.agents.pages import fields_of

pytestmark = pytest.mark.django_db

ROOM = p.question("text", "room", "Raum", required=True)
PHOTO = p.question("files", "photo", "Foto", required=True, max_files=2, endings="png, txt")
DOC = p.question("files", "doc", "Dokument", max_files=3, endings="txt")
AGAIN = "Please choose the file again."


def text(name="a.txt", content=b"leere Seiten"):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def form(tree):
    return p.make_form(tree.english, [ROOM, PHOTO, DOC], locale=tree.english.locale)


def come_back(client, form, **changes):
    """Send a form with a file and without a room: it comes back."""
    answer = p.sent(client, form, **{"q_room": "", "q_photo": text(), **changes})
    assert (answer.status_code, Ticket.objects.count()) == (200, 0)
    return answer


def fields(answer, **changes):
    """Return what a browser sends of the page that came back; None leaves something away."""
    data = {**fields_of(answer.content.decode()), "q_room": "12.3", **changes}
    return {name: value for name, value in data.items() if value is not None}


def names():
    return [one.name for one in Attachment.objects.order_by("pk")]


def errors(answer):
    return {name: list(found) for name, found in answer.context["form"].errors.items()}


def test_a_file_is_held_and_filed_with_the_request(client, form):
    back = come_back(client, form)
    html = back.content.decode()
    assert re.search(r"a\.txt \(12\s+bytes\): kept", html)
    assert "and so is this file: a.txt" in html
    answer = client.post(form.url, fields(back))
    assert answer.status_code == 302
    ticket = Ticket.objects.get()
    file = ticket.articles.get().attachments.get()
    assert (file.name, file.content_type, file.answer_key) == ("a.txt", "text/plain", "photo")
    assert file.blob.read() == b"leere Seiten"
    assert ticket.answers[1]["value"] == [
        {"name": "a.txt", "size": 12, "content_type": "text/plain"}
    ]
    assert not HeldFile.objects.exists()


def test_it_stays_through_several_rounds(client, form):
    back = come_back(client, form)
    for _time in range(3):
        back = client.post(form.url, fields(back, q_room=""))
    assert HeldFile.objects.count() == 1
    assert client.post(form.url, fields(back)).status_code == 302
    assert names() == ["a.txt"]


def test_sent_twice_it_is_filed_once(client, form):
    data = fields(come_back(client, form))
    first, second = client.post(form.url, data), client.post(form.url, data)
    assert first.status_code == second.status_code == 302
    assert names() == ["a.txt"]
    done = [client.get(one["Location"]).context["ticket"] for one in (first, second)]
    assert done == [Ticket.objects.get()] * 2


def test_the_same_file_chosen_again_is_filed_once(client, form):
    back = come_back(client, form)
    back = client.post(form.url, fields(back, q_room="", q_photo=text()))
    assert HeldFile.objects.count() == 1
    assert client.post(form.url, fields(back, q_photo=text())).status_code == 302
    assert names() == ["a.txt"]


def test_one_that_is_left_out_goes_with_its_bytes(client, form, django_capture_on_commit_callbacks):
    back = come_back(client, form, q_doc=text("b.txt", b"nobody needs this"))
    token = fields(back)["q_doc-held"]
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(form.url, fields(back, **{"q_doc-left_out": token}))
    assert answer.status_code == 302
    assert names() == ["a.txt"]
    assert not HeldFile.objects.exists()
    assert Blob.objects.count() == 1


def test_one_that_is_left_out_of_a_form_that_comes_back_goes_at_once(client, form):
    back = come_back(client, form)
    data = fields(back, **{"q_photo-left_out": fields(back)["q_photo-held"]})
    back = client.post(form.url, data)
    assert errors(back) == {"q_photo": ["This field is required."]}
    assert "a.txt" not in back.content.decode()
    assert not HeldFile.objects.exists()


def test_limits_count_held_files_and_new_ones_together(client, form):
    back = come_back(client, form)
    back = client.post(form.url, fields(back, q_photo=[text("b.txt", b"b"), text("c.txt", b"c")]))
    assert errors(back) == {"q_photo": ["At most 2 files are possible."]}
    tokens = fields(back)["q_photo-held"]
    assert len(tokens) == 3  # which of them go, their owner decides
    answer = client.post(form.url, fields(back, **{"q_photo-left_out": tokens[:1]}))
    assert answer.status_code == 302
    assert names() == ["b.txt", "c.txt"]


def test_limits_of_the_whole_form_count_them_too(client, form, settings):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_TOTAL": 15}
    back = come_back(client, form)
    back = client.post(form.url, fields(back, q_doc=text("b.txt", b"1234")))
    assert "too large together" in str(errors(back)["__all__"])
    assert back.context["form"].lost_names == ["b.txt"]
    assert "choose this file again: b.txt" in back.content.decode()
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_FILES": 1, "UPLOAD_MAX_TOTAL": 99}
    back = client.post(form.url, fields(back, q_doc=text("b.txt", b"1234")))
    assert "no more than 1 file" in str(errors(back)["__all__"])


def test_good_files_beside_a_bad_one_are_held(client, form):
    back = come_back(client, form, q_photo=[text(), text("b.pdf")], q_room="12.3")
    assert list(errors(back)) == ["q_photo"]
    assert back.context["form"].held_names() == ["a.txt"]
    assert client.post(form.url, fields(back)).status_code == 302


def test_no_more_is_looked_at_than_one_form_may_have(client, form, settings):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_FILES": 3, "UPLOAD_MAX_BYTES": 50}
    files = [text(f"{n}.txt", b"%d" % n) for n in range(5)]
    back = come_back(client, form, q_photo=[text("big.txt", b"x" * 51), *files])
    assert back.context["form"].held_names() == ["0.txt", "1.txt", "2.txt"]
    assert back.context["form"].lost_names == ["3.txt", "4.txt", "big.txt"]
    assert HeldFile.objects.count() == 3
    # what its field says is not told twice
    back = come_back(client, form, q_photo=[text("big.txt", b"x" * 51), files[0]])
    assert "“big.txt” is too large" in str(errors(back)["q_photo"])
    assert back.context["form"].lost_names == []


def test_a_button_of_a_list_keeps_files(client, tree):
    columns = [p.question("text", "held", "Name")]
    crew = p.question("group", "crew", "Personen", columns=columns)
    form = p.make_form(tree.english, [ROOM, PHOTO, crew], locale=tree.english.locale)
    back = p.sent(client, form, q_photo=text(), **{"q_crew-add": "1", "q_crew-0-held": "Ada"})
    assert back.context["form"].held_names() == ["a.txt"]
    assert client.post(form.url, fields(back)).status_code == 302
    assert Ticket.objects.get().answers[2]["value"] == [{"held": "Ada"}]
    assert names() == ["a.txt"]


def changed(form, *questions):
    page = IntakeFormPage.objects.get(pk=form.pk)
    page.fields = json.dumps(questions)
    page.save_revision().publish()


def test_a_form_that_changed_meanwhile_keeps_files(client, form):
    back = come_back(client, form)
    data = fields(back, q_doc=text("b.txt", b"new"))
    changed(form, ROOM, {**PHOTO, "value": {**PHOTO["value"], "label": "Bild"}}, DOC)
    back = client.post(form.url, data)
    assert back.status_code == 409
    assert back.context["form"].held_names() == ["a.txt", "b.txt"]
    assert back.context["form"].given_back == ""
    assert client.post(form.url, fields(back)).status_code == 302
    assert names() == ["a.txt", "b.txt"]


def test_a_limit_that_came_meanwhile_holds(client, form):
    back = come_back(client, form)
    changed(form, ROOM, {**PHOTO, "value": {**PHOTO["value"], "endings": "png"}}, DOC)
    back = client.post(form.url, fields(back))
    back = client.post(form.url, fields(back))
    assert "is not of a kind" in str(errors(back)["q_photo"])


def test_a_field_that_is_not_asked_keeps_its_files(client, tree):
    asked = {"field": "room", "op": "is", "value": "7"}
    form = p.make_form(
        tree.english, [ROOM, p.question("files", "photo", "Foto", condition=asked)], locale=tree.english.locale
    )  # fmt: skip
    back = come_back(client, form)
    assert back.context["form"].held_names() == ["a.txt"]
    assert client.post(form.url, fields(back, q_room="7")).status_code == 302
    assert names() == ["a.txt"]


def test_a_check_of_a_step_counts_them_and_keeps_nothing(client, form):
    answer = p.sent(client, form, q_room="", q_photo=text(), check_step="1")
    assert list(answer.json()["errors"]) == ["q_room"]
    assert not HeldFile.objects.exists()
    back = come_back(client, form)
    answer = client.post(form.url, fields(back, check_step="1"))
    assert answer.json()["errors"] == {}
    assert HeldFile.objects.count() == 1
    answer = client.post(form.url, fields(back, check_step="1", **{"q_photo-held": "x"}))
    assert answer.json()["errors"] == {"q_photo": [AGAIN]}


def test_languages_of_a_form_share_what_is_held(client, tree, form):
    german = form.copy_for_translation(tree.home.locale, copy_parents=True)
    german.save_revision().publish()
    back = come_back(client, form)
    answer = client.post(german.url, fields(back))
    assert answer.status_code == 302
    assert names() == ["a.txt"]


def test_an_account_has_them_too_and_they_go_with_it(client, form):
    user = f.UserFactory()
    client.force_login(user)
    back = come_back(client, form)
    assert HeldFile.objects.get().user == user
    assert client.post(form.url, fields(back)).status_code == 302
    come_back_again = p.sent(client, form, q_room="", q_photo=text())
    assert come_back_again.context["form"].held_names() == ["a.txt"]
    user.delete()
    assert not HeldFile.objects.exists()


# --- what is refused -----------------------------------------------------------------------------


def refused(answer, before=1):
    assert answer.status_code == 200
    assert errors(answer)["q_photo"] == [AGAIN]
    assert HeldFile.objects.count() == before
    assert not Ticket.objects.exists()


def mine(client, form, **changes):
    """Return what somebody else's browser sends of the form."""
    return fields(client.get(form.url), contact_name="Eve", contact_email="eve@mail.example", **changes)  # fmt: skip


def test_a_token_of_somebody_else_is_worth_nothing(client, form):
    token = fields(come_back(client, form))["q_photo-held"]
    for other in (Client(), Client()):
        refused(other.post(form.url, mine(other, form, **{"q_photo-held": token})))
    client.force_login(f.UserFactory())  # the same browser, another person
    answer = client.post(form.url, mine(client, form, **{"q_photo-held": token}))
    refused(answer)
    other = Client()
    other.force_login(f.UserFactory())
    refused(other.post(form.url, mine(other, form, **{"q_photo-held": token})))


def test_a_token_of_a_log_in_is_worth_nothing_in_the_next_one(client, form):
    user = f.UserFactory(password="correct horse")
    client.force_login(user)
    token = fields(come_back(client, form))["q_photo-held"]
    client.logout()
    refused(client.post(form.url, mine(client, form, **{"q_photo-held": token})))
    client.cookies.clear()
    client.force_login(user)
    refused(client.post(form.url, mine(client, form, **{"q_photo-held": token})))


def test_a_token_of_another_form_or_field_is_worth_nothing(client, tree, form):
    back = come_back(client, form)
    token = fields(back)["q_photo-held"]
    other = p.make_form(tree.english, [ROOM, PHOTO], title="Other", locale=tree.english.locale)
    refused(client.post(other.url, mine(client, other, **{"q_photo-held": token})))
    answer = client.post(
        form.url, fields(back, **{"q_photo-held": None, "q_photo": text(), "q_doc-held": token})
    )
    assert errors(answer) == {"q_doc": [AGAIN]}


def test_a_token_that_is_too_old_is_worth_nothing(client, form):
    back = come_back(client, form)
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=2)):
        answer = client.post(form.url, fields(back))
        refused(answer)
        # nothing else is lost, and it can be chosen again
        answer = client.post(form.url, fields(answer, q_photo=text("b.txt")))
    assert answer.status_code == 302
    assert names() == ["b.txt"]


def test_its_time_is_that_of_the_settings(client, form, settings):
    settings.HELPDESK = {**settings.HELPDESK, "HELD_FILE_HOURS": 2}
    back = come_back(client, form)
    with time_machine.travel(timezone.now() + timedelta(hours=2, seconds=2)):
        refused(client.post(form.url, fields(back)))


def test_a_token_that_was_used_is_worth_nothing_for_another_request(client, form):
    data = fields(come_back(client, form))
    client.post(form.url, data)
    answer = client.post(form.url, {**data, "q_room": "Another"})
    assert errors(answer) == {"q_photo": [AGAIN]}
    assert Ticket.objects.count() == 1


def test_an_unknown_key_with_our_signature_is_answered_as_a_used_one(client, form):
    """Whether there is such a file does not show."""
    back = come_back(client, form)
    token = fields(back)["q_photo-held"][0]
    HeldFile.drop(HeldFile.objects.all())
    refused(client.post(form.url, fields(back)), before=0)
    forged = signing.TimestampSigner(salt="helpdesk.pages.holding").sign(token.rsplit(":", 2)[0])
    refused(client.post(form.url, fields(back, **{"q_photo-held": forged})), before=0)


# each process that shares the tests gives them the same names
FORGED = {
    "letter": "x",
    "path": "../../etc/passwd",
    "address": "file:///etc/passwd",
    "parts": "a:b:c",
    "nul": "\0",
    "colons": ":" * 50,
    "long": "ä" * 5000,
    "key": "5f0c3b1e9a7d4c2f8e6b0a1d2c3e4f50",
    "dumped": signing.dumps({"key": 1}),
    "signed": signing.TimestampSigner().sign("5f0c3b1e9a7d4c2f8e6b0a1d2c3e4f50"),
    "many": ["x"] * 500,
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_forged_tokens_are_worth_nothing(client, form, token):
    back = come_back(client, form)
    answer = client.post(form.url, fields(back, **{"q_photo-held": token}))
    assert set(errors(answer)["q_photo"]) == {AGAIN}
    assert HeldFile.objects.count() == 1
    assert not Ticket.objects.exists()


def test_what_names_a_file_cannot_be_chosen_by_the_sender(client, form):
    back = come_back(client, form, q_photo=text("../../a\u202etxt.txt"))
    [row] = HeldFile.objects.all()
    assert "/" not in row.name
    assert "\u202e" not in row.name
    assert client.post(form.url, fields(back)).status_code == 302


def test_a_virus_that_was_found_meanwhile_is_told(client, form):
    back = come_back(client, form)
    Blob.objects.update(scan=Scan.INFECTED, finding="Eicar")
    answer = client.post(form.url, fields(back))
    assert "A virus was found in “a.txt”" in str(errors(answer)["q_photo"])
    assert not Ticket.objects.exists()


def test_bytes_that_the_storage_lost_have_to_be_chosen_again(client, form):
    back = come_back(client, form)
    storage.delete(Blob.objects.get().sha256)
    answer = client.post(form.url, fields(back))
    refused(answer, before=0)


# --- what is not held ----------------------------------------------------------------------------


def test_nothing_is_held_without_a_cookie_and_that_is_told(client, form):
    shown = fields(client.get(form.url), q_room="", q_photo=text())
    client.cookies.clear()
    answer = client.post(form.url, shown)
    assert not HeldFile.objects.exists()
    assert "choose this file again: a.txt" in answer.content.decode()


def test_nothing_is_held_of_what_a_program_sends(client, form, settings):
    come_back(client, form, remarks_check="x")
    settings.HELPDESK = {**settings.HELPDESK, "FORM_MIN_SECONDS": 3}
    come_back(client, form)
    come_back(client, form, shown_at=limits.stamp(seconds_ago=2 * 86400))
    assert not HeldFile.objects.exists()
    come_back(client, form, shown_at=limits.stamp(seconds_ago=60))
    assert HeldFile.objects.count() == 1


@pytest.mark.parametrize(
    ("limit", "value"), [("FORMS_PER_IP", 1), ("UPLOADS_PER_IP", 1), ("HELD_BYTES_PER_IP", 15)]
)
def test_nothing_is_held_beyond_a_limit(client, form, settings, limit, value):
    settings.HELPDESK = {**settings.HELPDESK, limit: value}
    come_back(client, form)
    assert HeldFile.objects.count() == 1
    answer = come_back(client, form)
    assert HeldFile.objects.count() == 1
    assert answer.context["form"].lost_names == ["a.txt"]


def test_bytes_are_counted_for_an_account_apart_from_the_network(client, form, settings):
    settings.HELPDESK = {**settings.HELPDESK, "HELD_BYTES_PER_IP": 15}
    come_back(client, form)
    client.force_login(f.UserFactory())
    come_back(client, form)
    assert HeldFile.objects.count() == 2
    come_back(client, form)
    assert HeldFile.objects.count() == 2


def test_nothing_is_held_for_a_form_that_is_closed(client, form):
    shown = fields(client.get(form.url), q_room="", q_photo=text())
    IntakeFormPage.objects.update(closes_at=timezone.now() - timedelta(hours=1))
    assert client.post(form.url, shown).status_code == 409
    assert not HeldFile.objects.exists()


def test_who_may_not_send_a_form_leaves_no_file(client, form):
    back = come_back(client, form)
    IntakeFormPage.objects.update(audience="signed_in")
    answer = client.post(form.url, fields(back, q_doc=text("b.txt")))
    assert answer.status_code == 403
    assert HeldFile.objects.count() == 1
    assert fields(back)["q_photo-held"][0] not in answer.content.decode()


# --- all or nothing ------------------------------------------------------------------------------


def test_what_is_not_filed_in_the_end_is_still_held(client, form, rf):
    back = come_back(client, form)
    request = rf.post(form.url, fields(back))
    request.user, request.META["CSRF_COOKIE"] = back.wsgi_request.user, client.cookies["csrftoken"].value  # fmt: skip
    sent = holding.sent_form(form, request)
    assert sent.is_valid(), sent.errors
    with transaction.atomic():
        holding.use(sent)
        assert not HeldFile.objects.exists()
        transaction.set_rollback(True)
    assert HeldFile.objects.count() == 1
    with transaction.atomic():
        holding.use(sent)
    with pytest.raises(holding.Gone):
        holding.use(sent)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rooms", [["A"] * 4, ["A", "B", "C", "D"]], ids=["same", "other"])
def test_of_several_at_once_one_has_the_file(rooms):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    tree = p.make_site()
    form = p.make_form(tree.english, [ROOM, PHOTO], locale=tree.english.locale)
    client = Client()
    back = come_back(client, form)
    data = [fields(back, q_room=room) for room in rooms]
    start, found = threading.Barrier(len(data)), []

    def send(one):
        other = Client()
        other.cookies = client.cookies
        try:
            start.wait(20)
            found.append(other.post(form.url, one).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(one,)) for one in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    is_same = len(set(rooms)) == 1
    assert sorted(found) == ([302] * 4 if is_same else [200] * 3 + [302])
    assert Ticket.objects.count() == 1
    assert names() == ["a.txt"]
    assert not HeldFile.objects.exists()


# --- what is left --------------------------------------------------------------------------------


def test_after_its_time_nothing_of_a_file_is_left(client, form, django_capture_on_commit_callbacks):
    come_back(client, form, q_photo=text("marker-name.txt", b"marker-content"))
    name = storage.path_of(Blob.objects.get().sha256)
    assert storage.blob_storage().exists(name)
    later = time_machine.travel(timezone.now() + timedelta(hours=24, seconds=2))
    with later, django_capture_on_commit_callbacks(execute=True):
        assert HeldFile.drop_old() == 1
    assert not HeldFile.objects.exists()
    assert not Blob.objects.exists()
    assert not storage.blob_storage().exists(name)


def test_a_test_of_a_draft_keeps_files_too(client, form):
    client.force_login(f.UserFactory(is_superuser=True, is_staff=True))
    url = reverse("helpdesk_forms:try", args=[form.pk])
    shown = fields_of(client.get(url).content.decode())
    back = client.post(url, {**shown, "q_room": "", "q_photo": text()})
    assert back.context_data["form"].held_names() == ["a.txt"]
    data = {**fields_of(back.content.decode()), "q_room": "12.3"}
    for _time in range(2):
        answer = client.post(url, data)
        assert answer.status_code == 302
        assert "tests" in answer["Location"]
    ticket = Ticket.objects.get()
    assert ticket.is_test
    assert names() == ["a.txt"]
    answer = client.post(url, {**data, "q_room": "Another"})
    assert AGAIN in str(answer.context_data["form"].errors)
