"""The answers of a form as rows: written once, with the ticket."""

from __future__ import annotations

from uuid import UUID

from helpdesk.models import Answer, AskedField, Ticket
from helpdesk.rules import answers


def write_answers(ticket: Ticket) -> None:
    """Write the rows of a new ticket's snapshot, and keep how its fields were shown.

    Nothing but one comparison is done for a ticket without answers, as every mail is. A test shows nobody a
    field: what was only tried out is not remembered.
    """
    if not ticket.answers:
        return
    Answer.objects.bulk_create(rows_of_snapshot(ticket), batch_size=500)
    if ticket.form_key is not None and not ticket.is_test:
        _remember_fields(ticket, ticket.form_key)


def _remember_fields(ticket: Ticket, form_key: UUID) -> None:
    known = {
        field.key: field.shown
        for field in AskedField.objects.filter(form_key=form_key, language=ticket.language)
    }
    new = [field for field in _asked(ticket, form_key) if known.get(field.key) != field.shown]
    if new:
        # who sends the same form at the same moment writes the same
        AskedField.objects.bulk_create(
            new,
            update_conflicts=True,
            unique_fields=["form_key", "language", "key"],
            update_fields=["type", "label", "choices"],
        )


def rows_of_snapshot(ticket: Ticket) -> list[Answer]:
    """Return the rows of a ticket's snapshot, unsaved."""
    return [
        Answer(
            ticket_id=ticket.pk,
            key=value.key,
            row=value.row,
            text=value.text,
            number=value.number,
            day=value.day,
            private=value.private,
        )
        for value in answers.values_of(ticket.answers)
    ]


def _asked(ticket: Ticket, form_key: UUID) -> list[AskedField]:
    fields = [
        AskedField(
            form_key=form_key,
            language=ticket.language,
            key=field.key,
            type=field.type,
            label=field.label,
            choices=[list(pair) for pair in field.choices],
        )
        for field in answers.fields_of(ticket.answers)
    ]
    return sorted(
        fields, key=lambda field: field.key
    )  # always in one order: nobody waits crosswise
