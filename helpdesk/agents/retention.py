"""How long requests are kept: what holds everywhere, and what every queue and form promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import conf, permissions
from helpdesk.models import (
    Queue,
    RetentionSettings,
    TermsChange,
    in_tree_order,
    queue_map,
)
from helpdesk.permissions import Actor
from helpdesk.privacy import policy as storage_policy
from helpdesk.privacy import policy_words

from . import policy, policy_step, storage_fields, terms_table
from .policy_step import BACK, NEW, SHORTER

#: So many finished orders are shown.
_TOLD = 3


class SettingsForm(forms.ModelForm):
    """What holds where neither a form nor a queue says otherwise."""

    class Meta:
        model = RetentionSettings
        fields = [
            *("retention_days", "attachment_days", "personal_days", "at_end", "objection_days"),
            *("purpose_de", "purpose_en", "legal_basis_de", "legal_basis_en"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        fields: Any = self.fields
        for name, key in (
            ("retention_days", "RETENTION_DAYS"),
            ("objection_days", "OBJECTION_DAYS"),
        ):
            fields[name].widget.attrs["placeholder"] = str(conf.get(key))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        own = data.get("retention_days")
        storage_fields.check(self, int(conf.get("RETENTION_DAYS")) if own is None else own)
        return data

    def groups(self) -> list[tuple[Any, list[Any]]]:
        """Return the fields under the headings of the screen."""
        groups = (
            (_("How long"), ("retention_days", "at_end")),
            (_("What goes earlier"), ("attachment_days", "personal_days")),
            (
                _("What for, and why"),
                ("purpose_de", "purpose_en", "legal_basis_de", "legal_basis_en"),
            ),
            (_("If a customer objects"), ("objection_days",)),
        )
        return [(title, [self[name] for name in names]) for title, names in groups]


class _Screen(WagtailAdminTemplateMixin, TemplateView):
    header_icon = "time"
    _show_breadcrumbs = True

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]


class RetentionSettingsView(_Screen):
    """What holds everywhere. For superusers; for others it does not exist."""

    template_name = "helpdesk/agents/retention_settings.html"
    page_title: Any = gettext_lazy("Settings for retention")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not policy.is_superuser(policy.actor_of(request)):
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", SettingsForm(instance=RetentionSettings.current()))
        form = kwargs["form"]
        is_sound = not form.is_bound or form.is_valid()
        settings = form.instance if is_sound else RetentionSettings.current()
        context = super().get_context_data(**kwargs)
        context["sentences"] = policy_step.sentences(Queue(), settings)
        context["lacks"] = policy_step.lacks_somewhere(settings)
        return context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = SettingsForm(request.POST, instance=RetentionSettings.current())
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        if "preview" in request.POST:
            return self.render_to_response(self.get_context_data(form=form, is_preview=True))
        step = policy_step.of_settings(form.instance)
        answer = NEW if step is None else step.answer(request)
        if answer not in (NEW, SHORTER):
            shown = None if answer == BACK else step
            return self.render_to_response(self.get_context_data(form=form, step=shown))
        with transaction.atomic():
            form.save()
            ordered = step is not None and step.carry_out(answer, user=request.user)
        messages.success(request, _("The settings for retention are saved."))
        return redirect(
            "helpdesk_agents:retention" if ordered else "helpdesk_agents:retention_settings"
        )


# --- every queue and form --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """What one queue or form promises, and how its requests stand to that."""

    key: str
    title: str
    url: str
    is_form: bool
    depth: int
    period: str
    files: str
    persons: str
    end: str
    says_itself: bool
    total: int
    longer: int


class RetentionView(_Screen):
    """The policy of every queue and form that the user administers, and how far the requests are from it."""

    template_name = "helpdesk/agents/retention.html"
    page_title: Any = gettext_lazy("Retention")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_administer(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = policy.actor_of(self.request)
        found = _Found(actor)
        orders = TermsChange.objects.select_related("queue", "asked_by")
        if not policy.is_superuser(actor):
            orders = orders.filter(queue__in=found.queues)
        return super().get_context_data(
            lines=list(found.lines()),
            running=list(orders.filter(finished_at=None)),
            finished=list(orders.exclude(finished_at=None)[:_TOLD]),
            may_set=policy.is_superuser(actor),
            **kwargs,
        )


class ApplyView(_Screen):
    """What applying the policy of one queue or form to its requests would do; and doing it."""

    template_name = "helpdesk/agents/retention_apply.html"
    page_title: Any = gettext_lazy("Apply the shorter terms")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_administer(policy.actor_of(request)))
        self.found = _Found(policy.actor_of(request))
        target = self.found.target(kwargs["scope"])
        if target is None:
            raise Http404
        self.target = target
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        figures = storage_policy.figures([self.target], self.found.forms.keys())
        return super().get_context_data(
            title=self.found.title(self.target),
            figures=figures,
            lines=policy_words.in_words(figures),
            **self._tables(),
            **kwargs,
        )

    def _tables(self) -> dict[str, Any]:
        """What the requests were promised and what they get instead; that of most of them first."""
        found = storage_policy.shorter_for([self.target], self.found.forms.keys())
        tables = [
            terms_table.Table(
                ngettext("%(n)d request", "%(n)d requests", number) % {"n": number},
                terms_table.rows([given], [instead]),
            )
            for given, instead, number in found
        ]
        return {
            "tables": tables[: terms_table.MOST],
            "others": max(len(tables) - terms_table.MOST, 0),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        order = storage_policy.order(
            user=request.user,
            targets=[self.target],
            forms=self.found.forms.keys(),
            queue=self.found.queue_of(self.target),
        )
        words = ngettext(
            "%(n)d request gets the shorter terms in the background.",
            "%(n)d requests get the shorter terms in the background.",
            order.total,
        )
        messages.success(request, words % {"n": order.total})
        return redirect("helpdesk_agents:retention")


class _Found:
    """The queues that somebody administers and the forms whose requests go there, with what they promise."""

    def __init__(self, actor: Actor) -> None:
        self.all = queue_map()
        every = policy.is_superuser(actor)
        theirs = self.all.keys() if every else permissions.administered(actor)
        self.queues = {pk: queue for pk, queue in self.all.items() if pk in theirs}
        self.may_edit_pages = every
        self.forms = policy_step.site_forms()
        says = [form.says for form in self.forms.values()]
        self.targets = {
            one.key: one
            for one in storage_policy.promises(says, queues=self.all)
            if (self.forms[one.form].queue if one.form else one.queue) in self.queues
        }

    def target(self, key: str) -> storage_policy.Promised | None:
        return next((one for one in self.targets.values() if _name(one) == key), None)

    def title(self, target: storage_policy.Promised) -> str:
        if target.form is not None:
            return _("Form “%(name)s”") % {"name": self.forms[target.form].title}
        return _("Queue “%(name)s”") % {"name": self.queues[int(str(target.queue))].name}

    def queue_of(self, target: storage_policy.Promised) -> Queue | None:
        if target.form is not None:
            return self.queues.get(self.forms[target.form].queue)
        return self.queues.get(int(str(target.queue)))

    def lines(self) -> Iterator[Line]:
        figures = storage_policy.figures(list(self.targets.values()), self.forms.keys())
        self.by_key = figures.by_key
        below: dict[int, list[tuple[str, UUID]]] = {}
        for key, form in self.forms.items():
            below.setdefault(form.queue, []).append((form.title, key))
        for queue, depth in in_tree_order(self.queues):
            url = reverse("helpdesk_queues:edit", args=[queue.pk])
            yield self._line(self.targets[queue.pk, None], queue.name, url, depth, _says(queue))
            for title, form_key in sorted(below.get(queue.pk, [])):
                form = self.forms[form_key]
                url = (
                    reverse("wagtailadmin_pages:edit", args=[form.page])
                    if self.may_edit_pages
                    else ""
                )
                says = any(form.says.own.values())
                yield self._line(self.targets[None, form_key], title, url, depth + 1, says)

    def _line(
        self, target: storage_policy.Promised, title: str, url: str, depth: int, says: bool
    ) -> Line:
        figures = self.by_key[target.key]
        return Line(
            _name(target),
            title,
            url,
            target.form is not None,
            min(depth, 6),
            *terms_table.in_words(target.variants()),
            says,
            figures.total,
            figures.longer,
        )


def _name(target: storage_policy.Promised) -> str:
    return f"form-{target.form}" if target.form is not None else f"queue-{target.queue}"


def _says(queue: Queue) -> bool:
    return any(getattr(queue, name) not in (None, "") for name in (*storage_fields.DAYS, "at_end"))
