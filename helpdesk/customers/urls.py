"""Addresses of a customer's pages: everything twice, by log-in and by the signed link."""

from __future__ import annotations

from django.urls import include, path

from . import addresses, code_views, downloads, sharing, views

app_name = "helpdesk_customers"


def _request(prefix: str) -> list:
    return [
        path("", views.Detail.as_view(), name=f"{prefix}detail"),
        path("reply/", views.Reply.as_view(), name=f"{prefix}reply"),
        path("close/", views.Close.as_view(), name=f"{prefix}close"),
        path("objection/", views.Objection.as_view(), name=f"{prefix}objection"),
        path("invite/", sharing.Invite.as_view(), name=f"{prefix}invite"),
        path("uninvite/", sharing.Uninvite.as_view(), name=f"{prefix}uninvite"),
        path("share/", sharing.Share.as_view(), name=f"{prefix}share"),
        path("links/", sharing.Links.as_view(), name=f"{prefix}links"),
        path("download/", downloads.DownloadRequest.as_view(), name=f"{prefix}download"),
        path("files/<int:pk>/", views.File.as_view(), name=f"{prefix}file"),
    ]


urlpatterns = [
    path("", views.MyRequests.as_view(), name="list"),
    path("code/", code_views.AskView.as_view(), name="code"),
    path("code/enter/", code_views.EnterView.as_view(), name="code_enter"),
    path("code/leave/", code_views.leave, name="code_leave"),
    path("addresses/", addresses.Addresses.as_view(), name="addresses"),
    path(
        "addresses/confirm/<str:token>/",
        addresses.ConfirmAddress.as_view(),
        name="address_confirm",
    ),
    path("data/", downloads.MyData.as_view(), name="data"),
    path("data/<int:pk>/", downloads.Fetch.as_view(), name="data_fetch"),
    path("status/<str:token>/", include(_request("status_"))),
    path("<str:number>/", include(_request(""))),
]
