"""Site search over live, public pages of one language."""

from __future__ import annotations

import re
from typing import Any

from wagtail.models import Locale, Page

#: Characters beyond this are cut off: nobody searches for a page of text.
MAX_QUERY = 200

#: Everything else means something to one engine or the other.
_WORD = re.compile(r"\w+")


def search_pages(query: str, language: str) -> Any:
    """Return the live, public pages in `language` that hold all words of `query`, best first.

    If no page does, pages with words beginning like those of `query`. The result can be sliced and
    counted; it is empty for an empty query.
    """
    words = " ".join(_WORD.findall(query[:MAX_QUERY]))
    locale = Locale.objects.filter(language_code=language).first()
    if not words or locale is None:
        return Page.objects.none()
    pages = Page.objects.live().public().filter(depth__gt=1, locale=locale)
    found = pages.search(words, operator="and")
    return found if found.count() else pages.autocomplete(words)
