"""The help desk's own addresses in the admin, below `helpdesk/`."""

from __future__ import annotations

from django.urls import path

from . import (
    absence_form,
    absences,
    bounced,
    drafts_views,
    failures,
    files,
    filters,
    finder,
    likely,
    mentions,
    merging,
    my_settings,
    notice_choices,
    notices,
    oauth,
    phone,
    quarantine,
    routes,
    splitting,
    together,
)
from .actions_views import (
    AcceptSenderView,
    ChangeView,
    OwnTicketView,
    SendAgainView,
    TakeBackView,
)
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
    path(
        "tickets/<int:pk>/articles/<int:article>/take-back/",
        TakeBackView.as_view(),
        name="take_back",
    ),
    path("tickets/<int:pk>/articles/<int:article>/html/", files.frame, name="frame"),
    path("tickets/<int:pk>/articles/<int:article>/source/", files.source, name="source"),
    path("tickets/<int:pk>/files/<int:attachment>/", files.attachment, name="attachment"),
    path(
        "tickets/<int:pk>/files/<int:attachment>/quarantine/",
        quarantine.Quarantined.as_view(),
        name="quarantine",
    ),
    path("tickets/<int:pk>/mails/<int:mail>/again/", SendAgainView.as_view(), name="send_again"),
    path("together/", together.poll, name="together"),
    path("tickets/<int:pk>/draft/<slug:change>/", drafts_views.save, name="draft"),
    path("tickets/<int:pk>/draft/<slug:change>/off/", drafts_views.discard, name="draft_off"),
    path("tickets/<int:pk>/draft/<slug:change>/over/", drafts_views.take_over, name="draft_over"),
    path("tickets/<int:pk>/release/", bounced.release_on_ticket, name="release_address"),
    path(
        "tickets/<int:pk>/mails/<int:mail>/returned/again/",
        bounced.send_again,
        name="send_returned_again",
    ),
    path("tickets/<int:pk>/mention/", mentions.suggest, name="mention"),
    path("notices/", notices.NoticesView.as_view(), name="notices"),
    path("notices/count/", notices.count, name="notice_count"),
    path("notices/read/", notices.mark_read, name="notices_read"),
    path("notices/choices/", notice_choices.NoticeChoicesView.as_view(), name="notice_choices"),
    path("notices/<int:pk>/", notices.open_notice, name="notice"),
    path("tickets/find/", finder.find, name="find_ticket"),
    path("tickets/<int:pk>/merge/", merging.MergeView.as_view(), name="merge"),
    path("tickets/<int:pk>/likely/<int:other>/", likely.HintView.as_view(), name="hint"),
    path("merges/<int:pk>/undo/", merging.UnmergeView.as_view(), name="unmerge"),
    path(
        "tickets/<int:pk>/articles/<int:article>/split/",
        splitting.SplitView.as_view(),
        name="split",
    ),
    path("bounced/", bounced.BouncedView.as_view(), name="bounced"),
    path("bounced/release/", bounced.release, name="bounced_release"),
    path("absences/", absences.AbsenceListView.as_view(), name="absences"),
    path("absences/team/", absences.OverviewView.as_view(), name="absence_overview"),
    path("absences/new/", absence_form.AbsenceFormView.as_view(), name="absence_new"),
    path("absences/<int:pk>/", absence_form.AbsenceFormView.as_view(), name="absence"),
    path("absences/<int:pk>/end/", absences.end, name="absence_end"),
    path("absences/<int:pk>/summary/", absences.SummaryView.as_view(), name="absence_summary"),
    path("absences/returned/<int:pk>/", absences.returned, name="absence_return"),
    path("my-settings/", my_settings.MySettingsView.as_view(), name="my_settings"),
    path("my-settings/address/", my_settings.renew, name="feed_renew"),
    path("new/", phone.PhoneView.as_view(), name="phone"),
    path("new/customers/", phone.customers, name="phone_customers"),
    path("routes/check/<int:pk>/", routes.CheckRouteView.as_view(), name="check_route"),
    path("failures/", failures.FailureView.as_view(), name="failures"),
    path("oauth/<int:pk>/connect/", oauth.connect, name="oauth_connect"),
    path("oauth/callback/", oauth.callback, name="oauth_callback"),
    path("failures/in/<int:pk>/source/", failures.source, name="failure_source"),
    path("failures/in/<int:pk>/file/", failures.by_hand, name="failure_file"),
    path("failures/in/<int:pk>/retry/", failures.retry, name="failure_retry"),
    path("failures/out/<int:pk>/again/", failures.again, name="failure_again"),
    path("filters/", filters.FilterListView.as_view(), name="filters"),
    path("filters/new/", filters.FilterFormView.as_view(), name="filter_new"),
    path("filters/<int:pk>/", filters.FilterFormView.as_view(), name="filter"),
    path("filters/<int:pk>/copy/", filters.FilterCopyView.as_view(), name="filter_copy"),
    path("filters/<int:pk>/delete/", filters.FilterDeleteView.as_view(), name="filter_delete"),
    path("filters/<int:pk>/move/", filters.move, name="filter_move"),
    path("filters/<int:pk>/position/", filters.position, name="filter_position"),
]
