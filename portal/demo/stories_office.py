"""Stories of the queues *Anmeldung* and *Beschaffung*."""

from __future__ import annotations

from .acts import Call, CloseRequest, Form, Mail, Object, Reply
from .acts_agents import Answer, Assign, Claim, Forward, Link, Move, Note, Prioritise, SetState
from .files import document
from .play import story

OFFICE_STORIES = (
    story(
        "writing-workshop",
        Form(
            "30 10:25",
            "enrolment",
            "kranich",
            {
                "matriculation": "2718281",
                "degree": "Germanistik (B. A.)",
                "event": "Schreibwerkstatt Hausarbeit",
                "day": -20,
                "first_time": "yes",
                "others": [
                    {
                        "first_name": "Jule",
                        "last_name": "Sperling",
                        "email": "sperling@uni.example",
                        "login_name": "jusper101",
                    },
                    {
                        "first_name": "Ole",
                        "last_name": "Dompfaff",
                        "email": "dompfaff@uni.example",
                        "login_name": "oldom102",
                    },
                ],
                "rules": "on",
            },
        ),
        Answer(
            "30 11:40",
            "meise",
            "Guten Tag Frau Kranich,\n\nSie haben einen Platz in der Schreibwerkstatt. Bitte bringen Sie einen eigenen Text mit, gern auch einen unfertigen.",
            state="solved",
        ),
    ),
    story(
        "tandem",
        Form(
            "25 09:50",
            "enrolment",
            "swift",
            {
                "matriculation": "3141592",
                "degree": "Computer Science (M. Sc.)",
                "event": "Language tandem German/English",
                "first_time": "yes",
                "remarks": "Evenings would be best.",
                "rules": "on",
            },
        ),
        Claim("25 10:10", "lark"),
        Answer(
            "25 10:15",
            "lark",
            "Hello Sam,\n\nat the moment there are more people learning German than English. You are on the waiting list, place 3. Would mornings do as well? Then we could find somebody sooner.",
            state="waiting",
            wait=5,
        ),
    ),
    story(
        "guest-course",
        Mail(
            "21 14:00",
            "gull",
            "Hello,\n\nI am not a student. May I still join the course “Reading old handwriting”?\n\nGeorge Gull",
            subject="Course open to guests?",
            to=("enrolment@desk.example",),
        ),
        Claim("21 14:20", "lark"),
        Note(
            "21 14:25",
            "lark",
            "Two places left. Guests are allowed in this course since last term.",
        ),
        Answer(
            "21 14:30",
            "lark",
            "Dear Mr Gull,\n\nyes, you may, and there are places left. Shall I put you on the list?",
        ),
        Mail("20 08:12", "gull", "Yes, please!", reply=True),
        Answer(
            "20 08:40",
            "lark",
            "Done. The course starts in room 1.21; the date follows by mail.",
            state="solved",
        ),
    ),
    story(
        "staff-training",
        Call(
            "18 10:30",
            "meise",
            "enrolment",
            "lerche",
            "Zwei Plätze in der Schulung „Barrierefreie Dokumente“",
            "Frau Lerche möchte sich und eine Kollegin zur Schulung „Barrierefreie Dokumente“ anmelden. Vormittags passt es besser.",
        ),
        Answer(
            "18 10:42",
            "meise",
            "Guten Tag Frau Lerche,\n\nich habe Sie beide für den Vormittagstermin eingetragen.",
            state="solved",
        ),
    ),
    story(
        "certificate",
        Form(
            "15 12:15",
            "enrolment",
            "kranich",
            {
                "matriculation": "2718281",
                "degree": "Germanistik (B. A.)",
                "event": "Erste Hilfe",
                "day": -6,
                "first_time": "no",
                "last_time": "Sommer 2023",
                "remarks": "Mein alter Nachweis ist abgelaufen.",
                "rules": "on",
            },
        ),
        Claim("15 13:00", "meise"),
        Answer(
            "15 13:05",
            "meise",
            "Guten Tag Frau Kranich,\n\nfür die Auffrischung brauchen wir eine Kopie des alten Nachweises. Sie können sie auf der Seite Ihrer Anfrage anhängen.",
        ),
        Reply(
            "14 19:22",
            "Hier ist der alte Nachweis.",
            (("nachweis.pdf", document("Nachweis Erste Hilfe", "Klara Kranich")),),
        ),
        Object("14 19:25"),
        Answer(
            "13 09:00",
            "meise",
            "Guten Tag Frau Kranich,\n\nvielen Dank, Sie sind für die Auffrischung angemeldet.",
            state="solved",
        ),
    ),
    story(
        "moved-enrolment",
        Mail(
            "12 09:15",
            "puffin",
            "Hello,\n\nhow do I enrol for the city tour for new members of staff?\n\nPriya Puffin",
            subject="City tour for newcomers",
            to=("support@desk.example",),
        ),
        Move("12 10:00", "amsel", "enrolment"),
        Answer(
            "12 11:20",
            "lark",
            "Hello Priya,\n\nyou need not do anything else: I have put your name on the list. The tour starts at the main gate at 5 pm.",
        ),
        CloseRequest("12 17:40"),
    ),
    story(
        "course-full",
        Form(
            "5 17:30",
            "enrolment",
            "zeisig",
            {
                "matriculation": "1618033",
                "degree": "Geographie (M. Sc.)",
                "event": "Kartographie mit freien Programmen",
                "first_time": "yes",
                "rules": "on",
            },
        ),
        Claim("4 09:20", "meise"),
        Answer(
            "4 09:25",
            "meise",
            "Guten Tag Frau Zeisig,\n\nder Kurs ist leider voll. Im nächsten Semester gibt es ihn wieder; soll ich Sie vormerken?",
            state="waiting-close",
            wait=2,
        ),
        Mail("1 10:40", "zeisig", "Ja, bitte vormerken. Danke!", reply=True),
    ),
    story(
        "late-enrolment",
        Form(
            "-31",
            "enrolment",
            "swift",
            {
                "matriculation": "3141592",
                "degree": "Computer Science (M. Sc.)",
                "event": "Introduction to academic writing",
                "day": 8,
                "first_time": "yes",
                "remarks": "I know the deadline was yesterday. Is there any chance?",
                "rules": "on",
            },
        ),
    ),
    story(
        "monitors",
        Form(
            "22 09:05",
            "procurement",
            "specht",
            {
                "article": "Monitor 27 Zoll, höhenverstellbar",
                "count": "12",
                "cost_centre": "410230",
                "price": "249,90",
                "needed_by": 10,
                "reason": "Ausstattung des Computerraums im Institut; die alten Monitore sind elf Jahre alt.",
                "offer": [("angebot-a.pdf", document("Angebot A", "12 Monitore zu 249,90 EUR"))],
            },
        ),
        Claim("22 10:15", "meise"),
        Note(
            "22 10:20",
            "meise",
            "Rahmenvertrag endet diesen Monat. Vergleichsangebot bei Kauz anfragen.",
        ),
        Forward(
            "22 10:30",
            "meise",
            "Sehr geehrter Herr Kauz,\n\nbitte machen Sie uns ein Angebot über zwölf Monitore wie unten beschrieben.",
            ("Karl Kauz", "karl.kauz@handel.example"),
        ),
        Mail(
            "20 11:10",
            "kauz",
            "Sehr geehrte Frau Meise,\n\nunser Angebot hängt an. Lieferzeit drei Wochen.\n\nKarl Kauz",
            subject="Angebot Monitore",
            to=("beschaffung@desk.example",),
            number=True,
            files=(("angebot-kauz.pdf", document("Angebot Kauz", "12 Monitore zu 231,00 EUR")),),
        ),
        Answer(
            "19 09:00",
            "meise",
            "Guten Tag Frau Specht,\n\nwir bestellen bei der Firma Kauz, das ist 226,80 Euro günstiger. Lieferung in etwa drei Wochen. Bitte bestätigen Sie kurz, dass wir so bestellen dürfen.",
            state="waiting",
            wait=1,
        ),
    ),
    story(
        "lab-gloves",
        Form(
            "17 13:40",
            "procurement",
            "martin",
            {
                "article": "Lab gloves, nitrile, size M",
                "count": "40",
                "cost_centre": "520110",
                "price": "7.5",
                "reason": "Supplies for the measuring lab, one term.",
            },
        ),
        Answer(
            "17 15:00",
            "lark",
            "Dear Mary,\n\nordered from the central store; they are brought to lab 4.11 with the next delivery.",
            state="solved",
        ),
    ),
    story(
        "chairs",
        Mail(
            "10 11:00",
            "sperling",
            "Guten Tag,\n\nwir brauchen sechs höhenverstellbare Laborstühle, Kostenstelle 530400. Ein Angebot hängt an.\n\nS. Sperling",
            subject="Sechs Laborstühle",
            to=("beschaffung@desk.example",),
            files=(("stuehle.pdf", document("Angebot", "6 Laborstühle zu 189,00 EUR")),),
        ),
        Claim("10 12:30", "meise"),
        Assign("9 08:30", "meise", "lark"),
        Note("9 09:10", "lark", "Über 1.000 Euro: zwei weitere Angebote nötig."),
        Answer(
            "9 09:20",
            "lark",
            "Guten Tag Herr Dr. Sperling,\n\nab 1.000 Euro brauchen wir drei Angebote. Haben Sie weitere, oder sollen wir sie einholen?",
            state="waiting",
            wait=-1,
        ),
    ),
    story(
        "monitor-arms",
        Form(
            "8 10:30",
            "procurement",
            "specht",
            {
                "article": "Monitorarm für zwei Bildschirme",
                "count": "4",
                "cost_centre": "410230",
                "price": "65",
                "reason": "Ergänzung zu den bestellten Monitoren.",
            },
        ),
        Link("8 11:00", "meise", "monitors"),
        Claim("8 11:01", "meise"),
        Answer(
            "8 11:10",
            "meise",
            "Guten Tag Frau Specht,\n\nwir hängen die Arme an die Bestellung der Monitore an, dann kommt alles zusammen.",
        ),
    ),
    story(
        "urgent-toner",
        Call(
            "3 09:00",
            "lark",
            "procurement",
            "drossel",
            "Toner für das Prüfungsamt, dringend",
            "Frau Drossel ruft an: Morgen werden Zeugnisse gedruckt, und der Toner reicht nicht mehr. Zwei Stück, schwarz.",
        ),
        Prioritise("3 09:02", "lark", "urgent"),
        Answer(
            "3 09:20",
            "lark",
            "Guten Tag Frau Drossel,\n\nzwei Stück liegen im Zentrallager für Sie bereit, Abholung bis 16 Uhr.",
        ),
        SetState("3 16:10", "lark", "solved"),
    ),
    story(
        "books",
        Form(
            "-125",
            "procurement",
            "specht",
            {
                "article": "Lehrbuch Statistik, 5. Auflage",
                "count": "15",
                "cost_centre": "410230",
                "price": "34,95",
                "needed_by": 12,
                "reason": "Handapparat für die Übung im Sommersemester.",
            },
        ),
    ),
)
