from __future__ import annotations

import pytest

from helpdesk.rules.unread import nobody_reads, nobody_writes


@pytest.mark.parametrize(
    "address",
    [
        "noreply@shop.example",
        "no-reply+17@shop.example",
        "news.do_not_reply@shop.example",
        "Nicht-Antworten@amt.example",
        "bounces-12=ina@list.example",
        "MAILER-DAEMON@mx.example",
        "postmaster@mx.example",
        "root@host.example",
        "auto.reply@shop.example",
    ],
)
def test_nobody_stands_behind_a_programs_name(address):
    assert nobody_writes(address)
    assert nobody_reads(address)


@pytest.mark.parametrize("address", ["abuse@isp.example", "hostmaster@isp.example"])
def test_people_write_from_some_names_to_which_nothing_automatic_goes(address):
    assert nobody_reads(address)
    assert not nobody_writes(address)


@pytest.mark.parametrize(
    "address",
    ["ina@mail.example", "norah@reply.example", "croot@mail.example", "b.ounce@x.example"],
)
def test_people_are_people(address):
    assert not nobody_writes(address)
    assert not nobody_reads(address)
