"""The site's addresses."""

from __future__ import annotations

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.conf.urls.static import static
from django.urls import include, path, re_path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from . import health, key_views, looks, views

urlpatterns = [
    path("healthz/live", health.live),
    path("healthz/ready", health.ready),
    re_path(
        r"^look/(?P<name>[0-9]{1,9}(?:\.[-\w]+)?)\.(?P<digest>[0-9a-f]{12})\.css$",
        looks.stylesheet,
        name="look",
    ),
    path("admin/login/", views.admin_login),
    # tags are words from tickets; Wagtail would complete them for everybody
    path("admin/tag-autocomplete/helpdesk/<path:rest>", views.gone),
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("i18n/", include("django.conf.urls.i18n")),
]
if settings.DEBUG:
    # pictures of the pages; tickets' files have no address below /media/
    urlpatterns += static(
        settings.MEDIA_URL + "images/", document_root=f"{settings.MEDIA_ROOT}/images"
    )
urlpatterns += i18n_patterns(
    # before allauth's own, some of which it closes
    path("accounts/", include("portal.doors.urls")),
    path("accounts/password/set/", key_views.password_elsewhere, name="account_set_password"),
    path("accounts/", include("allauth.urls")),
    path("search/", views.search, name="search"),
    path("", include("helpdesk.urls")),
    # Wagtail's own log-in knows no second factor and no limits
    path("_util/login/", views.wagtail_login),
    path(
        "_util/authenticate_with_password/<int:page_view_restriction_id>/<int:page_id>/",
        views.page_password,
    ),
    path("", include(wagtail_urls)),
    prefix_default_language=False,
)

handler400 = "portal.errors.bad_request"
