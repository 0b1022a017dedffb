"""Addresses of the mail room; `helpdesk.urls` includes them in development only."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "helpdesk_mailroom"
urlpatterns = [
    path("", views.index, name="index"),
    path("write/", views.write_mail, name="write"),
    path("mail/<str:key>/", views.mail, name="mail"),
    path("mail/<str:key>/html/", views.html, name="html"),
    path("mail/<str:key>/raw/", views.raw, name="raw"),
    path("mail/<str:key>/files/<int:number>/", views.file, name="file"),
]
