"""What the demo's university says about itself: its privacy notice and accessibility statement."""

from __future__ import annotations

from .blocks import Node, Words


def purpose(what: str, data: str, basis: str) -> dict[str, object]:
    return {"type": "purpose", "value": {"purpose": what, "data": data, "basis": basis}}


def barrier(what: str, reason: str, text: str) -> dict[str, object]:
    return {"type": "barrier", "value": {"what": what, "reason": reason, "text": text}}


STATEMENTS = (
    Node(
        "privacy",
        "privacy",
        Words(
            "datenschutz",
            "Datenschutz",
            "Welche Daten wir von Ihnen haben, wozu und wie lange.",
            more=(
                (
                    "controller",
                    "<p>Universität Lindental, Lindenallee 1, 00000 Lindental, info@uni.example, Telefon 555-0</p>",
                ),
                ("officer", "<p>Die Datenschutzbeauftragte: datenschutz@uni.example</p>"),
                (
                    "purposes",
                    [
                        purpose(
                            "Ihre Anfrage beantworten",
                            "Name, E-Mail-Adresse, was Sie uns schreiben und mitschicken, unsere Antworten",
                            "Art. 6 Abs. 1 Buchst. e DSGVO",
                        ),
                        purpose(
                            "Anmeldung",
                            "Kennung, Zeitpunkt der Anmeldung, ein Cookie, das mit der Sitzung endet",
                            "Art. 6 Abs. 1 Buchst. e DSGVO",
                        ),
                    ],
                ),
                (
                    "recipients",
                    "<p>Ihre Anfrage liest das Team der Queue, an die sie gerichtet ist. Die Seiten laden nichts von fremden Servern und werten nicht aus, wer sie besucht.</p>",
                ),
                (
                    "retention",
                    "<p>Nach dem Schließen werden Anfrage, Antworten, Dateien und Verlauf so lange aufbewahrt, wie es hier steht, und dann gelöscht.</p>",
                ),
                (
                    "rights",
                    "<p>Sie können Auskunft, Berichtigung, Einschränkung und Löschung verlangen und der Verarbeitung widersprechen. Schreiben Sie an datenschutz@uni.example.</p>",
                ),
                (
                    "authority",
                    "<p>Sie können sich bei der Landesbeauftragten für Datenschutz (erfunden) beschweren.</p>",
                ),
            ),
        ),
        Words(
            "privacy",
            "Privacy",
            "Which data of yours we have, what for, and how long.",
            more=(
                (
                    "controller",
                    "<p>Lindental University, Lindenallee 1, 00000 Lindental, info@uni.example, phone 555-0</p>",
                ),
                ("officer", "<p>The data protection officer: datenschutz@uni.example</p>"),
                (
                    "purposes",
                    [
                        purpose(
                            "Answering your request",
                            "Name, mail address, what you write and send, our answers",
                            "Art. 6 (1) (e) GDPR",
                        ),
                        purpose(
                            "Log-in",
                            "Log-in name, time of the log-in, a cookie that ends with the session",
                            "Art. 6 (1) (e) GDPR",
                        ),
                    ],
                ),
                (
                    "recipients",
                    "<p>Your request is read by the team of the queue it is meant for. The pages load nothing from other servers and do not analyse who visits them.</p>",
                ),
                (
                    "retention",
                    "<p>After closing, the request with its answers, files and history is kept for as long as is said here. Then it is deleted.</p>",
                ),
                (
                    "rights",
                    "<p>You can ask for information, correction, restriction and erasure, and object to the use of your data. Write to datenschutz@uni.example.</p>",
                ),
                (
                    "authority",
                    "<p>You can complain to the State Commissioner for Data Protection (invented).</p>",
                ),
            ),
        ),
    ),
    Node(
        "accessibility",
        "accessibility",
        Words(
            "barrierefreiheit",
            "Barrierefreiheit",
            "Wie zugänglich diese Seiten sind und wem Sie Hindernisse melden.",
            more=(
                ("scope", "das Serviceportal der Universität Lindental"),
                ("legal_basis", "BITV 2.0"),
                ("standard", "EN 301 549 und WCAG 2.2, Stufe AA"),
                ("conformance", "partial"),
                (
                    "barriers",
                    [
                        barrier(
                            "Dateien, die andere hochladen",
                            "exempt",
                            "Was Personen an ihre Anfrage hängen, prüfen wir nicht.",
                        ),
                        barrier(
                            "Ältere PDF-Formulare",
                            "not_yet",
                            "Einige haben noch keine Struktur. Wir ersetzen sie nach und nach durch Formulare auf der Website.",
                        ),
                    ],
                ),
                (
                    "method_text",
                    "<p>Jede Seitenart wurde mit axe und mit der Tastatur untersucht, hell und dunkel und bei einer Breite von 320 Pixeln.</p>",
                ),
                (
                    "feedback",
                    "<p>Stoßen Sie auf ein Hindernis, oder brauchen Sie etwas in anderer Form? Schreiben Sie uns oder rufen Sie an. Wir antworten innerhalb einer Woche.</p>",
                ),
                ("feedback_phone", "555-1200"),
                (
                    "enforcement",
                    "<p>Hilft unsere Antwort nicht, wenden Sie sich an die Schlichtungsstelle des Landes (erfunden). Das kostet nichts.</p>",
                ),
            ),
        ),
        Words(
            "accessibility",
            "Accessibility",
            "How accessible these pages are, and whom to tell about barriers.",
            more=(
                ("scope", "the service portal of Lindental University"),
                ("legal_basis", "BITV 2.0"),
                ("standard", "EN 301 549 and WCAG 2.2, level AA"),
                ("conformance", "partial"),
                (
                    "barriers",
                    [
                        barrier(
                            "Files that others upload",
                            "exempt",
                            "We do not check what people attach to their requests.",
                        ),
                        barrier(
                            "Older PDF forms",
                            "not_yet",
                            "Some have no structure yet. We replace them by forms on the website, one after the other.",
                        ),
                    ],
                ),
                (
                    "method_text",
                    "<p>Each kind of page was examined with axe and by keyboard, light and dark and at a width of 320 pixels.</p>",
                ),
                (
                    "feedback",
                    "<p>Do you meet a barrier, or need something in another form? Write to us or call. We answer within a week.</p>",
                ),
                ("feedback_phone", "555-1200"),
                (
                    "enforcement",
                    "<p>If our answer does not help, turn to the arbitration service of the state (invented). It costs nothing.</p>",
                ),
            ),
        ),
    ),
)
