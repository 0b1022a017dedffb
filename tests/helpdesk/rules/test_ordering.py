from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk import addressing
from helpdesk.rules import ordering
from helpdesk.rules.ordering import AgentRow, Fault, Refused, Rules

RULES = Rules(domains=("hhu.de", "uni.example"), reserved=frozenset({"rektorat"}))
ADA = AgentRow("Ada", "Byron", "ada@uni.example", "adbyr100")
BEN = AgentRow("Ben", "Berg", "ben@uni.example", "beber101")


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("pruefung@hhu.de", "pruefung@hhu.de"),
        ("  Pruefung.Amt-2@HHU.de ", "pruefung.amt-2@hhu.de"),
        ("support@uni.example", "support@uni.example"),
        ("info@hhu.de", "info@hhu.de"),
    ],
)
def test_a_good_address_comes_back_in_lower_case(typed, address):
    assert ordering.check_address(typed, RULES) == address


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("x@hhu.de.evil.org", Fault.LONGER),
        ("x@hhu.de.", Fault.LONGER),
        ("x@hhu.de-evil.org", Fault.LONGER),
        ("x@sub.hhu.de", Fault.SUBDOMAIN),
        ("x@evilhhu.de", Fault.DOMAIN),
        ("x@hhu.org", Fault.DOMAIN),
        ("x@hhu", Fault.DOMAIN),
        ("x@ｈｈｕ.de", Fault.LOOKALIKE),
        ("x@hhü.de", Fault.LOOKALIKE),
        ("x@xn--hh-xka.de", Fault.LOOKALIKE),
        ("prüfung@hhu.de", Fault.LOOKALIKE),
        ("\u0430bc@hhu.de", Fault.LOOKALIKE),  # a Cyrillic letter
        ("x+y@hhu.de", Fault.PLUS),
        ('"x y"@hhu.de', Fault.QUOTED),
        ('"x"@hhu.de', Fault.QUOTED),
        ("x y@hhu.de", Fault.NOT_ADDRESS),
        ("x@hhu.de@hhu.de", Fault.NOT_ADDRESS),
        ("hhu.de", Fault.NOT_ADDRESS),
        ("@hhu.de", Fault.NOT_ADDRESS),
        ("", Fault.NOT_ADDRESS),
        (".x@hhu.de", Fault.CHARACTERS),
        ("x..y@hhu.de", Fault.CHARACTERS),
        ("x!y@hhu.de", Fault.CHARACTERS),
        ("x" * 65 + "@hhu.de", Fault.CHARACTERS),
        ("<x@hhu.de", Fault.CHARACTERS),
        ("postmaster@hhu.de", Fault.RESERVED),
        ("Abuse@hhu.de", Fault.RESERVED),
        ("no-reply@hhu.de", Fault.RESERVED),
        ("Web.Master@hhu.de", Fault.RESERVED),
        ("rektorat@hhu.de", Fault.RESERVED),
        ("liste-request@hhu.de", Fault.RESERVED),
        ("owner-liste@hhu.de", Fault.RESERVED),
    ],
)
def test_each_refusal_has_its_own_sentence(typed, fault):
    with pytest.raises(Refused) as error:
        ordering.check_address(typed, RULES)
    assert error.value.fault == fault
    assert "%(" not in error.value.message


def test_sentences_are_all_different():
    assert len({str(words) for words in ordering.WORDS.values()}) == len(Fault)


def test_without_domains_nothing_is_allowed():
    with pytest.raises(Refused) as error:
        ordering.check_address("x@hhu.de", Rules())
    assert error.value.fault == Fault.NO_DOMAINS


@given(st.text(max_size=80))
def test_whatever_is_typed_is_refused_or_of_an_allowed_domain(text):
    for typed in (text, f"{text}@hhu.de", f"x@{text}", f"x@hhu.de{text}"):
        with contextlib.suppress(Refused):
            address = ordering.check_address(typed, RULES)
            assert address.rpartition("@")[2] in RULES.domains
            assert addressing.normalise(address) == address


def test_log_in_names_follow_the_pattern():
    rules = replace(RULES, login_pattern="[a-z]{5}[0-9]{3}")
    assert ordering.check_login(" ADbyr100 ", rules) == "adbyr100"
    for bad in ("", "adbyr1000", "xadbyr100", "ad byr100", "ädbyr100", "adbyr100\nx"):
        with pytest.raises(Refused):
            ordering.check_login(bad, rules)
    # a pattern that is broken is as good as none
    assert ordering.matches_login("anna", "(((")


def faults(rows, **options):
    found = ordering.check_agents(rows, RULES, **options)[1]
    return {
        place: {column: one.fault for column, one in wrong.items()}
        for place, wrong in found.items()
    }


def test_faults_stand_at_their_rows_and_columns():
    rows = [
        ADA,
        replace(BEN, login_name="??", email="nowhere"),
        replace(BEN, first_name=" ", last_name=""),
        replace(BEN, login_name="ADBYR100"),
    ]
    assert faults(rows) == {
        1: {"login_name": Fault.LOGIN, "email": Fault.EMAIL},
        2: {"first_name": Fault.NAME, "last_name": Fault.NAME},
        3: {"login_name": Fault.TWICE},
    }
    assert faults([replace(ADA, email="amt@uni.example")], queue_address="Amt@uni.example") == {
        0: {"email": Fault.EMAIL_SELF}
    }


def test_agents_addresses_may_be_limited_to_domains():
    strict = replace(RULES, agent_domains=("uni.example",))
    _rows, wrong = ordering.check_agents(
        [ADA, replace(BEN, email="b@uni.example.evil.org")], strict
    )
    assert {place: set(row) for place, row in wrong.items()} == {1: {"email"}}


def test_nobody_and_too_many_are_refused():
    with pytest.raises(Refused, match=Fault.NOBODY):
        ordering.check_agents([], RULES)
    many = [replace(ADA, login_name=f"abcde{n}") for n in range(ordering.MAX_AGENTS + 1)]
    with pytest.raises(Refused, match=Fault.TOO_MANY):
        ordering.check_agents(many, RULES)


def test_settings_are_read_from_lines_or_commas():
    assert ordering.read_lines(" @HHU.de,\nuni.example;  hhu.de ") == ("hhu.de", "uni.example")
    assert ordering.bad_domains(["hhu.de", "hhu", "a b.de", "@.de"]) == ["hhu", "a b.de", "@.de"]
