from __future__ import annotations

from django import template

from portal.policies import current_nonce

register = template.Library()


@register.simple_tag
def script_nonce() -> str:
    """Return the nonce that an inline script of the administration needs."""
    return current_nonce()
