from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules import clocks
from helpdesk.rules.clocks import FIRST_RESPONSE, KINDS, SOLUTION, UPDATE, Facts, Run
from helpdesk.rules.openings import NeverOpen

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PROMISED = {FIRST_RESPONSE: 60, UPDATE: 120, SOLUTION: 600}


class AlwaysOpen:
    def add(self, start, seconds):
        return start + timedelta(seconds=seconds)

    def delta(self, start, end):
        return (end - start).total_seconds()


class NeverOpenCalendar(AlwaysOpen):
    def add(self, start, seconds):
        raise NeverOpen


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def new(**changes) -> Facts:
    return replace(Facts(is_open=True, began_at=START, waiting_since=START), **changes)


def alive(runs: list[Run]) -> dict[str, Run]:
    return {run.kind: run for run in runs if run.is_alive}


def test_a_new_ticket_starts_what_is_promised():
    runs = clocks.settle([], new(), PROMISED, at=START)
    assert {run.kind: run.running_since for run in runs} == dict.fromkeys(KINDS, START)
    runs = clocks.settle([], new(), {SOLUTION: 5}, at=START)
    assert [run.kind for run in runs] == [SOLUTION]


def test_the_first_answer_ends_the_first_response_and_the_next_question_starts_another_run():
    runs = clocks.settle([], new(), PROMISED, at=START)
    answered = new(first_response_at=at(30), waiting_since=None)
    runs = clocks.settle(runs, answered, PROMISED, at=at(30))
    assert set(alive(runs)) == {SOLUTION}
    ended = {run.kind: (run.ended_at, run.end) for run in runs if not run.is_alive}
    assert ended == {FIRST_RESPONSE: (at(30), "done"), UPDATE: (at(30), "done")}
    runs = clocks.settle(runs, replace(answered, waiting_since=at(50)), PROMISED, at=at(50))
    update = alive(runs)[UPDATE]
    assert (update.number, update.started_at) == (2, at(50))
    assert FIRST_RESPONSE not in alive(runs)


def test_a_nagging_customer_does_not_reset_the_update_clock():
    runs = clocks.settle([], new(), PROMISED, at=START)
    again = clocks.settle(runs, new(), PROMISED, at=at(40))
    assert again == runs


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_stops_the_clocks_it_names_and_the_deadline_moves_by_that(kind):
    runs = clocks.settle([], new(), PROMISED, at=START)
    paused = new(paused=frozenset({kind}))
    runs = clocks.settle(runs, paused, PROMISED, at=at(10))
    assert {k for k, run in alive(runs).items() if run.running_since is None} == {kind}
    assert clocks.deadline(alive(runs)[kind], AlwaysOpen(), 80).due_at is None
    runs = clocks.settle(runs, new(), PROMISED, at=at(200))
    due = clocks.deadline(alive(runs)[kind], AlwaysOpen(), 80)
    assert due.due_at == at(PROMISED[kind] + 190)
    assert due.warn_at == at(PROMISED[kind] * 0.8 + 190)


def test_what_ran_out_before_it_stood_still_stays_so():
    runs = clocks.settle([], new(), PROMISED, at=START)
    paused = new(paused=frozenset({FIRST_RESPONSE}))
    runs = clocks.settle(runs, paused, PROMISED, at=at(100))
    assert clocks.deadline(alive(runs)[FIRST_RESPONSE], AlwaysOpen(), 80).due_at == at(60)


def test_closing_ends_all_and_reopening_restarts_the_solution_from_there():
    runs = clocks.settle([], new(), PROMISED, at=START)
    closed = new(is_open=False, closed_at=at(90), waiting_since=None)
    runs = clocks.settle(runs, closed, PROMISED, at=at(90))
    assert {run.kind: run.end for run in runs} == {
        FIRST_RESPONSE: "closed",
        UPDATE: "closed",
        SOLUTION: "done",
    }
    again = new(reopened_at=at(500), waiting_since=at(500), first_response_at=at(20))
    runs = clocks.settle(runs, again, PROMISED, at=at(500))
    assert {kind: (run.number, run.started_at) for kind, run in alive(runs).items()} == {
        UPDATE: (2, at(500)),
        SOLUTION: (2, at(500)),
    }


def test_an_answer_taken_back_lets_the_clocks_run_as_if_it_had_never_been():
    before = clocks.settle([], new(), PROMISED, at=START)
    answered = new(first_response_at=at(30), waiting_since=None)
    runs = clocks.settle(before, answered, PROMISED, at=at(30))
    runs = clocks.settle(runs, new(), PROMISED, at=at(31))
    assert sorted(runs, key=lambda run: run.kind) == sorted(before, key=lambda run: run.kind)


