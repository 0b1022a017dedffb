"""The texts of the services of the IT team, with their forms and queue pages."""

from __future__ import annotations

import json

from .blocks import Node, Words, audience, contact, costs, heading, notice, related, text

FREE_DE = "<p>Keine. Niemand zahlt für eine Anfrage.</p>"
FREE_EN = "<p>None. Nobody pays for a request.</p>"
HOURS_DE = "Montag bis Freitag, 8 bis 17 Uhr"
HOURS_EN = "Monday to Friday, 8 am to 5 pm"
IT_DE = contact(
    "IT-Service", "beratung@desk.example", "555-1200", "Rechenzentrum, Raum 0.12", HOURS_DE
)
IT_EN = contact(
    "IT Service", "support@desk.example", "555-1200", "Computing centre, room 0.12", HOURS_EN
)
THANKS_DE = json.dumps(
    [
        {
            "type": "text",
            "value": "<p>Über den Link in der Bestätigung sehen Sie jederzeit, wie es um Ihre Anfrage steht, und können etwas ergänzen.</p>",
        }
    ]
)
THANKS_EN = json.dumps(
    [
        {
            "type": "text",
            "value": "<p>The link in the confirmation shows you at any time how your request is getting on, and lets you add to it.</p>",
        }
    ]
)


def queue_page(key: str, de: Words, en: Words) -> Node:
    return Node(f"{key}-queue", "queue", de, en, queue=key)


FAULTS = Node(
    "faults",
    "service",
    Words(
        "stoerungen",
        "Störungen",
        "Etwas funktioniert nicht mehr? Melden Sie es hier; der IT-Service kümmert sich darum.",
        (
            text(
                "<p>Ob Beamer, Drucker, WLAN oder ein Programm: Eine Störung ist alles, was gestern noch ging und heute nicht mehr. Ihre Meldung landet nicht bei einer einzelnen Person, sondern beim ganzen Team. Ist jemand krank oder im Urlaub, macht jemand anderes weiter.</p>"
            ),
            heading("Was uns hilft"),
            text(
                "<ul><li>der Raum und, wenn vorhanden, die Inventarnummer auf dem Gerät</li><li>der genaue Wortlaut einer Fehlermeldung, am besten als Foto</li><li>seit wann es so ist und ob andere auch betroffen sind</li></ul>"
            ),
            notice(
                "warning",
                "<p><b>Gefahr für Menschen?</b> Bei Rauch, Wasser oder Stromschlag bitte nicht schreiben, sondern sofort die Leitwarte anrufen: 555-1112.</p>",
            ),
            audience("<p>Alle Studierenden und Beschäftigten sowie Gäste der Universität.</p>"),
            costs(FREE_DE),
            IT_DE,
            related("Vielleicht hilft schon das", "wifi", "printing"),
        ),
    ),
    Words(
        "faults",
        "Faults",
        "Something has stopped working? Report it here and IT Service will look after it.",
        (
            text(
                "<p>Projector, printer, Wi-Fi or a program: a fault is anything that worked yesterday and does not work today. Your report does not go to one person but to the whole team. If somebody is ill or on leave, somebody else carries on.</p>"
            ),
            heading("What helps us"),
            text(
                "<ul><li>the room and, if there is one, the inventory number on the device</li><li>the exact words of an error message, ideally as a photo</li><li>since when it has been like this, and whether others are affected too</li></ul>"
            ),
            notice(
                "warning",
                "<p><b>Is anybody in danger?</b> For smoke, water or electric shock please do not write: call the control room at once, 555-1112.</p>",
            ),
            audience("<p>All students and members of staff, and guests of the university.</p>"),
            costs(FREE_EN),
            IT_EN,
            related("This may help already", "wifi", "printing"),
        ),
    ),
    children=(
        Node(
            "faults-form",
            "form",
            Words(
                "melden",
                "Störung melden",
                more=(
                    ("subject", "Störung"),
                    (
                        "intro",
                        "<p>Je genauer Sie beschreiben, was geschieht, desto schneller können wir helfen.</p>",
                    ),
                    ("thank_you", THANKS_DE),
                ),
            ),
            Words(
                "report",
                "Report a fault",
                more=(
                    ("subject", "Fault"),
                    (
                        "intro",
                        "<p>The more precisely you describe what happens, the faster we can help.</p>",
                    ),
                    ("thank_you", THANKS_EN),
                ),
            ),
            queue="faults",
        ),
        queue_page(
            "faults",
            Words(
                "queue",
                "Queue „Störungen“",
                "Adresse, Zeiten und Zusagen des Teams für Störungen.",
                more=(
                    (
                        "purpose",
                        "<p>Für alles, was kaputt ist oder nicht erreichbar. Fragen, bei denen nichts kaputt ist, gehören zur Beratung.</p>",
                    ),
                    (
                        "promise",
                        "<p>Erste Antwort innerhalb von zwei Stunden, Lösung meist innerhalb von drei Arbeitstagen.</p>",
                    ),
                ),
            ),
            Words(
                "queue",
                "Queue “Faults”",
                "Address, hours and promises of the team for faults.",
                more=(
                    (
                        "purpose",
                        "<p>For everything that is broken or cannot be reached. Questions where nothing is broken belong to the support queue.</p>",
                    ),
                    (
                        "promise",
                        "<p>First answer within two hours, mostly solved within three working days.</p>",
                    ),
                    ("hours", HOURS_EN),
                ),
            ),
        ),
    ),
)

