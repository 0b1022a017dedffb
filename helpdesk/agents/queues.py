"""Queues in the admin: facts, addresses as rows, and the table of teams and rights."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet, inlineformset_factory
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.tables import BooleanColumn, Column
from wagtail.admin.widgets.button import Button

from helpdesk import actions, addressing, permissions
from helpdesk.models import MailRoute, Queue, QueueAddress, is_persons_own, queue_map
from helpdesk.notifications import variables
from helpdesk.rules import wording

from . import departments, policy, policy_step, responses, storage_fields
from .rights_table import QueueRights
from .tickets_list import queue_choices
from .viewsets import DeskForm, DeskViewSet, PolicedCreate, PolicedEdit, PolicedIndex

_VARIABLES = ", ".join(one.written for one in variables.SIGNATURE)
_TEXT = forms.Textarea(attrs={"rows": 3})


class QueueForm(DeskForm):
    """The facts of a queue. Who is no superuser makes queues below those they administer."""

    class Meta:
        model = Queue
        fields = [
            *("name", "slug", "purpose", "parent", "is_active", "calendar", "promise"),
            *("hand_back_minutes", "look_again_minutes"),
            *("follow_up", "reopen_days", "retention_days", "legal_basis_de", "legal_basis_en"),
            *(
                "storage_purpose_de",
                "storage_purpose_en",
                "attachment_days",
                "personal_days",
                "at_end",
            ),
            *("is_confidential", "agent_names", "is_junk", "sends_receipt"),
            *("sender_name", "signature_de", "signature_en", "route"),
        ]
        widgets = {"purpose": _TEXT, "signature_de": _TEXT, "signature_en": _TEXT}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = policy.actor_for(self.for_user)
        self.is_superuser = policy.is_superuser(self.actor)
        fields: Any = self.fields
        fields["route"].empty_label = "–"
        storage_fields.say_what_is_inherited(fields, self.instance.lineage()[1:])
        above = self._place()
        for name in ("calendar", "promise"):
            held = getattr(self.instance, f"{name}_id")
            departments.limit(fields[name], self.actor, above, held=held)
        if not self.is_superuser:
            self._limit_route(fields["route"], above)
        administers = self.instance.pk is None or self.instance.pk in permissions.administered(
            self.actor
        )
        fields["is_confidential"].disabled = not (self.is_superuser or administers)
        fields["is_junk"].disabled = not self.is_superuser  # it takes the spam of the whole site
        fields["slug"].required = False
        fields["slug"].help_text = _("Empty: made from the name.")
        for name in ("signature_de", "signature_en"):
            fields[name].help_text = _("Variables: %(names)s.") % {"names": _VARIABLES}
        below = self._below()
        places = [pk for pk in permissions.administered(self.actor) if pk not in below]
        is_root = self.is_superuser or (self.instance.pk and self.instance.parent_id is None)
        fields["parent"].queryset = Queue.objects.filter(pk__in=places)
        fields["parent"].choices = [*([("", "–")] if is_root else []), *queue_choices(places)]
        fields["parent"].required = not is_root
        if not self.is_superuser and self.instance.pk and self.instance.parent_id not in places:
            # the place in the tree is for those to change who administer the place
            fields["parent"].disabled = True
            fields["parent"].required = False
            fields["parent"].queryset = Queue.objects.filter(pk=self.instance.parent_id)

    def _limit_route(self, field: Any, above: list[Queue]) -> None:
        """A server's account belongs to those who run it: the site's stay where a superuser put them."""
        held = self.instance.route_id
        own = field.queryset.filter(department__in=permissions.departments_above(above))
        theirs = self.instance.pk is None or self.instance.pk in permissions.administered(
            self.actor
        )
        if theirs and own.exists() and (held is None or own.filter(pk=held).exists()):
            field.queryset = own
        else:
            field.disabled, field.queryset = True, MailRoute.objects.filter(pk=held)

    def _place(self) -> list[Queue]:
        """The queues, with those above, whose department may lend what is chosen here."""
        if self.instance.pk:
            return self.instance.lineage()
        known = queue_map()
        return [known[pk] for pk in permissions.administered(self.actor) if pk in known]

    def _below(self) -> set[int]:
        """The queue and all below it: none of them can be its parent."""
        found: set[int] = {self.instance.pk} if self.instance.pk else set()
        rows = list(Queue.objects.values_list("pk", "parent_id")) if found else []
        while more := {pk for pk, parent in rows if parent in found} - found:
            found |= more
        return found

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if not data.get("slug") and data.get("name"):
            data["slug"] = slugify(data["name"])[:60] or "queue"
            taken = Queue.objects.filter(slug=data["slug"]).exclude(pk=self.instance.pk)
            if taken.exists():
                self.add_error("slug", _("Another queue has this short name already."))
        self._check_place(data)
        storage_fields.check(self, self._days_in_all(data))
        for name in ("signature_de", "signature_en"):
            try:
                wording.check(data.get(name) or "", variables.names(variables.SIGNATURE))
            except wording.WordingError as error:
                self.add_error(name, str(error))
        return data

    def _days_in_all(self, data: dict[str, Any]) -> int:
        parent = data.get("parent") if "parent" in data else self.instance.parent
        above = parent.lineage() if parent is not None else []
        return storage_fields.total_of(data.get("retention_days"), above)

    def _check_place(self, data: dict[str, Any]) -> None:
        """A place brings rights, and what is used there must belong there."""
        parent = data.get("parent")
        kept = Queue.objects.filter(pk=self.instance.pk).first()
        if kept is not None and not permissions.may_place(self.actor, kept, parent):
            self.add_error("parent", _("This would give or take rights that you do not have."))
        there = Queue(pk=self.instance.pk, parent=parent)
        moved = kept is not None and kept.parent_id != getattr(parent, "pk", None)
        for name in ("calendar", "promise", "route"):
            if moved or name in self.changed_data:
                departments.check_lent(self, name, there)


class AddressForm(forms.ModelForm):
    class Meta:
        model = QueueAddress
        fields = ["address", "is_sender"]

    def clean_address(self) -> str:
        """Refuse the address of a person."""
        address: str = self.cleaned_data["address"]
        if self.instance.pk is None and is_persons_own(address):
            raise forms.ValidationError(_("This address belongs to a person."))
        return address


class AddressRows(BaseInlineFormSet):
    """Address rows: an address leads into one queue only, also within the form."""

    def clean(self) -> None:
        super().clean()
        seen: dict[str, str] = {}
        for form in self.forms:
            address = form.cleaned_data.get("address") if hasattr(form, "cleaned_data") else None
            if not address or form.cleaned_data.get("DELETE"):
                continue
            try:
                key = addressing.normalise(address)
            except addressing.BadAddress:
                continue  # the row says so itself
            if key in seen:
                form.add_error(
                    "address",
                    _("%(address)s is the same address as %(other)s.")
                    % {"address": address, "other": seen[key]},
                )
                raise ValidationError(_("An address stands here twice."))
            seen[key] = address


def address_rows(queue: Queue, data: Any = None) -> AddressRows:
    """Return the address rows of a queue, with room for two more."""
    factory: Any = inlineformset_factory(
        Queue, QueueAddress, form=AddressForm, formset=AddressRows, extra=2, can_delete=True
    )
    return factory(data, instance=queue, prefix="addresses")


class QueueFormMixin:
    """Form, address rows and rights are checked together and saved together."""

    template_name = "helpdesk/agents/queue_form.html"
    request: Any
    form: Any
    object: Any
    step: policy_step.Step | None = None
    answer = ""

    def parts(self) -> tuple[AddressRows, QueueRights]:
        if not hasattr(self, "_parts"):
            queue = getattr(self, "object", None) or Queue()
            data = self.request.POST if self.request.method == "POST" else None
            actor = policy.actor_of(self.request)
            self._parts = address_rows(queue, data), QueueRights(actor, queue, data)
        return self._parts

    def is_valid(self, form: Any) -> bool:
        rows, table = self.parts()
        both = [super().is_valid(form), rows.is_valid(), not table.refused()]  # type: ignore[misc]
        if not all(both):
            self.produced_error_code = "validation_error"
            self.produced_error_message = self.get_error_message()  # type: ignore[attr-defined]
        return all(both)

    def form_valid(self, form: Any) -> Any:
        """Save, unless requests are under other terms: then the screen comes back once and asks what becomes of them."""
        step = policy_step.of_queue(form.instance)
        self.answer = step.answer(self.request) if step is not None else policy_step.NEW
        self.step = None if self.answer == policy_step.BACK else step
        if self.answer in (policy_step.NEW, policy_step.SHORTER):
            return super().form_valid(form)  # type: ignore[misc]
        self.form = form
        context = self.get_context_data(form=form)
        context["has_unsaved_changes"] = True
        return self.render_to_response(context)  # type: ignore[attr-defined]

    @transaction.atomic
    def save_instance(self) -> Any:
        queue = super().save_instance()  # type: ignore[misc]
        if self.step is not None:
            self.step.carry_out(self.answer, user=self.request.user, queue=queue)
        rows, table = self.parts()
        rows.instance = queue
        rows.save()
        table.save(queue)
        return queue

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # type: ignore[misc]
        context["address_rows"], context["rights"] = self.parts()
        if context["rights"].refused():
            context["rights_error"] = _(
                "You can only give rights that you have yourself, to teams you look after."
            )
        context["groups"] = field_groups(context["form"])
        context["step"] = self.step
        queue = getattr(self, "object", None)
        if queue is not None and queue.pk:
            context["sentences"] = policy_step.sentences(queue)
            context["lacks"] = policy_step.lacks(actions.terms_of(queue, language="de"))
            context["responses"] = responses.overview(queue)
        return context


def field_groups(form: forms.Form) -> list[tuple[Any, list[Any], bool]]:
    """Return the fields under the headings of the screen, and whether it is they who say how long requests are kept."""
    groups = (
        (_("Queue"), ("name", "slug", "purpose", "parent", "is_active")),
        (_("Promises"), ("calendar", "promise", "follow_up", "reopen_days")),
        (_("Against forgetting"), ("hand_back_minutes", "look_again_minutes")),
        (
            _("Data protection"),
            (
                *("retention_days", "attachment_days", "personal_days", "at_end"),
                *("storage_purpose_de", "storage_purpose_en", "legal_basis_de", "legal_basis_en"),
                *("is_confidential", "agent_names"),
            ),
        ),
        (
            _("Mails"),
            ("is_junk", "sends_receipt", "sender_name", "signature_de", "signature_en", "route"),
        ),
    )
    return [
        (title, [form[name] for name in names], "retention_days" in names)
        for title, names in groups
    ]


class QueueIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("parent").prefetch_related("addresses")

    def get_list_more_buttons(self, instance: Queue) -> list[Any]:
        url = reverse("helpdesk_agents:queue_people", args=[instance.pk])
        button = Button(_("Who may do what"), url=url, icon_name="group", priority=15)
        return [*super().get_list_more_buttons(instance), button]


class QueueCreate(QueueFormMixin, PolicedCreate):
    pass


class QueueEdit(QueueFormMixin, PolicedEdit):
    @property
    def header_more_buttons(self) -> list[Any]:
        url = reverse("helpdesk_agents:queue_people", args=[self.object.pk])
        button = Button(_("Who may do what"), url=url, icon_name="group", priority=5)
        return [button, *super().header_more_buttons]


def _addresses(queue: Queue) -> str:
    return ", ".join(row.address for row in queue.addresses.all())


class QueueViewSet(DeskViewSet):
    model = Queue
    name, url_prefix = "helpdesk_queues", "helpdesk/queues"
    icon = "list-ul"
    form_class = QueueForm
    index_view_class = QueueIndex
    add_view_class = QueueCreate
    edit_view_class = QueueEdit
    create_template_name = edit_template_name = "helpdesk/agents/queue_form.html"
    search_fields = ["name", "purpose", "addresses__address"]
    list_display = [
        "name",
        Column("parent", label=gettext_lazy("Parent queue"), accessor="parent.name"),
        Column("addresses", label=gettext_lazy("Addresses"), accessor=_addresses),
        BooleanColumn("is_confidential", label=gettext_lazy("Confidential")),
        BooleanColumn("is_active", label=gettext_lazy("In use")),
    ]
