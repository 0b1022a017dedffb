"""Mail filters: their list in the order in which they run, and the form with its trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton
from wagtail.log_actions import log

from helpdesk.mail import filters as mail_filters
from helpdesk.mail.dry_run import LIMIT, Hit, Trial, replaced, try_filter
from helpdesk.mail.filter_fields import MAIL_FIELDS
from helpdesk.models import InboundMail, MailFilter
from helpdesk.rules import conditions, effects
from helpdesk.rules.conditions import Condition
from helpdesk.rules.effects import Effect, Known, Plan
from helpdesk.rules.fields import ConditionError, FieldSet

from . import audited_settings, policy
from .conditions_form import ConditionForm
from .effects_form import EffectsForm, all_labels, known_rows
from .log_facts import confidential

Text = str | Promise

#: How many mails a trial may look at.
TRIALS = (50, LIMIT)


def _superusers_only(request: HttpRequest) -> None:
    if not policy.is_superuser(policy.actor_of(request)):
        raise Http404


class FilterScreen(WagtailAdminTemplateMixin, TemplateView):
    """What the screens have in common: for superusers, for whom else they do not exist."""

    header_icon = "sliders"
    page_title: Text = gettext_lazy("Mail filters")
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _superusers_only(request)
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        above = {"url": reverse("helpdesk_agents:filters"), "label": _("Mail filters")}
        return [*self.breadcrumbs_items, above, {"url": "", "label": str(self.get_page_title())}]


# --- list --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A filter in the list: in words, or with what is wrong with it."""

    row: MailFilter
    condition: str
    effects: str
    warning: Text = ""


def _line(row: MailFilter, fields: FieldSet, labels: Known) -> Line:
    try:
        read = mail_filters.compiled(row, fields)
    except (ConditionError, effects.EffectError) as error:
        return Line(row, "", "", error.message)
    warning: Text = ""
    try:
        conditions.parse(row.condition, fields)
        effects.parse(row.effects, known=labels)
    except (ConditionError, effects.EffectError) as error:
        warning = error.message
    return Line(row, read.condition.describe(), effects.describe(read.effects, labels), warning)


