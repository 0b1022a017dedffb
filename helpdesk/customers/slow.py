"""The answer to whoever does something too often."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from helpdesk import limits


def too_often(request: HttpRequest, error: limits.TooOften) -> HttpResponse:
    """Return the page that asks to wait (429), in plain words."""
    context = {"words": error.words}
    response = render(request, "helpdesk/customers/too_often.html", context, status=429)
    response["Retry-After"] = str(error.seconds)
    return response


def limited(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a view answer with that page where it meets a limit."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except limits.TooOften as error:
            return too_often(request, error)

    return answer
