"""Files of a form that comes back, as customers meet them: with a script, and without."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from helpdesk.models import Attachment, HeldFile, Ticket
from portal.models import IntakeFormPage
from tests import page_factories as pages

from .stage import set_up
from .test_asking import come, file, introduce, on, part

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

ROOM = pages.question("text", "room", "Room", required=True)
PHOTO = pages.question("files", "photo", "Photo", required=True, endings="txt", max_files=2)
PAPER = pages.question("files", "paper", "Paper", endings="txt", max_files=2)
#: Only the server sees that this is no text.
NO_TEXT = file("bad.txt", b"\0\0")


def make(fields: list[dict[str, Any]], language: str = "en") -> IntakeFormPage:
    stage = set_up(language)
    root = stage.tree.english if language == "en" else stage.tree.services
    return pages.make_form(root, fields, title="Order", queue=stage.queue, locale=root.locale)


def filed() -> list[tuple[str, str]]:
    return [(one.answer_key, one.name) for one in Attachment.objects.order_by("pk")]


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
def test_a_file_is_kept_while_the_server_finds_an_error(visit, scripts):
    visitor = come(visit, make([ROOM, PHOTO, PAPER]), scripts=scripts)
    page = visitor.page
    introduce(visitor)
    page.get_by_label("Room").fill("1.01")
    page.locator("[name=q_photo]").set_input_files([file("a.txt"), file("b.txt", b"b")])
    page.locator("[name=q_paper]").set_input_files([NO_TEXT])
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("#problems")).to_contain_text("and so are these files: a.txt, b.txt")
    held = page.locator("[data-name=q_photo] .held li")
    expect(held).to_have_text([r"a.txt (5 bytes): kept Leave out a.txt", r"b.txt (1 byte): kept Leave out b.txt"])  # fmt: skip
    expect(page.locator("[data-name=q_paper] .held")).to_have_count(0)
    visitor.check()
    page.get_by_label("Leave out b.txt").check()
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")
    assert filed() == [("photo", "a.txt")]
    assert not HeldFile.objects.exists()


def test_without_a_script_any_error_keeps_them(visit):
    visitor = come(visit, make([ROOM, PHOTO]), scripts=False)
    page = visitor.page
    introduce(visitor)
    page.locator("[name=q_photo]").set_input_files([file("a.txt")])
    page.get_by_role("button", name="Send request").click()
    expect(page.locator(".held")).to_contain_text("a.txt")
    page.get_by_label("Room").fill("1.01")
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")
    assert filed() == [("photo", "a.txt")]


def test_held_files_count_in_steps_and_stand_in_the_summary(visit):
    fields = [part("step", title="You"), ROOM, PHOTO, part("step", title="More"), PAPER]
    visitor = come(visit, make(fields))
    page = visitor.page
    introduce(visitor)
    page.get_by_label("Room").fill("1.01")
    page.locator("[name=q_photo]").set_input_files([file("a.txt")])
    on(visitor, "More")
    page.locator("[name=q_paper]").set_input_files([NO_TEXT])
    on(visitor, "Check your answers")
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("[aria-current=step]")).to_have_text("More")
    page.get_by_role("button", name="Back").click()
    photo = page.locator("[name=q_photo]")
    photo.set_input_files(
        [file("b.txt"), file("c.txt")]
    )  # with the one that is held these are three
    page.get_by_role("button", name="Next").click()
    expect(page.locator("[data-name=q_photo] .field__error")).to_contain_text("At most 2 files")
    photo.set_input_files([file("b.txt", b"b")])
    on(visitor, "More", "Check your answers")
    expect(page.locator("[data-summary] dd", has_text="a.txt")).to_have_text("a.txt, b.txt")
    visitor.check()
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")
    assert filed() == [("photo", "a.txt"), ("photo", "b.txt")]
    assert Ticket.objects.count() == 1
