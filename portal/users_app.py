"""Wagtail's app of accounts with the site's own screens."""

from __future__ import annotations

from wagtail.users.apps import WagtailUsersAppConfig


class UsersConfig(WagtailUsersAppConfig):
    user_viewset = "portal.users.UserViewSet"
