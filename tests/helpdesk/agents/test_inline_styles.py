from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.agents.inline_styles import taken_out
from helpdesk.mail.sanitise import clean

pytestmark = pytest.mark.pure


def test_styles_become_rules_once_each():
    html, rules = taken_out(
        '<p style="color:red" dir="ltr">a</p><b style="color:red">b</b><i style="width:5px">c</i>'
    )
    assert html == '<p class="s0" dir="ltr">a</p><b class="s0">b</b><i class="s1">c</i>'
    assert rules == ".s0{color:red}.s1{width:5px}"


@pytest.mark.parametrize(
    "value",
    [
        "color:red}body{display:none",
        "color:red&quot;",
        "color:url(//evil.example/x)",
        "color:URL (x)",
        "color:r\\65 d",
        "color:red/*",
        "@import x",
        "</style><script>alert(1)</script>",
        "color:expression('x')",
    ],
)
def test_what_could_leave_its_rule_is_dropped(value):
    value = value.replace("<", "&lt;").replace(">", "&gt;")
    html, rules = taken_out(f'<p style="{value}">a</p>')
    assert html == "<p>a</p>"
    assert rules == ""


@given(st.text("abc:;{}<>/*\\'\"()@ url-red#1\n", max_size=60))
def test_no_rule_holds_more_than_its_own_declarations(value):
    _html, rules = taken_out(clean(f'<p style="{value}">a</p>', {}))
    assert re.fullmatch(r"(\.s\d+\{[^{}<>@\\\"'/]*\})*", rules)