def test_who_wrote_meanwhile_has_waited_all_along():
    runs = clocks.settle([], new(), PROMISED, at=START)
    answered = new(first_response_at=at(30), waiting_since=None)
    runs = clocks.settle(runs, answered, PROMISED, at=at(30))
    runs = clocks.settle(runs, replace(answered, waiting_since=at(31)), PROMISED, at=at(31))
    runs = clocks.settle(runs, new(), PROMISED, at=at(32))
    assert (alive(runs)[UPDATE].number, alive(runs)[UPDATE].running_since) == (1, START)
    assert [run.end for run in runs if run.kind == UPDATE and run.number == 2] == ["dropped"]


def test_a_promise_that_ends_or_changes():
    runs = clocks.settle([], new(), PROMISED, at=START)
    runs = clocks.settle(runs, new(), {UPDATE: 30}, at=at(10))
    assert {k: run.minutes for k, run in alive(runs).items()} == {UPDATE: 30}
    assert {run.end for run in runs if run.kind != UPDATE} == {"dropped"}
    # promised again: it counts from the beginning
    runs = clocks.settle(runs, new(), PROMISED, at=at(20))
    assert clocks.deadline(alive(runs)[SOLUTION], AlwaysOpen(), None) == clocks.Deadline(
        None, at(600)
    )


def test_a_calendar_that_never_opens_has_no_deadline():
    runs = clocks.settle([], new(), PROMISED, at=START)
    assert clocks.deadline(runs[0], NeverOpenCalendar(), 80) == clocks.Deadline(None, None)


def test_the_next_date_is_the_earliest_and_never_missing():
    look = at(1000)
    assert clocks.next_date({}, look_again_at=look) == ("look_again", look)
    assert clocks.next_date({"a": None}, look_again_at=look) == ("look_again", look)
    dates = {"solution": at(600), "pending": at(30), "hand_back": None}
    assert clocks.next_date(dates, look_again_at=look) == ("pending", at(30))


moves = st.lists(
    st.tuples(
        st.sampled_from(["answer", "ask", "pause", "resume", "close", "reopen", "none"]),
        st.integers(min_value=0, max_value=300),
    ),
    max_size=25,
)


def moved(facts: Facts, move: str, now: datetime) -> Facts:
    if move == "answer" and facts.is_open:
        return replace(facts, waiting_since=None, first_response_at=facts.first_response_at or now)
    if move == "ask" and facts.is_open:
        return replace(facts, waiting_since=facts.waiting_since or now, paused=frozenset())
    if move == "pause" and facts.is_open:
        return replace(facts, paused=frozenset({UPDATE, SOLUTION}))
    if move == "resume":
        return replace(facts, paused=frozenset())
    if move == "close" and facts.is_open:
        return replace(facts, is_open=False, closed_at=now, waiting_since=None, paused=frozenset())
    if move == "reopen" and not facts.is_open:
        return replace(facts, is_open=True, closed_at=None, reopened_at=now)
    return facts


@given(moves)
def test_clocks_never_count_twice_and_settling_twice_changes_nothing(steps):
    facts, now = new(), START
    runs = clocks.settle([], facts, PROMISED, at=now)
    naive = dict.fromkeys(KINDS, 0.0)  # minutes that the alive run has counted, walked step by step
    for move, minutes in steps:
        later = now + timedelta(minutes=minutes)
        for kind, run in alive(runs).items():
            if run.running_since is not None:
                naive[kind] += minutes
        now = later
        was = alive(runs)
        facts = moved(facts, move, now)
        runs = clocks.settle(runs, facts, PROMISED, at=now)
        assert clocks.settle(runs, facts, PROMISED, at=now) == runs
        for kind, run in alive(runs).items():
            if kind not in was or was[kind].number != run.number:
                naive[kind] = 0.0
            assert clocks.used(run, AlwaysOpen(), at=now) == naive[kind] * 60
        for kind in KINDS:
            of_kind = [run for run in runs if run.kind == kind]
            assert sum(run.is_alive for run in of_kind) <= 1
            assert len({run.number for run in of_kind}) == len(of_kind)
            for run in of_kind:
                edges = [edge for stretch in run.stretches for edge in stretch]
                assert edges == sorted(edges)
        assert (UPDATE in alive(runs)) == (facts.is_open and facts.waiting_since is not None)
        assert (SOLUTION in alive(runs)) == facts.is_open
