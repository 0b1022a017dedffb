"""What the demo asks of arriving mail, and what it answers by itself: filters and automatic texts."""

from __future__ import annotations

from collections.abc import Mapping

from helpdesk.mail.filters import MAIL_FIELDS
from helpdesk.models import AutoResponse, MailFilter, Priority, Queue, SenderBlock
from helpdesk.rules import conditions, effects

from .people import WRITERS

RECEIVED_DE = """\
{{greeting}}

Ihre Störungsmeldung ist bei uns angekommen und hat die Nummer {{number}}.

{{expected_answer}}

Wenn es eilt, rufen Sie uns an: Telefon 555-1200, {{opening_hours}}.

Den Stand sehen Sie jederzeit hier: {{status_link}}

{{retention}}
{{objection}}
"""
RECEIVED_EN = """\
{{greeting}}

your report has reached us. Its number is {{number}}.

{{expected_answer}}

If it is urgent, call us: phone 555-1200.

You can follow it here at any time: {{status_link}}

{{retention}}
{{objection}}
"""


def make_screening(queues: Mapping[str, Queue]) -> None:
    """Make three mail filters, a blocked sender and an automatic answer of one queue's own."""
    _filter(
        "Meldungen der Überwachung",
        {"all": [{"field": "from", "op": "is", "value": WRITERS["watch"].address}]},
        [
            {"do": "set_priority", "priority": Priority.objects.get(slug="high").pk},
            {"do": "add_tags", "tags": "Überwachung, Server"},
        ],
    )
    _filter(
        "Rechnungen gehen an die Beschaffung",
        {
            "all": [
                {"field": "is_followup", "op": "is", "value": False},
                {
                    "any": [
                        {"field": "subject", "op": "contains", "value": "Rechnung"},
                        {"field": "attachments", "op": "contains", "value": "rechnung"},
                    ]
                },
            ]
        },
        [
            {"do": "set_queue", "queue": queues["procurement"].pk},
            {"do": "add_tags", "tags": "Rechnung"},
            {"do": "add_note", "text": "Bitte mit der Bestellung vergleichen."},
        ],
    )
    _filter(
        "Rundschreiben machen kein Ticket",
        {"all": [{"field": "list_id", "op": "not_empty"}]},
        [{"do": "ignore", "reason": "Rundschreiben"}],
    )
    SenderBlock.objects.create(pattern="@gewinnspiel.example", reason="Gewinnspiele, täglich")
    AutoResponse.objects.create(
        queue=queues["faults"],
        kind=AutoResponse.Kind.RECEIVED,
        subject_de="Ihre Störungsmeldung: {{subject}}",
        subject_en="Your report: {{subject}}",
        body_de=RECEIVED_DE,
        body_en=RECEIVED_EN,
    )


def _filter(name: str, condition: dict[str, object], what: list[dict[str, object]]) -> None:
    """Make a filter behind the others; one that could not run raises `InvalidInput`."""
    MailFilter.objects.create(
        name=name,
        position=MailFilter.objects.count() + 1,
        condition=conditions.parse(condition, MAIL_FIELDS).to_json(),
        effects=[one.to_json() for one in effects.parse(what)],
    )
