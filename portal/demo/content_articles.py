"""The texts of the instructions and the legal pages."""

from __future__ import annotations

from .blocks import Node, Words, notice, related, steps, text
from .content_statements import STATEMENTS

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
                "<p>Die meisten Programme finden alles selbst, sobald Sie Ihre Adresse und Ihr Passwort eingeben. Wenn nicht:</p><ul><li>Eingang: imap.uni.example, Port 993, TLS</li><li>Ausgang: smtp.uni.example, Port 465, TLS</li><li>Benutzername: Ihre vollständige E-Mail-Adresse</li></ul>"
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
    *STATEMENTS,
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
