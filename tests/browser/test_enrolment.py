"""An editor builds the enrolment form alone, a moderator publishes it, and what was sent before stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from playwright.sync_api import expect
from wagtail.models import (
    GroupApprovalTask,
    GroupPagePermission,
    Page,
    Workflow,
    WorkflowPage,
    WorkflowTask,
)

from helpdesk.models import Ticket
from helpdesk.pages.forms import IntakeForm
from portal.models import IntakeFormPage
from tests import factories as f

from .conftest import Visitor
from .stage import Stage, account, set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

Visit = Callable[..., Visitor]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Let a form be sent at once: what holds programs back has tests of its own."""
    monkeypatch.setattr(IntakeForm, "clean_shown_at", lambda form: "")


@pytest.fixture
def stage() -> Stage:
    stage = set_up("en")
    root = stage.tree.english
    account("author", "en", team("Authors", root, "add_page", "change_page"))
    moderators = team("Moderators of forms", root, "add_page", "change_page", "publish_page")
    account("moderator", "en", moderators)
    flow = Workflow.objects.create(name="Four eyes")
    task = GroupApprovalTask.objects.create(name="Approval")
    task.groups.add(moderators)
    WorkflowTask.objects.create(workflow=flow, task=task, sort_order=0)
    WorkflowPage.objects.create(workflow=flow, page=root)
    return stage


def team(name: str, root: Page, *codenames: str) -> Group:
    """Make a group with rights on the pages below `root`, and none on any queue."""
    group = f.GroupFactory(name=name)
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for codename in codenames:
        right = Permission.objects.get(codename=codename, content_type__app_label="wagtailcore")
        GroupPagePermission.objects.create(group=group, page=root, permission=right)
    return group


# --- the editor ----------------------------------------------------------------------------------


class Builder:
    """An editor in the page editor, who sees only what stands on the screen."""

    def __init__(self, editor: Visitor) -> None:
        self.editor, self.page, self.count = editor, editor.page, 0

    def add(self, kind: str, **texts: str) -> str:
        """Add a block at the end, fill in its texts, and return the beginning of its inputs' names."""
        self.page.locator("[data-contentpath=fields] .c-sf-add-button").last.click()
        self.page.get_by_role("option", name=kind, exact=True).click()
        name = f"fields-{self.count}-value"
        self.count += 1
        for key, text in texts.items():
            self.page.locator(f"[name={name}-{key}]").fill(text)
        return name

    def must(self, name: str) -> None:
        """Tick that a field has to be answered."""
        box = self.page.locator(f"[name={name}-required]")
        box.press("Space")
        expect(box).to_be_checked()

    def choices(self, name: str, *labels: str) -> None:
        """Give a choice its answers."""
        for place, label in enumerate(labels):
            if place:
                self.page.locator("[data-contentpath=choices] .c-sf-add-button").last.click()
            self.page.locator(f"[name={name}-choices-{place}-value-label]").fill(label)

    def only_when(self, name: str, question: str, answer: str) -> None:
        """Put the condition of a field together."""
        block = name.removesuffix("-value")
        self.page.locator(f"[aria-controls='block_group-{block}-value-settings']").click()
        box = self.page.locator(f"input[name={name}-condition] + .hd-condition")
        box.get_by_role("button", name="Add a condition").click()
        box.get_by_label("Question", exact=True).select_option(question)
        box.get_by_label("Answer", exact=True).select_option(answer)
        expect(box.locator("p").first).to_have_text(f"Shown when {question} is {answer}.")

    def hand_in(self) -> None:
        """Submit the page to the moderators."""
        self.editor.check()
        # Wagtail saves by itself: a form sent while the page is being made for the first time would make it twice
        expect(self.page).to_have_url(re.compile(r"/admin/pages/\d+/edit/"), timeout=15_000)
        self.page.locator("footer .w-dropdown__toggle").click()
        with self.page.expect_navigation():
            self.page.locator("[name=action-submit]").click()
        expect(self.page.locator(".messages")).to_contain_text("submitted for moderation")


def build(visit: Visit, stage: Stage) -> None:
    editor = visit(language="en")
    editor.log_in("author")
    editor.goto(f"/admin/pages/{stage.service.pk}/")
    editor.page.locator("header a[href$='/add_subpage/']").first.click()
    editor.page.locator("main a[href*='/add/portal/intakeformpage/']").first.click()
    editor.page.locator("[name=title]").fill("Enrol for a course")
    builder = Builder(editor)
    builder.add("Step", title="The course")
    course = builder.add("Choice of one", label="Course")
    builder.choices(course, "Beginners", "Advanced")
    builder.must(course)
    before = builder.add("Short text", label="Which course did you take before?")
    builder.must(before)
    builder.only_when(before, "Course", "Advanced")
    builder.add("Step", title="The people")
    builder.add("List of people", label="Who comes?")
    editor.page.locator("[name=queue]").select_option(label=stage.queue.name)
    builder.hand_in()


