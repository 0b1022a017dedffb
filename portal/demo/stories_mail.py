"""Stories about mail itself: spam, a circular, an answer that came back, a mail to two teams."""

from __future__ import annotations

from .acts import CameBack, IgnoredMail, Mail
from .acts_agents import Answer, Claim, Tag
from .files import document
from .play import story

MAIL_STORIES = (
    story(
        "spam",
        Mail(
            "-150",
            "elster",
            "Sehr geehrte Damen und Herren,\n\nIhre Webseite steht bei Suchmaschinen NICHT auf Platz 1! Wir ändern das, garantiert, in nur 7 Tagen. Antworten Sie noch heute und sparen Sie 80 %.\n\nIhre Elster Ranking AG",
            subject="Platz 1 bei allen Suchmaschinen – GARANTIERT",
            to=("stoerung@desk.example",),
            headers=(("X-Spam-Flag", "YES"), ("X-Spam-Score", "11.4")),
        ),
    ),
    story(
        "fair-news",
        IgnoredMail(
            "1 06:30",
            "fair",
            "Nur noch 30 Tage bis zur Messe Büro & Technik!\n\nSie erhalten dieses Rundschreiben, weil Sie 2019 eine Karte bestellt haben.",
            subject="Rundschreiben 11: Halle 4 ist ausgebucht",
            to=("beschaffung@desk.example",),
            headers=(("List-Id", "Messe-Rundschreiben <news.messe.example>"),),
        ),
    ),
    story(
        "old-measurements",
        Mail(
            "3 13:40",
            "reiher",
            "Guten Tag,\n\nich bin seit diesem Semester im Ruhestand und komme nicht mehr an meine alten Messdaten auf Laufwerk M. Können Sie mir helfen?\n\nRolf Reiher",
            subject="Alte Messdaten auf Laufwerk M",
            to=("beratung@desk.example",),
        ),
        Claim("2 09:00", "fink"),
        Tag("2 09:02", "fink", ("Datensicherung", "Emeriti")),
        Answer(
            "2 09:10",
            "fink",
            "Guten Tag Herr Reiher,\n\ndie Daten sind noch da. Nennen Sie uns bitte jemanden im Institut, der Zugriff bekommen soll, dann richten wir eine Freigabe ein.",
        ),
        CameBack("2 09:11", "550 5.1.1 <r.reiher@altes-institut.example>: User unknown"),
    ),
    story(
        "invoice-two-teams",
        Mail(
            "-200",
            "sperling",
            "Guten Tag,\n\ndie Rechnung für die Analyse-Software hängt an. An die Beschaffung: bitte zahlen. An die Beratung: bitte den Schlüssel im Praktikumsraum eintragen.\n\nS. Sperling",
            subject="Rechnung und Schlüssel der Analyse-Software",
            to=("beschaffung@desk.example", "beratung@desk.example"),
            files=(("rechnung-4711.pdf", document("Rechnung 4711", "24 Plätze zu 38,00 EUR")),),
        ),
    ),
)
