"""TLS termination by nginx: versions, cipher suites, redirects."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest

from drills import certificates
from drills.processes import free_port, wait_until
from launcher import nginx
from tests.nginx.nginx_server import ROOT

pytestmark = pytest.mark.nginx


@pytest.fixture(scope="module")
def tls():
    """nginx without a node: its port and the certificate authority to trust."""
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    authority, port = certificates.write_certificates(folder / "tls"), free_port()
    path = nginx.write_config(
        root=ROOT,
        folder=folder / "nginx",
        var=folder,
        host=certificates.IP_ADDRESS,
        port=port,
        sockets=[folder / "missing.sock"],
        tls=folder / "tls",
    )
    running = subprocess.Popen(nginx.build_command(path), stderr=subprocess.PIPE)
    wait_until(lambda: accepts_connections(port), seconds=20, what="nginx does not listen")
    yield port, authority
    running.terminate()
    running.communicate(timeout=10)
    shutil.rmtree(folder, ignore_errors=True)


def accepts_connections(port):
    with socket.socket() as client:
        return client.connect_ex((certificates.IP_ADDRESS, port)) == 0


def tls_handshake(tls, **changes):
    """Return the negotiated version and cipher suite."""
    port, authority = tls
    context = ssl.create_default_context(cafile=str(authority))
    for name, value in changes.items():
        setattr(context, name, value)
    with (
        socket.create_connection((certificates.IP_ADDRESS, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=certificates.IP_ADDRESS) as secure,
    ):
        return secure.version(), secure.cipher()[0]


def test_newest_tls_version_is_preferred(tls):
    assert tls_handshake(tls)[0] == "TLSv1.3"
    assert tls_handshake(tls, maximum_version=ssl.TLSVersion.TLSv1_2)[0] == "TLSv1.2"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_versions_are_rejected(tls):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, OSError)):
            tls_handshake(tls, minimum_version=version, maximum_version=version)


@pytest.mark.parametrize("suite", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-SHA"])
def test_cipher_suites_have_forward_secrecy(suite, tls):
    port, authority = tls
    context = ssl.create_default_context(cafile=str(authority))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=0")

    with socket.create_connection((certificates.IP_ADDRESS, port), timeout=10) as plain:
        with pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(plain, server_hostname=certificates.IP_ADDRESS)
    assert tls_handshake(tls, maximum_version=ssl.TLSVersion.TLSv1_2)[1].startswith("ECDHE-")


def test_plain_http_on_the_tls_port_is_redirected(tls):
    port, _ = tls
    connection = http.client.HTTPConnection(certificates.IP_ADDRESS, port, timeout=10)
    connection.request("GET", "/login/?next=/tasks/")

    response = connection.getresponse()

    assert (response.status, response.headers["Location"]) == (301, f"https://127.0.0.1:{port}/login/?next=/tasks/")
    connection.close()


def test_tls_responses_have_hsts(tls):
    port, authority = tls
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection(certificates.IP_ADDRESS, port, timeout=10, context=context)
    connection.request("GET", "/login/")

    response = connection.getresponse()

    assert response.status == 503
    assert response.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains; preload"
    connection.close()
