"""A department looks like itself on its pages, and nowhere else."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from helpdesk.models import AuditEntry, AuditKind
from portal.looks import look_of
from portal.models import DepartmentLook, SiteSettings
from portal.models.look import check_accent, check_accent_dark
from tests import factories as f
from tests import page_factories as p


@pytest.fixture
def tree(db):
    return p.make_site()


@pytest.fixture
def law(tree):
    page = p.make_service(tree.services, title="Jura")
    return f.make_department("Law", page=page)


def look(department, **options):
    return DepartmentLook.objects.create(
        department=department,
        **{
            "organisation": "Juristische Fakultät",
            "contact_email": "jura@uni.example",
            "accent": "#7a1f3d",
            **options,
        },
    )


def test_pages_of_the_department_have_its_look(client, tree, law):
    look(law)
    page = client.get(law.page.url).content.decode()
    assert "Juristische Fakultät" in page
    assert "jura@uni.example" in page
    assert sheet(page).endswith(".css")
    assert f"/look/{SiteSettings.objects.get().site_id}.law." in sheet(page)
    elsewhere = client.get(tree.services.url).content.decode()
    assert "Juristische" not in elsewhere
    assert "/look/" not in elsewhere


def sheet(page_html):
    """Return the address of the style sheet of the look."""
    return re.search(r'href="(/look/[^"]+)"', page_html).group(1)


def test_the_nearest_department_counts_and_translations_follow(tree, law):
    look(law)
    below = p.make_article(law.page)
    assert look_of(below).department == law
    inner = f.make_department("Institute", page=below)
    assert look_of(below).department == law
    look(inner)
    assert look_of(below).department == inner
    assert look_of(law.page).department == law
    assert look_of(None) is None


def test_a_site_without_looks_asks_once(tree, law, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert look_of(law.page) is None
    look(law)
    with django_assert_num_queries(2):
        look_of(law.page)


def test_the_stylesheet_holds_the_choices_and_is_kept_for_good(client, law):
    look(law)
    address = sheet(client.get(law.page.url).content.decode())
    answer = client.get(address)
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    assert "public" in answer["Cache-Control"]
    assert "--accent:#7a1f3d" in answer.content.decode()
    DepartmentLook.objects.update(accent="#204080")
    old = client.get(address)
    assert "--accent:#204080" in old.content.decode()
    assert old["Cache-Control"] == "no-cache"
    assert sheet(client.get(law.page.url).content.decode()) != address
    DepartmentLook.objects.update(accent="")
    assert client.get(address).status_code == 404
    assert client.get("/look/999999.000000000000.css").status_code == 404
    assert client.get("/look/0.nobody.000000000000.css").status_code == 404


def test_the_site_has_a_look_of_its_own_and_a_department_what_it_says_itself(client, tree, law):
    chosen = SiteSettings.for_site(tree.site)
    chosen.tone, chosen.corners, chosen.accent = "warm", "square", "#204080"
    chosen.save()
    home = client.get("/").content.decode()
    text = client.get(sheet(home)).content.decode()
    assert "--radius:0;" in text
    assert "--accent:#204080" in text
    look(law)
    theirs = client.get(sheet(client.get(law.page.url).content.decode())).content.decode()
    assert "--radius:0;" in theirs
    assert "--accent:#7a1f3d" in theirs
    assert sheet(client.get("/").content.decode()) == sheet(home)


def test_a_change_of_the_site_s_look_is_written_down(tree):
    chosen = SiteSettings.for_site(tree.site)
    url = reverse("wagtailsettings:edit", args=["portal", "sitesettings", tree.site.pk])
    data = dict.fromkeys(["organisation", "logo", "contact_email", "contact_phone"], "")
    data |= dict.fromkeys(DepartmentLook.TOKENS, "")
    data |= dict.fromkeys(["imprint_page", "privacy_page", "accessibility_page"], "")
    admin = browser(f.UserFactory(is_superuser=True, is_staff=True))
    answer = admin.post(url, {**data, "accent": "#ffcc00"})
    assert answer.status_code == 200
    assert "#806600" in answer.content.decode()  # the nearest that can be read
    assert admin.post(url, {**data, "accent": "#204080", "tone": "warm"}).status_code == 302
    chosen.refresh_from_db()
    assert (chosen.accent, chosen.tone) == ("#204080", "warm")
    changed = AuditEntry.objects.filter(kind=AuditKind.SETTING_CHANGED).last()
    assert {"accent", "tone"} <= set(str(changed.data).replace("'", " ").split())


@pytest.mark.pure
@pytest.mark.parametrize("colour", ["#0b5a69", "#84cbd9x", "#808080", "#101010"])
def test_a_colour_that_is_dark_in_the_dark_is_refused(colour):
    with pytest.raises(ValidationError):
        check_accent_dark(colour)


@pytest.mark.pure
def test_a_refusal_says_how_far_it_is_from_enough():
    with pytest.raises(ValidationError, match=r"1\.2 to 1, and 4\.5 to 1 is needed"):
        check_accent("#ffcc00")
    with pytest.raises(ValidationError, match="lighter one; the nearest is #"):
        check_accent_dark("#0b5a69")
    check_accent("#0b5a69")
    check_accent_dark("#84cbd9")


@pytest.mark.pure
@pytest.mark.parametrize(
    "colour",
    ["red", "#fff", "#ffffff", "#12345g", "#0b5a69}", "#0b5a69;", "#ffcc00", "#808080", ""],
)
def test_what_is_no_readable_colour_is_refused(colour):
    with pytest.raises(ValidationError):
        check_accent(colour)


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_departments_administrator_gives_it_its_look(law):
    medicine = f.make_department("Medicine")
    foreign = look(medicine)
    head = browser(f.make_agent(law.queue))
    data = {"organisation": "Jura", "accent": "#7a1f3d", "department": medicine.pk, "logo": ""}
    assert head.post(reverse("department_looks:add"), data).status_code == 302
    mine = DepartmentLook.objects.get(organisation="Jura")
    assert mine.department == law
    assert head.post(reverse("department_looks:add"), data).status_code == 200  # one is enough
    page = head.get(reverse("department_looks:index")).content.decode()
    assert "Jura" in page
    assert "Medicine" not in page
    edit = reverse("department_looks:edit", args=[foreign.pk])
    assert head.get(edit).status_code in (302, 404)
    assert head.post(edit, data).status_code in (302, 404)
    foreign.refresh_from_db()
    assert foreign.organisation == "Juristische Fakultät"
    edit = reverse("department_looks:edit", args=[mine.pk])
    page = head.post(edit, {**data, "accent": "#ffcc00"})
    assert "accent" in page.context["form"].errors
    agent = browser(f.make_agent(law.queue, rights=["manage"]))
    assert agent.get(reverse("department_looks:index")).status_code == 302
