"""The help desk's own addresses in the admin, below `helpdesk/`."""

from __future__ import annotations

from django.urls import path

from . import failures, files, oauth, phone
from .actions_views import AcceptSenderView, ChangeView, OwnTicketView, SendAgainView
from .ticket import TicketView
from .tickets_list import TicketIndexView

app_name = "helpdesk_agents"

_results = TicketIndexView.as_view(results_only=True)

urlpatterns = [
    path("tickets/", TicketIndexView.as_view(), name="tickets"),
    path("tickets/list/<slug:view>/", TicketIndexView.as_view(), name="tickets_view"),
    path("tickets/list/<slug:view>/results/", _results, name="tickets_results"),
    path("tickets/<int:pk>/", TicketView.as_view(), name="ticket"),
    path("tickets/<int:pk>/do/<slug:change>/", ChangeView.as_view(), name="change"),
    path(
        "tickets/<int:pk>/articles/<int:article>/accept/",
        AcceptSenderView.as_view(),
        name="accept_sender",
    ),
    path(
        "tickets/<int:pk>/articles/<int:article>/own-ticket/",
        OwnTicketView.as_view(),
        name="own_ticket",
    ),
    path("tickets/<int:pk>/articles/<int:article>/html/", files.frame, name="frame"),
    path("tickets/<int:pk>/articles/<int:article>/source/", files.source, name="source"),
    path("tickets/<int:pk>/files/<int:attachment>/", files.attachment, name="attachment"),
    path("tickets/<int:pk>/mails/<int:mail>/again/", SendAgainView.as_view(), name="send_again"),
    path("new/", phone.PhoneView.as_view(), name="phone"),
    path("new/customers/", phone.customers, name="phone_customers"),
    path("failures/", failures.FailureView.as_view(), name="failures"),
    path("oauth/<int:pk>/connect/", oauth.connect, name="oauth_connect"),
    path("oauth/callback/", oauth.callback, name="oauth_callback"),
    path("failures/in/<int:pk>/source/", failures.source, name="failure_source"),
    path("failures/in/<int:pk>/retry/", failures.retry, name="failure_retry"),
    path("failures/out/<int:pk>/again/", failures.again, name="failure_again"),
]
