"""All stories of the demo."""

from __future__ import annotations

from .stories_it import IT_STORIES

STORIES = (*IT_STORIES,)
