from __future__ import annotations

import pytest

from helpdesk.mail.transports.imap_syntax import body, folder_name, numbers, uid_sets

pytestmark = pytest.mark.pure


def test_uid_sets_name_exactly_these_in_short_lines() -> None:
    uids = [*range(1, 100_000, 2), 200_000, 200_001, 200_002]
    sets = list(uid_sets(uids))
    assert max(map(len, sets)) < 8000
    assert sets[-1].endswith("200000:200002")
    named = [int(part) for line in sets for part in line.split(",") if ":" not in part]
    assert named == uids[:-3]


def test_uid_sets_are_none_when_there_is_nothing_to_name() -> None:
    assert list(uid_sets([])) == []
    assert list(uid_sets([3, 1, 2, 3])) == ["1:3"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", '"INBOX"'),
        ("A & B", '"A &- B"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
        ("😀", '"&2D3eAA-"'),
    ],
)
def test_folder_name_is_written_in_modified_utf7(name: str, written: str) -> None:
    assert folder_name(name) == written


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"3 (UID 5 RFC822.SIZE 10)", (3, 5, 10)),
        (b"3 (RFC822.SIZE 10 FLAGS (\\Seen) UID 5)", (3, 5, 10)),
        (b"3 (UID 5)", (3, 5, None)),
        (b"3 (FLAGS ())", None),
        (None, None),
        ((b"3 (BODY[] {1}", b"x"), None),
    ],
)
def test_numbers_are_read_in_any_order(line: object, found: tuple[int, int, int | None]) -> None:
    assert numbers(line) == found


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([(b"1 (UID 5 BODY[] {2}", b"ab"), b")"], b"ab"),
        ([(b"1 (BODY[] {2}", b"ab"), b" UID 5)"], b"ab"),
        ([b"1 (FLAGS ())", (b"1 (BODY[] {0}", b""), b")"], b""),
        ([b'1 (BODY[] "")'], b""),
        ([b"1 (BODY[] NIL)"], None),
        ([], None),
    ],
)
def test_body_is_found_wherever_it_stands(parts: list[object], found: bytes | None) -> None:
    assert body(parts) == found
