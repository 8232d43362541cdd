"""Exchange of the code in unusual cases: a client without a secret, and a slow server."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from accounts.auth.oidc.provider import ProviderUnavailable, fetch_json
from tests.oidc.provider import CLIENT_ID

RESPONSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%s\r\n\r\n"
# How the body's length is announced, and one byte of the body.
DRIP_CASES = {"chunked": (b"Transfer-Encoding: chunked", b"1\r\n \r\n"), "counted": (b"Content-Length: 200", b" ")}


def test_public_client_sends_its_id_without_a_secret(idp, oidc_browser, settings, database_state):
    settings.OIDC_PROVIDERS = idp.settings(secret="")
    before = database_state.state()

    response = oidc_browser.sign_in(idp)

    (token,) = idp.seen("token")
    assert "Authorization" not in token["headers"]
    assert token["form"]["client_id"] == CLIENT_ID
    assert "client_secret" not in token["form"]
    assert token["form"]["code_verifier"]
    # The test provider requires a secret, so the sign-in fails.
    assert (response.status_code, oidc_browser.user, database_state.state()) == (401, None, before)


@pytest.fixture(params=DRIP_CASES)
def dripping(request):
    """Start a server that sends its body for ten seconds, one byte at a time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sent: list[bytes] = []
        threading.Thread(target=_drip, args=(server, sent, *DRIP_CASES[request.param]), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/token", sent


def _drip(server: socket.socket, sent: list[bytes], length_header: bytes, chunk: bytes) -> None:
    with suppress(OSError):
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(RESPONSE_HEAD % length_header)
            for _ in range(200):
                connection.sendall(chunk)
                sent.append(chunk)
                time.sleep(0.05)


def test_dripping_body_is_abandoned_at_the_deadline(dripping):
    url, sent = dripping

    with pytest.raises(ProviderUnavailable) as error:
        fetch_json(url, time.monotonic() + 0.5)

    assert error.value.code == "timeout"
    assert len(sent) < 200  # the client did not wait for the whole body
