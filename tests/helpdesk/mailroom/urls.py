"""The test site's addresses with the mail room, which the test settings leave out."""

from __future__ import annotations

from django.urls import include, path

from portal.urls import urlpatterns as site

urlpatterns = [path("mailroom/", include("helpdesk.mailroom.urls")), *site]
