"""What the test client notes of a page while it is made: its own template, not each icon and field in it."""

from __future__ import annotations

from threading import local

from django.template import Context, Template
from django.test.signals import template_rendered

_HERE = local()


def note_whole_pages_only() -> None:
    """Have `response.context` and `response.templates` say what the page was made with, and no more.

    Django notes every template that a page includes, with a copy of all that it was given: hundreds for a page
    of the admin, and no test asks for one of them. For Django's test environment,
    which puts its own function back when it ends.
    """
    Template._render = _render


def _render(template: Template, context: Context) -> str:
    if getattr(_HERE, "is_inside", False):
        return template.nodelist.render(context)
    template_rendered.send(sender=template, template=template, context=context)
    _HERE.is_inside = True
    try:
        return template.nodelist.render(context)
    finally:
        _HERE.is_inside = False
