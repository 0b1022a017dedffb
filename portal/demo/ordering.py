"""The demo's page *Order a queue*: its fields, its words, what may be ordered, and who orders what."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wagtail.models import Page

from helpdesk import actions, permissions
from helpdesk.models import OrderSettings, Queue, Ticket

from .acts import Form, Stage
from .acts_agents import AgentAct
from .blocks import Field, Node, Words
from .forms import PERSON
from .play import story

#: Of agents everything has to be known.
AGENT = tuple(replace(column, required=True) for column in PERSON)

FIELDS = (
    Field("section-queue", "section", "Die neue Queue", "The new queue"),
    Field(
        "address",
        "queue_address",
        "Gewünschte Adresse",
        "Desired address",
        "Sie endet auf @desk.example. Davor: Kleinbuchstaben, Ziffern, Punkt oder Bindestrich.",
        "It ends in @desk.example. Before that: small letters, digits, dots or hyphens.",
        required=True,
        in_subject=True,
    ),
    Field(
        "name",
        "queue_name",
        "Name der Queue",
        "Name of the queue",
        "So sehen Ihr Team und andere Teams sie, zum Beispiel „Prüfungsamt Chemie“.",
        "What your team and others see, for example “Examination office Chemistry”.",
        required=True,
    ),
    Field(
        "purpose",
        "queue_purpose",
        "Was gehört hinein?",
        "What belongs into it?",
        "Ein, zwei Sätze, damit sie sich von anderen Queues klar unterscheidet.",
        "A sentence or two, so that it is clearly different from other queues.",
        required=True,
    ),
    Field("department", "queue_department", "Einrichtung", "Department", required=True),
    Field(
        "hours",
        "queue_hours",
        "Wann wird gearbeitet?",
        "When do you work?",
        "Zum Beispiel: Montag bis Freitag, 9 bis 12 Uhr.",
        "For example: Monday to Friday, 9 am to noon.",
    ),
    Field("section-team", "section", "Das Team", "The team"),
    Field(
        "agents",
        "agents",
        "Wer bearbeitet die Anfragen?",
        "Who works on the requests?",
        "Sie können die Liste auch aus einer Tabelle einfügen. Die Unikennung ist der Name, mit dem sich die Person anmeldet.",
        "You can also paste the list from a table. The university login is the name the person logs in with.",
        required=True,
        private=True,
        columns=AGENT,
    ),
    Field(
        "official",
        "consent",
        "Die Queue dient dienstlichen Zwecken.",
        "The queue serves official purposes.",
        required=True,
    ),
)

INTRO_DE = "<p>Alle Einrichtungen der Universität können eine Queue bekommen. Wir prüfen Ihren Antrag, richten Adresse, Team und Seite ein und melden uns, meist innerhalb einer Woche. Kosten entstehen nicht.</p><p>Lieber eine E-Mail? Schreiben Sie an ticketsystem@desk.example: die gewünschte Adresse, wofür sie ist, und zu jeder Person Vorname, Nachname, E-Mail-Adresse und Unikennung.</p>"
INTRO_EN = "<p>Every department of the university can have a queue. We check your order, set up address, team and page, and let you know, mostly within a week. There are no fees.</p><p>Rather write a mail? Send to ticketsystem@desk.example the address you would like, what it is for, and for each person first name, last name, mail address and university login.</p>"
THANKS_DE = "<p>Wir sehen uns den Antrag an und melden uns. Auf der Seite Ihrer Anfrage steht, wie weit er ist.</p>"
THANKS_EN = "<p>We look at your order and get back to you. The page of your request shows how far it is.</p>"

ORDER_PAGE = Node(
    "orders-form",
    "order",
    Words(
        "queue-beantragen",
        "Queue beantragen",
        "Eine Queue für Ihre Einrichtung: Adresse wünschen, Team nennen, fertig.",
        more=(("subject", "Neue Queue"), ("intro", INTRO_DE), ("thanks", THANKS_DE)),
    ),
    Words(
        "order-a-queue",
        "Order a queue",
        "A queue for your department: choose an address, name the team, done.",
        more=(("subject", "New queue"), ("intro", INTRO_EN), ("thanks", THANKS_EN)),
    ),
    queue="orders",
)


def allow_orders(queues: dict[str, Queue], services: Page) -> None:
    """Set what may be ordered, and where it comes: pages below the catalogue of services."""
    OrderSettings(
        domains="desk.example",
        reserved="rektorat\npraesident",
        queue=queues["orders"],
        page=services.page_ptr,
    ).save()


@dataclass(frozen=True)
class Refuse(AgentAct):
    """The order is refused."""

    reason: str

    def act(self, stage: Stage, actor: permissions.Actor, ticket: Ticket) -> None:
        actions.refuse_order(actor=actor, ticket=ticket, reason=self.reason)


ORDER_STORIES = (
    story(
        "order-library",
        Form(
            "1 10:20",
            "orders",
            "specht",
            {
                "address": "fernleihe@desk.example",
                "name": "Fernleihe",
                "purpose": "Bestellungen aus anderen Bibliotheken, Verlängerungen und Mahnungen dazu.",
                "department": "Universitätsbibliothek",
                "hours": "Montag bis Freitag, 9 bis 16 Uhr",
                "agents": [
                    {
                        "first_name": "Sabine",
                        "last_name": "Specht",
                        "email": "specht@uni.example",
                        "login_name": "specht",
                    },
                    {
                        "first_name": "Theo",
                        "last_name": "Taube",
                        "email": "taube@uni.example",
                        "login_name": "thtau104",
                    },
                    {
                        "first_name": "Greta",
                        "last_name": "Grünfink",
                        "email": "gruenfink@uni.example",
                        "login_name": "grgru105",
                    },
                ],
                "official": "on",
            },
        ),
    ),
    story(
        "order-choir",
        Form(
            "6 15:05",
            "orders",
            "swift",
            {
                "address": "choir@desk.example",
                "name": "Choir",
                "purpose": "Rehearsals and tickets of our choir.",
                "department": "Student choir",
                "agents": [
                    {
                        "first_name": "Samuel",
                        "last_name": "Swift",
                        "email": "swift@uni.example",
                        "login_name": "swift",
                    }
                ],
                "official": "on",
            },
        ),
        Refuse(
            "5 09:30",
            "amsel",
            "Queues are for the work of departments. A student group can use a mailing list; the support team sets one up for you.",
        ),
    ),
)
