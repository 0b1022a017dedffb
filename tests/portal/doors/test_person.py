from __future__ import annotations

import pytest

from portal.doors import config, person


@pytest.mark.parametrize(
    ("found", "proved"),
    [
        (
            ["SMTP:A@uni.example", "smtp:b@uni.example", "X500:/o=x", "SIP:a@uni.example"],
            ("A@uni.example", "b@uni.example"),
        ),
        (["a@uni.example", "A@UNI.example"], ("a@uni.example",)),
        (["nobody", "", "@", "a@b@c"], ()),
        (["x" * 250 + "@uni.example"], ()),
        (["mailto:a@uni.example"], ()),
    ],
)
def test_what_of_a_directory_is_a_mail_address(found, proved):
    assert person.mail_addresses(found) == proved


@pytest.mark.parametrize(
    ("address", "counts"),
    [
        ("a@uni.example", True),
        ("a@UNI.example", True),
        ("a@evil.uni.example", False),
        ("a@uni.example.evil.example", False),
    ],
)
def test_domains_are_whole_domains(settings, address, counts):
    settings.LOGIN_MAIL_DOMAINS = ["@uni.example"]
    assert bool(person.mail_addresses([address])) is counts


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ()),
        ("cn=it,dc=x => IT", (("cn=it,dc=x", "IT"),)),
        (
            "cn=it,dc=x=>IT service;\n cn=b => Büro, 2. Stock ;",
            (("cn=it,dc=x", "IT service"), ("cn=b", "Büro, 2. Stock")),
        ),
        ("a => X; a => Y", (("a", "X"), ("a", "Y"))),
        (r"cn=a\;b => X", ((r"cn=a\;b", "X"),)),
    ],
)
def test_a_map_of_groups(text, pairs):
    assert config.group_map(text) == pairs


@pytest.mark.parametrize("text", ["it", "it =>", "=> IT", "it => IT; office", "it = IT"])
def test_what_is_no_map_says_where(text):
    with pytest.raises(ValueError) as wrong:
        config.group_map(text)
    assert str(wrong.value) in text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CN=IT, OU=Groups,DC=x", "cn=it,ou=groups,dc=x", True),
        ("cn = it,dc=x", "cn=it,dc=x", True),
        ("cn=it,ou=a,dc=x", "cn=it,ou=b,dc=x", False),
        (r"cn=a\, b,dc=x", "cn=a,cn= b,dc=x", False),
        ("it service", "it  service", False),
    ],
)
def test_names_of_groups_are_compared_as_the_directory_does(one, other, same):
    assert (person.dn_key(one) == person.dn_key(other)) is same


@pytest.mark.parametrize("name", ["\u212aim01", "kim\u017f", "\u0130da"])
def test_a_letter_of_another_script_makes_nobody_somebody_else(name):
    names = config.Names(("uid",), (), (), (), ())
    with pytest.raises(person.Refused) as refused:
        person.login_name({"uid": name}, names)
    assert refused.value.code == "name-unusable"
    assert person.login_name({"uid": "Kim01"}, names) == "kim01"
