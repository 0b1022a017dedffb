"""What is shown where something was refused: plain words, nothing of what was sent, no secret."""

from __future__ import annotations

import re

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.debug import SafeExceptionReporterFilter
from django.views.decorators.csrf import requires_csrf_token


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say what to do about a form that cannot be told from a forged one: mostly it was open for too long."""
    return render(request, "403_csrf.html", status=403)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400; 413 where more was sent than we take."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", status=413)
    return render(request, "400.html", status=400)


class SecretsFilter(SafeExceptionReporterFilter):
    """Hides in the error page of development also what holds a password without being called so."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|URL|ENCRYPTION|SECRET|LDAP|SOCIALACCOUNT|COOKIE",
        re.IGNORECASE,
    )