def approve(visit: Visit, stage: Stage) -> str:
    """Publish what waits, as a moderator, from the start page of the admin; return its address."""
    moderator = visit(language="en")
    moderator.log_in("moderator")
    moderator.goto("/admin/")
    page = IntakeFormPage.objects.get()
    moderator.page.get_by_role("link", name=page.draft_title, exact=True).first.click()
    moderator.page.locator("footer .w-dropdown__toggle").click()
    with moderator.page.expect_navigation():
        moderator.page.locator("footer button", has_text="Approve and Publish").click()
    return IntakeFormPage.objects.get(live=True).url.replace("http://testserver", moderator.base)


# --- the customer --------------------------------------------------------------------------------


def enrol(visit: Visit, url: str, *, last: str) -> Ticket:
    """Send the form for two people, step by step, and return the ticket it made."""
    visitor = visit(language="en", phone=True)
    page = visitor.page
    visitor.goto(url)
    visitor.check()
    page.get_by_label("Your name").fill("Ada Example")
    page.get_by_label("Your e-mail address").fill("ada@mail.example")
    before = page.get_by_label("Which course did you take before?")
    expect(before).to_be_hidden()
    page.get_by_label("Advanced").check()
    before.fill("The one in spring")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("[aria-current=step]")).to_have_text("The people")
    first_names = page.locator("[name$=first_name]")
    for place, (first, mail) in enumerate([("Ada", "ada"), ("Kim", "kim")]):
        if place:
            page.locator("[data-rows-add]").click()
        expect(first_names).to_have_count(place + 1)
        first_names.nth(place).fill(first)
        page.locator("[name$=last_name]").nth(place).fill("Example")
        page.locator("[name$='-email']:not([name=contact_email])").nth(place).fill(
            f"{mail}@mail.example"
        )
    page.get_by_role("button", name="Next").click()
    expect(page.locator("[aria-current=step]")).to_contain_text(last)
    visitor.check()
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")
    return Ticket.objects.latest("pk")


def shown(visit: Visit, ticket: Ticket) -> str:
    """Return what an agent reads of the answers."""
    agent = visit(language="en")
    agent.log_in("agent")
    agent.goto(reverse("helpdesk_agents:ticket", args=[ticket.pk]))
    agent.check()
    return agent.page.locator(".hd-answers").first.inner_text()


def test_an_enrolment_form_from_the_editor_to_the_agent_and_its_change(visit, stage):
    build(visit, stage)
    assert not IntakeFormPage.objects.get().live
    url = approve(visit, stage)

    old = enrol(visit, url, last="Check")
    frozen = old.answers
    assert [entry["label"] for entry in frozen] == [
        "Course",
        "Which course did you take before?",
        "Who comes?",
    ]
    assert [entry["shown"] for entry in frozen[2]["rows"][1]][:2] == ["Kim", "Example"]

    change(visit)
    approve(visit, stage)
    assert Ticket.objects.get(pk=old.pk).answers == frozen
    words = shown(visit, old)
    assert "Which course did you take before?" in words
    assert "Previous course" not in words

    new = enrol_changed(visit, url)
    assert [entry["label"] for entry in new.answers] == ["Course", "Who comes?"]
    assert new.answers[0]["key"] == frozen[0]["key"]


def change(visit: Visit) -> None:
    """Rename one field as the editor, and hand the page in."""
    editor = visit(language="en")
    editor.log_in("author")
    editor.goto(reverse("wagtailadmin_pages:edit", args=[IntakeFormPage.objects.get().pk]))
    label = editor.page.locator("[name=fields-2-value-label]")
    label.fill("Previous course")
    builder = Builder(editor)
    builder.hand_in()


def enrol_changed(visit: Visit, url: str) -> Ticket:
    """Enrol for the beginners' course, which asks for no course before."""
    visitor = visit(language="en")
    page = visitor.page
    visitor.goto(url)
    page.get_by_label("Your name").fill("Lou Example")
    page.get_by_label("Your e-mail address").fill("lou@mail.example")
    page.get_by_label("Beginners").check()
    expect(page.get_by_label("Previous course")).to_be_hidden()
    page.get_by_role("button", name="Next").click()
    page.locator("[name$=first_name]").first.fill("Lou")
    page.locator("[name$=last_name]").first.fill("Example")
    page.locator("[name$='-email']:not([name=contact_email])").first.fill("lou@mail.example")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")
    return Ticket.objects.latest("pk")
