from __future__ import annotations

import pytest

from helpdesk.mail.parse import parse
from helpdesk.mail.screen import Machine, MachineKind, screen
from tests.helpdesk.mail.samples import parsed

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("name", "kind", "evidence"),
    [
        ("dsn-failed", "delivery_failure", "Action: failed 5.1.1 weg@example.net"),
        ("dsn-delayed", "delivery_delay", "Action: delayed"),
        ("dsn-delivered", "system", "Action: delivered"),
        ("bounce-exim", "delivery_failure", "Action: failed weg@example.net"),
        ("bounce-german-without-format", "delivery_failure", "Subject: Unzustellbar: Ihre Anfrage"),
        ("read-receipt", "disposition", "Disposition: manual-action/MDN-sent-manually; displayed"),
        ("calendar-reply", "calendar_reply", "Calendar METHOD: REPLY"),
        ("out-of-office-german", "auto_reply", "Auto-Submitted: auto-replied"),
        ("out-of-office-german-unmarked", "auto_reply", "Subject: Abwesenheitsnotiz: Rückfrage"),
        (
            "out-of-office-english-unmarked",
            "auto_reply",
            "Subject and text: Out of the office until Monday / I am currently out of the office",
        ),
        ("list-mail", "list", "Precedence: list"),
        ("newsletter", "list", "List-Unsubscribe: <https://example.org/aus>"),
        ("precedence-bulk", "list", "Precedence: bulk"),
        ("auto-generated", "system", "Auto-Submitted: auto-generated"),
        ("empty-return-path", "system", "Return-Path: <>"),
        ("noreply-sender", "system", "From: noreply@example.org"),
    ],
)
def test_machine_mail_is_recognised_with_its_evidence(name: str, kind: str, evidence: str) -> None:
    assert screen(parsed(name)) == Machine(MachineKind(kind), evidence)


@pytest.mark.parametrize(
    "name",
    [
        "plain-ascii",
        "outlook-html-only",
        "apple-inline-image",
        "envelope-recipients",
        "threading-headers",
        "web-form-by-noreply",
        "person-asks-about-absence",
        "person-asks-for-leave",
        "person-replies-to-auto-reply",
        "invitation-by-person",
        "smime-signed",
        "pgp-encrypted",
        "nested-mail",
        "winmail-dat",
        "empty",
    ],
)
def test_mail_of_a_person_is_left_alone(name: str) -> None:
    assert screen(parsed(name)) is None


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied (vacation)", "auto_reply"),
        ("Auto-Submitted: auto-notified; owner-email=x", "system"),
        ("X-Autoreply: yes", "auto_reply"),
        ("X-Autorespond: x", "auto_reply"),
        ("X-Vacation: yes", "auto_reply"),
        ("Precedence: auto_reply", "auto_reply"),
        ("Precedence: junk", "list"),
        ("X-Auto-Response-Suppress: OOF, AutoReply", "system"),
        ("X-Auto-Response-Suppress: All", "system"),
        ("X-Loop: yes", "system"),
        ("X-OTRS-Loop: yes", "system"),
        ("X-Cron-Env: <SHELL=/bin/sh>", "system"),
        ("List-Id: <a.example.org>", "list"),
        ("Mailing-List: contact a@example.org", "list"),
        ("Return-Path: <>\nIn-Reply-To: <a@b>", "auto_reply"),
    ],
)
def test_marker_in_the_header_decides(header: str, kind: str) -> None:
    found = screen(parse(f"From: erika@example.org\nSubject: Frage\n{header}\n\nText\n".encode()))
    assert found is not None
    assert found.kind == kind
    assert found.evidence.partition(":")[0].lower() == header.partition(":")[0].lower()


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "X-Autoreply: no",
        "X-Auto-Response-Suppress: DR, RN, NRN",
        "X-Loop: erika@example.org",
        "Precedence: normal",
        "Return-Path: <erika@example.org>",
        "X-Mailer: Microsoft Outlook 16.0",
    ],
)
def test_header_that_says_nothing_decides_nothing(header: str) -> None:
    assert screen(parse(f"From: erika@example.org\n{header}\n\nText\n".encode())) is None


@pytest.mark.parametrize(
    "sender",
    [
        "noreply",
        "no-reply",
        "do-not-reply",
        "MAILER-DAEMON",
        "postmaster",
        "bounces+x=y",
        "jira-noreply",
    ],
)
def test_sender_behind_whom_nobody_reads_is_a_machine(sender: str) -> None:
    assert screen(parse(f"From: {sender}@example.org\n\nText\n".encode())) is not None


@pytest.mark.parametrize("sender", ["norbert", "antwort", "rootmann", "info", "cronin"])
def test_sender_with_a_similar_name_is_a_person(sender: str) -> None:
    assert screen(parse(f"From: {sender}@example.org\n\nText\n".encode())) is None
