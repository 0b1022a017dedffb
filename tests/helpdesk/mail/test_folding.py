from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.folding import fold
from tests.helpdesk.mail.samples import REPLIES

pytestmark = pytest.mark.pure


def own(text: str) -> str:
    """Return what stays open to read."""
    return "".join(segment.text for segment in fold(text) if segment.kind == "text").strip()


@pytest.mark.parametrize(
    ("text", "open_text"),
    [
        (
            "Danke!\n\nAm 3. Mai 2026 um 10:12 schrieb Amt <amt@example.org>:\n> alt\n> neu\n",
            "Danke!",
        ),
        (
            "Danke!\n\nAm Mo., 3. Mai 2026 um 10:12 Uhr schrieb Amt\n<amt@example.org>:\n\n> alt\n",
            "Danke!",
        ),
        (
            "Danke!\n\nAmt <amt@example.org> schrieb am Mo., 3.\nMai 2026 um 10:12 Uhr:\n\n> alt\n",
            "Danke!",
        ),
        (
            "Danke!\n\n-----Ursprüngliche Nachricht-----\nVon: Amt\nGesendet: Montag\n\nalt\n",
            "Danke!",
        ),
        (
            "Danke!\n\nVon: Amt <amt@example.org>\nGesendet: Montag, 3. Mai 2026\nAn: Erika\nBetreff: x\n\nalt",
            "Danke!",
        ),
        (
            "Danke!\n________________________________\nVon: Amt\nGesendet: Montag\nAn: Erika\n\nalt",
            "Danke!",
        ),
        ("Thanks!\n\nOn Mon, May 3, 2026 at 10:12 AM Office <a@b.org> wrote:\n\nold\n", "Thanks!"),
        ("Danke!\n-- \nErika Musterfrau\nTel. 12345\n", "Danke!"),
        ("Danke!\n\nVon meinem iPhone gesendet\n", "Danke!"),
        ("> Wann?\n\nMorgen.\n", "> Wann?\n\nMorgen."),
        ("> nur zitiert\n", "> nur zitiert"),
        ("Von: mir\nist das nicht.\n", "Von: mir\nist das nicht."),
        ("| a | b |\n| 1 | 2 |\n", "| a | b |\n| 1 | 2 |"),
        ("```\n--\n> code\n```\n", "```\n--\n> code\n```"),
        ("Er schrieb: so nicht.\nPunkt.\n", "Er schrieb: so nicht.\nPunkt."),
        ("", ""),
    ],
)
def test_own_words_stay_open(text: str, open_text: str) -> None:
    assert own(text) == open_text


def test_signature_and_quotation_are_told_apart() -> None:
    text = "Danke!\n-- \nErika\n\nAm 3.5.2026 schrieb a@b.org:\n> alt\n"
    assert [segment.kind for segment in fold(text)] == ["text", "signature", "quote"]


@given(
    st.lists(
        st.sampled_from(
            ["", "Text", "> alt", ">> älter", "-- ", "--", "___", "Von: a", "Gesendet: b", "An: c", "```",
             "Am 3.5.2026 schrieb a@b.org:", "Von meinem iPhone gesendet", "-----Original Message-----",
             "\x0b", "\u2028", "\r", "| x"]
        ),
        max_size=25,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)  # fmt: skip
def test_no_text_is_ever_lost(lines: list[str], end: str) -> None:
    text = end.join(lines)
    assert "".join(segment.text for segment in fold(text)) == text


@given(st.text(max_size=300))
def test_no_character_is_ever_lost(text: str) -> None:
    assert "".join(segment.text for segment in fold(text)) == text


@pytest.mark.mails
@pytest.mark.skipif(not REPLIES.is_dir(), reason="the collected replies are not here")
def test_collected_replies_are_folded_as_people_did() -> None:
    replies = sorted((REPLIES / "emails").glob("*.txt"))
    matching = [
        path.name
        for path in replies
        if own(path.read_text()) == (REPLIES / "trimmed" / path.name).read_text().strip()
    ]
    assert len(matching) >= 58
