"""Which translations are missing, not published, or older than what they translate.

A page's *source* is the page of the same translation key in the site's default language, else the oldest one. A
translation is stale if its source was published after the translation was last brought up to date: published, or
said to be up to date by an editor. Aliases follow their source by themselves. What is to be done is counted from
the dates; nothing is stored but the editors' word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from wagtail.models import Locale, Page

from portal.models import TranslationCheck


class State(StrEnum):
    MISSING = "missing"
    DRAFT = "draft"
    STALE = "stale"


@dataclass(frozen=True)
class Row:
    """A page (`source`, an id) that something is to be done about in a language; `page` is its translation, or None."""

    state: State
    source: int
    page: int | None
    title: str
    language: str
    # since when the translation is behind; for a missing one since the source is there
    since: datetime | None


_FIELDS = (
    *("pk", "title", "translation_key", "locale_id", "alias_of_id"),
    *("live", "first_published_at", "last_published_at"),
)


def overview() -> list[Row]:
    """Return what is to be done on all pages, the longest behind first. Three queries."""
    languages = {one.pk: one.language_code for one in Locale.objects.all()}
    checks = dict(TranslationCheck.objects.values_list("page_id", "checked_at"))
    groups: dict[Any, list[Any]] = {}
    pages = Page.objects.filter(depth__gt=1).order_by("pk")
    for page in pages.values_list(*_FIELDS, named=True):
        groups.setdefault(page.translation_key, []).append(page)
    rows = [row for group in groups.values() for row in _rows(group, languages, checks)]
    return sorted(rows, key=lambda row: (row.since is None, row.since, row.title.casefold()))


def _source(group: Iterable[Any], languages: dict[int, str]) -> Any:
    """Return the page that the others of its group translate; aliases never are one."""
    own = [page for page in group if page.alias_of_id is None]
    default = [page for page in own if languages.get(page.locale_id) == settings.LANGUAGE_CODE]
    return next(iter([*default, *own]), None)


def _rows(
    group: list[Any], languages: dict[int, str], checks: dict[int, datetime]
) -> Iterator[Row]:
    source = _source(group, languages)
    if source is None or not source.live:
        return
    by_locale = {page.locale_id: page for page in group}
    for locale, language in languages.items():
        page = by_locale.get(locale)
        if page is None:
            since = source.first_published_at
            yield Row(State.MISSING, source.pk, None, source.title, language, since)
        elif page.pk != source.pk and page.alias_of_id is None:
            since = behind_since(source, page, checks.get(page.pk))
            if not page.live:
                first = source.first_published_at
                yield Row(State.DRAFT, source.pk, page.pk, source.title, language, first)
            elif since is not None:
                yield Row(State.STALE, source.pk, page.pk, source.title, language, since)


def behind_since(source: Any, page: Any, checked_at: datetime | None) -> datetime | None:
    """Return when the source was published if the translation was brought up to date before, else None."""
    published = source.last_published_at
    known = [moment for moment in (page.last_published_at, checked_at) if moment is not None]
    if published is None or (known and max(known) >= published):
        return None
    return published if isinstance(published, datetime) else None


def source_of(page: Page) -> Page | None:
    """Return the page that `page` translates; None if it is a source itself, or an alias."""
    if page.alias_of_id is not None:
        return None
    languages = {one.pk: one.language_code for one in Locale.objects.all()}
    group = Page.objects.filter(translation_key=page.translation_key).order_by("pk")
    source = _source(group, languages)
    return None if source is None or source.pk == page.pk else source


def stale_since(page: Page) -> tuple[Page, datetime] | None:
    """Return the source of a stale translation and when it was published; None if `page` is none. Three queries."""
    source = source_of(page)
    if source is None or not source.live or page.last_published_at is None:
        return None
    check = TranslationCheck.objects.filter(page=page.pk).first()
    since = behind_since(source, page, check.checked_at if check else None)
    return None if since is None else (source, since)


def say_current(page: Page, user: Any, now: datetime) -> None:
    """Keep that `user` found a translation up to date."""
    TranslationCheck.objects.update_or_create(
        page_id=page.pk, defaults={"checked_at": now, "checked_by": user}
    )
