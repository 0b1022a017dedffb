from __future__ import annotations

import time
from datetime import date

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_10

from helpdesk import addressing
from helpdesk.addressing import BadAddress

pytestmark = pytest.mark.pure

KEY = "a secret"
ids = st.integers(1, 10**12)
days = st.dates(date(2000, 1, 1), date(2199, 12, 31))
numbers = st.builds(
    addressing.make_number, days, st.from_regex(r"[0-9]{2}", fullmatch=True), st.integers(1, 10**6)
)


# --- addresses


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("Support@Example.ORG", "support@example.org"),
        ("  <support@example.org> ", "support@example.org"),
        ("support+faults@example.org", "support@example.org"),
        ("+support@example.org", "+support@example.org"),
        ("info@Bücher.example", "info@xn--bcher-kva.example"),
        ("info@straße.example", "info@xn--strae-oqa.example"),
        ("info@XN--BCHER-KVA.example", "info@xn--bcher-kva.example"),
        ("Jürgen@example.org", "jürgen@example.org"),
        ("Ju\u0308rgen@example.org", "jürgen@example.org"),
        ('"john.doe"@example.org', "john.doe@example.org"),
        ('"John Doe"@example.org', '"john doe"@example.org'),
        ("helpdesk@localhost", "helpdesk@localhost"),
        ("a@example.org.", "a@example.org"),
        ("o'neill&sons@example.org", "o'neill&sons@example.org"),
    ],
)
def test_normalise_when_address(given_text: str, expected: str) -> None:
    assert addressing.normalise(given_text) == expected
    assert addressing.is_address(given_text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "support",
        "@example.org",
        "support@",
        "a b@example.org",
        "a@b@example.org",
        "a..b@example.org",
        ".a@example.org",
        "a@example..org",
        "a@-example.org",
        "a@exam ple.org",
        "a@ example.org",
        "a@example.org\nBcc: b@example.org",
        "a\x00@example.org",
        "a\u202e@example.org",
        "a\u00a0b@example.org",
        "A <a@example.org>",
        "a@example.org, b@example.org",
        "a" * 250 + "@example.org",
        "x" * 100_000,
        "a@" + "ü" * 100 + ".example",
        "a@\ud800.example",
        "\ud800@example.org",
    ],
)
def test_normalise_refuses_when_no_address(text: str) -> None:
    with pytest.raises(BadAddress):
        addressing.normalise(text)
    assert not addressing.is_address(text)


def test_canonical_keeps_plus_part() -> None:
    assert addressing.canonical(" <Ada+News@Example.org>") == "ada+news@example.org"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("support@example.org", ("support@example.org", None)),
        ("Support+T1-Abc@example.org", ("support@example.org", "t1-abc")),
        ("support+a+b@example.org", ("support@example.org", "a+b")),
        ("support+@example.org", ("support@example.org", "")),
        ('"a b+c"@example.org', ('"a b+c"@example.org', None)),
    ],
)
def test_split_plus(text: str, expected: tuple[str, str | None]) -> None:
    assert addressing.split_plus(text) == expected


@given(st.one_of(st.emails(), st.text(), st.from_regex(r"[\w+. ]{1,20}@[\w.]{1,20}")))
def test_normalise_changes_nothing_when_done_twice(text: str) -> None:
    try:
        once = addressing.canonical(text)
    except BadAddress:
        once = "none@example.org"
    assert addressing.canonical(once) == once
    assert addressing.normalise(addressing.normalise(once)) == addressing.normalise(once)


# --- numbers


def test_make_number_has_day_system_counter_and_check_digit() -> None:
    number = addressing.make_number(date(2026, 11, 24), "10", 42)
    assert number[:-1] == "202611241000042"
    assert mod_11_10.is_valid(number)


@pytest.mark.parametrize(
    ("system", "counter", "year"),
    [("1", 1, 2026), ("1a", 1, 2026), ("10", 0, 2026), ("10", 10**8, 2026), ("10", 1, 1999)],
)
def test_make_number_refuses_when_out_of_range(system: str, counter: int, year: int) -> None:
    with pytest.raises(ValueError, match="."):
        addressing.make_number(date(year, 1, 1), system, counter)


@given(numbers)
def test_is_number_when_made(number: str) -> None:
    assert addressing.is_number(number)
    assert addressing.find_numbers(number) == (number,)


