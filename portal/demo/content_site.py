"""The tree of pages, with the texts of the home page and of the ticket system's own page."""

from __future__ import annotations

from dataclasses import replace

from .blocks import Node, Words, audience, contact, costs, heading, related, steps, text
from .content_articles import CANCEL, LEGAL, LOST, MAIL_SETUP, PASSWORD, PRINTING, WIFI
from .content_office import ENROLMENT, PROCUREMENT
from .content_services import FAULTS, HOURS_DE, HOURS_EN, OTHER, SUPPORT
from .ordering import ORDER_PAGE

TICKETSYSTEM = Node(
    "ticketsystem",
    "service",
    Words(
        "ticketsystem",
        "Ticketsystem",
        "Anfragen gemeinsam bearbeiten, ohne dass es an einer Person hängt: eine Queue für Ihre Einrichtung.",
        (
            text(
                "<p>Viele Anfragen erreichen uns heute über persönliche Postfächer. Ist die Person nicht da, bleibt die Anfrage liegen. Im Ticketsystem gehört jede Anfrage einem Team: Wer dazugehört, sieht sie, kann sie übernehmen und beantworten, und niemand muss fragen, was bisher geschah.</p>"
            ),
            heading("Wofür es gut ist"),
            text(
                "<ul><li>Störungen melden und verfolgen</li><li>Beratung von Studierenden und Beschäftigten</li><li>Anmeldungen zu Studium, Kursen und Veranstaltungen</li><li>Beschaffung und Bestellungen</li><li>jede andere Anfrage, die ein Team beantwortet</li></ul>"
            ),
            heading("Was Sie davon haben"),
            text(
                "<p><b>Weniger doppelte Arbeit:</b> Schreibt jemand dieselbe E-Mail an zwei Stellen, wird daraus eine Anfrage, und beide wissen davon. <b>Nichts geht verloren:</b> Unbeantwortete Anfragen fallen auf, und Vertretungen sind geregelt. <b>Nachvollziehbar:</b> Fragen, Antworten und Lösungen stehen an einem Ort und lassen sich durchsuchen. Sie brauchen nur einen Browser.</p>"
            ),
            heading("So funktioniert es"),
            text(
                "<p>Für jedes Thema gibt es eine Queue mit einer eigenen E-Mail-Adresse. Wer dorthin schreibt oder das Formular auf der Seite ausfüllt, bekommt eine Nummer und einen Link, unter dem der Stand zu sehen ist. Wer von der Adresse der Universität aus schreibt, findet die Anfrage nach der Anmeldung auch unter „Meine Anfragen“.</p>"
            ),
            steps(
                "Eine Queue beantragen",
                (
                    "Beantragen Sie sie",
                    "<p>Füllen Sie „Queue beantragen“ aus, oder schreiben Sie an ticketsystem@desk.example. Nennen Sie die gewünschte neue Adresse; sie endet auf @desk.example.</p>",
                ),
                (
                    "Nennen Sie Ihr Team",
                    "<p>Für jede Person, die Anfragen bearbeiten soll: Vorname, Nachname, E-Mail-Adresse und Unikennung.</p>",
                ),
                (
                    "Beschreiben Sie den Zweck",
                    "<p>Ein, zwei Sätze, was in die Queue gehört, damit sie sich von anderen klar unterscheidet.</p>",
                ),
                (
                    "Fangen Sie an",
                    "<p>Wir richten Queue, Adresse und Seite ein, meist innerhalb einer Woche. Ihr Team meldet sich dann mit der Unikennung an.</p>",
                ),
            ),
            heading("Wie lange Anfragen bleiben"),
            text(
                "<p>Zur technischen Dokumentation bewahren wir eine Anfrage mit allen Daten zwei Jahre lang auf, gerechnet vom Schließen an. Danach wird sie gelöscht. Sie können dem schon beim Absenden widersprechen: im Formular mit einem Häkchen, später auf der Seite Ihrer Anfrage. Dann wird sie kurz nach dem Schließen gelöscht.</p>"
            ),
            audience(
                "<p>Alle Fakultäten, Institute und Einrichtungen der Universität, für dienstliche Zwecke.</p>"
            ),
            costs("<p>Keine. Das Ticketsystem gehört zum Angebot des IT-Service.</p>"),
            contact(
                "Wendy Wren, IT-Service",
                "ticketsystem@desk.example",
                "555-1234",
                "Rechenzentrum, Raum 0.14",
                HOURS_DE,
            ),
        ),
    ),
    Words(
        "ticket-system",
        "Ticket system",
        "Work on requests together, so that nothing depends on one person: a queue for your department.",
        (
            text(
                "<p>Many requests still reach us through personal mailboxes. If that person is away, the request waits. In the ticket system each request belongs to a team: everybody in it sees the request, can take it over and answer it, and nobody has to ask what happened before.</p>"
            ),
            heading("What it is good for"),
            text(
                "<ul><li>reporting faults and following them</li><li>support for students and members of staff</li><li>enrolment for degree programmes, courses and events</li><li>procurement and orders</li><li>any other request that a team answers</li></ul>"
            ),
            heading("What you gain"),
            text(
                "<p><b>Less double work:</b> if somebody sends the same mail to two offices it becomes one request, and both know about it. <b>Nothing gets lost:</b> requests without an answer stand out, and deputies are arranged for. <b>Easy to trace:</b> questions, answers and solutions are in one place and can be searched. All you need is a browser.</p>"
            ),
            heading("How it works"),
            text(
                "<p>There is a queue for each subject, with a mail address of its own. Whoever writes there, or fills in the form on the page, receives a number and a link that shows how things stand. Those who write from their university address also find the request under “My requests” after logging in.</p>"
            ),
            steps(
                "Order a queue",
                (
                    "Ask for it",
                    "<p>Fill in “Order a queue”, or write to ticketsystem@desk.example. Name the new address you would like; it ends in @desk.example.</p>",
                ),
                (
                    "Name your team",
                    "<p>For everybody who is to work on requests: first name, last name, mail address and university log-in name.</p>",
                ),
                (
                    "Describe the purpose",
                    "<p>A sentence or two on what belongs into the queue, so that it is clearly different from others.</p>",
                ),
                (
                    "Start",
                    "<p>We set up queue, address and page, mostly within a week. Your team then logs in with the university log-in name.</p>",
                ),
            ),
            heading("How long requests are kept"),
            text(
                "<p>For technical documentation we keep a request with all its data for two years, counted from its closing. Then it is deleted. You can object to that when you send it, by a tick in the form, or later on the page of your request. It is then deleted soon after it is closed.</p>"
            ),
            audience(
                "<p>All faculties, institutes and departments of the university, for official purposes.</p>"
            ),
            costs("<p>None. The ticket system is part of what IT Service offers.</p>"),
            contact(
                "Wendy Wren, IT Service",
                "ticketsystem@desk.example",
                "555-1234",
                "Computing centre, room 0.14",
                HOURS_EN,
            ),
        ),
    ),
    children=(ORDER_PAGE,),
)

