"""What the system checks say of the virus scanner."""

from __future__ import annotations

import socket

import pytest

from portal import checks


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("", []),
        ("127.0.0.1:3310", []),
        ("[::1]:3310", []),
        ("clamd.example.org", []),
        ("tcp://127.0.0.1:3310", ["E013"]),
        ("localhost:clamd", ["E013"]),
        (":3310", ["E013"]),
        ("run/clamd.ctl", ["E013"]),
        ("/nowhere/clamd.ctl", ["W023"]),
        ("unix:/nowhere/clamd.ctl", ["W023"]),
    ],
)
def test_where_the_scanner_is_said_to_be(settings, where, ids):
    settings.CLAMD = where
    assert [one.id for one in checks.check_scanner()] == [f"portal.{id_}" for id_ in ids]


def test_a_socket_that_is_there_is_nothing_to_tell(settings, tmp_path):
    settings.CLAMD = str(tmp_path / "c")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(settings.CLAMD)
        assert checks.check_scanner() == []
