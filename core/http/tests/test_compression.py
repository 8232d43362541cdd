"""Compressed responses, those that must not be compressed, and their ETags."""

from __future__ import annotations

import gzip

import brotli
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from accounts.tests.fixtures import reauthenticated_browser, token_of
from config.asgi import application
from core.http.compression import is_compressible, negotiate_encoding
from core.testing.asgi import send_request
from core.testing.page_client import log_in
from tasks.models import Task
from tasks.tests.factories import TaskFactory

LIST, TASK = "/api/v1/tasks/", "/api/v1/tasks/OPS-1/"
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress}
BROWSER = "gzip, deflate, br, zstd"
LONG = "What a long story. " * 100


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        (BROWSER, "br"),
        ("*", "br"),
        ("identity", ""),
        ("deflate, zstd", ""),
        ("gzip;q=0", ""),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0, *", "gzip"),
        ("*;q=0", ""),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("gzip ; q=0.5, identity", ""),
        ("gzip;q=0.5, identity;q=0.1", "gzip"),
        ("gzip;q=nonsense", ""),
        (",;,=", ""),
    ],
)
def test_encoding_is_negotiated_by_weight(accepted, encoding):
    assert negotiate_encoding(accepted) == encoding


def answer_of(body: bytes = b"x" * 2000, **headers: str) -> HttpResponse:
    return HttpResponse(body, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(
    ("sent", "response", "expected"),
    [
        ({}, answer_of(), True),
        ({}, answer_of(b"x" * 1023), False),
        ({}, answer_of(**{"Content-Type": "text/html; charset=utf-8"}), True),
        ({}, answer_of(**{"Content-Type": "image/png"}), False),
        ({}, answer_of(**{"Content-Encoding": "gzip"}), False),
        ({}, StreamingHttpResponse([b"x" * 2000], content_type="text/html"), False),
        ({}, answer_of(**{"Cache-Control": "no-store"}), False),
        ({}, answer_of(**{"Cache-Control": "max-age=0, no-cache, no-store, private"}), False),
        ({"cookie": "a=1", "sec-fetch-site": "none"}, answer_of(**{"Cache-Control": "private, no-store"}), True),
        ({"cookie": "a=1", "sec-fetch-site": "cross-site"}, answer_of(**{"Cache-Control": "private, no-store"}), False),
        ({"cookie": "sessionid=1", "sec-fetch-site": "same-origin"}, answer_of(), True),
        ({"cookie": "sessionid=1", "sec-fetch-site": "none"}, answer_of(), True),
        ({"cookie": "sessionid=1", "sec-fetch-site": "same-site"}, answer_of(), False),
        ({"cookie": "sessionid=1", "sec-fetch-site": "cross-site"}, answer_of(), False),
        ({"cookie": "sessionid=1"}, answer_of(), False),
        ({"sec-fetch-site": "cross-site"}, answer_of(), True),
    ],
)
def test_responses_open_to_breach_are_not_compressed(sent, response, expected):
    request = RequestFactory().get("/", headers=sent)

    assert is_compressible(request, response) is expected


@pytest.fixture
def story(project):
    for _ in range(10):
        TaskFactory(project=project)
    Task.objects.filter(number=1).update(description=LONG)
    return Task.objects.get(number=1)


@pytest.mark.django_db
@pytest.mark.parametrize("path", [LIST, TASK])
@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_long_response_is_compressed(path, encoding, clients, story):
    client = clients["alice"]
    plain = client.get(path)

    packed = client.get(path, headers={"Accept-Encoding": encoding})

    assert packed["Content-Encoding"] == encoding
    assert UNPACK[encoding](packed.content) == plain.content
    assert packed["Content-Length"] == str(len(packed.content))
    assert len(packed.content) < len(plain.content) / 2
    assert packed["ETag"] == f'{plain["ETag"][:-1]}-{encoding}"'
    for response in (plain, packed):
        assert "Accept-Encoding" in response["Vary"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", [LIST, TASK])
def test_encodings_are_revalidated_by_their_etags(path, clients, story):
    client = clients["alice"]
    plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": BROWSER})

    same = client.get(path, headers={"Accept-Encoding": BROWSER, "If-None-Match": packed["ETag"]})
    other = client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})
    unpacked = client.get(path, headers={"If-None-Match": packed["ETag"]})

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", packed["ETag"])
    assert "Content-Encoding" not in same
    assert (other.status_code, other["Content-Encoding"]) == (200, "gzip")
    assert (unpacked.status_code, unpacked.content) == (200, plain.content)


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_etag_of_any_encoding_allows_a_write(encoding, clients, story):
    client = clients["alice"]
    read = client.get(TASK, headers={"Accept-Encoding": encoding})

    first = client.patch(TASK, {"title": "New"}, headers={"If-Match": read["ETag"]})
    second = client.patch(TASK, {"title": "Newer"}, headers={"If-Match": read["ETag"]})

    story.refresh_from_db()
    assert (first.status_code, second.status_code, story.title) == (200, 412, "New")


