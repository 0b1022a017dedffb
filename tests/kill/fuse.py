"""Kills a process at the n-th boundary it crosses, as a power cut would.

The work runs in a forked child with database connections of its own. Each boundary (a function named as
`module:attribute` or `module:Class.method`) is crossed twice a call, before and after; crossing number n is
answered with SIGKILL. Nothing is simulated: what the child had committed, sent or flagged stays.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections


def _resolve(name: str) -> tuple[Any, str]:
    module, _, path = name.partition(":")
    holder: Any = importlib.import_module(module)
    *parents, last = path.split(".")
    for parent in parents:
        holder = getattr(holder, parent)
    return holder, last


def guard(name: str, cross: Callable[[], None]) -> None:
    """Have `cross` called before and after each call of a function."""
    holder, attribute = _resolve(name)
    original = getattr(holder, attribute)

    @functools.wraps(original)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        cross()
        result = original(*args, **kwargs)
        cross()
        return result

    setattr(holder, attribute, guarded)


def run(work: Callable[[], object], boundaries: Sequence[str], kill_at: int) -> bool:
    """Run `work` in a child killed at crossing `kill_at` (0: never); tell whether it lived to its end."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        _live(work, boundaries, kill_at)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "the work failed; its traceback stands above"
    return True


def _live(work: Callable[[], object], boundaries: Sequence[str], kill_at: int) -> None:
    crossed = 0

    def cross() -> None:
        nonlocal crossed
        crossed += 1
        if crossed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        for name in boundaries:
            guard(name, cross)
        work()
        connections.close_all()
        code = 0
    except BaseException:  # noqa: BLE001  the child must never return into the test runner
        traceback.print_exc()
    finally:
        os._exit(code)


def kill_everywhere(
    prepare: Callable[[], object],
    work: Callable[[], object],
    boundaries: Sequence[str],
    check: Callable[[], object],
    *,
    most: int = 500,
) -> int:
    """For each crossing: prepare, run and die there, run again to the end, check; return the number of deaths."""
    for kill_at in range(1, most):
        prepare()
        lived = run(work, boundaries, kill_at)
        if not lived:
            assert run(work, boundaries, 0)
        check()
        if lived:
            return kill_at - 1
    raise AssertionError("the work never came to its end")