@given(numbers, st.data())
def test_is_number_refuses_when_one_digit_is_wrong(number: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = {f"{number[:place]}{digit}{number[place + 1 :]}" for digit in "0123456789"} - {number}
    assert not [text for text in wrong if addressing.is_number(text)]


def _state(digits: str) -> int:
    """Return the sum that ISO 7064 carries behind these digits."""
    state = 10
    for digit in digits:
        state = (((state + int(digit)) % 10) or 10) * 2 % 11
    return state


#: The one pair of neighbours that MOD 11,10 cannot tell apart, for each sum carried.
BLIND = {
    1: "45",
    2: "34",
    3: "23",
    4: "12",
    5: "01",
    6: "09",
    7: "89",
    8: "78",
    9: "67",
    10: "56",
}


@given(numbers, st.data())
def test_is_number_refuses_when_neighbours_are_swapped(number: str, data: st.DataObject) -> None:
    seen = [
        place
        for place in range(len(number) - 2)
        if number[place] != number[place + 1]
        and "".join(sorted(number[place : place + 2])) != BLIND[_state(number[:place])]
    ]
    place = data.draw(st.sampled_from(seen))
    swapped = f"{number[:place]}{number[place + 1]}{number[place]}{number[place + 2 :]}"
    assert not addressing.is_number(swapped)


@pytest.mark.parametrize(
    "text", ["", "2026112410000421\n", "２０２６112410000421", "20261124100004", "9" * 16, "²" * 16]
)
def test_is_number_refuses_when_no_number(text: str) -> None:
    assert not addressing.is_number(text)


ONE = addressing.make_number(date(2026, 11, 24), "10", 42)
TWO = addressing.make_number(date(2026, 11, 25), "10", 123456)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Re: [Ticket#{ONE}] Printer", (ONE,)),
        (f"Ticket#{ONE}, Anfrage {TWO}; once more {ONE}", (ONE, TWO)),
        (f"Anfrage{ONE}.", (ONE,)),
        (f"{ONE[:4]} {ONE[4:8]} {ONE[8:10]} {ONE[10:15]} {ONE[15:]}", (ONE,)),
        (f"{ONE[:4]}.{ONE[4:6]}. {ONE[6:8]}-{ONE[8:]}", (ONE,)),
        (" ".join(ONE), (ONE,)),
        (f"room 3 {ONE} 7", (ONE,)),
        (f"{ONE} {TWO}", (ONE, TWO)),
        (f"7{ONE}", ()),
        (f"{ONE}7", ()),
        (f"{ONE[:8]}, {ONE[8:]}", ()),
        (f"{ONE[:8]}\n\n{ONE[8:]}", ()),
        ("tel. 0341 97 108 20261124", ()),
        ("", ()),
    ],
)
def test_find_numbers(text: str, expected: tuple[str, ...]) -> None:
    assert addressing.find_numbers(text) == expected


@pytest.mark.parametrize("unit", ["2", "2 ", "20", ONE, ONE + " ", "20.", "2026 1124 "])
def test_find_numbers_is_bounded_when_text_is_huge(unit: str) -> None:
    start = time.process_time()
    found = addressing.find_numbers(unit * (3_000_000 // len(unit)))
    assert len(found) <= addressing.MAX_NUMBERS
    assert time.process_time() - start < 10


# --- subjects


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Printer", "Printer"),
        ("Re: AW: WG: FW: Fwd: SV: Antw: Printer", "Printer"),
        ("Re[2]: RE: [3] Printer", "Printer"),
        ("AW(2): re : Printer", "Printer"),
        (f"Re: [Ticket#{ONE}] Re: Printer", "Printer"),
        (f"[Ticket#{ONE}] [Ticket#{TWO}] Printer [ticket#{ONE}]", "Printer"),
        ("[Ticket#2026112410000429] Printer", "[Ticket#2026112410000429] Printer"),
        ("Regarding: Printer", "Regarding: Printer"),
        ("Printer re: room", "Printer re: room"),
        ("Printer\r\n Bcc: x\x00y", "Printer Bcc: x y"),
        ("Re：打印机", "打印机"),
        ("Re:", ""),
        ("", ""),
    ],
)
def test_clean_subject(subject: str, expected: str) -> None:
    assert addressing.clean_subject(subject) == expected


