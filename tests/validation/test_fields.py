"""Invalid, missing, unknown and read-only fields, sent to every operation with a body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.testing.database_state import table_digests
from tests.api_operations import body_fields, operations_with_body
from tests.validation.problem_details import check_problem, unexpected_statuses

INVALID_STRINGS: tuple[Any, ...] = (1, 1.5, True, [], ["a"], {}, {"a": "b"})
INVALID_UUIDS: tuple[Any, ...] = (
    *INVALID_STRINGS,
    "",
    "1",
    "not-an-id",
    "0" * 36,
    "٠" * 36,
    "{01a200dc-9b1e-751c-8fa2-6e159714ad44}",
    "'; DROP TABLE tasks_task; --",
)
INVALID_DATES: tuple[Any, ...] = (
    *INVALID_STRINGS,
    "",
    "2026-02-30",
    "0000-01-01",
    "10000-01-01",
    "2026-1-1",
    "01/02/2026",
    "20260102",
    "2026-W01-1",
    "today",
    "2026-01-01T00:00:00Z",
    "٢٠٢٦-٠١-٠١",
    "0001-01-01",
    "9999-12-31",
)
INVALID_DATETIMES: tuple[Any, ...] = (
    *INVALID_STRINGS,
    "",
    "2026-02-30T10:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2026-01-01T10:00:00",
    "2026-01-01T10:00:00+99:00",
    "2026-01-01T24:00:01Z",
    "2026-01-01T10:00:61Z",
    "2016-12-31T23:59:60Z",
    "2026-01-01",
    "2026-01-01 10:00:00Z",
    "1767261600",
    "now",
    "2026-01-01T10:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "2026-01-01T١٠:00:00Z",
)
INVALID_INTEGERS: tuple[Any, ...] = ("1", "", True, False, 1.5, 1.0, -1, 1_000_001, 2**31, 2**63 - 1, [], {}, [1])
INVALID_LISTS: tuple[Any, ...] = ("a", 1, True, {}, [None], [[]], [1], [{"id": "a"}], ["a" * 61] * 21)
READ_ONLY_FIELDS = (
    "id",
    "pk",
    "role_",
    "owner",
    "creator",
    "author",
    "is_admin",
    "is_staff",
    "version",
    "number",
    "position",
    "created_at",
    "tier",
    "is_active",
    "__proto__",
    "user_id",
    "project_id",
    "",
)
pytestmark = pytest.mark.django_db


def invalid_values(schema: dict[str, Any]) -> list[Any]:
    if {"string", "number"} <= {option.get("type") for option in schema.get("oneOf", ())}:
        return [{}, {"a": "b"}]  # the value of a custom field: what else is invalid depends on the field's kind
    kinds = schema.get("type", "object" if "$ref" in schema and "Request" in schema["$ref"] else "choice")
    nullable = isinstance(kinds, list) and "null" in kinds
    kind = kinds[0] if isinstance(kinds, list) else kinds
    by_format = {"uuid": INVALID_UUIDS, "date": INVALID_DATES, "date-time": INVALID_DATETIMES}
    by_kind: dict[str, tuple[Any, ...]] = {
        "string": by_format.get(schema.get("format", ""), INVALID_STRINGS),
        "integer": INVALID_INTEGERS,
        "array": INVALID_LISTS,
        "boolean": ("true", "", "yes", 1, 0, [], {}),
        "object": ("a", 1, True, [], {"a": True}, {"email": "true"}, {"email": 1}, {"email": None}),
        "choice": (*INVALID_STRINGS, "", "nonsense", "١"),
    }
    values = list(by_kind[kind])
    values += [] if nullable else [None]
    values += ["a" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    values += [""] if schema.get("minLength") else []
    values += ["  "] if schema.get("minLength") and not schema.get("writeOnly") else []  # a password may be spaces
    return values


def test_invalid_value_is_rejected_naming_the_field(request_builder, clients, db_subtest):
    for operation, url, body, client in requests_with_body(request_builder, clients):
        before = table_digests()
        with db_subtest(str(operation)):
            outcomes, unnamed = {}, []
            for name, schema in body_fields(operation).items():
                for value in invalid_values(schema):
                    response = client.generic(operation.method, url, *to_json({**body, name: value}))
                    outcomes[f"{name}={str(value)[:40]!r} {type(value).__name__}"] = check_problem(response)
                    named = {error["field"].split(".")[0] for error in response.json().get("errors", [])}
                    unnamed += [(name, value)] if name not in named else []

            assert unexpected_statuses(outcomes, 400) == {}
            assert unnamed == []
            assert table_digests() == before


def test_missing_required_field_is_rejected(request_builder, clients, db_subtest):
    for operation, url, body, client in requests_with_body(request_builder, clients):
        required = [name for name, schema in body_fields(operation).items() if schema["required"]]
        before = table_digests()
        with db_subtest(str(operation)):
            outcomes = {}
            for missing in required:
                rest = {name: value for name, value in body.items() if name != missing}
                outcomes[missing] = check_problem(client.generic(operation.method, url, *to_json(rest)))

            assert unexpected_statuses(outcomes, 400) == {}
            assert table_digests() == before


def test_unknown_or_read_only_field_is_rejected(request_builder, clients, db_subtest):
    for operation, url, body, client in requests_with_body(request_builder, clients):
        unknown = [name for name in READ_ONLY_FIELDS if name not in body_fields(operation)]
        before = table_digests()
        with db_subtest(str(operation)):
            outcomes, codes = {}, set()
            for name in unknown:
                response = client.generic(operation.method, url, *to_json({**body, name: "admin"}))
                outcomes[name] = check_problem(response)
                codes |= {error["code"] for error in response.json().get("errors", []) if error["field"] == name}

            assert unexpected_statuses(outcomes, 400) == {}
            assert codes == {"unknown"}
            assert table_digests() == before


def requests_with_body(request_builder, clients):
    """Return operation, URL, valid body and client of every operation with a body."""
    return [
        (op, request_builder.url(op), request_builder.body(op), clients[request_builder.actor_for(op)])
        for op in operations_with_body()
    ]


def to_json(body: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(body).encode(), "application/json"
