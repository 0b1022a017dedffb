"""What was answered in forms, as rows; and the fields that were asked. Written by `actions.answers` only."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .base import CONTENT, NONE
from .tickets import Ticket

#: The sizes of `helpdesk.rules.answers`, which cuts what it reads to them.
MAX_KEY, MAX_TEXT, MAX_LABEL = 100, 250, 500


class Answer(models.Model):
    """One value of a ticket's answers, neutral of language: by it tickets are found across versions of a form.

    Made once, from the ticket's frozen snapshot, and never changed: what people read stands there. A choice
    of several has a row for each. `key` is the field's; in a list of rows that of the list stands before it
    ("people.email"), and `row` is the number of the line.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="answer_rows")
    key = models.CharField(max_length=MAX_KEY)
    row = models.PositiveIntegerField(null=True)
    # as it is compared (`rules.answers.folded`): the beginning, in small letters
    text = models.CharField(max_length=MAX_TEXT)
    number = models.FloatField(null=True)
    day = models.DateField(null=True)
    # the form said that it is about a person
    private = models.BooleanField(default=False)

    privacy = {"key": NONE, "text": CONTENT, "number": CONTENT, "day": CONTENT}

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        indexes = [
            models.Index(fields=["key", "text"], name="helpdesk_answer_text"),
            models.Index(
                fields=["key", "number"],
                name="helpdesk_answer_number",
                condition=Q(number__isnull=False),
            ),
            models.Index(
                fields=["key", "day"], name="helpdesk_answer_day", condition=Q(day__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.key}"


class AskedField(models.Model):
    """A field of a form as it was shown last, in one language: it is still known when the form has lost it.

    `choices` are pairs of value and label.
    """

    form_key = models.UUIDField()
    language = models.CharField(max_length=10)
    key = models.CharField(max_length=MAX_KEY)
    type = models.CharField(max_length=40)
    label = models.CharField(max_length=MAX_LABEL)
    choices = models.JSONField(default=list)

    privacy = {"language": NONE, "key": NONE, "type": NONE, "label": NONE, "choices": NONE}

    class Meta:
        verbose_name = _("field that was asked")
        verbose_name_plural = _("fields that were asked")
        constraints = [
            models.UniqueConstraint(
                fields=["form_key", "language", "key"], name="helpdesk_asked_once"
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def shown(self) -> tuple[Any, ...]:
        """What can change about it."""
        return (self.type, self.label, self.choices)
