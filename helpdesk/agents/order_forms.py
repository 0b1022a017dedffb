"""The forms of an order in the admin: what is wanted, the people as rows, and the site's settings for orders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminPageChooser

from helpdesk import actions, permissions
from helpdesk.actions.order_checks import TAKEN_WORDS
from helpdesk.models import Calendar, Customer, OrderSettings, Promise, Queue, QueueOrder
from helpdesk.permissions import Actor
from helpdesk.rules import order_mail, ordering, patterns
from helpdesk.rules.ordering import AgentRow, Refused

from . import departments, policy
from .tickets_list import queue_choices

_TEXT = forms.Textarea(attrs={"rows": 3})
#: Empty rows offered below the people.
SPARE = 2


class AgentForm(forms.Form):
    """One person. A row that is wholly empty means nobody."""

    use_required_attribute = False
    first_name = forms.CharField(label=gettext_lazy("First name"), required=False, max_length=150)
    last_name = forms.CharField(label=gettext_lazy("Last name"), required=False, max_length=150)
    email = forms.CharField(label=gettext_lazy("E-mail address"), required=False, max_length=254)
    login_name = forms.CharField(label=gettext_lazy("Log-in name"), required=False, max_length=150)


AgentRows: Any = forms.formset_factory(AgentForm, extra=SPARE, max_num=ordering.MAX_AGENTS)


class WantedForm(forms.Form):
    """What is wanted, as an agent or administrator corrects it."""

    use_required_attribute = False
    address = forms.CharField(label=gettext_lazy("Desired address"), max_length=254)
    name = forms.CharField(
        label=gettext_lazy("Name of the queue"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Empty: what stands before the @."),
    )
    purpose = forms.CharField(label=gettext_lazy("Purpose"), required=False, widget=_TEXT)
    department = forms.CharField(
        label=gettext_lazy("Department that orders"), max_length=200, required=False
    )
    hours = forms.CharField(label=gettext_lazy("Hours wanted"), max_length=250, required=False)
    more = forms.CharField(
        label=gettext_lazy("More people"),
        required=False,
        widget=_TEXT,
        help_text=gettext_lazy(
            "One a line, also copied from a table: first name; last name; e-mail address; log-in name."
        ),
    )

    def __init__(
        self,
        *args: Any,
        order: QueueOrder | None = None,
        customer: Customer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.order, self.customer = order, customer

    def clean_address(self) -> str:
        try:
            address = ordering.check_address(self.cleaned_data["address"], actions.rules_of())
        except Refused as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        taken = actions.taken_by(address, order=self.order, customer=self.customer)
        if taken is not None:
            raise forms.ValidationError(str(TAKEN_WORDS[taken]))
        return address


class PlacedForm(WantedForm):
    """What is wanted of an order that is placed, with what administrators decide: team, place, promise, pages."""

    group_name = forms.CharField(label=gettext_lazy("Name of the team"), max_length=150)
    chosen_team = forms.ModelChoiceField(
        Group.objects.none(),
        label=gettext_lazy("Existing team"),
        required=False,
        empty_label=gettext_lazy("none: a new team is made"),
        help_text=gettext_lazy(
            "Only if a team that is there is to work in the new queue: the people join it and see its other queues, too."
        ),
    )
    parent = forms.ModelChoiceField(
        Queue.objects.all(), label=gettext_lazy("Parent queue"), required=False
    )
    calendar = forms.ModelChoiceField(
        Calendar.objects.all(),
        label=gettext_lazy("Calendar"),
        required=False,
        empty_label=gettext_lazy("as the parent queue"),
    )
    promise = forms.ModelChoiceField(
        Promise.objects.all(),
        label=gettext_lazy("Promise"),
        required=False,
        empty_label=gettext_lazy("as the parent queue"),
    )
    page = forms.Field(
        label=gettext_lazy("Pages come below"),
        required=False,
        help_text=gettext_lazy("Empty: below the page of the department, if it has one."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        order: Any = self.order
        fields: Any = self.fields
        places = set(permissions.administered(actor))
        if order.parent_id is not None:
            places.add(order.parent_id)
        is_free = policy.is_superuser(actor) or order.parent_id is None
        fields["parent"].choices = [*([("", "–")] if is_free else []), *queue_choices(places)]
        fields["parent"].queryset = Queue.objects.filter(pk__in=places)
        fields["chosen_team"].queryset = actions.choosable_teams(actor, order.chosen_team_id)
        fields["name"].required, fields["name"].help_text = True, ""
        above = order.parent.lineage() if order.parent is not None else []
        for name in ("calendar", "promise"):
            departments.limit(fields[name], actor, above, held=getattr(order, f"{name}_id"))
        model = QueueOrder._meta.get_field("page").related_model
        fields["page"] = forms.ModelChoiceField(
            model._default_manager.all(),  # type: ignore[union-attr]
            label=fields["page"].label,
            help_text=fields["page"].help_text,
            required=False,
            widget=AdminPageChooser,
        )


class Sheet:
    """The facts and the people of an order, checked together; `people` are those that are stored."""

    def __init__(self, facts: WantedForm, rows: Any, people: Iterable[AgentRow] = ()) -> None:
        self.facts, self.rows = facts, rows
        # what the directory said before is known from the order, never from the browser
        self._checks = {row.login_name.lower(): row.check for row in people}

    @property
    def problems(self) -> list[str]:
        """What is wrong with the rows as a whole."""
        return list(getattr(self, "_problems", []))

    def is_valid(self) -> bool:
        """Check everything; what is wrong with a person stands at the row."""
        good = [self.facts.is_valid(), self.rows.is_valid()]
        if not self.rows.is_valid():
            return False
        filled = [form for form in self.rows.forms if _is_filled(form)]
        typed = [self._row_of(form) for form in filled]
        typed += order_mail.read(self.facts.cleaned_data.get("more", "")).agents
        address = self.facts.cleaned_data.get("address", "")
        try:
            self.people, faults = ordering.check_agents(
                typed, actions.rules_of(), queue_address=address
            )
        except Refused as refusal:
            self._problems = [refusal.message]
            return False
        for place, wrong in faults.items():
            self._show(filled, place, wrong)
        return all(good) and not faults

    def _row_of(self, form: Any) -> AgentRow:
        data = form.cleaned_data
        # of a name that was not asked about nothing is known
        check = self._checks.get(data["login_name"].strip().lower(), "")
        return AgentRow(
            data["first_name"], data["last_name"], data["email"], data["login_name"], check
        )

    def _show(self, filled: list[Any], place: int, wrong: dict[str, Refused]) -> None:
        for column, refusal in wrong.items():
            if place < len(filled):
                filled[place].add_error(column, refusal.message)
            elif "more" not in self.facts.errors:
                line = {"row": place - len(filled) + 1, "fault": refusal.message}
                self.facts.add_error("more", _("Line %(row)s: %(fault)s") % line)

    def values(self) -> dict[str, Any]:
        """Return what is wanted by the names of the columns; the directory has been asked about the people."""
        data = {name: value for name, value in self.facts.cleaned_data.items() if name != "more"}
        return {**data, "agents": actions.look_up(self.people)}


def _is_filled(form: Any) -> bool:
    return any(form.cleaned_data.get(name) for name in form.fields)


def rows_for(people: Iterable[AgentRow], data: Any = None) -> Any:
    """Return the rows of these people as a form set."""
    initial = [vars(row) for row in people]
    return AgentRows(data, initial=initial, prefix="agents", form_kwargs={"label_suffix": ""})


class SettingsForm(forms.ModelForm):
    """What may be ordered, and where it is put."""

    class Meta:
        model = OrderSettings
        fields = [
            *("queue", "domains", "reserved", "login_pattern", "agent_domains"),
            *("parent", "page", "mail_server"),
        ]
        widgets = {
            "domains": _TEXT,
            "reserved": _TEXT,
            "agent_domains": _TEXT,
            "page": AdminPageChooser,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        fields: Any = self.fields
        everywhere = Queue.objects.values_list("pk", flat=True)
        for name in ("queue", "parent"):
            fields[name].choices = [("", "–"), *queue_choices(everywhere)]

    def _domains(self, name: str) -> str:
        found = ordering.read_lines(self.cleaned_data[name])
        bad = ordering.bad_domains(found)
        if bad:
            words = _("“%(text)s” is no domain. Write it like desk.example.")
            raise forms.ValidationError(words % {"text": bad[0]})
        return "\n".join(found)

    def clean_domains(self) -> str:
        return self._domains("domains")

    def clean_agent_domains(self) -> str:
        return self._domains("agent_domains")

    def clean_login_pattern(self) -> str:
        pattern: str = self.cleaned_data["login_pattern"]
        if pattern:
            try:
                ordering.whole_pattern(pattern)
            except patterns.BadPattern as error:
                raise forms.ValidationError(str(error.message)) from error
        return pattern

    def clean_mail_server(self) -> str:
        name: str = self.cleaned_data["mail_server"].strip().lower()
        if name and ordering.bad_domains([name]) and name != "localhost":
            raise forms.ValidationError(_("This is no name of a server."))
        return name
