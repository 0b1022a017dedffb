from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.tnef import unpack

pytestmark = pytest.mark.pure

START = struct.pack("<IH", 0x223E9F78, 1)


def attribute(name: int, data: bytes) -> bytes:
    return struct.pack("<BHHI", 2, name, 6, len(data)) + data + b"\x00\x00"


def test_file_and_name_are_taken_out() -> None:
    data = (
        START + attribute(0x9002, b"") + attribute(0x8010, b"a.txt\x00") + attribute(0x800F, b"x")
    )
    unpacked = unpack(data)
    assert unpacked is not None
    assert [(file.name, file.content) for file in unpacked.files] == [("a.txt", b"x")]
    assert unpacked.whole


def test_other_data_is_none_of_it() -> None:
    assert unpack(b"%PDF-1.7") is None


@pytest.mark.parametrize(
    "properties",
    [
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\xff" + b"\x02\x10\x01\x00\xff\xff\xff\xff",
        b"\xff\xff\xff\xff" + b"\x1e\x00\x01\x00\xff\xff\xff\xff",
        b"\xff\xff\xff\xff" + b"\x01\x10\x01\x00\xff\xff\xff\xff" * 100,
        b"\x01\x00\x00\x00" + b"\x99\x00\x01\x00",
    ],
)
def test_count_that_cannot_be_stops_the_reading(properties: bytes) -> None:
    unpacked = unpack(START + attribute(0x9003, properties + b"\x00" * 64))
    assert unpacked is not None
    assert unpacked.files == []


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    unpacked = unpack(START + attribute(0x9002, b"") + attribute(0x9005, data) + data)
    assert unpacked is not None
    assert all(file.content for file in unpacked.files)
