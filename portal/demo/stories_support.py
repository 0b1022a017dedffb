"""Stories of the queues *Beratung* and *Sonstiges*."""

from __future__ import annotations

from .acts import Call, Form, Mail
from .acts_agents import Answer, Claim, Note, Phoned, SetState
from .files import document
from .play import story

SUPPORT_STORIES = (
    story(
        "password",
        Call(
            "28 13:05",
            "wren",
            "support",
            "zeisig",
            "Passwort vergessen, keine private Adresse hinterlegt",
            "Frau Zeisig hat ihr Passwort vergessen und keine private Adresse hinterlegt. Sie wohnt um die Ecke.",
        ),
        Answer(
            "28 13:12",
            "wren",
            "Guten Tag Frau Zeisig,\n\nbitte kommen Sie mit Ihrem Ausweis ins Rechenzentrum, Raum 0.12. Es dauert fünf Minuten.",
        ),
        Note(
            "28 15:40",
            "wren",
            "War hier, Ausweis geprüft, neues Passwort gesetzt, private Adresse hinterlegt.",
        ),
        SetState("28 15:41", "wren", "solved"),
    ),
    story(
        "statistics",
        Form(
            "27 16:30",
            "support",
            "swift",
            {
                "topic": "software",
                "question": "Which statistics program may I use for my thesis, and may I install it on my own laptop?",
                "systems": ["linux", "windows"],
            },
        ),
        Answer(
            "26 09:20",
            "wren",
            "Hello Sam,\n\nR is free and runs on both. For SPSS the university has a licence for students: log in at software.uni.example, it is valid until the end of the term and may be installed at home.",
            state="solved",
        ),
    ),
    story(
        "exam-course",
        Form(
            "23 10:05",
            "support",
            "specht",
            {
                "topic": "teaching",
                "question": "Ich möchte eine Probeklausur mit Zeitbegrenzung anlegen, finde aber die Einstellung dafür nicht.",
                "systems": ["windows"],
                "call_back": "555-2381",
            },
        ),
        Claim("23 10:20", "fink"),
        Phoned(
            "23 10:45",
            "fink",
            "Gemeinsam eingerichtet: Aktivität „Test“, Abschnitt „Zeit“, 45 Minuten. Zweimal durchgespielt.",
        ),
        SetState("23 10:50", "fink", "solved"),
    ),
    story(
        "mailing-list",
        Mail(
            "18 11:15",
            "sperling",
            "Guten Tag,\n\nkönnen Sie uns einen Verteiler für die Arbeitsgruppe einrichten? Etwa 30 Personen, auch auswärtige.\n\nS. Sperling",
            subject="Verteiler für die Arbeitsgruppe",
            to=("beratung@desk.example",),
        ),
        Claim("18 13:00", "fink"),
        Answer(
            "18 13:10",
            "fink",
            "Guten Tag Herr Dr. Sperling,\n\ngern. Wer soll den Verteiler verwalten, und dürfen auch Auswärtige dorthin schreiben?",
            state="waiting",
            wait=-3,
        ),
        Mail(
            "18 13:11",
            "sperling",
            "Ich bin bis Monatsende auf Dienstreise und lese meine Mails nur unregelmäßig.",
            reply=True,
            headers=(("Auto-Submitted", "auto-replied"), ("X-Autoreply", "yes")),
        ),
    ),
    story(
        "account-deletion",
        Form(
            "16 20:40",
            "support",
            "zeisig",
            {
                "topic": "account",
                "question": "Ich habe mein Studium abgeschlossen. Wann wird mein Konto gelöscht, und kann ich meine Mails mitnehmen?",
                "systems": ["mac"],
            },
            objects=True,
        ),
        Answer(
            "15 09:05",
            "fink",
            "Guten Tag Frau Zeisig,\n\nherzlichen Glückwunsch! Das Konto bleibt noch sechs Monate bestehen. Ihre Mails können Sie mit jedem Mailprogramm in einen lokalen Ordner ziehen; eine Anleitung finden Sie unter „Postfach auf dem Telefon“.",
            state="solved",
        ),
    ),
    story(
        "queue-order",
        Mail(
            "14 10:10",
            "drossel",
            "Sehr geehrte Damen und Herren,\n\nwir möchten eine Queue für das Prüfungsbüro unserer Fakultät.\n\nGewünschte Adresse: pruefungsbuero@desk.example\n\nBearbeitende:\nDana Drossel, dekanat2@uni.example, drossel\nMarek Milan, dekanat3@uni.example, milan\n\nMit freundlichen Grüßen\nDana Drossel",
            subject="Neue Queue für das Prüfungsbüro",
            to=("ticketsystem@desk.example",),
        ),
        Claim("14 10:40", "wren"),
        Note("14 10:55", "wren", "Adresse ist frei. Unikennung milan existiert noch nicht."),
        Answer(
            "14 11:00",
            "wren",
            "Guten Tag Frau Drossel,\n\ndie Adresse ist frei. Zur Unikennung „milan“ finden wir niemanden: Können Sie sie prüfen? Und bitte noch ein Satz dazu, was in die Queue gehört.",
        ),
        Mail(
            "9 16:20",
            "drossel",
            "Die Kennung lautet mmilan. Zweck: Anträge und Fragen zu Prüfungen unserer Fakultät.",
            reply=True,
        ),
        Answer(
            "8 08:50",
            "wren",
            "Danke, jetzt ist alles da. Die Queue richten wir Anfang nächster Woche ein und melden uns dann.",
        ),
    ),
    story(
        "private-laptop",
        Mail(
            "13 12:30",
            "gull",
            "Hello,\n\nthe screen of my own laptop is broken. Could you repair it?\n\nGeorge Gull",
            subject="Laptop screen",
            to=("other@desk.example",),
        ),
        Answer(
            "13 13:15",
            "wren",
            "Dear Mr Gull,\n\nI am sorry: we only look after devices of the university. The student council keeps a list of repair shops nearby.",
            state="unsolved",
        ),
    ),
    story(
        "club-room",
        Mail(
            "6 18:00",
            "stork",
            "Guten Tag,\n\nunser Verein möchte im Sommer den Innenhof nutzen. An wen wende ich mich?\n\nSven Storch",
            subject="Innenhof für ein Sommerfest",
            to=("sonstiges@desk.example",),
        ),
        Claim("5 08:30", "fink"),
        Answer(
            "5 08:45",
            "fink",
            "Guten Tag Herr Storch,\n\ndafür ist die Raumvergabe zuständig: Telefon 555-1750. Wir haben Ihre Anfrage dort angekündigt.",
        ),
        Note(
            "5 09:00",
            "fink",
            "Die Antwort kam als unzustellbar zurück. Hat jemand eine andere Adresse?",
        ),
    ),
    story(
        "licence-list",
        Mail(
            "4 14:12",
            "sperling",
            "Guten Tag,\n\nin der Anlage die Liste der Programme, die wir im Praktikum brauchen. Sind dafür Lizenzen da?\n\nS. Sperling",
            subject="Lizenzen für das Praktikum",
            to=("beratung@desk.example",),
            files=(
                (
                    "programme.pdf",
                    document(
                        "Praktikum Analytik", "Programm A, 24 Plätze", "Programm B, 24 Plätze"
                    ),
                ),
            ),
        ),
        Claim("4 15:00", "fink"),
        Note(
            "3 09:40",
            "fink",
            "Programm A: Campuslizenz. Programm B: nur 10 Plätze, Angebot für weitere angefragt.",
        ),
    ),
    story(
        "calendar-share",
        Form(
            "2 16:45",
            "support",
            "martin",
            {
                "topic": "mail",
                "question": "How can I share my calendar with colleagues from another university?",
                "systems": ["mac", "phone"],
            },
        ),
        Answer(
            "1 08:50",
            "wren",
            "Dear Mary,\n\nopen the calendar's settings, choose “Publish” and send them the link. They see only busy times unless you choose “Details”. Does that do what you need?",
            state="waiting-close",
            wait=4,
        ),
    ),
    story(
        "thesis-template",
        Mail(
            "-95",
            "puffin",
            "Hello,\n\nis there a template for theses, and may I write mine in English?\n\nPriya Puffin",
            subject="Template for my thesis",
            to=("support@desk.example",),
            html="<html><body><p>Hello,</p><ul><li>is there a <b>template</b> for theses,</li><li>and may I write mine in English?</li></ul><p>Priya Puffin</p></body></html>",
        ),
    ),
    story(
        "reading-room-hours",
        Mail(
            "-210",
            "lerche",
            "Liebe Kolleginnen und Kollegen,\n\nwir möchten auf den Seiten der Bibliothek die Öffnungszeiten des Lesesaals anzeigen, die schon im Portal stehen. Gibt es dafür eine Schnittstelle?\n\nLena Lerche",
            subject="Öffnungszeiten automatisch übernehmen",
            to=("beratung@desk.example",),
        ),
    ),
)
