"""The Pwned Passwords client: what it sends, what it trusts, and how it copes with failing servers."""

from __future__ import annotations

import socket
import ssl

import pytest
from structlog.testing import capture_logs

from accounts.auth.passwords import pwned_passwords
from drills import certificates
from tests.pwned_passwords.range_server import (
    drip_body,
    drip_headers,
    send_huge_body,
    send_nothing,
    sha1_hex,
    truncate_body,
)

PASSWORD = "the kettle sings at four"


def check_password(password: str = PASSWORD) -> tuple[bool, list[str]]:
    """Return whether the password is breached, and the logged reasons of failed checks."""
    before = pwned_passwords.UNKNOWN._value.get()
    with capture_logs() as logs:
        is_breached = pwned_passwords.is_breached(password)
    reasons = [log["reason"] for log in logs if log["event"] == "password_breach_check_failed"]
    assert pwned_passwords.UNKNOWN._value.get() - before == len(reasons)
    return is_breached, reasons


def test_request_holds_five_digits_of_the_hash_only(range_server):
    range_server.add_password(PASSWORD)
    digest = sha1_hex(PASSWORD)

    assert check_password() == (True, [])

    (request,) = range_server.requests
    assert request.splitlines()[0] == f"GET /range/{digest[:5]} HTTP/1.1"
    assert "Add-Padding: true" in request.splitlines()
    assert digest[:6] not in request
    assert digest[5:].lower() not in request.lower()
    assert not any(word in request for word in PASSWORD.split())
    assert {line.partition(":")[0] for line in request.splitlines()[1:] if line} == {
        "Host",
        "Accept-Encoding",
        "Add-Padding",
        "Accept",
        "User-Agent",
        "Connection",
    }


@pytest.mark.parametrize(("count", "is_breached"), [("0", False), ("00", False), ("1", True), ("24,230", True)])
def test_entry_with_count_zero_is_padding(count, is_breached, range_server):
    range_server.add_password(PASSWORD, count)

    assert check_password() == (is_breached, [])


def test_suffixes_are_compared_case_insensitively(range_server):
    range_server.misbehave = lambda handler: handler.respond(200, f"{sha1_hex(PASSWORD)[5:].lower()}:2\n".encode())

    assert check_password() == (True, [])


def test_empty_range_holds_no_password(range_server):
    range_server.misbehave = lambda handler: handler.respond(200, b"")

    assert check_password() == (False, [])


@pytest.mark.parametrize(
    "fault",
    [send_nothing, drip_headers, drip_body, send_huge_body],
    ids=["silent", "slow headers", "slow body", "huge"],
)
def test_endless_response_is_cut_off(fault, range_server, short_timeout):
    range_server.add_password(PASSWORD)
    range_server.misbehave = fault

    is_breached, (reason,) = check_password()

    assert (is_breached, reason in {"timeout", "too_long"}) == (False, True)
    assert range_server.disconnected.wait(20)
    assert len(range_server.requests) == 1
    assert range_server.bytes_sent < 32 * 1024 * 1024
    assert pwned_passwords.executor().connection_slots.acquire(timeout=20)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda handler: handler.respond(500, sha1_hex(PASSWORD)[5:].encode() + b":3"), "status_500"),
        (lambda handler: handler.respond(404, b""), "status_404"),
        (lambda handler: handler.respond(200, b"<!doctype html><title>Sign in to this network</title>"), "no_list"),
        (lambda handler: handler.respond(200, sha1_hex(PASSWORD)[5:].encode() + b":3\r\nand so on"), "no_list"),
        (lambda handler: handler.respond(200, b"\xff" * 99), "UnicodeDecodeError"),
        (lambda handler: handler.wfile.write(b"\x00\xff\x00 what?\r\n\r\n"), "BadStatusLine"),
        (lambda handler: None, "RemoteDisconnected"),
        (truncate_body, "cut_short"),
    ],
    ids=["500", "404", "html page", "half a list", "bytes", "no http", "hangs up", "truncated"],
)
def test_invalid_response_counts_as_unknown(fault, reason, range_server):
    range_server.misbehave = fault

    assert check_password() == (False, [reason])
    assert len(range_server.requests) == 1


def test_oversized_response_is_not_read_to_its_end(range_server):
    range_server.add_password(PASSWORD)
    range_server.misbehave = send_huge_body

    assert check_password() == (False, ["too_long"])

    assert range_server.disconnected.wait(20)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status, range_server, start_range_server):
    elsewhere = start_range_server()
    elsewhere.add_password(PASSWORD)
    location = f"{elsewhere.url}{sha1_hex(PASSWORD)[:5]}"
    range_server.misbehave = lambda handler: handler.respond(status, b"", Location=location)

    assert check_password() == (False, [f"status_{status}"])
    assert elsewhere.requests == []


def test_unreachable_server_counts_as_unknown(settings, range_server):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.PWNED_PASSWORDS_URL = f"http://127.0.0.1:{closed.getsockname()[1]}/"

        assert check_password() == (False, ["ConnectionRefusedError"])


def test_circuit_opens_after_a_timeout(range_server, short_timeout):
    range_server.add_password(PASSWORD)
    range_server.misbehave = send_nothing
    check_password()
    range_server.misbehave = None

    assert check_password() == (False, ["circuit_open"])
    assert len(range_server.requests) == 1


def test_circuit_closes_after_its_time(range_server, short_timeout, monkeypatch):
    monkeypatch.setattr("core.deadline_executor.CIRCUIT_OPEN_SECONDS", 0.0)
    range_server.add_password(PASSWORD)
    range_server.misbehave = send_nothing
    check_password()
    range_server.misbehave = None
    monkeypatch.setattr(pwned_passwords, "TIMEOUT", 30.0)

    assert check_password() == (True, [])


def test_busy_executor_skips_the_check(range_server):
    while pwned_passwords.executor().connection_slots.acquire(blocking=False):
        pass

    assert check_password() == (False, ["busy"])
    assert range_server.requests == []


def test_untrusted_certificate_gets_no_request(start_range_server, settings, tmp_path, monkeypatch):
    authority = certificates.write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    range_server = start_range_server(context)
    range_server.add_password(PASSWORD)
    settings.PWNED_PASSWORDS_URL = range_server.url

    assert check_password() == (False, ["SSLCertVerificationError"])
    assert range_server.requests == []

    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    pwned_passwords._ssl_context.cache_clear()
    assert check_password() == (True, [])
    pwned_passwords._ssl_context.cache_clear()


@pytest.mark.django_db
def test_failing_range_server_does_not_block_registration(range_server, clients):
    range_server.misbehave = lambda handler: handler.respond(500, b"")
    user = {"email": "dora@example.com", "name": "Dora"}

    with capture_logs() as logs:
        weak = clients["anonymous"].post("/api/v1/auth/register/", {**user, "password": "password123"})
        accepted = clients["anonymous"].post("/api/v1/auth/register/", {**user, "password": PASSWORD})

    assert (weak.status_code, accepted.status_code) == (400, 201)
    assert [log["reason"] for log in logs if log["event"] == "password_breach_check_failed"] == ["status_500"] * 2
    assert PASSWORD not in str(logs)
    assert sha1_hex(PASSWORD)[:5] not in str(logs)
