"""The doors' addresses, before allauth's: what is not here is closed. Included at accounts/, without a language.

The names are allauth's own, for it builds the addresses that it tells providers from them.
"""

from __future__ import annotations

from django.urls import path, re_path

from . import views
from .config import SLUG

urlpatterns = [
    path("door/<slug:door>/", views.go, name="door"),
    path(f"oidc/{SLUG}/login/callback/", views.oidc_callback, name="door_oidc"),
    path(f"saml/{SLUG}/acs/", views.saml_acs, name="door_acs"),
    path(f"saml/{SLUG}/acs/finish/", views.saml_finish),
    path(f"saml/{SLUG}/metadata/", views.saml_metadata, name="door_metadata"),
    re_path(r"^(?:oidc|saml)/.*$", views.closed),
    re_path(r"^3rdparty/(?!login/(?:cancelled|error)/).*$", views.closed),
]
