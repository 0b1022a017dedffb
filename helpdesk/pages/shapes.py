"""What a text must look like: ready shapes for an editor to choose, and patterns of their own.

Patterns are those of `rules.patterns`: bounded in what they cost, and compared ignoring case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from helpdesk import conf
from helpdesk.rules.patterns import portable

#: The name under which an editor's own pattern is stored.
OWN = "own"


@dataclass(frozen=True)
class Shape:
    """A ready shape: its name for editors, the pattern, and what is said where a text does not fit."""

    label: Any
    pattern: str
    message: Any
    inputmode: str = ""


SHAPES: dict[str, Shape] = {
    "matriculation": Shape(
        _("Matriculation number"), r"\d{6,8}", _("Please enter six to eight digits."), "numeric"
    ),
    "room": Shape(
        _("Room"),
        r"[\w .-]{0,15}\d[\w .,/-]{0,20}",
        _("Please enter a room, for example 23.02.U1 or H 5."),
    ),
    "postcode": Shape(_("Postcode"), r"\d{5}", _("Please enter five digits."), "numeric"),
    "login": Shape(_("Log-in name"), "", _("This does not look like a log-in name.")),
}


def choices() -> list[tuple[str, Any]]:
    """Return names and labels of the shapes as a form offers them."""
    ready = [(name, shape.label) for name, shape in SHAPES.items()]
    return [*ready, (OWN, _("Own pattern"))]


def whole(pattern: str) -> str:
    """Return a pattern that a whole text must fit. Raises `rules.patterns.BadPattern`."""
    return portable(f"^(?:{pattern})$")


def fits(pattern: str, text: str) -> bool:
    """Tell whether a whole text fits a pattern, ignoring case."""
    return re.search(whole(pattern), text, re.IGNORECASE) is not None


def is_login_name(text: str) -> bool:
    """Tell whether a text has the shape of a log-in name, as `HELPDESK["LOGIN_NAME_PATTERN"]` says."""
    return fits(conf.get("LOGIN_NAME_PATTERN"), text)


@dataclass(frozen=True)
class ShapeValidator:
    """Refuses a text that does not fit."""

    name: str
    own_pattern: str = ""
    own_message: str = ""

    def __call__(self, text: str) -> None:
        """Raises `ValidationError`."""
        if self.name == "login":
            fitting, message = is_login_name(text), SHAPES["login"].message
        elif self.name == OWN:
            fitting = fits(self.own_pattern, text)
            message = self.own_message or _("This does not have the form that is asked for.")
        else:
            shape = SHAPES[self.name]
            fitting, message = fits(shape.pattern, text), shape.message
        if not fitting:
            raise ValidationError(message, code="shape")
