"""The rows of an absence's form: another deputy for a queue each."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: Empty rows for deputies in queues, and the most there can be.
BLANK_ROWS, MAX_ROWS = 2, 30


def deputy_choices(people: dict[int, Any]) -> list[tuple[Any, str]]:
    return [("", "–"), *((pk, str(user)) for pk, user in people.items())]


class DeputyRow(forms.Form):
    """Another deputy for one queue."""

    queue = forms.ChoiceField(label=gettext_lazy("Queue"), required=False)
    deputy = forms.ChoiceField(label=gettext_lazy("Deputy"), required=False)

    def __init__(self, *args: Any, queues: Any, people: dict[int, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["queue"].choices = [("", "–"), *queues]
        fields["deputy"].choices = deputy_choices(people)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if bool(data.get("queue")) != bool(data.get("deputy")) and not self.errors:
            missing = "deputy" if data.get("queue") else "queue"
            self.add_error(missing, _("Choose both the queue and the deputy, or neither."))
        return data


class DeputyRows(forms.BaseFormSet):  # type: ignore[type-arg]
    """The deputies for single queues. Those for queues that the actor does not know stay as they are."""

    #: Rows that are not shown: queue id → deputy.
    kept: dict[int, Any]

    def clean(self) -> None:
        seen: set[str] = set()
        for form in self.forms:
            queue = getattr(form, "cleaned_data", {}).get("queue")
            if queue and queue in seen:
                form.add_error("queue", _("This queue has a deputy already."))
            seen.add(queue or "")

    def chosen(self, people: dict[int, Any]) -> dict[int, Any]:
        found = dict(self.kept)
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            if data.get("queue") and data.get("deputy"):
                found[int(data["queue"])] = people[int(data["deputy"])]
        return found


def rows_class(blank: int) -> Any:
    """Return the class of the rows, with so many empty ones."""
    return forms.formset_factory(
        DeputyRow, formset=DeputyRows, extra=blank, max_num=MAX_ROWS, absolute_max=MAX_ROWS
    )