@pytest.mark.django_db
def test_token_responses_are_not_compressed(client):
    user = {"email": "nina@example.com", "name": "N" * 120, "password": "a quiet river bends"}

    response = client.post(
        "/api/v1/auth/register/", user, content_type="application/json", headers={"Accept-Encoding": BROWSER}
    )

    assert response.status_code == 201
    assert "Content-Encoding" not in response


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/register/"])
def test_password_form_is_neither_cached_nor_compressed(path, client):
    response = client.get(path, headers={"Accept-Encoding": BROWSER})

    assert "no-store" in response["Cache-Control"]
    assert "Content-Encoding" not in response


@pytest.mark.django_db
@pytest.mark.parametrize(("site", "encoding"), [("same-origin", "br"), ("none", "br"), ("cross-site", None)])
def test_page_is_compressed_for_same_site_requests_only(site, encoding, client, alice):
    log_in(client, alice)

    response = client.get("/tasks/?search=guess", headers={"Accept-Encoding": BROWSER, "Sec-Fetch-Site": site})

    assert (response.status_code, response.get("Content-Encoding")) == (200, encoding)
    assert "no-store" in response["Cache-Control"]
    assert {"Cookie", "Accept-Encoding"} <= {word.strip() for word in response["Vary"].split(",")}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["app/", "password/", "recovery-codes/new/"])
def test_pages_with_secrets_are_not_compressed(path, alice):
    client = reauthenticated_browser(alice)
    headers = {"Accept-Encoding": BROWSER, "Sec-Fetch-Site": "same-origin"}

    response = client.get(f"/settings/security/{path}", headers=headers)

    assert (response.status_code, response.get("Content-Encoding")) == (200, None)


@pytest.mark.django_db
def test_error_response_is_not_compressed(client):
    response = client.get(LIST, headers={"Accept-Encoding": BROWSER})

    assert (response.status_code, response.get("Content-Encoding")) == (401, None)


@pytest.mark.django_db(transaction=True)
def test_response_is_cached_for_each_encoding(alice, story):
    bearer = {"authorization": f"Bearer {token_of(alice)}"}
    callers = [{"accept-encoding": BROWSER}, {"accept-encoding": "gzip"}, {}] * 2

    responses = [send_request(application, "GET", LIST, headers=bearer | caller) for caller in callers]

    assert [response.headers.get("content-encoding") for response in responses] == ["br", "gzip", None] * 2
    assert [response.headers["etag"] for response in responses[:3]] == [
        response.headers["etag"] for response in responses[3:]
    ]
    assert len({response.headers["etag"] for response in responses}) == 3
    bodies = [UNPACK.get(response.headers.get("content-encoding", ""), bytes)(response.body) for response in responses]
    assert bodies == [bodies[0]] * 6
    assert {response.headers["content-length"] for response in responses} == {
        str(len(response.body)) for response in responses
    }
