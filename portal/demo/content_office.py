"""The texts of the services of the administration, with their forms and queue pages."""

from __future__ import annotations

from .blocks import Node, Words, audience, contact, costs, heading, notice, text
from .content_services import FREE_DE, FREE_EN, HOURS_DE, HOURS_EN, THANKS_DE, THANKS_EN, queue_page

OFFICE_DE = contact(
    "Zentrale Verwaltung", "anmeldung@desk.example", "555-1700", "Hauptgebäude, Raum 1.07", HOURS_DE
)
OFFICE_EN = contact(
    "Central Administration",
    "enrolment@desk.example",
    "555-1700",
    "Main building, room 1.07",
    HOURS_EN,
)

ENROLMENT = Node(
    "enrolment",
    "service",
    Words(
        "anmeldung",
        "Anmeldung",
        "Zu Kursen, Workshops und Veranstaltungen anmelden, umbuchen oder absagen.",
        (
            text(
                "<p>Hier melden Sie sich zu Angeboten an, die nicht über das Campus-Portal laufen: Einführungskurse, Schreibwerkstatt, Exkursionen, Sprachtandem und Veranstaltungen der Einrichtungen.</p>"
            ),
            heading("Wie es weitergeht"),
            text(
                "<p>Plätze werden in der Reihenfolge des Eingangs vergeben. Ist ein Kurs voll, kommen Sie auf die Warteliste und hören von uns, sobald ein Platz frei wird. Abmelden können Sie sich, indem Sie auf unsere Bestätigung antworten.</p>"
            ),
            audience(
                "<p>Eingeschriebene Studierende; einzelne Kurse stehen auch Beschäftigten und Gästen offen.</p>"
            ),
            costs(FREE_DE),
            OFFICE_DE,
        ),
    ),
    Words(
        "enrolment",
        "Enrolment",
        "Enrol for courses, workshops and events, change a booking or cancel it.",
        (
            text(
                "<p>This is where you enrol for whatever is not in the campus portal: introductory courses, writing workshop, excursions, language tandem, and events of the departments.</p>"
            ),
            heading("What happens next"),
            text(
                "<p>Places are given in the order in which requests arrive. If a course is full you are put on the waiting list and hear from us as soon as there is a place. To cancel, simply answer our confirmation.</p>"
            ),
            audience(
                "<p>Enrolled students; some courses are open to members of staff and guests too.</p>"
            ),
            costs(FREE_EN),
            OFFICE_EN,
        ),
    ),
    children=(
        Node(
            "enrolment-form",
            "form",
            Words(
                "anmelden",
                "Zu einem Kurs anmelden",
                more=(("subject", "Anmeldung"), ("thank_you", THANKS_DE)),
            ),
            Words(
                "enrol",
                "Enrol for a course",
                more=(("subject", "Enrolment"), ("thank_you", THANKS_EN)),
            ),
            queue="enrolment",
        ),
        queue_page(
            "enrolment",
            Words(
                "queue",
                "Queue „Anmeldung“",
                "Adresse, Zeiten und Zusagen des Studierendenservice.",
                more=(("promise", "<p>Bestätigung innerhalb eines Arbeitstages.</p>"),),
            ),
            Words(
                "queue",
                "Queue “Enrolment”",
                "Address, hours and promises of student services.",
                more=(
                    (
                        "purpose",
                        "<p>Enrolments for courses and events, and questions about them.</p>",
                    ),
                    ("promise", "<p>Confirmation within one working day.</p>"),
                    ("hours", HOURS_EN),
                ),
            ),
        ),
    ),
)

PROCUREMENT = Node(
    "procurement",
    "service",
    Words(
        "beschaffung",
        "Beschaffung",
        "Geräte, Möbel, Lizenzen und Verbrauchsmaterial für Institute bestellen.",
        (
            text(
                "<p>Einrichtungen bestellen hier, was sie für Forschung, Lehre und Verwaltung brauchen. Wir prüfen, ob es einen Rahmenvertrag gibt, holen fehlende Angebote ein und sagen Ihnen, wann die Ware kommt.</p>"
            ),
            notice(
                "info",
                "<p>Ab 1.000 Euro netto sind drei Angebote nötig. Liegen sie schon vor, hängen Sie sie einfach an.</p>",
            ),
            audience("<p>Beschäftigte mit einer Kostenstelle, nur für dienstliche Zwecke.</p>"),
            costs("<p>Für die Bearbeitung keine. Die Ware zahlt die angegebene Kostenstelle.</p>"),
            OFFICE_DE,
        ),
    ),
    Words(
        "procurement",
        "Procurement",
        "Order devices, furniture, licences and supplies for departments.",
        (
            text(
                "<p>Departments order here what they need for research, teaching and administration. We check whether there is a framework contract, ask for missing offers and tell you when the goods arrive.</p>"
            ),
            notice(
                "info",
                "<p>From 1,000 euros net on, three offers are needed. If you have them already, just attach them.</p>",
            ),
            audience("<p>Members of staff with a cost centre, for official purposes only.</p>"),
            costs("<p>None for our work. The goods are paid by the cost centre you name.</p>"),
            OFFICE_EN,
        ),
    ),
    children=(
        Node(
            "procurement-form",
            "form",
            Words(
                "bestellen",
                "Etwas bestellen",
                more=(("subject", "Bestellung"), ("thank_you", THANKS_DE)),
            ),
            Words(
                "order",
                "Order something",
                more=(("subject", "Order"), ("thank_you", THANKS_EN)),
            ),
            queue="procurement",
        ),
        queue_page(
            "procurement",
            Words(
                "queue",
                "Queue „Beschaffung“",
                "Adresse, Zeiten und Zusagen der Beschaffung.",
                more=(("promise", "<p>Erste Antwort innerhalb von zwei Arbeitstagen.</p>"),),
            ),
            Words(
                "queue",
                "Queue “Procurement”",
                "Address, hours and promises of procurement.",
                more=(
                    (
                        "purpose",
                        "<p>Orders of departments: devices, furniture, licences, supplies.</p>",
                    ),
                    ("promise", "<p>First answer within two working days.</p>"),
                    ("hours", HOURS_EN),
                ),
            ),
        ),
    ),
)
