from __future__ import annotations

import fcntl
import mailbox
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from helpdesk.mail.transports import (
    Limits,
    MailboxLocked,
    MessageGone,
    TooLarge,
    TransportError,
    open_transport,
)

from .mails import EXACT, FILE_ONLY, mail

pytestmark = pytest.mark.pure

STAMP = b"From a@example.org  Tue Nov 24 02:03:47 2026\n"


def stored(raw: bytes, stamp: bytes = STAMP) -> bytes:
    """Write a mail as postfix does: quoted, ended, followed by an empty line."""
    lines = raw.split(b"\n")
    quoted = b"\n".join(b">" * line.lstrip(b">").startswith(b"From ") + line for line in lines)
    return stamp + quoted + b"\n" * (not raw.endswith(b"\n")) + b"\n"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    path = tmp_path / "desk"
    path.touch()
    return path


def deliver(box: Path, *mails: bytes) -> None:
    with box.open("ab") as file:
        file.write(b"".join(map(stored, mails)))


def names(box: Path) -> list[str]:
    return [path.name for path in box.parent.iterdir()]


def uri(box: Path) -> str:
    return box.as_uri().replace("file:", "mbox:")


def contents(box: Path) -> list[bytes]:
    with open_transport(uri(box)) as transport:
        return [transport.fetch(item.key) for item in transport.listing()]


def test_listing_gives_sizes_oldest_first(box: Path) -> None:
    deliver(box, mail(0), mail(1), mail(2))
    with open_transport(uri(box)) as transport:
        items = list(transport.listing())
        assert [transport.fetch(item.key) for item in items] == [mail(0), mail(1), mail(2)]
    assert [item.size for item in items] == [len(mail(0))] * 3
    assert names(box) == ["desk"]


def test_listing_is_empty_when_the_file_is(box: Path) -> None:
    assert contents(box) == []


@pytest.mark.parametrize("name", EXACT | FILE_ONLY)
def test_fetch_is_byte_exact_but_for_the_final_newline(box: Path, name: str) -> None:
    raw = (EXACT | FILE_ONLY)[name]
    deliver(box, mail(1), raw, mail(2))
    deliver(box, raw)
    ended = raw + b"\n" * (not raw.endswith(b"\n"))
    assert contents(box) == [mail(1), ended, mail(2), ended]


def test_file_written_by_another_program_is_read(box: Path) -> None:
    other = mailbox.mbox(box)
    other.lock()
    for number in range(3):
        other.add(b"Subject: %d\n\nFrom the start\n" % number)
    other.flush()
    other.close()
    assert contents(box) == [b"Subject: %d\n\nFrom the start\n" % number for number in range(3)]


def test_sentence_that_begins_with_from_parts_no_mail(box: Path) -> None:
    box.write_bytes(STAMP + b"Subject: x\n\nHello\n\nFrom here on it hurts.\nFrom b 10:00\n\n")
    assert contents(box) == [b"Subject: x\n\nHello\n\nFrom here on it hurts.\nFrom b 10:00\n"]


def test_lines_may_end_in_both_manners(box: Path) -> None:
    crlf = STAMP.replace(b"\n", b"\r\n")
    box.write_bytes(crlf + mail(1) + b"\r\n" + crlf + mail(2))
    assert contents(box) == [mail(1), mail(2)]


def test_key_is_the_same_when_more_mail_follows(box: Path) -> None:
    box.write_bytes(STAMP + mail(1))
    with open_transport(uri(box)) as transport:
        (before,) = transport.listing()
        deliver(box, b"")
        box.write_bytes(STAMP + mail(1) + b"\n" + stored(mail(2)))
        after, _second = transport.listing()
    assert before == after


def test_equal_mails_have_keys_of_their_own(box: Path) -> None:
    deliver(box, mail(1), mail(1), mail(1))
    with open_transport(uri(box)) as transport:
        keys = [item.key for item in transport.listing()]
        assert len(set(keys)) == 3
        assert {transport.fetch(key) for key in keys} == {mail(1)}
        transport.remove(keys[:2])
    assert contents(box) == [mail(1)]


def test_equal_mails_at_different_times_are_told_apart_when_one_is_removed(box: Path) -> None:
    later = STAMP.replace(b"47", b"48")
    box.write_bytes(stored(mail(1)) + stored(mail(1), later))
    with open_transport(uri(box)) as transport:
        first, second = transport.listing()
        transport.remove([first.key])
        transport.remove([first.key])
        assert [item.key for item in transport.listing()] == [second.key]


def test_fetch_finds_the_mail_when_the_file_was_rewritten(box: Path) -> None:
    deliver(box, mail(1), mail(2))
    with open_transport(uri(box)) as transport:
        first, second = transport.listing()
        box.write_bytes(stored(mail(2)))
        assert transport.fetch(second.key) == mail(2)
        with pytest.raises(MessageGone):
            transport.fetch(first.key)


