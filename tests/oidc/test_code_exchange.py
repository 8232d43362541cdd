"""How the code is exchanged where a provider is unlike most: with a client that has no secret, by a server that drips."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from accounts.auth.oidc.errors import ProviderUnavailable
from accounts.auth.oidc.http import fetch_json
from tests.oidc.provider import CLIENT_ID

RESPONSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%s\r\n\r\n"
# How the length of a body is told, and a byte of it.
DRIP_CASES = {"chunked": (b"Transfer-Encoding: chunked", b"1\r\n \r\n"), "counted": (b"Content-Length: 200", b" ")}


def test_a_client_without_a_secret_names_itself_and_shows_no_password(idp, oidc_browser, settings, database_state):
    settings.OIDC_PROVIDERS = idp.settings(secret="")
    before = database_state.state()

    answer = oidc_browser.sign_in(idp)

    (token,) = idp.seen("token")
    assert "Authorization" not in token["headers"]
    assert token["form"]["client_id"] == CLIENT_ID
    assert "client_secret" not in token["form"]
    assert token["form"]["code_verifier"]
    # The provider of the tests knows us by a secret, so it lets nobody in this way.
    assert (answer.status_code, oidc_browser.user, database_state.state()) == (401, None, before)


@pytest.fixture(params=DRIP_CASES)
def dripping(request):
    """A server whose answer begins at once and goes on for ten seconds, a byte at a time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sent: list[bytes] = []
        threading.Thread(target=_drip, args=(server, sent, *DRIP_CASES[request.param]), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/token", sent


def _drip(server: socket.socket, sent: list[bytes], length: bytes, drop: bytes) -> None:
    with suppress(OSError):
        caller, _ = server.accept()
        with caller:
            caller.recv(65536)
            caller.sendall(RESPONSE_HEAD % length)
            for _ in range(200):
                caller.sendall(drop)
                sent.append(drop)
                time.sleep(0.05)


def test_a_body_that_comes_in_drips_is_given_up_at_the_end(dripping):
    url, sent = dripping

    with pytest.raises(ProviderUnavailable) as error:
        fetch_json(url, time.monotonic() + 0.5)

    assert error.value.code == "timeout"
    assert len(sent) < 200  # it did not wait for all of it
