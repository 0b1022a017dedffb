from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.imap_pymap import Pymap, pymap


@pytest.fixture(scope="session")
def shared_dovecot() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture(scope="session")
def shared_pymap() -> Iterator[Pymap]:
    with pymap() as running:
        yield running


@pytest.fixture
def server(shared_dovecot: Dovecot) -> Dovecot:
    """Dovecot with nothing in it."""
    shared_dovecot.empty()
    return shared_dovecot


@pytest.fixture(params=["shared_dovecot", "shared_pymap"])
def imap(request: pytest.FixtureRequest) -> Dovecot | Pymap:
    """Each of the IMAP servers with nothing in it."""
    running: Dovecot | Pymap = request.getfixturevalue(request.param)
    running.empty()
    return running
