"""What the site adds to the Wagtail admin."""

from __future__ import annotations

from wagtail import hooks
from wagtail.permissions import register_permission_policy

from helpdesk.agents.policy import DepartmentPolicy

from .looks import LookViewSet
from .models import DepartmentLook

register_permission_policy(DepartmentLook, DepartmentPolicy(DepartmentLook))


@hooks.register("register_admin_viewset")
def looks() -> LookViewSet:
    return LookViewSet()
