from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import Locale

from portal.models import SiteSettings
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


def html(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def link(page_html, label):
    """Return the address behind a link's label."""
    before = page_html.split(f">{label}</a>")[0]
    return before.rsplit('href="', 1)[1].split('"')[0]


def test_home_lists_services_of_its_language(client, tree):
    p.make_service(tree.services, "Drucken")
    assert "Drucken" in html(client, "/")
    assert "Drucken" not in html(client, "/en/")


def test_language_switch_leads_to_the_translation_if_it_is_live(client, tree):
    article = p.make_article(tree.home, "Datenschutz", slug="datenschutz")
    english = article.copy_for_translation(Locale.objects.get(language_code="en"))
    assert link(html(client, article.url), "English") == f"/en/?untranslated={article.pk}"
    english.slug = "privacy"
    english.save_revision().publish()
    assert link(html(client, article.url), "English") == "/en/privacy/"
    assert link(html(client, "/en/privacy/"), "Deutsch") == "/datenschutz/"


@pytest.mark.parametrize("path", ["/search/?q=x", "/accounts/login/"])
def test_language_switch_keeps_the_place_on_other_pages(client, tree, path):
    assert link(html(client, path), "English") == f"/en{path}"
    assert link(html(client, f"/en{path}"), "Deutsch") == path


def test_language_without_a_home_page_is_not_offered(client, tree):
    tree.english.unpublish()
    assert ">English</a>" not in html(client, "/")


def test_breadcrumbs_lead_home(client, tree):
    service = p.make_service(tree.services)
    trail = html(client, service.url).split('class="breadcrumbs"')[1].split("</nav>")[0]
    assert 'href="/"' in trail
    assert 'href="/dienste/"' in trail


def test_footer_links_to_the_pages_in_the_language_of_the_visitor(client, tree):
    privacy = p.make_article(tree.home, "Datenschutz", slug="datenschutz")
    english = privacy.copy_for_translation(Locale.objects.get(language_code="en"))
    english.title = "Privacy"
    english.save_revision().publish()
    SiteSettings.objects.create(site=tree.site, organisation="Uni", privacy_page=privacy)
    german, other = html(client, "/"), html(client, "/en/")
    assert link(german, "Datenschutz") == "/datenschutz/"
    assert link(other, "Privacy") == "/en/datenschutz/"
    assert "Uni" in german


def test_visitor_can_skip_to_content_and_search(client, tree):
    first = html(client, "/").split("<header")[0]
    assert 'href="#content"' in first
    assert 'href="/search/"' in first


def test_missing_page_is_a_404_in_the_frame(client, tree):
    response = client.get("/gibt-es-nicht/")
    assert response.status_code == 404
    assert "site-header" in response.content.decode()


def test_catalogue_uses_a_constant_number_of_queries(client, tree):
    counts = []
    for number in (2, 48):
        for _one in range(number):
            p.make_service(tree.services, f"Dienst {number}-{_one}")
        client.get("/dienste/")
        with CaptureQueriesContext(connection) as queries:
            assert html(client, "/dienste/").count("card--link") >= number
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] < 20


def test_service_page_links_its_forms_and_articles(client, tree):
    service = p.make_service(tree.services)
    form, article = p.make_form(service), p.make_article(service, "Papierstau")
    hidden = p.make_article(service, "Entwurf", live=False)
    page_html = html(client, service.url)
    assert link(page_html, form.title) == form.url
    assert link(page_html, article.title) == article.url
    assert hidden.title not in page_html


def test_frame_has_no_inline_script_and_no_third_party(client, tree):
    page_html = html(client, p.make_form(p.make_service(tree.services), p.ALL_FIELDS).url)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page_html, re.DOTALL)
    for how, inside in scripts:  # data, or a file of ours that keeps nobody waiting
        assert 'type="application/json"' in how or 'type="module" src="/static/' in how
        assert 'type="application/json"' in how or not inside
    assert "style=" not in page_html
    assert 'src="http' not in page_html
    assert len(page_html) < 40_000


@pytest.mark.parametrize("prefix", ["", "/en"])
@pytest.mark.parametrize("path", ["login/", "signup/", "password/reset/", "password/reset/done/"])
def test_account_pages_stand_in_the_frame(client, tree, prefix, path):
    assert "site-header" in html(client, f"{prefix}/accounts/{path}")


def test_admin_log_in_is_the_site_log_in(client, tree):
    response = client.get("/admin/login/?next=/admin/pages/")
    assert response["Location"] == "/accounts/login/?next=%2Fadmin%2Fpages%2F"
    last, _status = client.get("/admin/", follow=True).redirect_chain[-1]
    assert last == "/accounts/login/?next=%2Fadmin%2F"


def test_admin_log_in_sends_nobody_to_another_site(client, tree):
    response = client.get("/admin/login/?next=https://evil.example/")
    assert response["Location"] == "/accounts/login/?next=%2Fadmin%2F"


def test_customer_who_opens_the_admin_is_not_sent_round_in_circles(client, tree):
    client.force_login(f.UserFactory())
    response = client.get("/admin/", follow=True)
    assert response.status_code in (200, 403)
    assert len(response.redirect_chain) < 5
