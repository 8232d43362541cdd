from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from accounts.auth.passwords import pwned_passwords
from tests.pwned_passwords.range_server import RangeServer


@pytest.fixture(autouse=True)
def reset_pwned_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close the circuit of earlier tests, and allow a busy machine more time."""
    pwned_passwords.executor.cache_clear()
    monkeypatch.setattr(pwned_passwords, "TIMEOUT", 30.0)


@pytest.fixture
def start_range_server() -> Iterator[Callable[..., RangeServer]]:
    running: list[RangeServer] = []

    def start(*args: object) -> RangeServer:
        running.append(RangeServer(*args))
        threading.Thread(target=running[-1].serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
        return running[-1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def short_timeout(reset_pwned_client: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwned_passwords, "TIMEOUT", 0.5)


@pytest.fixture
def range_server(start_range_server, settings) -> RangeServer:
    """A running server, configured as PWNED_PASSWORDS_URL."""
    server = start_range_server()
    settings.PWNED_PASSWORDS_URL = server.url
    return server
