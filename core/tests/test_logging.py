"""One line for each request, with an id, and nothing in it that opens a door."""

from __future__ import annotations

import io
import json
import logging
import re
from types import SimpleNamespace

import pytest

from accounts.tests.factories import PASSWORD
from core import logging as logging_of_ours
from core.logging import configure, redact_secrets


@pytest.fixture
def lines():
    """What the process writes in production, as the JSON objects it consists of."""
    told: list[str] = []
    formatter = configure(json=True, level="DEBUG")["formatters"]["lines"]
    kind = formatter.pop("()")

    class Keeper(logging.Handler):
        def emit(self, record):
            told.append(self.format(record))

    keeper = Keeper()
    keeper.setFormatter(kind(**formatter))
    logging.getLogger().addHandler(keeper)
    yield told
    logging.getLogger().removeHandler(keeper)


@pytest.mark.django_db
def test_a_request_is_one_line_that_says_who_what_and_how_long(lines, clients, alice, task):
    answer = clients["alice"].get("/api/v1/tasks/OPS-1/?fields=key", headers={"X-Request-ID": "abc.123"})

    (line,) = [json.loads(text) for text in lines if '"request"' in text]
    assert answer["X-Request-ID"] == "abc.123"
    assert re.fullmatch(r"app;dur=\d+\.\d", answer["Server-Timing"])
    wanted = {
        "event": "request",
        "method": "GET",
        "path": "/api/v1/tasks/OPS-1/",
        "route": "api/v1/tasks/<str:ref>/",
        "status": 200,
        "user": str(alice.pk),
        "request_id": "abc.123",
        "level": "info",
    }
    assert {name: line[name] for name in wanted} == wanted
    assert line["duration_ms"] >= 0


@pytest.mark.django_db
@pytest.mark.parametrize("offered", ["", "a b", "x" * 129, "é", "a\nb", "<script>", "../.."])
def test_an_id_that_could_deceive_a_reader_is_replaced(offered, client):
    answer = client.get("/api/v1/me/", headers={"X-Request-ID": offered} if offered else {})

    assert answer["X-Request-ID"] != offered
    assert re.fullmatch(r"[0-9a-f]{32}|\.\./\.\.", answer["X-Request-ID"])


@pytest.mark.django_db
def test_no_password_and_no_token_is_written_down(lines, clients, alice):
    anonymous = clients["anonymous"]
    pair = anonymous.post("/api/v1/auth/login/", {"email": "alice@example.com", "password": PASSWORD}).json()
    anonymous.post("/api/v1/auth/login/", {"email": "alice@example.com", "password": "wrong-" + PASSWORD})
    anonymous.post("/api/v1/auth/refresh/", {"refresh": pair["refresh"]})
    anonymous.post("/api/v1/auth/register/", {"email": "x", "name": "x", "password": PASSWORD})
    anonymous.get(f"/api/v1/me/?token={pair['access']}", headers={"Authorization": f"Bearer {pair['access']}"})
    logging.getLogger("anything").error("failed with Bearer %s and %s", pair["access"], pair["refresh"])
    logging.getLogger("anything").warning("told", extra={"password": PASSWORD, "refresh_token": pair["refresh"]})

    written = "\n".join(lines)
    assert len(lines) >= 7
    assert [secret for secret in (PASSWORD, pair["access"], pair["refresh"]) if secret in written] == []


@pytest.mark.django_db
def test_a_crash_is_one_line_with_its_stack_and_without_its_values(lines, clients, task, monkeypatch):
    secret = "s3cret-value"

    def broken(*_args, **_more):
        password = secret
        raise RuntimeError(len(password))

    monkeypatch.setattr("tasks.items.services.update", broken)
    client = clients["alice"]
    client.raise_request_exception = False

    answer = client.patch("/api/v1/tasks/OPS-1/", {"title": "New"})

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["status"] == 500
    assert secret not in "\n".join(lines)
    crashed = [json.loads(line) for line in lines if "RuntimeError" in line]
    assert len(crashed) == 1
    assert crashed[0]["request_id"] == answer["X-Request-ID"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_what_a_machine_asks_every_second_is_not_written_down(path, lines, client):
    client.get(path)

    assert [line for line in lines if '"request"' in line] == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("password", "x", "[redacted]"),
        ("new_password", "x", "[redacted]"),
        ("Authorization", "x", "[redacted]"),
        ("api_key", "x", "[redacted]"),
        ("note", "Bearer abc.def_1", "[redacted]"),
        ("note", "the token eyJhbGciOi.eyJzdWIi.sig-1 leaked", "the token [redacted] leaked"),
        ("note", "plain words", "plain words"),
        ("status", 200, 200),
    ],
)
def test_secrets_are_hidden_by_name_and_by_shape(name, value, found):
    assert redact_secrets(None, "", {name: value}) == {name: found}


def test_a_line_that_cannot_be_written_does_not_end_the_log(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(logging_of_ours, "_pending_lines", [b"lost\n"])
    with monkeypatch.context() as full:
        full.setattr("sys.stderr", SimpleNamespace(buffer=Full()))
        logging_of_ours.flush_cache_hits()
    logging_of_ours._pending_lines.append(b"kept\n")
    monkeypatch.setattr("sys.stderr", SimpleNamespace(buffer=written))

    logging_of_ours.flush_cache_hits()

    assert (written.getvalue(), logging_of_ours._pending_lines) == (b"kept\n", [])


class Full(io.BytesIO):
    """A disk without room."""

    def write(self, _line):
        raise OSError(28, "No space left on device")
