"""Figures of a policy in words, for whoever changes it."""

from __future__ import annotations

from django.utils.translation import ngettext

from .policy import Figures


def in_words(figures: Figures) -> list[str]:
    """Return what a change touches, a sentence each, in the active language; nothing if it touches nothing."""
    found = []
    if figures.longer:
        found.append(
            ngettext(
                "%(n)d request was promised longer than that.",
                "%(n)d requests were promised longer than that.",
                figures.longer,
            )
            % {"n": figures.longer}
        )
        found += _of_the_longer(figures)
    if figures.kept:
        words = ngettext(
            "%(n)d request keeps the stricter promise that it was given, whatever is decided here.",
            "%(n)d requests keep the stricter promise that they were given, whatever is decided here.",
            figures.kept,
        )
        found.append(words % {"n": figures.kept})
    return found


def _of_the_longer(figures: Figures) -> list[str]:
    due = ngettext(
        "If the shorter terms are applied, %(n)d of them is erased in the coming night.",
        "If the shorter terms are applied, %(n)d of them are erased in the coming night.",
        figures.due,
    )
    held = ngettext(
        "%(n)d of them stays as long as its hold does.",
        "%(n)d of them stay as long as their hold does.",
        figures.held,
    )
    objected = ngettext(
        "For %(n)d of them the customer has objected to the storage: that holds as before.",
        "For %(n)d of them the customers have objected to the storage: that holds as before.",
        figures.objected,
    )
    told = ((due, figures.due), (held, figures.held), (objected, figures.objected))
    return [words % {"n": n} for words, n in told if n]
