"""The look of the page shown: of its department, else of its site."""

from __future__ import annotations

from django import template
from django.template import Context
from wagtail.models import Site

from portal.looks import Style, style_of
from portal.models import SiteSettings

register = template.Library()


@register.simple_tag(takes_context=True)
def page_style(context: Context) -> Style:
    """Return the address of the style sheet ('' if nothing was chosen), and the department's look or None."""
    request = context["request"]
    chosen = SiteSettings.for_request(request) if Site.find_for_request(request) else None
    return style_of(context.get("page"), chosen)
