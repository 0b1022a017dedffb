"""Who may send a form: everyone, who is logged in, or members of some groups."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.utils.http import urlencode
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalManyToManyField
from wagtail.fields import RichTextField

from .base import PagePart
from .holding import is_ours
from .seen import NOTE
from .steps import CHECK

#: What a form sends besides what people write.
_OURS = frozenset({"csrfmiddlewaretoken", "submission_key", "shown_at", NOTE, "instead", CHECK})
#: So much of what was typed is given back to whoever may not send it.
_MOST = 100_000


class Audience(models.TextChoices):
    """Who may send a form."""

    EVERYONE = "everyone", _("everyone")
    SIGNED_IN = "signed_in", _("who is logged in")
    GROUPS = "groups", _("members of the groups chosen")


class AudienceMixin(PagePart):
    """A form that not everybody may send. Others read why, and never see its fields."""

    audience = models.CharField(
        _("who may send it"),
        max_length=20,
        choices=Audience.choices,
        default=Audience.EVERYONE,
    )
    audience_groups = ParentalManyToManyField(
        "auth.Group", verbose_name=_("groups"), blank=True, related_name="+"
    )
    text_excluded = RichTextField(
        _("shown to others"),
        blank=True,
        features=["bold", "italic", "link", "ol", "ul"],
        help_text=_(
            "Whom the form is for, and whom others may ask. A sentence on the log-in is added."
        ),
    )

    class Meta:
        abstract = True

    def may_send(self, user: Any) -> bool:
        """Tell whether a visitor may see and send the form."""
        if self.audience == Audience.EVERYONE:
            return True
        if user is None or not user.is_authenticated:
            return False
        if self.audience == Audience.SIGNED_IN:
            return True
        chosen = [group.pk for group in self.audience_groups.all()]
        return bool(chosen) and user.groups.filter(pk__in=chosen).exists()

    def refuse(self, request: HttpRequest) -> HttpResponse:
        """Return the page for whoever may not send it: why, and the way to log in.

        What somebody sent all the same (most often their log-in ran out) is stored nowhere and given back.
        """
        context = self.get_context(request)  # type: ignore[no-untyped-call]
        context |= {
            "reason": self._reason(request.user),
            "login_url": _login_url(request) if not request.user.is_authenticated else "",
            "typed": typed(request),
            "is_refused": request.method == "POST",
        }
        template = "helpdesk/pages/intake_excluded.html"
        status = 403 if request.method == "POST" else 200
        return TemplateResponse(request, template, context, status=status)

    def _reason(self, user: Any) -> str:
        if not user.is_authenticated:
            return _now("This form is for people who are logged in.")
        return _now(
            "This form is for certain groups of people, and your account is in none of them."
        )


def typed(request: HttpRequest) -> str:
    """Return what people wrote into a form, as text; '' if nothing was sent."""
    if request.method != "POST":
        return ""
    values = (
        value
        for name, found in request.POST.lists()
        if name not in _OURS and not is_ours(name)
        for value in found
        if value.strip()
    )
    return "\n\n".join(values)[:_MOST]


def _login_url(request: HttpRequest) -> str:
    return f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': request.path})}"
