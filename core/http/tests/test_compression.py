"""Compressed answers: for whom, what must stay as it is, and that conditions and writes go on working with their tags."""

from __future__ import annotations

import gzip

import brotli
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from accounts.tests.fixtures import token_of
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
def test_the_encoding_is_the_one_that_the_caller_likes_best(accepted, encoding):
    assert negotiate_encoding(accepted) == encoding


def answer_of(body: bytes = b"x" * 2000, **headers: str) -> HttpResponse:
    return HttpResponse(body, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(
    ("sent", "answer", "expected"),
    [
        ({}, answer_of(), True),
        ({}, answer_of(b"x" * 1023), False),
        ({}, answer_of(**{"Content-Type": "text/html; charset=utf-8"}), True),
        ({}, answer_of(**{"Content-Type": "image/png"}), False),
        ({}, answer_of(**{"Content-Encoding": "gzip"}), False),
        ({}, StreamingHttpResponse([b"x" * 2000], content_type="text/html"), False),
        ({}, answer_of(**{"Cache-Control": "no-store"}), False),
        ({}, answer_of(**{"Cache-Control": "max-age=0, no-cache, no-store, private"}), False),
        ({"cookie": "sessionid=1", "sec-fetch-site": "same-origin"}, answer_of(), True),
        ({"cookie": "sessionid=1", "sec-fetch-site": "none"}, answer_of(), True),
        ({"cookie": "sessionid=1", "sec-fetch-site": "same-site"}, answer_of(), False),
        ({"cookie": "sessionid=1", "sec-fetch-site": "cross-site"}, answer_of(), False),
        ({"cookie": "sessionid=1"}, answer_of(), False),
        ({"sec-fetch-site": "cross-site"}, answer_of(), True),
    ],
)
def test_what_could_tell_another_site_a_secret_stays_as_it_is(sent, answer, expected):
    request = RequestFactory().get("/", headers=sent)

    assert is_compressible(request, answer) is expected


@pytest.fixture
def story(project):
    for _ in range(10):
        TaskFactory(project=project)
    Task.objects.filter(number=1).update(description=LONG)
    return Task.objects.get(number=1)


@pytest.mark.django_db
@pytest.mark.parametrize("path", [LIST, TASK])
@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_long_answer_goes_out_compressed_and_is_the_same(path, encoding, clients, story):
    client = clients["alice"]
    plain = client.get(path)

    packed = client.get(path, headers={"Accept-Encoding": encoding})

    assert packed["Content-Encoding"] == encoding
    assert UNPACK[encoding](packed.content) == plain.content
    assert packed["Content-Length"] == str(len(packed.content))
    assert len(packed.content) < len(plain.content) / 2
    assert packed["ETag"] == f'{plain["ETag"][:-1]}-{encoding}"'
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", [LIST, TASK])
def test_each_representation_is_known_again_by_its_own_tag(path, clients, story):
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
def test_a_write_upon_any_representation_of_the_version_succeeds_once(encoding, clients, story):
    client = clients["alice"]
    read = client.get(TASK, headers={"Accept-Encoding": encoding})

    first = client.patch(TASK, {"title": "New"}, headers={"If-Match": read["ETag"]})
    second = client.patch(TASK, {"title": "Newer"}, headers={"If-Match": read["ETag"]})

    story.refresh_from_db()
    assert (first.status_code, second.status_code, story.title) == (200, 412, "New")


@pytest.mark.django_db
def test_tokens_are_never_compressed(client):
    user = {"email": "nina@example.com", "name": "N" * 120, "password": "a quiet river bends"}

    answer = client.post(
        "/api/v1/auth/register/", user, content_type="application/json", headers={"Accept-Encoding": BROWSER}
    )

    assert answer.status_code == 201
    assert "Content-Encoding" not in answer


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/register/"])
def test_a_form_for_a_password_is_neither_kept_nor_compressed(path, client):
    answer = client.get(path, headers={"Accept-Encoding": BROWSER})

    assert "no-store" in answer["Cache-Control"]
    assert "Content-Encoding" not in answer


@pytest.mark.django_db
@pytest.mark.parametrize(("site", "encoding"), [("same-origin", "br"), ("none", "br"), ("cross-site", None)])
def test_a_page_is_compressed_for_its_own_site_only(site, encoding, client, alice):
    log_in(client, alice)

    answer = client.get("/tasks/?search=guess", headers={"Accept-Encoding": BROWSER, "Sec-Fetch-Site": site})

    assert (answer.status_code, answer.get("Content-Encoding")) == (200, encoding)
    assert {"Cookie", "Accept-Encoding"} <= {word.strip() for word in answer["Vary"].split(",")}


@pytest.mark.django_db
def test_a_refusal_is_short_and_goes_out_plain(client):
    answer = client.get(LIST, headers={"Accept-Encoding": BROWSER})

    assert (answer.status_code, answer.get("Content-Encoding")) == (401, None)


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_remembered_for_each_encoding_on_its_own(alice, story):
    bearer = {"authorization": f"Bearer {token_of(alice)}"}
    callers = [{"accept-encoding": BROWSER}, {"accept-encoding": "gzip"}, {}] * 2

    answers = [send_request(application, "GET", LIST, headers=bearer | caller) for caller in callers]

    assert [answer.headers.get("content-encoding") for answer in answers] == ["br", "gzip", None] * 2
    assert [answer.headers["etag"] for answer in answers[:3]] == [answer.headers["etag"] for answer in answers[3:]]
    assert len({answer.headers["etag"] for answer in answers}) == 3
    bodies = [UNPACK.get(answer.headers.get("content-encoding", ""), bytes)(answer.body) for answer in answers]
    assert bodies == [bodies[0]] * 6
    assert {answer.headers["content-length"] for answer in answers} == {str(len(answer.body)) for answer in answers}
