"""Stories of the queue *Netz und WLAN*, and of what machines and strangers send."""

from __future__ import annotations

from .acts import Form, LostMail, Mail
from .acts_agents import Answer, Claim, HandBack, Move, Note, SetState, Tag
from .play import story

DESK = ("stoerung@desk.example",)

NETWORK_STORIES = (
    story(
        "wifi-hall",
        Form(
            "29 08:42",
            "faults",
            "kranich",
            {
                "device": "WLAN",
                "room": "Hörsaal 3B",
                "since": -30,
                "urgency": "hindered",
                "what": "In den hinteren Reihen bricht die Verbindung alle paar Minuten ab. Vorne geht es. Betroffen sind mehrere Leute, mit Telefonen und Rechnern.",
            },
        ),
        Claim("29 09:05", "fink"),
        Move("29 09:06", "fink", "network"),
        Note(
            "29 09:30",
            "fink",
            "Zugangspunkt AP-3B-4 meldet sich seit gestern 17 Uhr nicht mehr. Vermutlich das Netzteil.",
        ),
        Answer(
            "29 09:41",
            "fink",
            "Guten Tag Frau Kranich,\n\ndanke für den Hinweis. Ein Zugangspunkt im hinteren Teil ist ausgefallen. Wir tauschen ihn heute nach der letzten Vorlesung.",
        ),
        Answer(
            "28 08:15",
            "fink",
            "Guten Tag Frau Kranich,\n\nder Zugangspunkt ist getauscht, auch in der letzten Reihe ist das Signal jetzt gut. Melden Sie sich gern, falls es wieder abbricht.",
            state="solved",
        ),
    ),
    story(
        "vpn",
        Mail(
            "22 19:44",
            "swift",
            "Hi,\n\nsince yesterday the VPN disconnects after about ten minutes. I am on Linux, at home. Anything I can try?\n\nSam",
            subject="VPN drops after ten minutes",
            to=("network@desk.example",),
        ),
        Claim("21 08:20", "wren"),
        Answer(
            "21 08:34",
            "wren",
            "Hello Sam,\n\nplease send us the log of the VPN program: Menu, Help, Save log. It tells us which side hangs up.",
        ),
        Mail(
            "21 18:05",
            "swift",
            "Here it is.",
            reply=True,
            files=(("vpn.txt", b"18:01:12 connected\n18:11:12 rekey timeout\n18:11:12 closed\n"),),
        ),
        Note(
            "20 09:10",
            "wren",
            "“rekey timeout”: the old profile. New profile fixes it since last week.",
        ),
        Answer(
            "20 09:15",
            "wren",
            "Hello Sam,\n\nyour program uses an old profile. Please delete it and download the new one from vpn.uni.example; then it stays connected.",
            state="solved",
        ),
    ),
    story(
        "wifi-dorm",
        Mail(
            "5 21:18",
            "puffin",
            "Hello,\n\nin the guest house the Wi-Fi accepts my password but then says “no internet”. It works on my phone, not on my laptop.\n\nPriya",
            subject="Guest house Wi-Fi: connected, no internet",
            to=("network@desk.example",),
        ),
        Claim("4 08:30", "fink"),
        HandBack("4 08:45", "fink"),
        Note("4 08:46", "fink", "Wendy, übernimmst du? Antwort bitte auf Englisch."),
        Claim("4 09:02", "wren"),
        Tag("4 09:03", "wren", ("WLAN", "Gästehaus")),
        Answer(
            "4 09:10",
            "wren",
            "Hello Priya,\n\nplease open the settings of the network on your laptop and switch “random hardware address” off; the guest house lets only registered devices pass.",
            state="waiting-close",
            wait=3,
        ),
    ),
    story(
        "lost-mail",
        LostMail(
            "2 07:50",
            "kauz",
            "Guten Tag,\n\nanbei unsere neue Preisliste.\n\nKarl Kauz",
            subject="Preisliste",
            to=("einkauf@alt.desk.example",),
        ),
    ),
    story(
        "disk-full",
        Mail(
            "10 03:15",
            "watch",
            "WARNUNG srv-lern-2: Dateisystem /var zu 91 Prozent belegt.",
            subject="WARNUNG srv-lern-2 /var 91 %",
            to=DESK,
            headers=(("Auto-Submitted", "auto-generated"),),
        ),
        Claim("10 08:01", "fink"),
        Note(
            "10 08:20", "fink", "Alte Protokolle verdichtet, jetzt 54 Prozent. Rotation angepasst."
        ),
        SetState("10 08:21", "fink", "solved"),
    ),
    story(
        "two-queues",
        Mail(
            "19 09:12",
            "drossel",
            "Guten Morgen,\n\nim Dekanat lässt sich seit heute kein Dokument mehr auf dem Laufwerk D speichern. Ich schreibe vorsichtshalber an beide Adressen.\n\nMit freundlichen Grüßen\nDana Drossel",
            subject="Laufwerk D im Dekanat voll?",
            to=("stoerung@desk.example", "beratung@desk.example"),
            again=True,
        ),
        Answer(
            "19 09:40",
            "fink",
            "Guten Tag Frau Drossel,\n\ndas Laufwerk war tatsächlich voll. Wir haben es vergrößert; speichern geht wieder. Und: Eine Adresse genügt, beide führen zu uns.",
            state="solved",
        ),
    ),
)
