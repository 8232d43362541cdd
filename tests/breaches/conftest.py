from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from accounts import breaches
from tests.breaches.server import Ranges


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hung for an earlier test is forgotten, and a busy machine is no list that hangs."""
    breaches.outbound.cache_clear()
    monkeypatch.setattr(breaches, "SECONDS", 30.0)


@pytest.fixture
def serve() -> Iterator[Callable[..., Ranges]]:
    running: list[Ranges] = []

    def start(*words: object) -> Ranges:
        running.append(Ranges(*words))
        threading.Thread(target=running[-1].serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
        return running[-1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def impatient(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaches, "SECONDS", 0.5)


@pytest.fixture
def ranges(serve, settings) -> Ranges:
    """The list that the operator has named."""
    server = serve()
    settings.BREACHED_PASSWORDS_URL = server.url
    return server
