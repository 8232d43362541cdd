"""The request log: one line for each request, with an id and without secrets."""

from __future__ import annotations

import io
import json
import logging
import re
from types import SimpleNamespace

import pytest
import structlog
from django.test import Client

from accounts.tests.factories import PASSWORD
from core import logging as request_logging
from core.logging import configure, redact_secrets, shorten_requests
from core.testing.page_client import logged_in_client


@pytest.fixture
def lines():
    """Return the list of JSON lines that the process logs as in production."""
    logged: list[str] = []
    formatter = configure(json=True, level="DEBUG")["formatters"]["lines"]
    kind = formatter.pop("()")

    class ListHandler(logging.Handler):
        def emit(self, record):
            logged.append(self.format(record))

    handler = ListHandler()
    handler.setFormatter(kind(**formatter))
    logging.getLogger().addHandler(handler)
    yield logged
    logging.getLogger().removeHandler(handler)


@pytest.mark.django_db
def test_request_is_logged_in_one_line(lines, clients, alice, task):
    response = clients["alice"].get("/api/v1/tasks/OPS-1/?fields=key", headers={"X-Request-ID": "abc.123"})

    (line,) = [json.loads(text) for text in lines if '"request"' in text]
    assert response["X-Request-ID"] == "abc.123"
    assert re.fullmatch(r"app;dur=\d+\.\d", response["Server-Timing"])
    expected = {
        "event": "request",
        "method": "GET",
        "path": "/api/v1/tasks/OPS-1/",
        "route": "api/v1/tasks/<str:ref>/",
        "status": 200,
        "user": str(alice.pk),
        "request_id": "abc.123",
        "level": "info",
    }
    assert {name: line[name] for name in expected} == expected
    assert line["duration_ms"] >= 0


@pytest.mark.django_db
@pytest.mark.parametrize("request_id", ["", "a b", "x" * 129, "é", "a\nb", "<script>", "../.."])
def test_unsafe_request_id_is_replaced(request_id, client):
    response = client.get("/api/v1/me/", headers={"X-Request-ID": request_id} if request_id else {})

    assert response["X-Request-ID"] != request_id
    assert re.fullmatch(r"[0-9a-f]{32}|\.\./\.\.", response["X-Request-ID"])


@pytest.mark.django_db
def test_passwords_and_tokens_are_not_logged(lines, clients, alice):
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
def test_crash_is_logged_with_its_stack_without_values(lines, clients, task, monkeypatch):
    secret = "s3cret-value"

    def broken(*_args, **_more):
        password = secret
        raise RuntimeError(len(password))

    monkeypatch.setattr("tasks.items.services.update", broken)
    client = clients["alice"]
    client.raise_request_exception = False

    response = client.patch("/api/v1/tasks/OPS-1/", {"title": "New"})

    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert response.json()["status"] == 500
    assert secret not in "\n".join(lines)
    (crashed,) = [json.loads(line) for line in lines if response["X-Request-ID"] in line]
    assert (crashed["event"], crashed["status"], crashed["path"]) == ("request", 500, "/api/v1/tasks/OPS-1/")
    (error,) = crashed["exception"]
    assert (error["exc_type"], error["frames"][-1]["name"]) == ("RuntimeError", "broken")
    # From the view on: above it are two frames of Django for each middleware.
    assert not [frame for frame in error["frames"] if frame["filename"].endswith(("exception.py", "middleware.py"))]


@pytest.mark.django_db
def test_crash_on_a_page_is_one_readable_traceback(clients, alice, monkeypatch, caplog, settings):
    def broken(*_args, **_more):
        raise RuntimeError("out of order")

    monkeypatch.setattr("tasks.projects.selectors.writable_projects", broken)
    browser = logged_in_client(alice)
    browser.raise_request_exception = False

    assert browser.get("/import/?search=secretword").status_code == 500

    formatter = configure(json=False, level="INFO")["formatters"]["lines"]
    text = "\n".join(formatter.pop("()")(**formatter).format(record) for record in caplog.records)
    assert (text.count("Traceback"), text.count("RuntimeError: out of order")) == (1, 1)
    assert len(text.splitlines()) < 30
    assert "secretword" not in text


@pytest.mark.django_db
def test_refused_requests_are_logged_without_their_query(lines, clients, alice, settings):
    browser = Client(enforce_csrf_checks=True)
    requests = [
        (browser.get("/nothing/?search=secretword"), 404),
        (browser.get("/livez?search=secretword", headers={"Host": "evil.example"}), None),
        (browser.get("/login/?search=secretword", headers={"Host": "evil.example"}), 400),
        (browser.post("/login/?search=secretword"), 403),
        (browser.put("/login/?search=secretword"), 403),
        (clients["anonymous"].get("/api/v1/tasks/?search=secretword"), 401),
        (clients["alice"].get("/api/v1/tasks/?search=secretword&wrong=secretword"), 400),
        (clients["alice"].delete("/api/v1/tasks/?search=secretword"), 405),
    ]

    assert [response.status_code for response, status in requests if status] == [
        status for _, status in requests if status
    ]
    assert [line for line in lines if "secretword" in line] == []
    assert len([line for line in lines if '"request"' in line]) >= 7


@pytest.fixture(autouse=True)
def _keep_configuration():
    """Restore the loggers: used ones keep their configuration, and other tests read them."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_request_in_a_field_is_method_and_path(rf):
    entry = shorten_requests(None, "", {"request": rf.get("/tasks/?search=secretword"), "status": 400})

    assert entry == {"request": "GET /tasks/", "status": 400}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_health_requests_are_not_logged(path, lines, client):
    client.get(path)

    assert [line for line in lines if '"request"' in line] == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
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
def test_secrets_are_redacted_by_name_and_format(name, value, expected):
    assert redact_secrets(None, "", {name: value}) == {name: expected}


def test_failed_write_does_not_end_the_log(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(request_logging, "_pending_lines", [b"lost\n"])
    with monkeypatch.context() as full:
        full.setattr("sys.stderr", SimpleNamespace(buffer=Full()))
        request_logging.flush_cache_hits()
    request_logging._pending_lines.append(b"next\n")
    monkeypatch.setattr("sys.stderr", SimpleNamespace(buffer=written))

    request_logging.flush_cache_hits()

    assert (written.getvalue(), request_logging._pending_lines) == (b"next\n", [])


class Full(io.BytesIO):
    """A disk without room."""

    def write(self, _line):
        raise OSError(28, "No space left on device")
