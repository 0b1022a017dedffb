"""A server that follows no protocol but the one a test gives it: silent, slow, rude or gone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Conversation = Callable[[socket.socket], None]


@contextmanager
def stub(conversation: Conversation) -> Iterator[int]:
    """Serve every connection by this function, one after the other, and yield the port."""
    closing = threading.Event()

    def serve() -> None:
        while not closing.is_set():
            with suppress(OSError):
                connection, _peer = server.accept()
                with connection:
                    connection.settimeout(5)
                    conversation(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        yield port
        closing.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        thread.join(10)


def silent(connection: socket.socket) -> None:
    """Accept and say nothing until the other side gives up."""
    with suppress(OSError):
        while connection.recv(1024):
            pass


def script(*lines: tuple[bytes, bytes], heard: list[bytes] | None = None) -> Conversation:
    """Answer each line that holds the first words with the second ones; `%T` is the line's tag, `%L` the line.

    The words for b"" are the greeting. An answer of b"" hangs up. What was heard is added to the list given.
    """
    answers = dict(lines)

    def talk(connection: socket.socket) -> None:
        connection.sendall(answers.get(b"", b""))
        with connection.makefile("rb") as stream:
            for line in stream:
                (heard if heard is not None else []).append(line)
                words = next((word for word in answers if word and word in line), None)
                if words is None or not answers[words]:
                    return
                tag = line.split(b" ")[0]
                said = answers[words].replace(b"%T", tag).replace(b"%L", line.strip())
                connection.sendall(said)

    return talk