HOME = Node(
    "home",
    "home",
    Words(
        "lindental",
        "Wie können wir helfen?",
        "Das Serviceportal der Universität Lindental: Störungen melden, Fragen stellen, anmelden, bestellen.",
        (
            heading("Schreiben statt suchen"),
            text(
                "<p>Sie müssen nicht wissen, wer zuständig ist. Wählen Sie einen Dienst oder schreiben Sie an seine Adresse; um den Rest kümmert sich das Team dahinter. Wie es um Ihre Anfrage steht, sehen Sie jederzeit unter „Meine Anfragen“.</p>"
            ),
            related("Oft gefragt", "wifi", "password", "printing", "mail-setup"),
        ),
    ),
    Words(
        "lindental-en",
        "How can we help?",
        "The service portal of Lindental University: report faults, ask questions, enrol, order.",
        (
            heading("Write instead of searching"),
            text(
                "<p>You do not have to know who is responsible. Choose a service or write to its address; the team behind it takes care of the rest. How your request is getting on you see at any time under “My requests”.</p>"
            ),
            related("Asked often", "wifi", "password", "printing", "mail-setup"),
        ),
    ),
    children=(
        Node(
            "services",
            "index",
            Words("dienste", "Dienste", "Alle Dienste der Universität auf einen Blick."),
            Words("services", "Services", "All services of the university at a glance."),
            children=(
                TICKETSYSTEM,
                replace(FAULTS, children=(*FAULTS.children, WIFI, PRINTING)),
                replace(SUPPORT, children=(*SUPPORT.children, PASSWORD, MAIL_SETUP)),
                replace(ENROLMENT, children=(*ENROLMENT.children, CANCEL)),
                PROCUREMENT,
                replace(OTHER, children=(*OTHER.children, LOST)),
            ),
        ),
        *LEGAL,
    ),
)
