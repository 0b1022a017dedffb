"""The look of sites and departments: which page has which, its stylesheet, and the admin's form for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from wagtail.admin.ui.tables import Column
from wagtail.images import get_image_model
from wagtail.images.widgets import AdminImageChooser
from wagtail.models import Page
from wagtail.permissions import policy_registry

from helpdesk.agents.departments import DepartmentForm
from helpdesk.agents.viewsets import DeskViewSet
from portal import tokens
from portal.models import DepartmentLook, SiteSettings

#: Seconds a browser keeps the stylesheet; its address changes with the content.
KEPT = 365 * 24 * 3600


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


@dataclass(frozen=True)
class Style:
    """The style sheet of a page: where it is, and the logo, name and contact that go with it."""

    url: str
    look: DepartmentLook | None


def style_of(page: Any, chosen: SiteSettings | None) -> Style:
    """Return the style of a page on a site with the settings `chosen`; `url` is '' where nothing was chosen."""
    look = look_of(page)
    text = _sheet(chosen, look)
    if not text:
        return Style("", look)
    site = chosen.site_id if chosen is not None and chosen.pk else 0
    department = look.department.slug if look is not None else ""
    return Style(_address(site, department, _digest(text)), look)


def _sheet(chosen: SiteSettings | None, look: DepartmentLook | None) -> str:
    tokens_ = chosen.tokens() if chosen is not None else tokens.Look()
    if look is not None:
        tokens_ = look.tokens().over(tokens_)
    return tokens.stylesheet(tokens_)


def _address(site: int, department: str, digest: str) -> str:
    # the files do not depend on the language; neither does their address
    return reverse("look", args=[f"{site}.{department}" if department else str(site), digest])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@require_safe
def stylesheet(request: HttpRequest, name: str, digest: str) -> HttpResponse:
    """Give the style sheet of a site (`name`: its id, 0 without settings) or of a department there (`id.slug`).

    The address changes with the content, so a browser keeps it for good; under an old address it gets what holds
    now, and does not keep it.
    """
    site, _dot, slug = name.partition(".")
    chosen = SiteSettings.objects.filter(site=int(site)).first()
    looks = DepartmentLook.objects.select_related("department")
    text = _sheet(chosen, get_object_or_404(looks, department__slug=slug) if slug else None)
    if not text:
        raise Http404
    response = HttpResponse(text, content_type="text/css; charset=utf-8")
    if digest == _digest(text):
        patch_cache_control(response, public=True, max_age=KEPT, immutable=True)
    else:
        patch_cache_control(response, no_cache=True)
    return response


class LookForm(DepartmentForm):
    """Who administers a department gives it its look."""

    class Meta:
        model = DepartmentLook
        fields = [
            *("department", "organisation", "logo", "contact_email", "contact_phone"),
            *DepartmentLook.TOKENS,
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