def test_remove_takes_exactly_these_and_keeps_what_arrived(box: Path) -> None:
    box.chmod(0o640)
    deliver(box, mail(0), mail(1), b"Subject: x\n\nFrom me\n", mail(3))
    with open_transport(uri(box)) as transport:
        keys = [item.key for item in transport.listing()]
        deliver(box, mail(4))
        transport.remove([keys[0], keys[3]])
        transport.remove([keys[0], keys[3]])
        transport.remove([])
    assert box.read_bytes() == b"".join(map(stored, [mail(1), b"Subject: x\n\nFrom me\n", mail(4)]))
    assert box.stat().st_mode & 0o777 == 0o640
    assert names(box) == ["desk"]


def test_link_stays_a_link(box: Path) -> None:
    deliver(box, mail(0))
    link = box.with_name("link")
    link.symlink_to(box)
    with open_transport(uri(link)) as transport:
        transport.remove([item.key for item in transport.listing()])
    assert link.is_symlink()
    assert box.read_bytes() == b""


def test_mail_survives_when_its_delivery_waits_at_the_replaced_file(
    box: Path, tmp_path: Path
) -> None:
    deliver(box, mail(0), mail(1))
    ready = tmp_path / "ready"
    program = textwrap.dedent(
        """
        import fcntl, pathlib, sys
        with open(sys.argv[1], "ab") as file:
            pathlib.Path(sys.argv[2]).touch()
            fcntl.lockf(file, fcntl.LOCK_EX)
            file.write(sys.stdin.buffer.read())
        """
    )
    with open_transport(uri(box)) as transport, box.open("r+b") as held:
        first, _second = transport.listing()
        fcntl.lockf(held, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(box), str(ready)], stdin=subprocess.PIPE
        )
        process.stdin.write(stored(mail(2)))
        process.stdin.close()
        while not ready.exists():
            time.sleep(0.01)
        time.sleep(0.2)
        # Our own process takes the lock over without waiting, as POSIX locks belong to processes.
        transport.remove([first.key])
        assert process.wait(20) == 0
    assert contents(box) == [mail(1), mail(2)]


def test_lock_of_another_program_ends_in_a_plain_error(box: Path) -> None:
    deliver(box, mail(0))
    lock = box.with_name("desk.lock")
    lock.write_text("1")
    with open_transport(uri(box), limits=Limits(timeout=0.2)) as transport:
        with pytest.raises(MailboxLocked, match=r"desk\.lock"):
            list(transport.listing())
        assert lock.read_text() == "1"
        lock.unlink()
        assert len(list(transport.listing())) == 1


def test_fcntl_lock_of_another_program_ends_in_a_plain_error(box: Path) -> None:
    deliver(box, mail(0))
    program = "import fcntl,sys,time; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX); print(); sys.stdout.flush(); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(box)], stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        transport = open_transport(uri(box), limits=Limits(timeout=0.2))
        with transport, pytest.raises(MailboxLocked):
            list(transport.listing())
        process.kill()
    assert names(box) == ["desk"]


def test_own_lock_is_cleared_when_its_process_was_killed(box: Path) -> None:
    deliver(box, mail(0))
    program = textwrap.dedent(
        """
        import pathlib, sys, time
        from helpdesk.mail.transports.mbox import _dot_lock
        with _dot_lock(pathlib.Path(sys.argv[1]), time.monotonic() + 5):
            print(flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(box)], stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        transport = open_transport(uri(box), limits=Limits(timeout=0.2))
        with transport, pytest.raises(MailboxLocked):
            list(transport.listing())
        process.send_signal(signal.SIGKILL)
    assert box.with_name("desk.lock").exists()
    assert contents(box) == [mail(0)]
    assert names(box) == ["desk"]


def test_fetch_refuses_when_the_mail_is_too_large(box: Path) -> None:
    deliver(box, b"x" * 2000, mail(1))
    with open_transport(uri(box), limits=Limits(max_bytes=1000)) as transport:
        large, small = transport.listing()
        with pytest.raises(TooLarge):
            transport.fetch(large.key)
        assert transport.fetch(small.key) == mail(1)


def test_file_that_holds_no_mails_is_left_alone(box: Path) -> None:
    box.write_bytes(b"root:x:0:0\n" + STAMP)
    with open_transport(uri(box)) as transport:
        with pytest.raises(TransportError, match="does not begin"):
            list(transport.listing())
        with pytest.raises(TransportError):
            transport.remove(["sha256:0:1"])
    assert box.read_bytes() == b"root:x:0:0\n" + STAMP


def test_missing_file_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="not a file"):
        open_transport(uri(tmp_path / "none")).__enter__()
