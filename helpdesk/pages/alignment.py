"""What has to be the same in all languages of a form: who may send it, when, and where it goes.

Each language is a page of its own, and Wagtail lets them differ in everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from .audience import Audience


def wrong(page: Any, other: Any) -> list[str]:
    """Return the names of what differs and must not: else one language is the way around the other.

    A constant number of queries.
    """
    return _differing(
        page,
        other,
        ("audience", _audience),
        ("queue", lambda one: one.queue_id),
        ("opens_at", lambda one: one.opens_at),
        ("closes_at", lambda one: one.closes_at),
        ("submission_limit", lambda one: one.submission_limit),
    )


def odd(page: Any, other: Any) -> list[str]:
    """Return the names of what else differs: it may be meant so."""
    return _differing(
        page,
        other,
        ("routes", _routes),
        ("retention_days", lambda one: one.retention_days),
        ("attachment_days", lambda one: one.attachment_days),
        ("personal_days", lambda one: one.personal_days),
        ("at_end", lambda one: one.at_end),
        # their words are translated; but who says something in one language says it in the other
        ("storage_purpose", lambda one: bool(one.storage_purpose)),
        ("legal_basis", lambda one: bool(one.legal_basis)),
        ("ticket_type", lambda one: one.ticket_type_id),
        ("priority", lambda one: one.priority_id),
    )


def _differing(page: Any, other: Any, *parts: tuple[str, Callable[[Any], object]]) -> list[str]:
    return [
        _("“%(text)s”") % {"text": page._meta.get_field(name).verbose_name}
        for name, value in parts
        if value(page) != value(other)
    ]


def _audience(page: Any) -> tuple[str, frozenset[int]]:
    if page.audience != Audience.GROUPS:
        return page.audience, frozenset()
    return page.audience, frozenset(group.pk for group in page.audience_groups.all())


def _routes(page: Any) -> list[Any]:
    """Return the rules as they are stored, without the ids of their blocks."""
    return [child.block.get_prep_value(child.value) for child in page.routes]
