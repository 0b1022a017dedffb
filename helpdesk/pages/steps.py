"""The steps of a form: how its parts are spread over them, and the check of one step before the next.

Without a script all steps stand below each other on one page. With it there is one at a time, and a last
one on which the answers are looked through. The script asks the server for the errors of a step: the rules
live here alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .conditional import ConditionalForm
from .rows import RowsBoundField

#: What the script sends with a form that is only to be checked.
CHECK = "check_step"


@dataclass
class Step:
    """One step; a form without steps has one without a title. `place` is None where no block began it."""

    number: int
    title: str = ""
    text: Any = ""
    place: int | None = None
    is_asked: bool = True
    when: str = ""
    is_open: bool = False
    parts: list[Any] = field(default_factory=list)


def steps_of(form: Any) -> list[Step]:
    """Return the steps of an `IntakeForm` with their parts; the first with an error, else the first, is open.

    What stands before the first step is a step of its own, with name and address; else these belong to
    the first.
    """
    steps: list[Step] = []
    for part in form.parts():
        if part.kind == "step":
            steps.append(_step(len(steps) + 1, part))
            continue
        if not steps:
            steps.append(Step(1))
        steps[-1].parts.append(part)
    steps = steps or [Step(1)]
    if len(steps) > 1 and not steps[0].title:
        steps[0].title = _("About you")
    next(_with_errors(form, steps), steps[0]).is_open = True
    return steps


def _step(number: int, part: Any) -> Step:
    is_asked = part.is_asked or number == 1  # name and address stand in the first
    return Step(number, part.heading, part.text, part.place, is_asked, part.when)


def _with_errors(form: Any, steps: list[Step]) -> Iterator[Step]:
    if not form.is_bound or not form.errors:
        return
    if {"contact_name", "contact_email"} & set(form.errors):
        yield steps[0]
    for step in steps:
        if any(part.field is not None and part.field.errors for part in step.parts):
            yield step


def script_data(form: ConditionalForm) -> dict[str, Any]:
    """Return as JSON all that the script of a form has to know, in the active language."""
    is_new = getattr(form, "is_outdated", False)  # it is looked through from the start
    many = 2  # which number stands for all others
    return {
        **form.asking_data(),
        "is_checked_last": form.is_bound and not (set(form.errors) - {"__all__"}) and not is_new,
        "words": {
            "optional": _("(optional)"),
            "error": _("Error:"),
            "step": _("Step %(n)s of %(all)s: %(title)s"),
            "check": _("Check your answers"),
            "change": _("Change"),
            "change_step": _("Change: %(title)s"),
            "yes": _("Yes"),
            "nothing": _("Not answered"),
            "added": [
                ngettext("%(n)s question was added below.", "%(n)s questions were added below.", n)
                for n in (1, many)
            ],
            "wrong": [
                ngettext("%(n)s answer needs another look.", "%(n)s answers need another look.", n)
                for n in (1, many)
            ],
        },
    }


def is_check(request: HttpRequest) -> bool:
    """Tell whether a form was sent only to be checked, for the errors of a step."""
    return request.method == "POST" and CHECK in request.POST


def check(form: ConditionalForm) -> JsonResponse:
    """Return the errors of a form by name of field; nothing is kept, counted or sent.

    `lists` has those of lists of rows once more: what is wrong with the list, and with which of its cells.
    """
    errors = {name: [str(one) for one in found] for name, found in form.errors.items()}
    errors.pop("__all__", None)
    lists = {
        name: {"general": bound.general_errors, "cells": bound.cell_errors}
        for name in errors
        if isinstance(bound := form[name], RowsBoundField)
    }
    return JsonResponse({"errors": errors, "lists": lists})


def unchecked(seconds: int) -> JsonResponse:
    """Return no errors, for nobody looked: that was too often, and may be tried again in so many seconds.

    Whoever fills in the form goes on; the whole form is refused in words then, with everything in it.
    """
    return JsonResponse({"errors": {}}, status=429, headers={"Retry-After": str(seconds)})


def not_open(words: str) -> JsonResponse:
    """Return the answer to a check of a form that is not open: no errors, the script goes on.

    Whoever filled it in reads the reason when sending, beside all that they wrote.
    """
    return JsonResponse({"errors": {}, "closed": words}, status=409)
