"""Addresses of the extension for a site's root; include them inside `i18n_patterns`."""

from __future__ import annotations

from django.urls import include, path

from . import conf

urlpatterns = [
    path("requests/", include("helpdesk.customers.urls")),
    path("absences/", include("helpdesk.agents.feed")),
]
if conf.get("MAILROOM"):
    urlpatterns.append(path("mailroom/", include("helpdesk.mailroom.urls")))
