"""How long a form's requests are kept: in its editor, before publishing, in comparisons, and as customers read it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import translation

from helpdesk.actions import Origin
from helpdesk.models import Queue, QueueAddress, RetentionSettings, Ticket
from helpdesk.pages import storage_check
from helpdesk.pages.publish_check import check
from helpdesk.pages.storage_panels import DaysComparison
from helpdesk.rules.terms import Terms
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

from .test_publishing import sent_by_editor

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def queue():
    queue = f.QueueFactory(
        legal_basis_de="§ 3 HG",
        storage_purpose_de="Nachweis der Technik",
        retention_days=730,
        attachment_days=60,
    )
    QueueAddress.objects.get_or_create(
        queue=queue, defaults={"address": "druck@desk.example", "normalised": "druck@desk.example"}
    )
    return queue


@pytest.fixture
def page(tree, queue):
    return p.make_form(tree.services, queue=queue)


def texts(page) -> list[str]:
    with translation.override("en"):
        return [finding.text for finding in check(page)]


def has(page, words: str) -> bool:
    return any(words in text for text in texts(page))


def test_the_sentence_with_purpose_and_steps_stands_on_the_form_and_stays_on_the_ticket(
    client, page, queue
):
    html = client.get(page.url).content.decode()
    sentence = page.terms().retention_sentence
    for words in ("2 Jahre", "60 Tage", "Nachweis der Technik", "§ 3 HG"):
        assert words in sentence
    assert sentence.replace("&", "&amp;") in html
    p.sent(client, page)
    Queue.objects.filter(pk=queue.pk).update(retention_days=5, storage_purpose_de="Anderes")
    ticket = Ticket.objects.get()
    assert ticket.retention_sentence == sentence
    assert (ticket.retention_days, ticket.attachment_days) == (730, 60)


def test_what_the_form_says_itself_goes_before_the_queue_and_the_settings(page):
    RetentionSettings(personal_days=20, at_end="anonymise").save()
    page.retention_days, page.attachment_days = 90, 10
    terms = page.terms()
    assert (terms.retention_days, terms.attachment_days, terms.personal_days) == (90, 10, 20)
    assert terms.at_end == "anonymise"
    assert terms.purpose == "Nachweis der Technik"


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("storage_purpose_de", "says what the requests are kept for"),
        ("legal_basis_de", "on which legal basis"),
        ("retention_days", "says how long the requests are kept"),
    ],
)
def test_what_nobody_says_is_told_and_what_the_site_says_is_said(page, queue, column, words):
    assert not has(page, words)
    Queue.objects.filter(pk=queue.pk).update(**{column: None if "days" in column else ""})
    page = IntakeFormPage.objects.get(pk=page.pk)
    assert has(page, words)
    RetentionSettings(purpose_de="Nachweis", legal_basis_de="§ 3 HG").save()
    assert has(page, words) == (column == "retention_days")


def test_a_step_that_comes_after_the_end_is_told(page):
    page.retention_days = 30  # the queue's files would go after 60 days
    assert has(page, "“days files are kept after closing” has no effect")
    page.attachment_days = 30
    assert not has(page, "has no effect")


@pytest.mark.parametrize(
    "changes", [{"attachment_days": 5}, {"personal_days": 5}, {"at_end": "anonymise"}, {"storage_purpose": "X"}]
)  # fmt: skip
def test_another_language_that_says_other_terms_is_told(tree, page, changes):
    other = page.copy_for_translation(tree.english.locale, copy_parents=True)
    other.save_revision().publish()
    assert not has(page, "differs in")
    for name, value in changes.items():
        setattr(other, name, value)
    other.save_revision().publish()
    label = page._meta.get_field(next(iter(changes))).verbose_name
    with translation.override("en"):
        assert has(page, f"differs in “{label}”")


def request(page, days: int) -> Ticket:
    return f.make_ticket(
        page.queue,
        contact="",
        terms=Terms(retention_days=days),
        origin=Origin(form_key=page.form_key),
    )


def test_before_publishing_an_editor_reads_what_a_changed_policy_touches(page):
    request(page, 730)
    request(page, 10)
    assert not has(page, "otherwise than the form on the site says")
    page.retention_days = 365
    assert has(page, "1 request was promised longer than that.")
    assert has(page, "1 request keeps the stricter promise")
    assert {row.retention_days for row in Ticket.objects.all()} == {730, 10}


def test_a_form_that_goes_to_another_queue_has_another_policy(page):
    request(page, 730)
    page.queue = f.QueueFactory(retention_days=9)
    assert has(page, "1 request was promised longer than that.")


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"retention_days": 30, "attachment_days": 31}, ["attachment_days"]),
        ({"personal_days": 731}, ["personal_days"]),
        ({"personal_days": 730, "attachment_days": 0}, []),
        ({"retention_days": 36501}, ["retention_days"]),
    ],
)
def test_days_that_make_no_sense_are_refused(queue, data, wrong):
    assert list(storage_check.wrong({"queue": queue, **data})) == wrong


def test_the_editor_shows_the_sentence_and_refuses_at_the_field(client, page):
    client.force_login(f.UserFactory(is_superuser=True, is_staff=True))
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    assert "Nachweis der Technik" in client.get(url).content.decode()
    answer = sent_by_editor(
        client, page, {"room": "Raum"}, retention_days="30", attachment_days="31"
    )
    assert list(answer.context["form"].errors) == ["attachment_days"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(None, 30, ("as the queue says", "30 days")), (1, None, ("1 day", "as the queue says"))],
)
def test_versions_are_compared_in_words(page, before, after, words):
    field = page._meta.get_field("retention_days")
    old, new = IntakeFormPage(retention_days=before), IntakeFormPage(retention_days=after)
    with translation.override("en"):
        html = DaysComparison(field, old, new).htmldiff()
    assert f'<span class="deletion">{words[0]}</span>' in html
    assert f'<span class="addition">{words[1]}</span>' in html


def test_wagtail_compares_two_versions_with_it(client, page):
    page.retention_days = 30
    revision = page.save_revision()
    client.force_login(f.UserFactory(is_superuser=True, is_staff=True))
    first = page.revisions.exclude(pk=revision.pk).latest("pk")
    args = [page.pk, first.pk, revision.pk]
    html = client.get(reverse("wagtailadmin_pages:revisions_compare", args=args)).content.decode()
    assert 'class="addition">30 ' in html
