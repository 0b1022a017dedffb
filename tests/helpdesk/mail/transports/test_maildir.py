from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpdesk.mail.transports import (
    InvalidUri,
    Limits,
    MessageGone,
    TooLarge,
    TransportError,
    open_transport,
)

from .mails import EXACT, FILE_ONLY, mail

pytestmark = pytest.mark.pure


def make(root: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (root / part).mkdir(parents=True)
    return root


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return make(tmp_path / "Mail dir")


def uri(box: Path, options: str = "") -> str:
    return f"{box.as_uri().replace('file:', 'maildir:')}{options}"


def remaining(box: Path) -> list[str]:
    return sorted(path.name for part in ("new", "cur") for path in (box / part).iterdir())


def test_listing_is_oldest_first_in_new_and_cur(box: Path) -> None:
    (box / "new" / "900.M9P1.host").write_bytes(mail(1))
    (box / "cur" / "900.M10P1.host,S=9:2,S").write_bytes(mail(2))
    (box / "new" / "1000.M1P1.host").write_bytes(mail(3))
    (box / "cur" / "unusual").write_bytes(mail(4))
    (box / "tmp" / "1.M1P1.host").write_bytes(b"half")
    (box / "new" / ".hidden").write_bytes(b"no mail")
    (box / "new" / "folder").mkdir()
    with open_transport(uri(box)) as transport:
        items = list(transport.listing())
        assert [item.key for item in items] == [
            "unusual",
            "900.M9P1.host",
            "900.M10P1.host,S=9",
            "1000.M1P1.host",
        ]
        assert {item.size for item in items} == {len(mail(1))}
        fetched = [transport.fetch(item.key) for item in items]
    assert fetched == [mail(4), mail(1), mail(2), mail(3)]


@pytest.mark.parametrize("name", EXACT | FILE_ONLY)
def test_fetch_is_byte_exact(box: Path, name: str) -> None:
    raw = (EXACT | FILE_ONLY)[name]
    (box / "new" / "1").write_bytes(raw)
    with open_transport(uri(box)) as transport:
        (item,) = transport.listing()
        assert transport.fetch(item.key) == raw
    assert remaining(box) == ["1"]


def test_message_is_found_when_its_reader_moves_and_marks_it(box: Path) -> None:
    (box / "new" / "1.host").write_bytes(mail(1))
    with open_transport(uri(box)) as transport:
        (item,) = transport.listing()
        (box / "new" / "1.host").rename(box / "cur" / "1.host:2,")
        assert transport.fetch(item.key) == mail(1)
        (box / "cur" / "1.host:2,").rename(box / "cur" / "1.host:2,RS")
        assert transport.fetch(item.key) == mail(1)
        assert [seen.key for seen in transport.listing()] == [item.key]
        (box / "cur" / "1.host:2,RS").rename(box / "cur" / "1.host:2,FRS")
        transport.remove([item.key])
    assert remaining(box) == []


def test_fetch_says_gone_when_the_file_is(box: Path) -> None:
    (box / "new" / "1.host").write_bytes(mail(1))
    with open_transport(uri(box)) as transport:
        (item,) = transport.listing()
        (box / "new" / "1.host").unlink()
        with pytest.raises(MessageGone):
            transport.fetch(item.key)
        transport.remove([item.key])


@pytest.mark.parametrize("key", ["../secret", "", ".", "/etc/hostname", "a\0b"])
def test_keys_lead_nowhere_else(box: Path, key: str) -> None:
    (box / "secret").write_bytes(b"not a mail")
    with open_transport(uri(box)) as transport:
        with pytest.raises(MessageGone):
            transport.fetch(key)
        transport.remove([key])
    assert (box / "secret").exists()


def test_links_are_not_followed(box: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    (box / "new" / "1.host").symlink_to(tmp_path / "outside")
    with open_transport(uri(box)) as transport:
        assert list(transport.listing()) == []


def test_remove_takes_exactly_these_when_repeated(box: Path) -> None:
    for name in ("1.a", "2.b", "3.c"):
        (box / "new" / name).write_bytes(mail(1))
    with open_transport(uri(box)) as transport:
        (box / "new" / "4.late").write_bytes(mail(4))
        transport.remove(["1.a", "3.c"])
        transport.remove(["1.a", "3.c"])
    with open_transport(uri(box)) as transport:
        transport.remove(["1.a"])
        transport.remove([])
    assert remaining(box) == ["2.b", "4.late"]


def test_remove_moves_when_an_archive_is_given(box: Path) -> None:
    make(box / ".Done")
    (box / "new" / "1.a").write_bytes(mail(1))
    (box / "cur" / "2.b:2,S").write_bytes(mail(2))
    (box / "new" / "3.c").write_bytes(mail(3))
    with open_transport(uri(box, "?archive=Done")) as transport:
        transport.remove(["1.a", "2.b"])
        transport.remove(["1.a", "2.b"])
    assert remaining(box) == ["3.c"]
    assert remaining(box / ".Done") == ["1.a", "2.b:2,S"]


def test_sub_folder_is_read_when_named(box: Path) -> None:
    make(box / ".Desk")
    (box / ".Desk" / "new" / "1.a").write_bytes(mail(1))
    with open_transport(uri(box, "?folder=Desk")) as transport:
        assert [transport.fetch(item.key) for item in transport.listing()] == [mail(1)]


def test_folder_name_cannot_leave_the_maildir(box: Path) -> None:
    with pytest.raises(InvalidUri):
        open_transport(uri(box, "?folder=../other"))


def test_fetch_refuses_when_the_mail_is_too_large(box: Path) -> None:
    (box / "new" / "1.a").write_bytes(b"x" * 1001)
    with open_transport(uri(box), limits=Limits(max_bytes=1000)) as transport:
        (item,) = transport.listing()
        assert item.size == 1001
        with pytest.raises(TooLarge):
            transport.fetch(item.key)
    assert remaining(box) == ["1.a"]


@pytest.mark.parametrize("options", ["", "?archive=Done"])
def test_missing_directories_are_said_plainly(tmp_path: Path, options: str) -> None:
    with pytest.raises(TransportError, match="not a maildir"):
        open_transport(uri(tmp_path, options)).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_failure_of_the_disk_is_said_plainly(box: Path) -> None:
    with open_transport(uri(box)) as transport:
        (box / "new").rmdir()
        with pytest.raises(TransportError, match=os.strerror(2)):
            list(transport.listing())
