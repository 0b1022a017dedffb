"""What a form says in its own words: subject, receipt, thank-you page; and the variables that these know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.fields import StreamField

from helpdesk.models import AutoResponse, Queue, Ticket
from helpdesk.notifications import Wording, variables
from helpdesk.rules import wording
from helpdesk.rules.answers import HIDDEN, told
from helpdesk.rules.terms import kept_sentence
from helpdesk.rules.wording import Variable, WordingError

from . import snapshot, thanks
from .base import PagePart

#: Stands before the key of a field in the name of its variable.
ANSWER = "answer_"
_TITLE = Variable("page_title", _("title of this page"))
_NAME = Variable("customer_name", _("name of the customer"))
_KNOWN_LATER = ("objection", "status_link", "closed_number")
_RECEIPT = variables.KNOWN[AutoResponse.Kind.RECEIVED]
#: What the thank-you page knows: what the receipt knows, but no link that only the address's owner may have.
_THANKS = tuple(one for one in _RECEIPT if one.name not in _KNOWN_LATER)


class WordingMixin(PagePart):
    """A form that says in its own words what it is about, and what happens next."""

    queue: Any
    fields: Any

    subject = models.CharField(
        _("subject of the tickets"),
        max_length=250,
        blank=True,
        help_text=_(
            "Empty: the title of the page. Answers can stand in it as variables, see below. Answers to "
            "fields marked “Into the subject” are added."
        ),
    )
    receipt_subject = models.CharField(
        _("subject of the receipt"),
        max_length=250,
        blank=True,
        help_text=_("Empty: as the queue says. The number is added."),
    )
    receipt_text = models.TextField(
        _("text of the receipt"),
        blank=True,
        help_text=_(
            "Sent instead of the queue's text, as plain text with an empty line between paragraphs. Empty: as the "
            "queue says. Queues without receipts send none."
        ),
    )
    thank_you = StreamField(
        thanks.ThanksBlock(),
        verbose_name=_("thank-you page"),
        blank=True,
        help_text=_("Shown after sending, below the number of the request."),
    )

    class Meta:
        abstract = True

    # --- what can be named ---

    def answer_variables(self) -> tuple[Variable, ...]:
        """Return the variables of the form's answers: named by keys that stay, described by labels."""
        return tuple(
            Variable(f"{ANSWER}{child.value['key']}", child.value["label"])
            for child in self.fields.stream_block.inputs(self.fields)
            if child.value["key"]
        )

    def subject_variables(self) -> tuple[Variable, ...]:
        return (_TITLE, _NAME, *self.answer_variables())

    def told_variables(self) -> tuple[Variable, ...]:
        """Return those of them that the sender may read: hidden values are not among them."""
        inputs = self.fields.stream_block.inputs(self.fields)
        hidden = {f"{ANSWER}{one.value['key']}" for one in inputs if one.block.type == HIDDEN}
        return tuple(one for one in self.answer_variables() if one.name not in hidden)

    def receipt_variables(self) -> tuple[Variable, ...]:
        return (*_RECEIPT, _TITLE, *self.told_variables())

    def thanks_variables(self) -> tuple[Variable, ...]:
        return (*_THANKS, _TITLE, *self.told_variables())

    def wording_errors(self) -> Iterator[tuple[str, ValidationError]]:
        """Yield the name and the error of each field that names a variable which is not known there."""
        lines = {
            "subject": self.subject_variables(),
            "receipt_subject": self.receipt_variables(),
            "receipt_text": self.receipt_variables(),
        }
        for name, known in lines.items():
            try:
                wording.check(getattr(self, name), variables.names(known))
            except WordingError as error:
                yield name, ValidationError(str(error))
        error_ = thanks.error_of(self.thank_you, variables.names(self.thanks_variables()))
        if error_ is not None:
            yield "thank_you", error_

    # --- what is said ---

    def answer_values(self, answers: Iterable[Mapping[str, Any]], queue: Queue) -> dict[str, str]:
        """Return the values of the answers' variables; what is personal stays out where a queue is confidential."""
        is_open = not queue.keeps_confidence
        return {
            f"{ANSWER}{entry['key']}": str(entry["shown"])
            for entry in answers
            if is_open or not _is_private(entry)
        }

    def subject_for(
        self, answers: tuple[dict[str, Any], ...], *, form: Any, name: str, queue: Queue
    ) -> str:
        """Return the subject of a ticket with these answers in `queue`; never ''.

        That of a confidential queue says nothing of a person: it stands in mails and notices.
        """
        values = {**self.answer_values(answers, queue), _TITLE.name: self.title}
        if queue.keeps_confidence:
            answers = tuple(entry for entry in answers if not _is_private(entry))
        else:
            values[_NAME.name] = name
        said = wording.fill_title(self.subject, values) or self.title
        return snapshot.subject(said, form, answers)

    def receipt_for(self, answers: Iterable[Mapping[str, Any]], queue: Queue) -> Wording | None:
        """Return what the form's own receipt says of these answers; None if the queue speaks."""
        if not (self.receipt_subject or self.receipt_text.strip()):
            return None
        values = {_TITLE.name: self.title, **self.answer_values(told(answers), queue)}
        return Wording(self.receipt_subject, self.receipt_text, values)

    def thanks_for(self, ticket: Ticket | None) -> list[dict[str, Any]]:
        """Return the blocks of the thank-you page; what would name a ticket is left out without one."""
        values = {_TITLE.name: str(self.title)}
        if ticket is not None:
            known = variables.names(_THANKS)
            values |= {name: source() for name, source in _sources(ticket).items() if name in known}
            values |= self.answer_values(told(ticket.answers), ticket.queue)
        return list(thanks.filled(self.thank_you, values))

    def sample_thanks(self) -> list[dict[str, Any]]:
        """Return the blocks as they might read, for a preview: answers are named by their labels."""
        sentence = self.terms().retention_sentence  # type: ignore[attr-defined]
        values = dict(
            variables.sample(
                self.queue,
                AutoResponse.Kind.RECEIVED,
                address=self.queue.main_address(),
                sentence=sentence,
            )
        )
        values |= {_TITLE.name: self.title, "subject": self.subject or self.title}
        values |= {one.name: f"[{one.meaning}]" for one in self.told_variables()}
        return list(thanks.filled(self.thank_you, values))


def _is_private(entry: Mapping[str, Any]) -> bool:
    """Tell whether an answer says something about a person; a list does if one of its columns does."""
    cells = (cell for row in entry.get("rows") or () for cell in row)
    return bool(entry.get("private")) or any(cell.get("private") for cell in cells)


def _sources(ticket: Ticket) -> variables.Sources:
    name = ticket.customer.name if ticket.customer is not None else ""
    sources = variables.of_ticket(
        ticket,
        AutoResponse.Kind.RECEIVED,
        name=name,
        address=ticket.queue.main_address(),
        is_contact=False,
        start=ticket.created_at,
    )
    return sources | {"retention": lambda: kept_sentence(ticket)}
