"""In which language somebody wrote, for those whose language we do not know yet."""

from __future__ import annotations

import re
from typing import Final

from .parsed import ParsedMail

_WORDS: Final = {
    "de": frozenset(
        [
            "ich",
            "und",
            "der",
            "die",
            "das",
            "nicht",
            "ist",
            "mit",
            "für",
            "auf",
            "bitte",
            "danke",
            "hallo",
            "sehr",
            "geehrte",
            "damen",
            "herren",
            "mein",
            "meine",
            "ein",
            "eine",
            "wir",
            "sie",
            "grüße",
        ]
    ),
    "en": frozenset(
        [
            "i",
            "and",
            "the",
            "to",
            "not",
            "is",
            "with",
            "for",
            "on",
            "please",
            "thanks",
            "hello",
            "dear",
            "sir",
            "madam",
            "my",
            "a",
            "an",
            "we",
            "you",
            "of",
            "regards",
            "best",
            "hi",
        ]
    ),
}


def guess_language(mail: ParsedMail, default: str = "de") -> str:
    """Return "de" or "en": by the Content-Language header, else by the commonest words."""
    for value in mail.headers.get("content-language", ()):
        for language in _WORDS:
            if value.lower().startswith(language):
                return language
    words = re.findall(r"[a-zäöüß]+", f"{mail.subject} {mail.text[:2000]}".lower())
    counts = {
        language: sum(word in common for word in words) for language, common in _WORDS.items()
    }
    best = max(counts, key=lambda language: (counts[language], language == default))
    return best if counts[best] >= 2 else default
