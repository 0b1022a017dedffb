"""The look of a department: which page has which, its stylesheet, and the admin's form for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from wagtail.admin.ui.tables import Column
from wagtail.images import get_image_model
from wagtail.images.widgets import AdminImageChooser
from wagtail.models import Page
from wagtail.permissions import policy_registry

from helpdesk.agents.departments import DepartmentForm
from helpdesk.agents.viewsets import DeskViewSet
from portal.models import DepartmentLook

#: Seconds a browser keeps the stylesheet; its address changes with the colour.
KEPT = 24 * 3600


def look_of(page: Any) -> DepartmentLook | None:
    """Return the look of a page: that of the nearest department above it, also through its translation.

    One query, two where there are looks at all.
    """
    if not isinstance(page, Page) or not page.path:
        return None
    looks = list(DepartmentLook.objects.select_related("department__page", "logo"))
    by_key = {
        one.department.page.translation_key: one for one in looks if one.department.page is not None
    }
    if not by_key:
        return None
    above = Page.objects.ancestor_of(page, inclusive=True).order_by("-depth")
    keys = above.values_list("translation_key", flat=True)
    return next((by_key[key] for key in keys if key in by_key), None)


@require_safe
@cache_control(public=True, max_age=KEPT)
def stylesheet(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the colours of a department. In the dark the site's own stay: they are checked there."""
    look = get_object_or_404(DepartmentLook.objects.exclude(accent=""), department__slug=slug)
    rules = f"--accent:{look.accent};--accent-strong:{look.accent_strong};--focus:{look.accent};"
    soft = "--accent-soft:var(--sunken);--on-accent:#ffffff;"
    text = f"@media not (prefers-color-scheme: dark){{:root{{{rules}{soft}}}}}\n"
    return HttpResponse(text, content_type="text/css; charset=utf-8")


class LookForm(DepartmentForm):
    """Who administers a department gives it its look."""

    class Meta:
        model = DepartmentLook
        fields = [
            *("department", "organisation", "logo", "contact_email", "contact_phone", "accent"),
        ]
        widgets = {"logo": AdminImageChooser}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "department" in self.fields:
            self.fields["department"].empty_label = "–"  # the site has a look of its own

    def clean_logo(self) -> Any:
        """Take only pictures that the person may choose: the look shows them to everybody."""
        logo = self.cleaned_data["logo"]
        policy = policy_registry.get_by_type(get_image_model())
        if (
            logo is not None
            and logo.pk != self.instance.logo_id
            and not policy.user_has_permission_for_instance(self.for_user, "choose", logo)
        ):
            raise forms.ValidationError(_("Choose one of the pictures that you may use."))
        return logo

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        department = data.get("department") or getattr(self.instance, "department", None)
        others = DepartmentLook.objects.filter(department=department).exclude(pk=self.instance.pk)
        if "department" not in self.errors and others.exists():
            field = "department" if "department" in self.fields else None
            self.add_error(field, _("This department has a look already."))
        return data


class LookViewSet(DeskViewSet):
    model = DepartmentLook
    name, url_prefix = "department_looks", "looks"
    icon = "view"
    menu_label = gettext_lazy("Looks of departments")
    add_to_settings_menu = True
    form_class = LookForm
    list_display = [
        Column("department", label=gettext_lazy("Department")),
        "organisation",
        Column("accent", label=gettext_lazy("Colour")),
    ]
