"""What leaves this machine, what is believed, and that a list which fails, lies or hangs holds up nobody for long."""

from __future__ import annotations

import socket
import ssl

import pytest
from structlog.testing import capture_logs

from accounts import breaches
from drills import certificates
from tests.breaches.server import cut_short, digest_of, dripping_body, dripping_head, huge, silent

WORD = "the kettle sings at four"


def judged(word: str = WORD) -> tuple[bool, list[str]]:
    """Return whether it is breached, and the reasons why that could not be told."""
    before = breaches.UNJUDGED._value.get()
    with capture_logs() as lines:
        found = breaches.is_breached(word)
    reasons = [line["reason"] for line in lines if line["event"] == "breaches_unanswered"]
    assert breaches.UNJUDGED._value.get() - before == len(reasons)
    return found, reasons


def test_five_digits_of_the_digest_leave_and_nothing_else_of_the_password(ranges):
    ranges.knows(WORD)
    digest = digest_of(WORD)

    assert judged() == (True, [])

    (asked,) = ranges.seen
    assert asked.splitlines()[0] == f"GET /range/{digest[:5]} HTTP/1.1"
    assert "Add-Padding: true" in asked.splitlines()
    assert digest[:6] not in asked
    assert digest[5:].lower() not in asked.lower()
    assert not any(word in asked for word in WORD.split())
    assert {line.partition(":")[0] for line in asked.splitlines()[1:] if line} == {
        "Host",
        "Accept-Encoding",
        "Add-Padding",
        "Accept",
        "User-Agent",
        "Connection",
    }


@pytest.mark.parametrize(("count", "is_breached"), [("0", False), ("00", False), ("1", True), ("24,230", True)])
def test_an_entry_that_was_never_seen_is_padding(count, is_breached, ranges):
    ranges.knows(WORD, count)

    assert judged() == (is_breached, [])


def test_digits_are_compared_without_regard_to_case(ranges):
    ranges.misbehave = lambda handler: handler.answer(200, f"{digest_of(WORD)[5:].lower()}:2\n".encode())

    assert judged() == (True, [])


def test_an_empty_list_has_no_password(ranges):
    ranges.misbehave = lambda handler: handler.answer(200, b"")

    assert judged() == (False, [])


@pytest.mark.parametrize(
    "fault", [silent, dripping_head, dripping_body, huge], ids=["silent", "drips its head", "drips its body", "huge"]
)
def test_whoever_has_no_end_is_hung_up_on(fault, ranges, impatient):
    ranges.knows(WORD)
    ranges.misbehave = fault

    found, (reason,) = judged()

    assert (found, reason in {"timeout", "too_long"}) == (False, True)
    assert ranges.left.wait(20)
    assert len(ranges.seen) == 1
    assert ranges.sent < 32 * 1024 * 1024
    assert breaches.outbound().may_talk.acquire(timeout=20)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda handler: handler.answer(500, digest_of(WORD)[5:].encode() + b":3"), "status_500"),
        (lambda handler: handler.answer(404, b""), "status_404"),
        (lambda handler: handler.answer(200, b"<!doctype html><title>Sign in to this network</title>"), "no_list"),
        (lambda handler: handler.answer(200, digest_of(WORD)[5:].encode() + b":3\r\nand so on"), "no_list"),
        (lambda handler: handler.answer(200, b"\xff" * 99), "UnicodeDecodeError"),
        (lambda handler: handler.wfile.write(b"\x00\xff\x00 what?\r\n\r\n"), "BadStatusLine"),
        (lambda handler: None, "RemoteDisconnected"),
        (cut_short, "cut_short"),
    ],
    ids=["500", "404", "a page", "half a list", "bytes", "no http", "hangs up", "cut short"],
)
def test_an_answer_that_is_none_judges_nothing(fault, reason, ranges):
    ranges.misbehave = fault

    assert judged() == (False, [reason])
    assert len(ranges.seen) == 1


def test_a_list_that_is_too_long_is_not_read_to_its_end(ranges):
    ranges.knows(WORD)
    ranges.misbehave = huge

    assert judged() == (False, ["too_long"])

    assert ranges.left.wait(20)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_it_does_not_go_where_it_is_sent(status, ranges, serve):
    elsewhere = serve()
    elsewhere.knows(WORD)
    where = f"{elsewhere.url}{digest_of(WORD)[:5]}"
    ranges.misbehave = lambda handler: handler.answer(status, b"", Location=where)

    assert judged() == (False, [f"status_{status}"])
    assert elsewhere.seen == []


def test_where_nobody_listens_the_other_rules_judge_alone(settings, ranges):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.BREACHED_PASSWORDS_URL = f"http://127.0.0.1:{closed.getsockname()[1]}/"

        assert judged() == (False, ["ConnectionRefusedError"])


def test_a_list_that_has_hung_is_left_alone_for_a_while(ranges, impatient):
    ranges.knows(WORD)
    ranges.misbehave = silent
    judged()
    ranges.misbehave = None

    assert judged() == (False, ["hung_lately"])
    assert len(ranges.seen) == 1


def test_a_list_that_is_well_again_is_asked_again(ranges, impatient, monkeypatch):
    monkeypatch.setattr("core.outbound.QUIET", 0.0)
    ranges.knows(WORD)
    ranges.misbehave = silent
    judged()
    ranges.misbehave = None
    monkeypatch.setattr(breaches, "SECONDS", 30.0)

    assert judged() == (True, [])


def test_nobody_queues_up_behind_those_who_wait(ranges):
    while breaches.outbound().may_talk.acquire(blocking=False):
        pass

    assert judged() == (False, ["busy"])
    assert ranges.seen == []


def test_a_list_that_nobody_vouches_for_is_told_nothing(serve, settings, tmp_path, monkeypatch):
    authority = certificates.write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    ranges = serve(context)
    ranges.knows(WORD)
    settings.BREACHED_PASSWORDS_URL = ranges.url

    assert judged() == (False, ["SSLCertVerificationError"])
    assert ranges.seen == []

    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    breaches._trusted.cache_clear()
    assert judged() == (True, [])
    breaches._trusted.cache_clear()


@pytest.mark.django_db
def test_a_list_that_fails_keeps_nobody_out(ranges, clients):
    ranges.misbehave = lambda handler: handler.answer(500, b"")
    new = {"email": "dora@example.com", "name": "Dora"}

    with capture_logs() as lines:
        weak = clients["anonymous"].post("/api/v1/auth/register/", {**new, "password": "password123"})
        taken = clients["anonymous"].post("/api/v1/auth/register/", {**new, "password": WORD})

    assert (weak.status_code, taken.status_code) == (400, 201)
    assert [line["reason"] for line in lines if line["event"] == "breaches_unanswered"] == ["status_500"] * 2
    assert WORD not in str(lines)
    assert digest_of(WORD)[:5] not in str(lines)
