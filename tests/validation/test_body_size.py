"""Bodies over the size limit, refused by the gateway before Django reads them."""

from __future__ import annotations

import pytest

from accounts.tests.fixtures import token_of
from config.asgi import application
from core.testing.asgi import run, send_request
from tasks.models import Attachment, Task

JSON = {"content-type": "application/json"}
MEGABYTE = b"x" * 1024 * 1024


@pytest.fixture(scope="module")
def gateway():
    return application


CONTENT_TOO_LARGE = (413, "application/problem+json", "content_too_large")


def problem_of(response):
    return response.status, response.headers["content-type"], response.json()["code"]


def test_content_length_over_the_limit_is_refused_unread(gateway):
    response = send_request(
        gateway, "POST", "/api/v1/tasks/", headers={**JSON, "content-length": "1048577"}, chunks=[b"{"]
    )

    assert problem_of(response) == CONTENT_TOO_LARGE
    assert response.headers["connection"] == "close"


def test_chunked_body_over_the_limit_is_refused(gateway):
    response = send_request(
        gateway, "POST", "/api/v1/tasks/", headers={**JSON, "transfer-encoding": "chunked"}, chunks=[MEGABYTE, b"x"]
    )

    assert problem_of(response) == CONTENT_TOO_LARGE


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "٣"])
def test_invalid_content_length_does_not_lift_the_limit(gateway, length):
    headers = {**JSON, "content-length": length} if length.isascii() else JSON

    response = send_request(gateway, "POST", "/api/v1/tasks/", headers=headers, chunks=[MEGABYTE, MEGABYTE])

    assert response.status == 413


def test_import_has_a_limit_of_its_own(gateway):
    response = send_request(
        gateway, "POST", "/api/v1/projects/OPS/imports/", headers=JSON, chunks=[MEGABYTE] * 10 + [b"x"]
    )

    assert response.status == 413


def test_disconnected_client_gets_no_response(gateway):
    messages = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "path": "/api/v1/tasks/", "headers": [], "method": "POST"}
    run(gateway(scope, receive, send))

    assert messages == []


def test_lifespan_startup_and_shutdown_complete(gateway):
    incoming, outgoing = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        outgoing.append(message["type"])

    run(gateway({"type": "lifespan"}, receive, send))

    assert outgoing == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.django_db(transaction=True)
def test_chunked_request_reaches_django(gateway, alice):
    headers = {
        **JSON,
        "authorization": f"Bearer {token_of(alice)}",
        "transfer-encoding": "chunked",
        "x-request-id": "request.1",
    }

    response = send_request(
        gateway, "POST", "/api/v1/tasks/", headers=headers, chunks=[b'{"title": "In ', b"chunks", b'"}']
    )

    assert (response.status, response.json()["title"]) == (201, "In chunks")
    assert response.headers["x-request-id"] == "request.1"
    assert Task.objects.get().title == "In chunks"


@pytest.mark.django_db(transaction=True)
def test_gateway_passes_on_error_statuses_of_django(gateway, alice):
    headers = {**JSON, "authorization": f"Bearer {token_of(alice)}"}

    statuses = {
        "no token": send_request(gateway, "GET", "/api/v1/me/").status,
        "unknown path": send_request(gateway, "GET", "/api/v1/nothing/").status,
        "unknown method": send_request(gateway, "BREW", "/api/v1/tasks/", headers=headers).status,
        "malformed": send_request(gateway, "POST", "/api/v1/tasks/", headers=headers, chunks=[b"{"]).status,
        "a large number": send_request(
            gateway, "GET", "/api/v1/tasks/", headers=headers, query=b"limit=" + b"9" * 6_000
        ).status,
    }

    assert statuses == {
        "no token": 401,
        "unknown path": 404,
        "unknown method": 405,
        "malformed": 400,
        "a large number": 400,
    }
    assert not Task.objects.exists()


def form_parts(content_parts):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n\0\0\0\x20ftypisom'
    return [head, *content_parts, b"\r\n--b--\r\n"]


def send_attachment(gateway, task, user, parts):
    headers = {"content-type": "multipart/form-data; boundary=b", "authorization": f"Bearer {token_of(user)}"}
    return send_request(gateway, "POST", f"/api/v1/tasks/{task.key}/attachments/", headers=headers, chunks=parts)


@pytest.mark.django_db(transaction=True)
def test_large_attachment_is_spooled_to_the_disk(gateway, task, alice, settings, tmp_path):
    resource = pytest.importorskip("resource")
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    assert send_attachment(gateway, task, alice, form_parts([b"x"])).status == 201
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    response = send_attachment(gateway, task, alice, form_parts([MEGABYTE] * 80))

    assert (response.status, response.json()["size"]) == (201, 80 * 1024 * 1024 + 12)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_attachment_over_the_limit_is_refused_while_it_arrives(gateway, task, alice, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.MAX_ATTACHMENT_BODY_BYTES = 4 * 1024 * 1024

    response = send_attachment(gateway, task, alice, form_parts([MEGABYTE] * 5))

    assert problem_of(response) == CONTENT_TOO_LARGE
    assert list(tmp_path.iterdir()) == []
    assert not Attachment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_anonymous_attachment_is_refused_before_it_is_spooled(gateway, task, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")
    headers = {"content-type": "multipart/form-data; boundary=b"}
    url = f"/api/v1/tasks/{task.key}/attachments/"

    statuses = [
        send_request(gateway, "POST", url, headers=headers, chunks=form_parts([MEGABYTE] * size)).status
        for size in (0, 3)
    ]

    assert statuses == [401, 413]


@pytest.mark.django_db(transaction=True)
def test_full_disk_answers_507(gateway, task, alice, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")

    response = send_attachment(gateway, task, alice, form_parts([MEGABYTE] * 2))

    assert problem_of(response) == (507, "application/problem+json", "insufficient_storage")
    assert not Attachment.objects.exists()