@given(
    st.lists(st.sampled_from(["Re:", "AW: ", f"[Ticket#{ONE}]", "[2]", "[", "x", " ", "Ticket#"]))
    .map("".join)
    .flatmap(lambda text: st.text(max_size=5).map(lambda more: text + more))
)
def test_clean_subject_changes_nothing_when_done_twice(subject: str) -> None:
    clean = addressing.clean_subject(subject)
    assert addressing.clean_subject(clean) == clean


@given(st.text(), numbers)
def test_tag_subject_is_found_and_cleaned_again(subject: str, number: str) -> None:
    tagged = addressing.tag_subject(subject, number)
    assert addressing.find_numbers(tagged)[0] == number
    assert addressing.tag_subject(f"Re: {tagged}", number) == tagged
    assert addressing.clean_subject(tagged) == addressing.clean_subject(subject)


# --- reply addresses


@given(ids, st.sampled_from(["support@example.org", "Kfz+x@Bücher.example", "a.b-c@x.y"]))
def test_reply_address_is_read_again(ticket: int, queue: str) -> None:
    address = addressing.reply_address(queue, ticket, KEY)
    assert addressing.read_reply_token(address, KEY) == ticket
    assert addressing.read_reply_token(f"<{address.upper()}>", KEY) == ticket
    assert addressing.normalise(address) == addressing.normalise(queue)
    assert len(address.partition("@")[0]) <= 64


def test_reply_token_has_80_bits_in_letters_and_digits() -> None:
    token = addressing.reply_token("7", KEY)
    assert len(token) * 5 >= 80
    assert token == token.lower()
    assert token.isalnum()


@given(ids, ids)
def test_read_reply_token_refuses_when_of_another_ticket(one: int, other: int) -> None:
    token = addressing.reply_token(str(one), KEY)
    read = addressing.read_reply_token(f"support+t{other}-{token}@example.org", KEY)
    assert read == {True: one, False: None}[one == other]


