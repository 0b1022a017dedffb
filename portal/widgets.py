"""Wagtail's choosers draw a script beside themselves: here it gets the nonce without which it would not run."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString, mark_safe

from .policies import current_nonce


def give_scripts_a_nonce() -> None:
    """Let every chooser of Wagtail's (8.0) draw its script with the nonce; called once, at the start."""
    from wagtail.admin.widgets.chooser import BaseChooser

    BaseChooser.render = render


def render(
    chooser: Any, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
) -> SafeString:
    """Return what `BaseChooser.render` does. What stands in the script cannot end it: Wagtail leaves `<` as it is."""
    data = chooser.get_value_data(value)
    id_ = (attrs or {}).get("id")
    if id_ is None:
        raise TypeError("BaseChooser cannot be rendered without an 'id' attribute")
    html = chooser.render_html(name, data, attrs)
    script = chooser.render_js_init(id_, name, data).replace("<", "\\u003c")
    return mark_safe(f'{html}<script nonce="{current_nonce()}">{script}</script>')  # noqa: S308
