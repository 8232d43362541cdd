"""Malformed JSON and unsupported media types, sent to every operation with a body."""

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
# Operations whose body may be empty.
OPTIONAL_BODY = ("read-all/", "rotate/", "links/", "{template_id}/tasks/")
pytestmark = pytest.mark.django_db


def test_malformed_json_is_rejected(request_builder, clients, db_subtest):
    for operation in operations_with_body():
        url, client = request_builder.url(operation), clients[request_builder.actor_for(operation)]
        before = table_digests()
        with db_subtest(str(operation)):
            outcomes = {
                case: check_problem(client.generic(operation.method, url, body, "application/json"))
                for case, body in MALFORMED_JSON.items()
            }

            assert unexpected_statuses(outcomes, 400) == {}
            assert table_digests() == before


def test_unsupported_media_type_is_a_415(request_builder, clients, db_subtest):
    for operation in operations_with_body():
        url, client = request_builder.url(operation), clients[request_builder.actor_for(operation)]
        body, before = orjson.dumps(request_builder.body(operation)) + b" ", table_digests()
        with db_subtest(str(operation)):
            outcomes = {
                media_type: check_problem(client.generic(operation.method, url, body, media_type))
                for media_type in MEDIA_TYPES
            }

            assert unexpected_statuses(outcomes, 415) == {}
            assert table_digests() == before


def test_empty_body_is_rejected(request_builder, clients, db_subtest):
    for operation in operations_with_body():
        client = clients[request_builder.actor_for(operation)]
        before = table_digests()
        if not operation.path.endswith(OPTIONAL_BODY):
            with db_subtest(str(operation)):
                response = client.generic(operation.method, request_builder.url(operation), b"", "application/json")

                assert check_problem(response) == 400
                assert table_digests() == before


HOSTILE_BODIES = {
    "escaped quotes": b'{"a":"' + b'\\"' * 500_000,
    "backslashes": b'{"a":"' + b"\\" * 1_000_000,
    "quotes": b'{"a":' + b'"' * 1_000_000,
    "an endless name": b'{"' + b"a" * 1_000_000,
    "brackets": b"[" * 30 + b"{" * 1_000_000,
    "digits": b'{"a":' + b"1" * 1_000_000 + b"}",
    "exponents": b'{"a":' + b"1e" * 400_000 + b"}",
}


def test_hostile_megabyte_is_rejected_at_once(clients, alice, db_subtest):
    client = clients["alice"]
    for case, body in HOSTILE_BODIES.items():
        with db_subtest(case):
            started = time.perf_counter()

            response = client.generic("POST", "/api/v1/tasks/", body, "application/json")

            assert check_problem(response) == 400
            assert time.perf_counter() - started < 1.5


def test_error_does_not_repeat_a_secret(clients, alice):
    data = {"email": "a@b.example", "password": ["s3cret-s3cret"]}

    response = clients["anonymous"].post("/api/v1/auth/login/", data)

    assert response.status_code == 400
    assert b"s3cret" not in response.content
