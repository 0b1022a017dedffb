"""The fields of the demo's five intake forms."""

from __future__ import annotations

from .blocks import Field

#: The columns of a list of people.
PERSON = (
    Field("1", "text", "Vorname", "First name", required=True, options=(("key", "first_name"),)),
    Field("2", "text", "Nachname", "Last name", required=True, options=(("key", "last_name"),)),
    Field("3", "email", "E-Mail-Adresse", "E-mail address", options=(("key", "email"),)),
    Field("4", "login", "Unikennung", "University login", options=(("key", "login_name"),)),
)

#: Field sets: name → title in German, in English, and the fields.
SETS: dict[str, tuple[str, str, tuple[Field, ...]]] = {
    "reachable": (
        "Erreichbarkeit",
        "How to reach you",
        (
            Field(
                "phone",
                "phone",
                "Telefon für Rückfragen",
                "Phone number for questions",
                private=True,
                options=(("autocomplete", "tel"),),
            ),
            Field(
                "when",
                "choice",
                "Wann erreichen wir Sie am besten?",
                "When can we reach you best?",
                choices=(
                    ("morning", "Vormittags", "In the morning"),
                    ("afternoon", "Nachmittags", "In the afternoon"),
                    ("any", "Jederzeit", "At any time"),
                ),
            ),
        ),
    ),
}

FORMS: dict[str, tuple[Field, ...]] = {
    "faults": (
        Field(
            "device",
            "text",
            "Gerät oder Dienst",
            "Device or service",
            "Zum Beispiel: Beamer, Drucker, WLAN. Die Inventarnummer hilft, falls Sie sie sehen.",
            "For example: projector, printer, Wi-Fi. The inventory number helps if you can see it.",
            required=True,
            in_subject=True,
        ),
        Field(
            "room",
            "text",
            "Raum",
            "Room",
            "Gebäude und Raumnummer, zum Beispiel 23.02.U1.",
            "Building and room number, for example 23.02.U1.",
            in_subject=True,
        ),
        Field("since", "date", "Seit wann?", "Since when?", required=True),
        Field(
            "urgency",
            "choice",
            "Wie dringend ist es?",
            "How urgent is it?",
            required=True,
            choices=(
                ("blocked", "Es geht gar nicht weiter", "Nothing works any more"),
                ("hindered", "Es geht mühsam weiter", "It works, with difficulty"),
                ("later", "Es hat Zeit", "It can wait"),
            ),
        ),
        Field(
            "what",
            "long_text",
            "Was ist passiert?",
            "What happened?",
            "Was haben Sie getan, was haben Sie erwartet, was geschah stattdessen?",
            "What did you do, what did you expect, and what happened instead?",
            required=True,
        ),
        Field(
            "photo",
            "files",
            "Foto oder Bildschirmfoto",
            "Photo or screenshot",
            options=(("max_files", 3), ("max_megabytes", 10), ("endings", "png, jpg, pdf")),
        ),
    ),
    "support": (
        Field(
            "topic",
            "choice",
            "Worum geht es?",
            "What is it about?",
            required=True,
            in_subject=True,
            choices=(
                ("account", "Zugang und Passwort", "Account and password"),
                ("software", "Programme und Lizenzen", "Software and licences"),
                ("teaching", "Lernplattform und Lehre", "Learning platform and teaching"),
                ("mail", "E-Mail und Kalender", "E-mail and calendar"),
                ("else", "Etwas anderes", "Something else"),
            ),
        ),
        Field("question", "long_text", "Ihre Frage", "Your question", required=True),
        Field(
            "systems",
            "choices",
            "Womit arbeiten Sie?",
            "What do you work with?",
            choices=(
                ("windows", "Windows", "Windows"),
                ("mac", "macOS", "macOS"),
                ("linux", "Linux", "Linux"),
                ("phone", "Telefon oder Tablet", "Phone or tablet"),
            ),
        ),
        Field(
            "call_back",
            "phone",
            "Telefon für Rückfragen",
            "Phone number for questions",
            private=True,
        ),
    ),
    "enrolment": (
        Field("step-person", "step", "Zu Ihnen", "About you"),
        Field(
            "matriculation",
            "text",
            "Matrikelnummer",
            "Matriculation number",
            "Sieben Ziffern; sie steht auf dem Studierendenausweis.",
            "Seven digits, printed on the student card.",
            required=True,
            private=True,
            options=(("shape", "matriculation"),),
        ),
        Field("login", "login", "Unikennung", "University login", private=True),
        Field("degree", "text", "Studiengang", "Degree programme", required=True),
        Field("step-event", "step", "Zur Veranstaltung", "About the event"),
        Field(
            "event",
            "text",
            "Kurs oder Veranstaltung",
            "Course or event",
            required=True,
            in_subject=True,
        ),
        Field("day", "date", "Gewünschter Termin", "Date you would like"),
        Field("first_time", "yes_no", "Erste Anmeldung?", "First enrolment?", required=True),
        Field(
            "last_time",
            "text",
            "Wann waren Sie zuletzt dabei?",
            "When did you take part last?",
            "Das Semester genügt.",
            "The semester will do.",
            condition=("first_time", "is", False),
        ),
        Field(
            "others",
            "people",
            "Wer kommt noch mit?",
            "Who else is coming?",
            "Nur, wenn Sie eine Gruppe anmelden.",
            "Only if you enrol a group.",
            private=True,
            options=(("maximum", 20),),
            columns=PERSON,
        ),
        Field("reachable", "field_set", "", ""),
        Field(
            "remarks",
            "long_text",
            "Bemerkungen",
            "Remarks",
            "Bei einer erneuten Anmeldung: warum Sie noch einmal teilnehmen.",
            "If you enrol again: why you take part once more.",
            required_when=("first_time", "is", False),
        ),
        Field(
            "rules",
            "consent",
            "Ich habe die Teilnahmebedingungen gelesen und bin einverstanden.",
            "I have read the conditions of participation and agree to them.",
            required=True,
        ),
    ),
    "procurement": (
        Field("article", "text", "Artikel", "Article", required=True, in_subject=True),
        Field(
            "count",
            "number",
            "Anzahl",
            "Quantity",
            required=True,
            options=(("minimum", "1"), ("maximum", "500")),
        ),
        Field(
            "cost_centre",
            "text",
            "Kostenstelle",
            "Cost centre",
            "Sechs Ziffern. Wer sie verwaltet, wird von der Bestellung unterrichtet.",
            "Six digits. Whoever manages it is told about the order.",
            required=True,
        ),
        Field(
            "price", "number", "Geschätzter Einzelpreis in Euro", "Estimated unit price in euros"
        ),
        Field("needed_by", "date", "Gebraucht bis", "Needed by"),
        Field("reason", "long_text", "Wofür wird es gebraucht?", "What is it for?", required=True),
        Field(
            "offer",
            "files",
            "Angebote",
            "Offers",
            "Ab 1.000 Euro bitte drei Angebote beilegen.",
            "From 1,000 euros on, please add three offers.",
            options=(("max_files", 3), ("max_megabytes", 10), ("endings", "pdf")),
        ),
    ),
    "other": (
        Field("matter", "text", "Anliegen", "Your request", required=True, in_subject=True),
        Field("description", "long_text", "Beschreibung", "Description", required=True),
        Field("department", "text", "Einrichtung", "Department"),
        Field(
            "reply_email",
            "email",
            "Weitere Adresse für Rückfragen",
            "Another address for questions",
        ),
        Field("attachments", "files", "Unterlagen", "Documents"),
    ),
}