class FilterListView(FilterScreen):
    template_name = "helpdesk/agents/filters.html"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]

    @property
    def header_buttons(self) -> list[HeaderButton]:
        return [
            HeaderButton(_("New filter"), reverse("helpdesk_agents:filter_new"), icon_name="plus")
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        fields, labels = MAIL_FIELDS.cached(), all_labels()
        lines = [_line(row, fields, labels) for row in MailFilter.objects.all()]
        # the number that Wagtail's script for dragging replaces by a row's id
        url = reverse("helpdesk_agents:filter_position", args=[999999])
        return super().get_context_data(lines=lines, position_url=url, **kwargs)


@transaction.atomic
def place(pk: int, index: int) -> MailFilter:
    """Put a filter at a place of the order, counted from 0; beyond the end is the end.

    Raises 404 for a filter that is gone.
    """
    rows = list(MailFilter.objects.select_for_update().order_by("position", "pk"))
    moved = next((row for row in rows if row.pk == pk), None)
    if moved is None:
        raise Http404
    rows.remove(moved)
    rows.insert(index if 0 <= index < len(rows) else len(rows), moved)
    for number, row in enumerate(rows):
        row.position = number
    MailFilter.objects.bulk_update(rows, ["position"])
    audited_settings.record(moved, "changed", ["position"])
    return moved


@require_POST
def position(request: HttpRequest, pk: int) -> HttpResponse:
    """Take what dragging says: `?position=` is the new place."""
    _superusers_only(request)
    given = request.GET.get("position", "")
    place(pk, int(given) if given.isdecimal() and len(given) < 6 else -1)
    return JsonResponse({"success": True})


@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a filter one place up or down."""
    _superusers_only(request)
    keys = list(MailFilter.objects.order_by("position", "pk").values_list("pk", flat=True))
    if pk not in keys:
        raise Http404
    step = -1 if request.POST.get("to") == "up" else 1
    place(pk, max(keys.index(pk) + step, 0))
    return redirect(f"{reverse('helpdesk_agents:filters')}#item_{pk}")


# --- form --------------------------------------------------------------------------------------


class MailFilterForm(forms.ModelForm):
    """What a filter is besides its condition and its effects."""

    class Meta:
        model = MailFilter
        fields = ["name", "is_active", "stops"]


@dataclass(frozen=True)
class HitView:
    """A mail that a trial found, with what happens in words."""

    hit: Hit
    before: str
    after: str


def _veiled(hits: Sequence[Hit]) -> list[Hit]:
    """Take out who wrote what to a confidential queue: a trial is no place to read it."""
    mails = InboundMail.objects.filter(confidential(InboundMail), pk__in=[one.pk for one in hits])
    closed = set(mails.values_list("pk", flat=True))
    return [
        replace(one, sender="", subject=_("confidential")) if one.pk in closed else one
        for one in hits
    ]


class FilterFormView(FilterScreen):
    """Makes and changes a filter; *Try it* runs what is typed and saves nothing."""

    template_name = "helpdesk/agents/filter_form.html"
    row: MailFilter

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.trial: Trial | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _superusers_only(request)
        self.row = self.find(kwargs.get("pk"))
        self.known = known_rows(policy.actor_of(request))
        return super().dispatch(request, *args, **kwargs)

    def find(self, pk: int | None) -> MailFilter:
        return MailFilter() if pk is None else get_object_or_404(MailFilter, pk=pk)

    def get_page_title(self) -> str:
        return self.row.name if self.row.pk else _("New filter")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        condition = ConditionForm.of(self.row.condition, MAIL_FIELDS)
        chosen = EffectsForm.of(self.row.effects, self.known)
        return self._show(MailFilterForm(instance=self.row), condition, chosen)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        condition = ConditionForm.typed(request.POST, MAIL_FIELDS)
        chosen = EffectsForm.typed(request.POST, self.known)
        command = request.POST.get("do", "save")
        if command == "save":
            return self._save(MailFilterForm(request.POST, instance=self.row), condition, chosen)
        # names are checked at saving; the fields show what was typed
        typed = {name: request.POST.get(name, "") for name in MailFilterForm.base_fields}
        form = MailFilterForm(initial=typed, instance=self.row)
        if command == "try":
            return self._try(form, condition, chosen)
        if not condition.act(command):
            chosen.act(command)
        return self._show(form, condition, chosen)

    def _checked(
        self, condition: ConditionForm, chosen: EffectsForm, *, stops: bool
    ) -> tuple[Condition, tuple[Effect, ...]] | None:
        """Return what was built, or None with the errors at their rows."""
        found, decided = condition.clean(), chosen.clean()
        if decided == () and not stops:
            chosen.rows[0].error = gettext_lazy("Choose what to do with these mails.")
            return None
        return None if found is None or decided is None else (found, decided)

    def _save(
        self, form: MailFilterForm, condition: ConditionForm, chosen: EffectsForm
    ) -> HttpResponse:
        stops = bool(self.request.POST.get("stops"))
        checked = self._checked(condition, chosen, stops=stops)
        if not form.is_valid() or checked is None:
            messages.error(self.request, _("The filter was not saved. Look at the marked places."))
            return self._show(form, condition, chosen, status=422)
        row, is_new = form.instance, form.instance.pk is None
        row.condition = checked[0].to_json()
        row.effects = [effect.to_json() for effect in checked[1]]
        with transaction.atomic():
            if is_new:
                last = MailFilter.objects.aggregate(last=Max("position"))["last"]
                row.position = 0 if last is None else last + 1
                row.save()
            else:  # the hits of mails that arrive meanwhile stay counted
                row.save(update_fields=["name", "is_active", "stops", "condition", "effects"])
            log(instance=row, action="wagtail.create" if is_new else "wagtail.edit")
        messages.success(self.request, _("The filter “%(name)s” is saved.") % {"name": row.name})
        return redirect("helpdesk_agents:filters")

    def _try(
        self, form: MailFilterForm, condition: ConditionForm, chosen: EffectsForm
    ) -> HttpResponse:
        stops = bool(self.request.POST.get("stops"))
        checked = self._checked(condition, chosen, stops=stops)
        if checked is None:
            return self._show(form, condition, chosen, status=422)
        pk = self.row.pk or 0
        tried = mail_filters.Compiled(pk, "", *checked, stops)
        before = MailFilter.objects.filter(is_active=True)
        if pk:
            before = before.filter(position__lte=self.row.position).exclude(pk=pk)
        current = mail_filters.load()
        ahead = set(before.values_list("pk", flat=True))
        changed = replaced(current, tried, sum(one.pk in ahead for one in current))
        limit = TRIALS[0] if self.request.POST.get("mails") == str(TRIALS[0]) else TRIALS[1]
        self.trial = try_filter(tried, current, changed, now=timezone.now(), limit=limit)
        return self._show(form, condition, chosen)

    def _show(
        self,
        form: MailFilterForm,
        condition: ConditionForm,
        chosen: EffectsForm,
        status: int = 200,
    ) -> HttpResponse:
        trial = self.trial
        context = self.get_context_data(
            form=form,
            row=self.row,
            condition=condition,
            chosen=chosen,
            focus=condition.focus or chosen.focus or ("trial" if trial else ""),
            trials=[(number, str(number) == self.request.POST.get("mails")) for number in TRIALS],
            trial=trial,
            hits=[self._hit(hit) for hit in _veiled(trial.hits)] if trial else [],
        )
        return self.render_to_response(context, status=status)

    def _hit(self, hit: Hit) -> HitView:
        return HitView(hit, self._words(hit.before, hit), self._words(hit.after, hit))

    def _words(self, plan: Plan, hit: Hit) -> str:
        """Return what becomes of a mail, as a sentence."""
        said = effects.describe(plan.effects(), self.known)
        if not plan.makes_ticket:
            return said
        start = _("joins its ticket") if hit.joins else _("makes a ticket")
        return f"{start}: {said}" if said else start


class FilterCopyView(FilterFormView):
    """The form of a new filter, filled with what another one says."""

    def find(self, pk: int | None) -> MailFilter:
        row = get_object_or_404(MailFilter, pk=pk)
        name = _("Copy of %(name)s") % {"name": row.name}
        return MailFilter(
            name=name[:100],
            is_active=row.is_active,
            stops=row.stops,
            condition=row.condition,
            effects=row.effects,
        )


class FilterDeleteView(FilterScreen):
    template_name = "helpdesk/agents/filter_delete.html"
    page_title = gettext_lazy("Delete the filter")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = get_object_or_404(MailFilter, pk=self.kwargs["pk"])
        return super().get_context_data(row=row, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = get_object_or_404(MailFilter, pk=kwargs["pk"])
        with transaction.atomic():
            log(instance=row, action="wagtail.delete", deleted=True)
            row.delete()
        messages.success(request, _("The filter “%(name)s” is deleted.") % {"name": row.name})
        return redirect("helpdesk_agents:filters")
