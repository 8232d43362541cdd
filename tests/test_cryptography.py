"""Which algorithms our code calls, from which libraries, and whom it believes over TLS."""

from __future__ import annotations

import ast
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from accounts.oidc.outbound import ask
from accounts.oidc.refusals import Unreachable
from drills import certificates
from tests.test_completeness import ROOT, sources

HASHES = {"sha256", "sha384", "sha512", "blake2b"}
# The range protocol of Pwned Passwords asks by SHA-1; nothing is kept under it, and nothing believed because of it.
ASKED_BY = {"accounts/breaches.py": {"sha1"}}
# All that is taken from `cryptography`; PyJWT takes the rest of it by itself.
CIPHERS = {"cryptography.fernet"}
FOREIGN = {"Crypto", "Cryptodome", "nacl", "OpenSSL", "rsa", "ecdsa", "passlib", "bcrypt", "simplecrypt"}


def calls() -> Iterator[tuple[str, str, str]]:
    """Every `module.name` that is called or passed on in our code, and where."""
    for path in sources():
        if path.parent.name == "testing":  # helpers of the suite
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield node.value.id, node.attr, path.relative_to(ROOT).as_posix()


def imports() -> set[str]:
    found: set[str] = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return found


def test_every_hash_is_one_of_those_in_use_today():
    found = [(name, path) for module, name, path in calls() if module == "hashlib"]

    assert found
    assert {(name, path) for name, path in found if name not in HASHES | ASKED_BY.get(path, set())} == set()
    assert not {name for name in imports() if name.startswith("hashlib.")}


def test_fernet_is_the_one_cipher_and_nothing_is_our_own():
    found = imports()

    assert {name for name in found if name.split(".")[0] == "cryptography"} == CIPHERS
    assert {name for name in found if name.split(".")[0] in FOREIGN} == set()


class Ok(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of something that speaks TLS with a certificate no system knows, and whoever signed it."""
    authority = certificates.write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    server = HTTPServer((certificates.ADDRESS, 0), Ok)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://{certificates.ADDRESS}:{server.server_port}/", authority
    server.shutdown()
    server.server_close()


def test_a_provider_with_a_certificate_that_nobody_vouches_for_is_not_spoken_to(provider, monkeypatch):
    address, authority = provider

    with pytest.raises(Unreachable) as refusal:
        ask(address, time.monotonic() + 5)

    assert refusal.value.code == "SSLError"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    assert ask(address, time.monotonic() + 5) == {}
