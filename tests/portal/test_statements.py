"""Accessibility statement and privacy notice: what they start with, say, and promise."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.models import Locale

from helpdesk.models import RetentionSettings
from portal import statements
from portal.models import AccessibilityStatementPage, PrivacyPage, QueueOrderPage, SiteSettings
from portal.standing import lacking
from portal.wagtail_hooks import submissions_item
from tests import factories as f
from tests import page_factories as p


@pytest.fixture
def tree(db):
    return p.make_site()


@pytest.fixture
def admin(tree):
    client = Client()
    client.force_login(f.UserFactory(is_superuser=True, is_staff=True))
    return client


def html(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.pure
@pytest.mark.parametrize("kind", ["AccessibilityStatementPage", "PrivacyPage"])
def test_both_languages_start_with_the_same_fields(kind):
    german, english = statements.start(kind, "de"), statements.start(kind, "en")
    assert german.keys() == english.keys()
    assert all(german[name] != english[name] for name in german)
    fields = {AccessibilityStatementPage, PrivacyPage}
    model = next(one for one in fields if one.__name__ == kind)
    known = {field.name for field in model._meta.get_fields()}
    assert set(german) <= known


@pytest.mark.parametrize(
    ("home", "words"),
    [("home", "wenden: [Name, Anschrift"), ("english", "the enforcement body: [name, address")],
)
def test_a_new_statement_starts_with_text_in_the_language_of_its_place(admin, tree, home, words):
    parent = getattr(tree, home)
    args = ["portal", "accessibilitystatementpage", parent.pk]
    form = admin.get(reverse("wagtailadmin_pages:add", args=args)).context["form"]
    assert words in form["enforcement"].value()
    assert "[" not in form["title"].value()
    args = ["portal", "privacypage", parent.pk]
    form = admin.get(reverse("wagtailadmin_pages:add", args=args)).context["form"]
    assert len(form["purposes"].value()) == 3


def test_a_translation_starts_with_our_text_where_nothing_was_changed(tree):
    german = statements.start("AccessibilityStatementPage", "de")
    page = AccessibilityStatementPage(
        **{**german, "feedback": "<p>Unser eigener Text.</p>"}, slug="barrierefreiheit"
    )
    tree.home.add_child(instance=page)
    copy = page.copy_for_translation(Locale.objects.get(language_code="en"))
    english = statements.start("AccessibilityStatementPage", "en")
    copy = AccessibilityStatementPage.objects.get(pk=copy.pk)
    assert copy.enforcement == english["enforcement"]
    assert copy.feedback == "<p>Unser eigener Text.</p>"
    assert copy.get_latest_revision_as_object().enforcement == english["enforcement"]


def test_the_statement_says_what_is_not_accessible_and_whom_to_tell(client, tree):
    form = p.make_form(tree.home, title="Barriere melden")
    barriers = [
        {
            "type": "barrier",
            "value": {"what": "Anhänge", "reason": "exempt", "text": "Von anderen."},
        },
        {"type": "barrier", "value": {"what": "Alte PDF", "reason": "not_yet", "text": ""}},
    ]
    page = AccessibilityStatementPage(
        title="Barrierefreiheit",
        slug="barrierefreiheit",
        standard="WCAG 2.2 AA",
        barriers=json.dumps(barriers),
        prepared_on=date(2026, 3, 1),
        feedback_page=form,
        feedback_email="barrieren@uni.example",
        enforcement="<p>Schlichtungsstelle</p>",
    )
    tree.home.add_child(instance=page)
    text = html(client, page.url)
    assert form.url in text
    assert "mailto:barrieren@uni.example" in text
    assert "Schlichtungsstelle" in text
    assert "1. März 2026" in text
    # in the order of the model statement
    assert text.index("Alte PDF") < text.index("Anhänge")


def test_the_table_holds_what_each_public_form_and_queue_promises(client, tree):
    parent = f.QueueFactory(retention_days=730, legal_basis_de="Art. 6")
    queue = f.QueueFactory(parent=parent, retention_days=None)
    p.make_form(tree.home, title="Störung", queue=queue)
    p.make_form(tree.home, title="Anmeldung", queue=queue, retention_days=90, legal_basis="Satzung")
    p.make_form(tree.home, title="Geheim", queue=queue).unpublish()
    p.make_queue_page(tree.home, queue, title="Team Druck")
    order = QueueOrderPage(title="Queue beantragen", queue=queue, retention_days=30)
    tree.home.add_child(instance=order)
    page = PrivacyPage(title="Datenschutz", slug="datenschutz")
    tree.home.add_child(instance=page)
    rows = client.get(page.url).context["kept"]
    assert [(row.title, row.basis) for row in rows] == [
        ("Anmeldung", "Satzung"),
        ("Queue beantragen", "Art. 6"),
        ("Störung", "Art. 6"),
        ("Team Druck", "Art. 6"),
    ]
    assert rows[0].period.startswith("90 ")
    assert rows[1].period.startswith("30 ")
    assert rows[2].period.startswith("2 ")
    form = client.get(rows[0].url)
    assert "Satzung" in form.context["retention_sentence"]


def test_the_bar_leads_from_every_form_to_what_was_sent_with_it(rf, tree):
    order = QueueOrderPage(title="Queue beantragen", queue=f.QueueFactory())
    tree.home.add_child(instance=order)
    request = rf.get("/")
    request.user = f.UserFactory(is_superuser=True)
    for page, number in ((order, 1), (p.make_form(tree.home), 1), (tree.home, 0)):
        items: list = []
        submissions_item(request, items, page)
        assert len(items) == number, page


def test_the_table_asks_the_same_for_few_and_many(client, tree):
    page = PrivacyPage(title="Datenschutz", slug="datenschutz")
    tree.home.add_child(instance=page)
    queue = f.QueueFactory(parent=f.QueueFactory(), retention_days=None)
    counts = []
    for number in (2, 20):
        for one in range(number):
            p.make_form(tree.home, title=f"Formular {number}-{one}", queue=queue)
        html(client, page.url)
        with CaptureQueriesContext(connection) as queries:
            html(client, page.url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_dashboard_says_what_the_site_lacks(admin, tree):
    start = reverse("wagtailadmin_home")
    settings_url = reverse("wagtailsettings:edit", args=["portal", "sitesettings", tree.site.pk])
    assert settings_url in html(admin, start)
    assert len(lacking(tree.site)) == 3
    pages = {
        "imprint_page": p.make_article(tree.home, "Impressum"),
        "privacy_page": PrivacyPage(title="Datenschutz"),
        "accessibility_page": AccessibilityStatementPage(title="Barrierefreiheit"),
    }
    for name in ("privacy_page", "accessibility_page"):
        tree.home.add_child(instance=pages[name])
    SiteSettings.objects.update_or_create(site=tree.site, defaults=pages)
    assert len(lacking(tree.site)) == 3  # each is there in German only
    english = Locale.objects.get(language_code="en")
    for page in pages.values():
        page.copy_for_translation(english).save_revision().publish()
    assert lacking(tree.site) == []
    assert 'id="statements-missing"' not in html(admin, start)


def test_the_dashboard_says_nothing_to_those_who_cannot_mend_it(tree):
    client = Client()
    client.force_login(f.make_agent(f.QueueFactory()))
    assert 'id="statements-missing"' not in html(client, reverse("wagtailadmin_home"))


def test_the_notice_says_purpose_steps_and_what_an_objection_brings(client, tree):
    RetentionSettings(attachment_days=60, purpose_en="Proof", objection_days=21).save()
    queue = f.QueueFactory(retention_days=365, at_end="anonymise", legal_basis_en="Section 3")
    p.make_form(tree.english, title="Form", queue=queue, storage_purpose="Its own", personal_days=9)
    p.make_queue_page(tree.english, queue, title="Desk")
    page = PrivacyPage(title="Privacy", slug="privacy")
    tree.english.add_child(instance=page)
    answer = client.get(page.url)
    rows = {row.title: row for row in answer.context["kept"]}
    assert (rows["Desk"].purpose, rows["Form"].purpose) == ("Proof", "Its own")
    assert (rows["Desk"].period, rows["Desk"].basis) == ("1 year", "Section 3")
    files, rest = "Files: 60 days", "What is about no person stays for statistics."
    assert rows["Desk"].steps == (files, rest)
    assert rows["Form"].steps == (files, "Names and other personal details: 9 days", rest)
    text = answer.content.decode()
    assert "has the request deleted 21 days after it is closed" in text
    assert "Its own" in text
    assert files in text
