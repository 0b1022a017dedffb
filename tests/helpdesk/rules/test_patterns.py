from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules.patterns import MAX_TEXT, BadPattern, portable

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(a|aa)+b",
        "(a|a){50}b",
        "(a?){30}a{30}",
        "xa?" + "a?" * 30 + "a" * 30,
        "x(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b",
        "x.*a.*b",
        r"x\w+\w+y",
        r"(x.*a){2,}",
        "x[a-z]{1,100}[a-z]{1,100}y",
        "x(ab)*(ab)*c",
        "(",
        ")",
        "a)",
        "(a",
        "[",
        "[a",
        "[]",
        "[z-a]",
        "[[:alpha:]]",
        "*",
        "a**",
        "a++",
        "a{2}{3}",
        "a{3,2}",
        "a{0}",
        "a{1000}",
        "a{x}",
        "^*a",
        "\\",
        r"\1",
        r"(a)\1",
        r"\b",
        r"\Z",
        r"\p{L}",
        "(?=a)",
        "(?P<n>a)",
        "(?i)a",
        "((((((a))))))",
        "a*",
        ".*",
        "|a",
        "a|",
        "()",
        "^$",
        "",
        "a" * 201,
    ],
)
def test_portable_refuses(pattern: str) -> None:
    with pytest.raises(BadPattern) as caught:
        portable(pattern)
    assert str(caught.value.message)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        (".*printer.*room.*", "the Printer of a Room", "room printer"),
        (r"^\[SPAM\]", "[spam] a", "a [spam]"),
        (r"\w+@example\.(org|com)$", "to a@example.com", "a@example.com."),
        (r"(order|invoice)s? ?(no\.?)? ?[0-9]{4,10}", "Invoice no. 12345", "invoice 123"),
        (r"[^a-z]ab[-_.]c", "1ab-c", "aab-c"),
        (r"[]]x", "]x", "x"),
        (r"[\]\\]x", "\\x", "x"),
        (r"[\d\s]x", "7x", "ax"),
        ("a.b", "a-b", "a\nb"),
        ("ä+ß", "ÄÄß", "as"),
        ("a{2,}b", "caab", "ab"),
        ("(?:ab)?c+?d", "abccd", "abd"),
        (r"\S\D\W", "ab ", "a1 "),
    ],
)
def test_portable_means_the_same(pattern: str, fits: str, fits_not: str) -> None:
    compiled = re.compile(portable(pattern), re.IGNORECASE)
    assert compiled.search(fits)
    assert not compiled.search(fits_not)


_atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "(a|b)", "(ab)", "^", "$"])
_counts = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "+?"])
_patterns = st.lists(st.builds("{}{}".format, _atoms, _counts), min_size=1, max_size=5)


@given(_patterns.map("".join), st.text("ab1 \n", max_size=12))
def test_portable_finds_what_the_pattern_finds(pattern: str, text: str) -> None:
    try:
        wanted = portable(pattern)
    except BadPattern:
        wanted, pattern = "a", "a"
    plain = pattern.replace("$", r"\Z")
    assert bool(re.search(wanted, text, re.IGNORECASE)) is bool(
        re.search(plain, text, re.IGNORECASE)
    )


@given(st.one_of(st.text(), st.text(r"ab()[]{}*+?|^$.\-,0129wdWx", max_size=30)))
def test_portable_raises_nothing_but_bad_pattern(pattern: str) -> None:
    try:
        text = portable(pattern)
    except BadPattern:
        text = "a"
    assert re.compile(text)


@pytest.mark.parametrize(
    "pattern", ["x.*ab", "x.*(a|b)y", "xa*a{1,20}b", "a{1,30}b{1,30}c", "x.*y.$"]
)
@pytest.mark.parametrize("text", ["x" * MAX_TEXT, "xa" * (MAX_TEXT // 2), "xab" * (MAX_TEXT // 3)])
def test_portable_is_quick_when_text_is_hostile(pattern: str, text: str) -> None:
    compiled = re.compile(portable(pattern), re.IGNORECASE)
    start = time.process_time()
    compiled.search(text)
    assert time.process_time() - start < 5
