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

from accounts.auth.oidc.provider import ProviderUnavailable, fetch_json
from drills import certificates
from tests.architecture.test_completeness import ROOT, source_files

ALLOWED_HASHES = {"sha256", "sha384", "sha512", "blake2b"}
# The range protocol of Pwned Passwords uses SHA-1; nothing is stored under it and no trust rests on it.
ALLOWED_BY_MODULE = {"accounts/auth/passwords/pwned_passwords.py": {"sha1"}}
# The only import from `cryptography`; PyJWT and joserfc import the rest of it by itself.
ALLOWED_CIPHERS = {"cryptography.fernet"}
CRYPTO_LIBRARIES = {"Crypto", "Cryptodome", "nacl", "OpenSSL", "rsa", "ecdsa", "passlib", "bcrypt", "simplecrypt"}


def find_calls() -> Iterator[tuple[str, str, str]]:
    """Yield (module, name, path) for every `module.name` that our code uses."""
    for path in source_files():
        if path.parent.name == "testing":  # helpers of the suite
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield node.value.id, node.attr, path.relative_to(ROOT).as_posix()


def find_imports() -> set[str]:
    modules: set[str] = set()
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module)
    return modules


def test_hash_functions_are_on_the_allow_list():
    uses = [(name, path) for module, name, path in find_calls() if module == "hashlib"]

    assert uses
    assert {
        (name, path) for name, path in uses if name not in ALLOWED_HASHES | ALLOWED_BY_MODULE.get(path, set())
    } == set()
    assert not {name for name in find_imports() if name.startswith("hashlib.")}


def test_fernet_is_the_only_cipher():
    imports = find_imports()

    assert {name for name in imports if name.split(".")[0] == "cryptography"} == ALLOWED_CIPHERS
    assert {name for name in imports if name.split(".")[0] in CRYPTO_LIBRARIES} == set()


class OkHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the URL of a TLS server and the path of its unknown authority."""
    authority = certificates.write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    server = HTTPServer((certificates.IP_ADDRESS, 0), OkHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://{certificates.IP_ADDRESS}:{server.server_port}/", authority
    server.shutdown()
    server.server_close()


def test_provider_with_untrusted_certificate_is_refused(provider, monkeypatch):
    address, authority = provider

    with pytest.raises(ProviderUnavailable) as error:
        fetch_json(address, time.monotonic() + 5)

    assert error.value.code == "SSLError"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    assert fetch_json(address, time.monotonic() + 5) == {}
