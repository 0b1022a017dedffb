"""The journal of erasures: what is written is read again, in order, and lies outside the database."""

from __future__ import annotations

from helpdesk import journal


def test_batches_are_read_in_the_order_in_which_they_were_written(tmp_path, settings):
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path)}
    first = journal.write([{"kind": journal.TICKET, "pk": 1, "number": "2026010110000017"}])
    journal.write([{"kind": journal.INBOUND, "pks": [4, 5]}])
    assert journal.write([]) == ""
    assert (tmp_path / first).is_file()
    entries = [entries for _at, entries in journal.read()]
    assert entries == [
        [{"kind": "ticket", "pk": 1, "number": "2026010110000017"}],
        [{"kind": "inbound", "pks": [4, 5]}],
    ]


def test_before_the_first_erasure_there_is_nothing_to_read(tmp_path, settings):
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "none")}
    assert list(journal.read()) == []
