"""A department looks like itself on its pages, and nowhere else."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from portal.looks import look_of
from portal.models import DepartmentLook
from portal.models.look import check_accent, contrast
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
    assert "/look/law.css?7a1f3d" in page
    elsewhere = client.get(tree.services.url).content.decode()
    assert "Juristische" not in elsewhere
    assert "/look/" not in elsewhere


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


def test_the_stylesheet_holds_colours_and_is_kept(client, law):
    address = reverse("department_look", args=["law"])
    assert client.get(address).status_code == 404
    look(law)
    answer = client.get(address)
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "public" in answer["Cache-Control"]
    assert "--accent:#7a1f3d" in answer.content.decode()
    DepartmentLook.objects.update(accent="")
    assert client.get(address).status_code == 404


@pytest.mark.pure
@pytest.mark.parametrize(
    "colour",
    ["red", "#fff", "#ffffff", "#12345g", "#0b5a69}", "#0b5a69;", "#ffcc00", "#808080", ""],
)
def test_what_is_no_readable_colour_is_refused(colour):
    with pytest.raises(ValidationError):
        check_accent(colour)


@pytest.mark.pure
def test_contrast_is_that_of_wcag():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54
    check_accent("#0b5a69")


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
