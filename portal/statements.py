"""The text that a new accessibility statement and a new privacy notice begin with, by type, language and field.

To be read and completed by whoever is responsible: square brackets mark what only they know.
"""

from __future__ import annotations

from typing import Any

START: dict[str, dict[str, dict[str, Any]]] = {
    "AccessibilityStatementPage": {
        "de": {
            "title": "Erklärung zur Barrierefreiheit",
            "summary": "Wie zugänglich diese Website ist, und wie Sie uns Barrieren melden.",
            "legal_basis": "Barrierefreie-Informationstechnik-Verordnung (BITV 2.0) und die entsprechenden Regelungen des Landes",
            "standard": "EN 301 549 und WCAG 2.2, Stufe AA",
            "method_text": "<p>Jede Seitenart wurde mit einem Prüfprogramm (axe) und mit der Tastatur untersucht, im hellen und im dunklen Modus und bei einer Breite von 320 Pixeln.</p>",
            "feedback": "<p>Ist Ihnen eine Barriere begegnet, oder brauchen Sie Inhalte in einer anderen Form? Schreiben Sie uns. Wir antworten innerhalb von [Frist].</p>",
            "enforcement": "<p>Sind Sie mit unserer Antwort nicht zufrieden, können Sie sich an die Schlichtungs- oder Überwachungsstelle wenden: [Name, Anschrift, E-Mail-Adresse, Telefon]. Das Verfahren ist kostenlos, und Sie brauchen keinen Rechtsbeistand.</p>",
        },
        "en": {
            "title": "Accessibility statement",
            "summary": "How accessible this website is, and how to tell us of barriers.",
            "legal_basis": "the laws that implement Directive (EU) 2016/2102",
            "standard": "EN 301 549 and WCAG 2.2, level AA",
            "method_text": "<p>Each kind of page was examined with a testing tool (axe) and by keyboard, in the light and the dark mode and at a width of 320 pixels.</p>",
            "feedback": "<p>Have you met a barrier, or do you need content in another form? Write to us. We answer within [period].</p>",
            "enforcement": "<p>If our answer does not satisfy you, you can turn to the enforcement body: [name, address, e-mail address, phone]. The procedure costs nothing, and you need no lawyer.</p>",
        },
    },
    "PrivacyPage": {
        "de": {
            "title": "Datenschutz",
            "summary": "Welche Daten wir verarbeiten, wozu, wie lange, und welche Rechte Sie haben.",
            "controller": "<p>[Name und Anschrift der Einrichtung, E-Mail-Adresse, Telefon]</p>",
            "officer": "<p>[Name oder Stelle, Anschrift, E-Mail-Adresse]</p>",
            "purposes": [
                {
                    "type": "purpose",
                    "value": {
                        "purpose": "Ihre Anfrage beantworten",
                        "data": "Name, E-Mail-Adresse, was Sie uns schreiben und mitschicken, unsere Antworten",
                        "basis": "[zum Beispiel Art. 6 Abs. 1 Buchst. e DSGVO]",
                    },
                },
                {
                    "type": "purpose",
                    "value": {
                        "purpose": "Anmeldung und Sitzung",
                        "data": "Kennung, Zeitpunkt der Anmeldung, ein Cookie, das mit der Sitzung endet",
                        "basis": "[Rechtsgrundlage]",
                    },
                },
                {
                    "type": "purpose",
                    "value": {
                        "purpose": "Die Website sicher betreiben",
                        "data": "Internetadresse, Zeitpunkt und aufgerufene Adresse im Protokoll des Webservers, höchstens [Tage]",
                        "basis": "[Rechtsgrundlage]",
                    },
                },
            ],
            "recipients": "<p>Ihre Anfrage liest das Team, an das sie gerichtet ist. Muss ein anderes Team helfen, gibt das erste sie dorthin weiter. Außerhalb der Einrichtung erhält sie niemand, außer [Auftragsverarbeiter]. Die Seiten laden nichts von fremden Servern und werten nicht aus, wer sie besucht.</p>",
            "retention": "<p>Anfragen werden nach dem Schließen so lange aufbewahrt, wie es hier steht, und dann gelöscht. Im Formular und auf der Seite Ihrer Anfrage können Sie der längeren Aufbewahrung widersprechen.</p>",
            "rights": "<p>Sie können Auskunft über Ihre Daten verlangen, und dass wir sie berichtigen, löschen, ihre Verarbeitung einschränken oder sie Ihnen übertragen. Sie können der Verarbeitung aus Gründen widersprechen, die sich aus Ihrer besonderen Situation ergeben. Eine Einwilligung können Sie jederzeit für die Zukunft widerrufen.</p>",
            "authority": "<p>Sie können sich bei einer Aufsichtsbehörde beschweren: [Name, Anschrift, E-Mail-Adresse der Landesbehörde].</p>",
        },
        "en": {
            "title": "Privacy",
            "summary": "Which data we use, for what, how long, and which rights you have.",
            "controller": "<p>[Name and address of the institution, e-mail address, phone]</p>",
            "officer": "<p>[Name or office, address, e-mail address]</p>",
            "purposes": [
                {
                    "type": "purpose",
                    "value": {
                        "purpose": "Answering your request",
                        "data": "Name, e-mail address, what you write and send, our answers",
                        "basis": "[for example Art. 6 (1) (e) GDPR]",
                    },
                },
                {
                    "type": "purpose",
                    "value": {
                        "purpose": "Log-in and session",
                        "data": "Log-in name, time of the log-in, a cookie that ends with the session",
                        "basis": "[legal basis]",
                    },
                },
                {
                    "type": "purpose",
                    "value": {
                        "purpose": "Running the website safely",
                        "data": "Internet address, time and address called up, in the log of the web server, for at most [days]",
                        "basis": "[legal basis]",
                    },
                },
            ],
            "recipients": "<p>Your request is read by the team it is meant for. If another team has to help, the first one hands it on. Nobody outside the institution receives it, except [processors]. The pages load nothing from other servers and do not analyse who visits them.</p>",
            "retention": "<p>Requests are kept after they are closed for as long as is said here, and are then deleted. In the form, and on the page of your request, you can object to the longer storage.</p>",
            "rights": "<p>You can ask which data we have about you, and that we correct, erase, restrict or transfer them. You can object to their use on grounds that follow from your particular situation. You can withdraw a consent at any time, for the future.</p>",
            "authority": "<p>You can complain to a supervisory authority: [name, address, e-mail address].</p>",
        },
    },
}


def start(kind: str, language: str) -> dict[str, Any]:
    """Return the text for a type of page, by field; the German one in a language we have none for."""
    texts = START[kind]
    return texts.get(language, texts["de"])
