"""Bodies that are no JSON object, in a media type that is none of ours, or too deep, by every door that takes one."""

from __future__ import annotations

import time

import orjson
import pytest

from core.testing.database_state import table_digests
from tests.api_operations import operations_with_body
from tests.validation.problem_details import check_problem, unexpected_statuses

MALFORMED_JSON = {
    "truncated": b'{"title": "a',
    "list": b"[]",
    "string": b'"title"',
    "number": b"1",
    "null": b"null",
    "two documents": b"{} {}",
    "trailing comma": b'{"title": "a",}',
    "single quotes": b"{'title': 'a'}",
    "comment": b'{} // "a"',
    "only spaces": b"   ",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and closed": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a bracket in a string does not count": b'{"a": "' + b"[" * 100 + b'"} x',
    "duplicate name": b'{"title": "a", "title": "b"}',
    "duplicate name inside": b'{"a": {"b": 1, "b": 2}}',
    "NUL": b'{"title": "a\\u0000"}',
    "raw NUL": b'{"title": "a\x00"}',
    "NUL in a name": b'{"a\\u0000": 1}',
    "lone surrogate": b'{"title": "\\ud800"}',
    "surrogates in the wrong order": b'{"title": "\\udc00\\ud800"}',
    "invalid UTF-8": b'{"title": "\xff"}',
    "overlong UTF-8": b'{"title": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "byte order mark": b'\xef\xbb\xbf{"title": "a"}',
    "UTF-16": '{"title": "a"}'.encode("utf-16"),
    "NaN": b'{"estimate": NaN}',
    "Infinity": b'{"estimate": -Infinity}',
    "1e400": b'{"estimate": 1e400}',
    "5000 digits": b'{"estimate": ' + b"9" * 5000 + b"}",
    "20 digits": b'{"estimate": 18446744073709551616}',
    "hexadecimal": b'{"estimate": 0x10}',
    "leading zero": b'{"estimate": 010}',
}
MEDIA_TYPES = (
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/json; charset=nonsense",
    "application/merge-patch+json",
    "nonsense",
    "",
)
# Nothing in these has to be said.
OPTIONAL_BODY = ("read-all/", "rotate/")
OPERATIONS_WITH_BODY = pytest.mark.parametrize("operation", operations_with_body(), ids=str)

pytestmark = pytest.mark.django_db


@OPERATIONS_WITH_BODY
def test_what_is_no_json_object_is_a_400_and_changes_nothing(operation, request_builder, clients):
    url, client = request_builder.url(operation), clients[request_builder.actor_for(operation)]
    before = table_digests()

    found = {
        case: check_problem(client.generic(operation.method, url, body, "application/json"))
        for case, body in MALFORMED_JSON.items()
    }

    assert unexpected_statuses(found, 400) == {}
    assert table_digests() == before


@OPERATIONS_WITH_BODY
def test_another_media_type_is_a_415(operation, request_builder, clients):
    url, client, body = (
        request_builder.url(operation),
        clients[request_builder.actor_for(operation)],
        orjson.dumps(request_builder.body(operation)) + b" ",
    )
    before = table_digests()

    found = {media: check_problem(client.generic(operation.method, url, body, media)) for media in MEDIA_TYPES}

    assert unexpected_statuses(found, 415) == {}
    assert table_digests() == before


@pytest.mark.parametrize(
    "operation", [one for one in operations_with_body() if not one.path.endswith(OPTIONAL_BODY)], ids=str
)
def test_an_empty_body_is_a_400(operation, request_builder, clients):
    client, before = clients[request_builder.actor_for(operation)], table_digests()

    answer = client.generic(operation.method, request_builder.url(operation), b"", "application/json")

    assert check_problem(answer) == 400
    assert table_digests() == before


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b'\\"' * 500_000,
        b'{"a":"' + b"\\" * 1_000_000,
        b'{"a":' + b'"' * 1_000_000,
        b'{"' + b"a" * 1_000_000,
        b"[" * 30 + b"{" * 1_000_000,
        b'{"a":' + b"1" * 1_000_000 + b"}",
        b'{"a":' + b"1e" * 400_000 + b"}",
    ],
    ids=["escaped quotes", "backslashes", "quotes", "an endless name", "brackets", "digits", "exponents"],
)
def test_a_hostile_megabyte_is_refused_at_once(body, clients):
    client = clients["alice"]
    started = time.perf_counter()

    answer = client.generic("POST", "/api/v1/tasks/", body, "application/json")

    assert check_problem(answer) == 400
    assert time.perf_counter() - started < 1.5


def test_a_refusal_does_not_repeat_a_secret(clients, alice):
    answer = clients["anonymous"].post("/api/v1/auth/login/", {"email": "a@b.example", "password": ["s3cret-s3cret"]})

    assert answer.status_code == 400
    assert b"s3cret" not in answer.content
