"""Stories of the queue *Störungen*."""

from __future__ import annotations

from .acts import Call, Form, Mail, Reply
from .acts_agents import AcceptSender, Answer, Claim, Forward, Link, Note, Prioritise, SetState, Tag
from .files import document, picture
from .play import story

DESK = ("stoerung@desk.example",)

FAULT_STORIES = (
    story(
        "projector",
        Form(
            "26 11:20",
            "faults",
            "specht",
            {
                "device": "Beamer (Inv. 40-1187)",
                "room": "23.02.U1",
                "since": -26,
                "urgency": "blocked",
                "what": "Nach dem Einschalten erscheint kurz das Bild, dann eine Meldung zur Lampe, dann geht das Gerät aus. Um 14 Uhr beginnt dort mein Seminar.",
                "photo": [
                    ("beamer.png", picture("Projektor", "Lampe ersetzen", "Gerät schaltet ab"))
                ],
            },
        ),
        Prioritise("26 11:24", "wren", "urgent"),
        Claim("26 11:25", "wren"),
        Answer(
            "26 11:31",
            "wren",
            "Guten Tag Frau Specht,\n\nwir stellen bis 13:30 Uhr ein Ersatzgerät auf und wechseln die Lampe morgen früh.",
        ),
        Note("26 13:22", "wren", "Ersatzgerät steht. Lampe Typ L-220 ist im Lager, Regal 4."),
        Answer(
            "25 08:40",
            "wren",
            "Guten Tag Frau Specht,\n\ndie Lampe ist gewechselt, das Gerät läuft wieder.",
            state="solved",
        ),
    ),
    story(
        "printer-jam",
        Mail(
            "24 10:02",
            "gull",
            "Hello,\n\nthe printer on the second floor of the library keeps saying “paper jam”, but I cannot see any paper inside.\n\nBest regards,\nGeorge Gull",
            subject="Printer keeps reporting a paper jam",
            to=("faults@desk.example",),
            html="<html><body><p>Hello,</p><p>the printer on the <b>second floor of the library</b> keeps saying “paper jam”, but I cannot see any paper inside.</p><p>Best regards,<br>George Gull</p></body></html>",
        ),
        Answer(
            "24 10:50",
            "wren",
            "Dear Mr Gull,\n\nthere is often a small scrap behind door A on the right. Our instructions “Printing and scanning” show where to look. Does it print again afterwards?",
        ),
        Mail(
            "24 11:35",
            "gull",
            "That was it: a piece the size of a stamp. Thank you!",
            reply=True,
        ),
        SetState("24 11:50", "wren", "solved"),
    ),
    story(
        "library-terminals",
        Mail(
            "17 08:31",
            "lerche",
            "Liebe Kolleginnen und Kollegen,\n\ndrei der Katalogrechner im Lesesaal starten nur bis zum schwarzen Bild. Es sind die Plätze 4, 5 und 9.\n\nLena Lerche, Bibliothek",
            subject="Katalogrechner starten nicht",
            to=DESK,
            headers=(("Cc", "ausleihe@bib.uni.example"),),
        ),
        Claim("17 08:50", "fink"),
        Answer(
            "17 08:55",
            "fink",
            "Guten Tag Frau Lerche,\n\nwir kommen am Vormittag vorbei. Laufen die anderen Plätze?",
            state="waiting",
            wait=-15,
        ),
        Mail(
            "17 20:14",
            "lerche-private",
            "Ich schreibe von zu Hause: Ja, die anderen laufen. Platz 9 ging nachmittags von selbst wieder.",
            subject="Katalogrechner starten nicht",
            to=DESK,
            number=True,
        ),
        AcceptSender("16 08:05", "fink"),
        Answer(
            "16 11:30",
            "fink",
            "Guten Tag Frau Lerche,\n\nbei den Plätzen 4 und 5 war eine Aktualisierung steckengeblieben. Alle drei laufen wieder.",
            state="solved",
        ),
    ),
    story(
        "cold-room",
        Form(
            "12 15:10",
            "faults",
            "martin",
            {
                "device": "Air conditioning",
                "room": "Lab 4.11",
                "since": -13,
                "urgency": "hindered",
                "what": "The air conditioning in our measuring lab is stuck at 15 °C. The instruments drift, and so do we.",
            },
        ),
        Note(
            "12 15:40",
            "wren",
            "Building services, not IT. Their contractor for this wing is Falke.",
        ),
        Forward(
            "12 15:44",
            "wren",
            "Guten Tag,\n\nbitte prüfen Sie die Klimaanlage in Labor 4.11. Rückmeldung bitte auf diese Mail.",
            ("Haustechnik Falke", "auftrag@falke-technik.example"),
        ),
        Answer(
            "12 15:50",
            "wren",
            "Dear Mary,\n\nthank you for telling us. We have asked the contractor to come and will let you know the date.",
        ),
        Mail(
            "11 10:20",
            "falke",
            "Termin übermorgen um 8 Uhr. Bitte Zugang sicherstellen.\n\nDisposition Falke",
            subject="AW: Klimaanlage Labor 4.11",
            to=DESK,
            number=True,
        ),
        Answer(
            "11 10:45",
            "wren",
            "Dear Mary,\n\nthey come the day after tomorrow at 8 am. Could somebody let them in?",
            state="waiting",
            wait=-8,
        ),
        Reply("11 12:02", "I will be there. Thank you!"),
        SetState("8 14:00", "wren", "solved"),
    ),
    story(
        "door-terminal",
        Call(
            "7 09:35",
            "fink",
            "faults",
            "drossel",
            "Zeiterfassung im Foyer liest keine Karten",
            "Frau Drossel ruft an: Das Gerät zur Zeiterfassung im Foyer piept, nimmt aber keine Karte an. Die Kolleginnen stehen Schlange.",
        ),
        Prioritise("7 09:36", "fink", "high"),
        Claim("7 09:40", "fink"),
        Tag("7 09:40", "fink", ("Zeiterfassung",)),
        Note(
            "7 10:30",
            "fink",
            "Lesekopf defekt, Ersatzteil bestellt. Buchung solange über die Webseite.",
        ),
        Answer(
            "7 10:36",
            "fink",
            "Guten Tag Frau Drossel,\n\nder Lesekopf ist defekt, das Ersatzteil kommt in ein paar Tagen. Bis dahin können alle ihre Zeiten unter zeit.uni.example buchen.",
        ),
    ),
    story(
        "keyboard",
        Form(
            "6 13:05",
            "faults",
            "zeisig",
            {
                "device": "Tastatur im PC-Pool",
                "room": "PC-Pool 2, Platz 17",
                "since": -7,
                "urgency": "later",
                "what": "Die Leertaste klemmt. Man kann arbeiten, aber es macht keinen Spaß.",
            },
        ),
        Claim("6 13:40", "wren"),
        Answer(
            "6 13:42",
            "wren",
            "Guten Tag,\n\nwir haben eine neue Tastatur angesteckt. Danke fürs Melden!",
            state="solved",
        ),
        Mail(
            "1 09:20",
            "zeisig",
            "Leider klemmt jetzt die Umschalttaste der neuen. Können Sie noch einmal schauen?",
            reply=True,
        ),
    ),
    story(
        "scanner",
        Form(
            "3 10:12",
            "faults",
            "specht",
            {
                "device": "Scanner am Drucker im Flur",
                "room": "23.02.04",
                "since": -3,
                "urgency": "hindered",
                "what": "Scans kommen seit heute nicht mehr im Postfach an. Das Gerät zeigt „Gesendet“.",
            },
        ),
        Link("3 10:30", "fink", "door-terminal"),
        Tag("3 10:30", "fink", ("Drucker", "Mailversand")),
        Claim("3 10:31", "fink"),
        Note(
            "3 11:00",
            "fink",
            "Der Mailversand der Geräte läuft über denselben Knoten wie die Zeiterfassung.",
        ),
        Answer(
            "3 11:05",
            "fink",
            "Guten Tag Frau Specht,\n\ndie Scans werden zurückgehalten, gehen aber nicht verloren. Wir arbeiten daran und melden uns, sobald sie zugestellt sind.",
        ),
    ),
    story(
        "lecture-camera",
        Mail(
            "1 14:25",
            "sperling",
            "Guten Tag,\n\ndie Kamera im Hörsaal C zeichnet nur Ton auf. Das Protokoll hängt an.\n\nS. Sperling",
            subject="Aufzeichnung Hörsaal C ohne Bild",
            to=DESK,
            files=(
                (
                    "protokoll.pdf",
                    document("Aufzeichnung Hörsaal C", "Bildsignal: keines", "Ton: in Ordnung"),
                ),
            ),
        ),
        Mail(
            "1 15:02",
            "gull-friend",
            "Hello, I had the same problem in hall C last week. The cable behind the desk was loose.",
            subject="Aufzeichnung Hörsaal C ohne Bild",
            to=DESK,
            number=True,
        ),
    ),
    story(
        "login-pool",
        Form(
            "-52",
            "faults",
            "swift",
            {
                "device": "Computer in the PC pool",
                "room": "PC pool 1, seat 3",
                "since": -1,
                "urgency": "blocked",
                "what": "Logging in ends with an error about my profile. Seats 2 and 4 do the same.",
                "photo": [
                    (
                        "error.png",
                        picture("Log-in", "The profile could not be loaded.", "Code 0x80070005"),
                    )
                ],
            },
        ),
    ),
)