SUPPORT = Node(
    "support",
    "service",
    Words(
        "beratung",
        "Beratung",
        "Fragen zu Programmen, Zugängen, Lernplattform, E-Mail und Geräten.",
        (
            text(
                "<p>Nichts ist kaputt, aber Sie kommen nicht weiter? Wir erklären, wie etwas geht, welches Programm passt und wo Sie eine Lizenz bekommen. Antworten, nach denen oft gefragt wird, stehen als Anleitung auf dieser Seite.</p>"
            ),
            heading("Beispiele"),
            text(
                "<ul><li>Wie richte ich mein Postfach auf dem Telefon ein?</li><li>Welches Statistikprogramm darf ich im Studium benutzen?</li><li>Wie lege ich eine Prüfung auf der Lernplattform an?</li></ul>"
            ),
            notice(
                "info",
                "<p>Wir fragen nie nach Ihrem Passwort, weder am Telefon noch per E-Mail.</p>",
            ),
            audience("<p>Alle Studierenden und Beschäftigten.</p>"),
            costs(FREE_DE),
            IT_DE,
        ),
    ),
    Words(
        "support",
        "Support",
        "Questions about programs, accounts, the learning platform, e-mail and devices.",
        (
            text(
                "<p>Nothing is broken, but you are stuck? We explain how something is done, which program fits and where to get a licence. Answers that are asked for often are on this page as instructions.</p>"
            ),
            heading("Examples"),
            text(
                "<ul><li>How do I set up my mailbox on my phone?</li><li>Which statistics program may I use for my studies?</li><li>How do I create an exam on the learning platform?</li></ul>"
            ),
            notice(
                "info", "<p>We never ask for your password, neither on the phone nor by e-mail.</p>"
            ),
            audience("<p>All students and members of staff.</p>"),
            costs(FREE_EN),
            IT_EN,
        ),
    ),
    children=(
        Node(
            "support-form",
            "form",
            Words(
                "fragen",
                "Frage stellen",
                more=(("subject", "Beratung"), ("thank_you", THANKS_DE)),
            ),
            Words(
                "ask",
                "Ask a question",
                more=(("subject", "Support"), ("thank_you", THANKS_EN)),
            ),
            queue="support",
        ),
        queue_page(
            "support",
            Words(
                "queue",
                "Queue „Beratung“",
                "Adresse, Zeiten und Zusagen der Beratung.",
                more=(("promise", "<p>Antwort innerhalb eines Arbeitstages.</p>"),),
            ),
            Words(
                "queue",
                "Queue “Support”",
                "Address, hours and promises of the support team.",
                more=(
                    (
                        "purpose",
                        "<p>Questions about programs, accounts and devices where nothing is broken.</p>",
                    ),
                    ("promise", "<p>An answer within one working day.</p>"),
                    ("hours", HOURS_EN),
                ),
            ),
        ),
    ),
)

OTHER = Node(
    "other",
    "service",
    Words(
        "sonstiges",
        "Sonstiges",
        "Sie wissen nicht, wohin mit Ihrem Anliegen? Hier sind Sie richtig.",
        (
            text(
                "<p>Nicht jede Frage passt in eine Schublade. Schreiben Sie uns, worum es geht; wir geben es an die Stelle weiter, die zuständig ist, und Sie bekommen von dort Antwort, ohne noch einmal von vorn anfangen zu müssen.</p>"
            ),
            audience("<p>Alle Angehörigen und Gäste der Universität.</p>"),
            costs(FREE_DE),
            IT_DE,
            related("Oder geht es darum?", "ticketsystem", "lost-and-found"),
        ),
    ),
    Words(
        "other",
        "Other matters",
        "Not sure whom to ask? This is the right place.",
        (
            text(
                "<p>Not every question fits a drawer. Tell us what it is about; we pass it on to whoever is responsible, and you get your answer from there without having to start all over again.</p>"
            ),
            audience("<p>All members and guests of the university.</p>"),
            costs(FREE_EN),
            IT_EN,
            related("Or is it about one of these?", "ticketsystem", "lost-and-found"),
        ),
    ),
    children=(
        Node(
            "other-form",
            "form",
            Words(
                "schreiben",
                "Anliegen schildern",
                more=(("subject", "Anliegen"), ("thank_you", THANKS_DE)),
            ),
            Words(
                "write",
                "Write to us",
                more=(("subject", "Request"), ("thank_you", THANKS_EN)),
            ),
            queue="other",
        ),
        queue_page(
            "other",
            Words(
                "queue",
                "Queue „Sonstiges“",
                "Adresse, Zeiten und Zusagen für alles Übrige.",
                more=(("promise", "<p>Antwort oder Weitergabe innerhalb eines Arbeitstages.</p>"),),
            ),
            Words(
                "queue",
                "Queue “Other matters”",
                "Address, hours and promises for everything else.",
                more=(
                    ("purpose", "<p>Whatever fits no other queue, and orders of new queues.</p>"),
                    ("promise", "<p>Answered or passed on within one working day.</p>"),
                    ("hours", HOURS_EN),
                ),
            ),
        ),
    ),
)
