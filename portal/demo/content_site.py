"""The texts of the home page, the ticket system's own page, the instructions and the legal pages."""

from __future__ import annotations

from dataclasses import replace

from .blocks import Node, Words, audience, contact, costs, heading, notice, related, steps, text
from .content_services import (
    ENROLMENT,
    FAULTS,
    HOURS_DE,
    HOURS_EN,
    OTHER,
    PROCUREMENT,
    SUPPORT,
)

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
                "<p><b>Weniger doppelte Arbeit:</b> Schreibt jemand dieselbe Mail an zwei Stellen, wird daraus eine Anfrage, und beide wissen davon. <b>Nichts geht verloren:</b> Unbeantwortete Anfragen fallen auf, und Vertretungen sind geregelt. <b>Nachvollziehbar:</b> Fragen, Antworten und Lösungen stehen an einem Ort und lassen sich durchsuchen. Sie brauchen nur einen Browser.</p>"
            ),
            heading("So funktioniert es"),
            text(
                "<p>Für jedes Thema gibt es eine Queue mit einer eigenen Mailadresse. Wer dorthin schreibt oder das Formular auf der Seite ausfüllt, bekommt eine Nummer und einen Link, unter dem der Stand zu sehen ist. Wer von der Adresse der Universität aus schreibt, findet die Anfrage nach der Anmeldung auch unter „Meine Anfragen“.</p>"
            ),
            steps(
                "Eine Queue bestellen",
                (
                    "Schreiben Sie uns",
                    "<p>Eine Mail an ticketsystem@desk.example genügt. Nennen Sie die gewünschte neue Adresse; sie endet auf @desk.example.</p>",
                ),
                (
                    "Nennen Sie Ihr Team",
                    "<p>Für jede Person, die Anfragen bearbeiten soll: Vorname, Nachname, Mailadresse und Unikennung.</p>",
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
                "<p>Zur technischen Dokumentation bewahren wir eine Anfrage mit allen Daten zwei Jahre lang auf, gerechnet vom Abschluss an. Danach wird sie gelöscht. Sie können dem schon beim Absenden widersprechen: im Formular mit einem Häkchen, später auf der Seite Ihrer Anfrage. Dann wird sie kurz nach dem Abschluss gelöscht.</p>"
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
                    "Write to us",
                    "<p>A mail to ticketsystem@desk.example is enough. Name the new address you would like; it ends in @desk.example.</p>",
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
)

WIFI = Node(
    "wifi",
    "article",
    Words(
        "wlan-einrichten",
        "WLAN einrichten",
        "In fünf Minuten im Netz: Anleitung für Telefon und Rechner.",
        (
            text(
                "<p>Das WLAN heißt überall auf dem Campus <b>lindental</b>. Sie melden sich mit Ihrer Unikennung an.</p>"
            ),
            steps(
                "Schritt für Schritt",
                (
                    "Netz auswählen",
                    "<p>Wählen Sie in den Einstellungen das Netz <b>lindental</b>.</p>",
                ),
                (
                    "Anmelden",
                    "<p>Als Name tragen Sie Ihre Unikennung mit @uni.example ein, dazu Ihr Passwort.</p>",
                ),
                (
                    "Zertifikat prüfen",
                    "<p>Das Gerät zeigt ein Zertifikat. Es muss auf <b>radius.uni.example</b> ausgestellt sein; nur dann bestätigen.</p>",
                ),
            ),
            notice(
                "info",
                "<p>Nach einem neuen Passwort müssen Sie das Netz auf jedem Gerät einmal entfernen und neu verbinden.</p>",
            ),
        ),
    ),
    Words(
        "set-up-wifi",
        "Set up Wi-Fi",
        "Online in five minutes: instructions for phone and computer.",
        (
            text(
                "<p>Everywhere on campus the Wi-Fi is called <b>lindental</b>. You log in with your university log-in name.</p>"
            ),
            steps(
                "Step by step",
                (
                    "Choose the network",
                    "<p>Choose the network <b>lindental</b> in your settings.</p>",
                ),
                (
                    "Log in",
                    "<p>As name enter your log-in name with @uni.example, and your password.</p>",
                ),
                (
                    "Check the certificate",
                    "<p>Your device shows a certificate. It has to be made out to <b>radius.uni.example</b>; accept it only then.</p>",
                ),
            ),
            notice(
                "info",
                "<p>After a new password you have to remove the network once on each device and connect anew.</p>",
            ),
        ),
    ),
)

PRINTING = Node(
    "printing",
    "article",
    Words(
        "drucken",
        "Drucken und scannen",
        "An jedem Gerät auf dem Campus drucken, mit einem Auftrag für alle.",
        (
            text(
                "<p>Sie schicken den Auftrag an die Warteschlange <b>campus</b> und holen ihn innerhalb von 24 Stunden an einem beliebigen Gerät ab: Karte auflegen, Auftrag wählen, fertig.</p>"
            ),
            steps(
                "Papierstau beheben",
                (
                    "Klappe A öffnen",
                    "<p>Sie liegt rechts. Ziehen Sie das Papier mit beiden Händen gerade heraus.</p>",
                ),
                ("Fach prüfen", "<p>Ist das Papier glatt, und stehen die Führungen am Rand?</p>"),
                (
                    "Klappe schließen",
                    "<p>Das Gerät druckt von selbst weiter. Wenn nicht, melden Sie eine Störung.</p>",
                ),
            ),
        ),
    ),
    Words(
        "printing",
        "Printing and scanning",
        "Print on any device on campus, with one queue for all of them.",
        (
            text(
                "<p>Send your job to the print queue <b>campus</b> and collect it within 24 hours at any device: put your card on the reader, choose the job, done.</p>"
            ),
            steps(
                "Clear a paper jam",
                (
                    "Open door A",
                    "<p>It is on the right. Pull the paper out straight, with both hands.</p>",
                ),
                ("Check the tray", "<p>Is the paper flat, and do the guides touch its edges?</p>"),
                (
                    "Close the door",
                    "<p>The device goes on by itself. If it does not, report a fault.</p>",
                ),
            ),
        ),
    ),
)

PASSWORD = Node(
    "password",
    "article",
    Words(
        "passwort-vergessen",
        "Passwort vergessen",
        "So kommen Sie wieder an Ihr Konto, auch ohne uns.",
        (
            steps(
                "Selbst zurücksetzen",
                (
                    "Seite öffnen",
                    "<p>Öffnen Sie konto.uni.example und wählen Sie „Passwort vergessen“.</p>",
                ),
                (
                    "Code eingeben",
                    "<p>Wir schicken einen Code an Ihre hinterlegte private Adresse.</p>",
                ),
                (
                    "Neues Passwort wählen",
                    "<p>Mindestens zwölf Zeichen. Drei zufällige Wörter sind leichter zu merken als Sonderzeichen.</p>",
                ),
            ),
            notice(
                "warning",
                "<p>Keine private Adresse hinterlegt? Dann kommen Sie mit Ihrem Ausweis im Rechenzentrum vorbei. Am Telefon setzen wir keine Passwörter zurück.</p>",
            ),
            related("Danach", "wifi"),
        ),
    ),
    Words(
        "forgotten-password",
        "Forgotten password",
        "How to get back into your account, even without us.",
        (
            steps(
                "Reset it yourself",
                ("Open the page", "<p>Open konto.uni.example and choose “Forgotten password”.</p>"),
                (
                    "Enter the code",
                    "<p>We send a code to the private address you have given us.</p>",
                ),
                (
                    "Choose a new password",
                    "<p>At least twelve characters. Three random words are easier to remember than special characters.</p>",
                ),
            ),
            notice(
                "warning",
                "<p>No private address given? Then visit us at the computing centre with your identity card. We do not reset passwords on the phone.</p>",
            ),
            related("Afterwards", "wifi"),
        ),
    ),
)

MAIL_SETUP = Node(
    "mail-setup",
    "article",
    Words(
        "postfach-einrichten",
        "Postfach auf dem Telefon",
        "Die Einstellungen für das E-Mail-Programm Ihrer Wahl.",
        (
            text(
                "<p>Die meisten Programme finden alles selbst, sobald Sie Ihre Adresse und Ihr Passwort eingeben. Wenn nicht:</p><ul><li>Eingang: imap.uni.example, Port 993, TLS</li><li>Ausgang: smtp.uni.example, Port 465, TLS</li><li>Benutzername: Ihre vollständige Mailadresse</li></ul>"
            ),
        ),
    ),
    Words(
        "set-up-mailbox",
        "Mailbox on your phone",
        "The settings for the mail program of your choice.",
        (
            text(
                "<p>Most programs find everything by themselves once you have entered your address and password. If yours does not:</p><ul><li>Incoming: imap.uni.example, port 993, TLS</li><li>Outgoing: smtp.uni.example, port 465, TLS</li><li>User name: your full mail address</li></ul>"
            ),
        ),
    ),
)

CANCEL = Node(
    "cancel",
    "article",
    Words(
        "abmelden",
        "Von einem Kurs abmelden",
        "Bis wann das geht und was Sie tun müssen.",
        (
            text(
                "<p>Antworten Sie auf unsere Bestätigung, spätestens zwei Werktage vor Beginn. Der Platz geht dann an die nächste Person auf der Warteliste. Wer zweimal ohne Abmeldung fehlt, wird im selben Semester nachrangig berücksichtigt.</p>"
            ),
        ),
    ),
    Words(
        "cancel",
        "Cancel a course",
        "Until when you can, and what to do.",
        (
            text(
                "<p>Answer our confirmation, two working days before the start at the latest. Your place then goes to the next person on the waiting list. Whoever stays away twice without a word comes last for the rest of the term.</p>"
            ),
        ),
    ),
)

LOST = Node(
    "lost-and-found",
    "article",
    Words(
        "fundsachen",
        "Fundsachen",
        "Etwas verloren oder gefunden?",
        (
            text(
                "<p>Fundsachen nimmt die Pforte im Hauptgebäude an und bewahrt sie drei Monate lang auf. Danach gehen sie an das Fundbüro der Stadt. Karten und Schlüssel der Universität geben wir gleich an die ausgebende Stelle zurück.</p>"
            ),
        ),
    ),
    Words(
        "lost-and-found",
        "Lost and found",
        "Have you lost or found something?",
        (
            text(
                "<p>The gate of the main building takes in what was found and keeps it for three months. Then it goes to the lost property office of the city. Cards and keys of the university go straight back to whoever issued them.</p>"
            ),
        ),
    ),
)

LEGAL = (
    Node(
        "privacy",
        "article",
        Words(
            "datenschutz",
            "Datenschutz",
            "Welche Daten wir von Ihnen haben, wozu und wie lange.",
            (
                text(
                    "<p>Wir verarbeiten, was Sie uns schreiben, Ihren Namen und Ihre Mailadresse, um Ihre Anfrage zu beantworten. Lesen können sie nur die Teams, die für die jeweilige Queue zuständig sind.</p>"
                ),
                heading("Wie lange"),
                text(
                    "<p>Zwei Jahre nach dem Abschluss werden Anfrage, Antworten, Dateien und Verlauf gelöscht. Haben Sie der längeren Aufbewahrung widersprochen, geschieht das schon nach zwei Wochen.</p>"
                ),
                heading("Ihre Rechte"),
                text(
                    "<p>Sie können Auskunft, Berichtigung und Löschung verlangen und sich bei der Aufsichtsbehörde beschweren. Schreiben Sie an datenschutz@uni.example.</p>"
                ),
            ),
        ),
        Words(
            "privacy",
            "Privacy",
            "Which data of yours we have, what for, and how long.",
            (
                text(
                    "<p>We process what you write to us, your name and your mail address in order to answer your request. Only the teams that are responsible for its queue can read it.</p>"
                ),
                heading("How long"),
                text(
                    "<p>Two years after closing, the request is deleted with its answers, files and history. If you have objected to the longer storage this happens after two weeks.</p>"
                ),
                heading("Your rights"),
                text(
                    "<p>You can ask for information, correction and deletion, and complain to the supervisory authority. Write to datenschutz@uni.example.</p>"
                ),
            ),
        ),
    ),
    Node(
        "accessibility",
        "article",
        Words(
            "barrierefreiheit",
            "Barrierefreiheit",
            "Wie zugänglich diese Seiten sind und wem Sie Hindernisse melden.",
            (
                text(
                    "<p>Diese Seiten sollen sich mit Tastatur, Vorleseprogramm und starker Vergrößerung benutzen lassen. Maßstab sind die WCAG 2.2 in der Stufe AA. Hochgeladene Dokumente Dritter prüfen wir nicht.</p>"
                ),
                text(
                    "<p>Stoßen Sie auf ein Hindernis, schreiben Sie uns über „Sonstiges“ oder rufen Sie an: 555-1200. Wir antworten innerhalb einer Woche.</p>"
                ),
                related("Formular", "other-form"),
            ),
        ),
        Words(
            "accessibility",
            "Accessibility",
            "How accessible these pages are, and whom to tell about barriers.",
            (
                text(
                    "<p>These pages are meant to be usable by keyboard, with a screen reader and strongly magnified. The measure is WCAG 2.2, level AA. We do not check documents that others upload.</p>"
                ),
                text(
                    "<p>If you meet a barrier, write to us through “Other matters” or call 555-1200. We answer within a week.</p>"
                ),
                related("Form", "other-form"),
            ),
        ),
    ),
    Node(
        "imprint",
        "article",
        Words(
            "impressum",
            "Impressum",
            "Wer diese Seiten betreibt.",
            (
                text(
                    "<p>Universität Lindental (erfunden)<br/>Lindenallee 1, 00000 Lindental<br/>Telefon 555-0, info@uni.example</p><p>Die Universität, ihre Menschen und ihre Anfragen gibt es nicht. Sie zeigen, was das System kann.</p>"
                ),
            ),
        ),
        Words(
            "imprint",
            "Imprint",
            "Who runs these pages.",
            (
                text(
                    "<p>Lindental University (invented)<br/>Lindenallee 1, 00000 Lindental<br/>Phone 555-0, info@uni.example</p><p>The university, its people and their requests do not exist. They show what the system can do.</p>"
                ),
            ),
        ),
    ),
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