@given(ids, st.data())
def test_read_reply_token_refuses_when_one_letter_is_wrong(
    ticket: int, data: st.DataObject
) -> None:
    address = addressing.reply_address("support@example.org", ticket, KEY)
    place = data.draw(st.integers(address.index("+") + 1, address.index("@") - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
    changed = f"{address[:place]}{letter}{address[place + 1 :]}"
    assert addressing.read_reply_token(changed, KEY) in {None, ticket}
    assert (addressing.read_reply_token(changed, KEY) == ticket) is (changed == address)


@pytest.mark.parametrize(
    "text", ["", "x", "support@example.org", "support+t1@example.org", "a+t01-aaaaaaaaaaaaaaaa@b.c"]
)
def test_read_reply_token_when_there_is_none(text: str) -> None:
    assert addressing.read_reply_token(text, KEY) is None


def test_reply_address_is_plain_when_local_part_would_be_too_long() -> None:
    queue = f"{'a' * 50}@example.org"
    assert addressing.reply_address(queue, 7, KEY) == queue


# --- Message-IDs


@given(
    ids,
    st.one_of(st.integers(0, 10**9), st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)),
)
def test_message_id_is_read_again(ticket: int, unique: int | str) -> None:
    message_id = addressing.make_message_id(ticket, unique, "desk.example", KEY)
    assert message_id.startswith("<")
    assert message_id.endswith("@desk.example>")
    assert addressing.read_message_id(message_id, KEY) == ticket
    assert addressing.read_message_id(f" {message_id.upper()} ", KEY) == ticket
    other = message_id.replace(f"<t{ticket}.", f"<t{ticket + 1}.", 1)
    assert addressing.read_message_id(other, KEY) is None


@pytest.mark.parametrize(
    ("unique", "domain"), [("A", "x.y"), ("a b", "x.y"), ("", "x.y"), (1, "x y"), (1, "")]
)
def test_make_message_id_refuses_when_it_makes_none(unique: int | str, domain: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        addressing.make_message_id(1, unique, domain, KEY)


@pytest.mark.parametrize("text", ["", "<a@b>", "<t1.1.aaaaaaaaaaaaaaaa@x>", "<" * 100_000])
def test_read_message_id_when_not_ours(text: str) -> None:
    assert addressing.read_message_id(text, KEY) is None


@given(st.text())
def test_message_id_key_fits_and_is_stable(text: str) -> None:
    key = addressing.message_id_key(text * 20)
    assert len(key) <= addressing.MAX_KEY
    assert "\x00" not in key
    assert key == addressing.message_id_key(f" {text * 20}\n")


def test_message_id_key_is_digest_when_too_long() -> None:
    assert addressing.message_id_key(f" <{'a' * 253}> ") == f"<{'a' * 253}>"
    one, two = (addressing.message_id_key(f"<{'a' * 254}{end}>") for end in "bc")
    assert one.startswith("sha256:")
    assert one != two
    assert addressing.message_id_key(one) != one


# --- status links


@given(ids, st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_status_token_is_read_again(ticket: int, nonce: str) -> None:
    token = addressing.status_token(ticket, nonce, KEY)
    assert addressing.read_status_token(token, KEY) == (ticket, nonce)
    assert addressing.read_status_token(f"{ticket + 1}{token[len(str(ticket)) :]}", KEY) is None
    assert addressing.read_status_token(token, "another secret") is None


@pytest.mark.parametrize("text", ["", ".", "1..", "1.n." + "a" * 32, "1.n." + "a" * 100_000])
def test_read_status_token_when_not_ours(text: str) -> None:
    assert addressing.read_status_token(text, KEY) is None


def test_status_token_refuses_when_nonce_cannot_stand_in_a_link() -> None:
    with pytest.raises(ValueError, match="nonce"):
        addressing.status_token(1, "a/b", KEY)


# --- keys


def test_tokens_are_read_when_key_is_an_old_one() -> None:
    keys = ("new", KEY)
    reply = addressing.reply_address("support@example.org", 7, KEY)
    assert addressing.read_reply_token(reply, keys) == 7
    assert addressing.read_message_id(addressing.make_message_id(7, 1, "x", KEY), keys) == 7
    assert addressing.read_status_token(addressing.status_token(7, "n", KEY), keys) == (7, "n")
    assert addressing.reply_address("support@example.org", 7, keys) != reply
    assert addressing.read_reply_token(reply, ("new",)) is None


def test_tokens_of_one_purpose_do_not_serve_another() -> None:
    token = addressing.reply_token("7.1", KEY)
    assert addressing.read_message_id(f"<t7.1.{token}@x>", KEY) is None
    assert (
        addressing.read_message_id(f"<t7.1.{addressing.reply_token('t7.1', KEY)}@x>", KEY) is None
    )


def test_signing_keys_are_the_sites_own() -> None:
    with override_settings(SECRET_KEY="now", SECRET_KEY_FALLBACKS=["before"]):
        assert addressing.signing_keys() == ("now", "before")


# --- Message-IDs of mails without a ticket -------------------------------------------------------


def test_notice_id_is_ours_and_of_no_ticket():
    made = addressing.make_notice_id("a1-b2", "desk.example", "key")
    assert addressing.is_our_message_id(made, "key")
    assert addressing.is_our_message_id(f" {made.upper()} ", ("new", "key"))
    assert addressing.is_our_message_id(made.replace("desk.example", "moved.example"), "key")
    assert addressing.read_message_id(made, "key") is None


def test_message_id_of_a_ticket_is_ours_too():
    made = addressing.make_message_id(7, "r1", "desk.example", "key")
    assert addressing.is_our_message_id(made, "key")
    assert not addressing.is_our_message_id(made, "other")


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.replace("<n.a1", "<n.a2"),
        lambda made: made.replace("<n.a1", "<t1.a1"),
        lambda made: made.replace("@", "x@"),
        lambda made: "",
        lambda made: made * 100,
    ],
)
def test_changed_notice_id_is_not_ours(change):
    made = addressing.make_notice_id("a1", "desk.example", "key")
    assert not addressing.is_our_message_id(change(made), "key")
    assert not addressing.is_our_message_id(made, "other")


@pytest.mark.parametrize("unique", ["", "A", "a b", "x" * 65, "a>b", "ü"])
def test_notice_id_takes_only_what_can_stand_there(unique):
    with pytest.raises(ValueError, match="Message-ID"):
        addressing.make_notice_id(unique, "desk.example", "key")
