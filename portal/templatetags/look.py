"""The look of the department to which the page shown belongs."""

from __future__ import annotations

from django import template
from django.template import Context

from portal.looks import look_of
from portal.models import DepartmentLook

register = template.Library()


@register.simple_tag(takes_context=True)
def department_look(context: Context) -> DepartmentLook | None:
    """Return the look of the page, or None."""
    return look_of(context.get("page"))
