"""What an agent wants to hear of, and how."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView
from wagtail.admin import messages
from wagtail.admin.views.account import BaseSettingsPanel, notifications_tab
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk.models import AgentSettings, MutedQueue, Notice, NoticeChoice, NoticeKind, Right
from helpdesk.permissions import Actor
from helpdesk.rules.recipients import DEFAULTS

from . import policy
from .tickets_list import queue_choices


class NoticeChoicesForm(forms.Form):
    """A line for each kind of notice, the muted queues, and the digest."""

    digest = forms.BooleanField(
        label=gettext_lazy("Send me a digest on the morning of every working day"),
        required=False,
        help_text=gettext_lazy(
            "What is due, what nobody owns, who waits longest, and the notices chosen for it."
        ),
    )
    muted = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Do not tell me of new tickets in these queues"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        self.queues = actor.queues_with(Right.READ)
        saved = {row.kind: row for row in NoticeChoice.objects.filter(user=actor.user)}
        for kind in NoticeKind:
            row = saved.get(kind)
            in_admin, by_mail = (row.in_admin, row.by_mail) if row else DEFAULTS[kind]
            self.fields[f"admin-{kind}"] = forms.BooleanField(
                label=_("In the admin: %(kind)s") % {"kind": kind.label},
                initial=in_admin,
                required=False,
            )
            self.fields[f"mail-{kind}"] = forms.ChoiceField(
                label=_("By mail: %(kind)s") % {"kind": kind.label},
                choices=Notice.ByMail.choices,
                initial=by_mail,
            )
        muted: Any = self.fields["muted"]
        muted.choices = queue_choices(self.queues)
        rows = MutedQueue.objects.filter(user=actor.user)
        muted.initial = list(rows.values_list("queue_id", flat=True))
        settings = AgentSettings.objects.filter(user=actor.user).first()
        self.fields["digest"].initial = settings.digest if settings is not None else True

    def lines(self) -> list[tuple[Any, Any, Any]]:
        """Return label, check box and choice of each kind."""
        return [(kind.label, self[f"admin-{kind}"], self[f"mail-{kind}"]) for kind in NoticeKind]

    @transaction.atomic
    def save(self) -> None:
        """Keep what differs from the defaults: the rest follows them, also when they change."""
        user, data = self.actor.user, self.cleaned_data
        for kind in NoticeKind:
            chosen = (data[f"admin-{kind}"], data[f"mail-{kind}"])
            if chosen == DEFAULTS[kind]:
                NoticeChoice.objects.filter(user=user, kind=kind).delete()
            else:
                NoticeChoice.objects.update_or_create(
                    user=user, kind=kind, defaults={"in_admin": chosen[0], "by_mail": chosen[1]}
                )
        mine = MutedQueue.objects.filter(user=user, queue__in=self.queues)
        mine.exclude(queue__in=data["muted"]).delete()
        MutedQueue.objects.bulk_create(
            [MutedQueue(user=user, queue_id=pk) for pk in data["muted"]], ignore_conflicts=True
        )
        AgentSettings.objects.update_or_create(user=user, defaults={"digest": data["digest"]})


class NoticeChoicesView(WagtailAdminTemplateMixin, FormView[NoticeChoicesForm]):
    """The agent's own choices."""

    template_name = "helpdesk/agents/notice_choices.html"
    form_class = NoticeChoicesForm
    page_title = gettext_lazy("Choose notices")
    header_icon = "bell"
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_enter(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse("helpdesk_agents:notices"), "label": _("Notices")},
            {"url": "", "label": str(self.page_title)},
        ]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "actor": policy.actor_of(self.request)}

    def form_valid(self, form: NoticeChoicesForm) -> HttpResponse:
        form.save()
        messages.success(self.request, _("Saved."))
        return redirect("helpdesk_agents:notice_choices")


class NoFields(forms.ModelForm[Any]):
    """Wagtail's account page wants a form from every panel; this one only leads to ours."""

    class Meta:
        model = get_user_model()
        fields: tuple[str, ...] = ()


class NoticesPanel(BaseSettingsPanel):
    """The way from Wagtail's account settings to the choices."""

    name = "helpdesk_notices"
    order = 500
    title = gettext_lazy("Notices of the help desk")
    tab = notifications_tab
    form_class = NoFields
    template_name = "helpdesk/agents/account_notices.html"

    def is_active(self) -> bool:
        return policy.may_enter(policy.actor_for(self.user))
