"""Fields of the wrong type, out of range, unknown or not the caller's to write, by every door that takes a body."""

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
OPERATIONS_WITH_BODY = pytest.mark.parametrize("operation", operations_with_body(), ids=str)

pytestmark = pytest.mark.django_db


def invalid_values(schema: dict[str, Any]) -> list[Any]:
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
    found = list(by_kind[kind])
    found += [] if nullable else [None]
    found += ["a" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    found += [""] if schema.get("minLength") else []
    found += ["  "] if schema.get("minLength") and not schema.get("writeOnly") else []  # a password may be spaces
    return found


@OPERATIONS_WITH_BODY
def test_a_value_of_the_wrong_kind_is_a_400_that_names_the_field(operation, request_builder, clients):
    url, good, client = (
        request_builder.url(operation),
        request_builder.body(operation),
        clients[request_builder.actor_for(operation)],
    )
    before = table_digests()

    found, unnamed = {}, []
    for name, schema in body_fields(operation).items():
        for value in invalid_values(schema):
            answer = client.generic(operation.method, url, *to_json({**good, name: value}))
            found[f"{name}={str(value)[:40]!r} {type(value).__name__}"] = check_problem(answer)
            named = {error["field"].split(".")[0] for error in answer.json().get("errors", [])}
            unnamed += [(name, value)] if name not in named else []

    assert unexpected_statuses(found, 400) == {}
    assert unnamed == []
    assert table_digests() == before


@OPERATIONS_WITH_BODY
def test_a_missing_required_field_is_a_400(operation, request_builder, clients):
    url, good, client = (
        request_builder.url(operation),
        request_builder.body(operation),
        clients[request_builder.actor_for(operation)],
    )
    required = [name for name, schema in body_fields(operation).items() if schema["required"]]
    before = table_digests()

    found = {}
    for name in required:
        rest = {other: value for other, value in good.items() if other != name}
        found[name] = check_problem(client.generic(operation.method, url, *to_json(rest)))

    assert unexpected_statuses(found, 400) == {}
    assert table_digests() == before


@OPERATIONS_WITH_BODY
def test_an_unknown_field_is_a_400_and_nobody_writes_what_is_not_theirs(operation, request_builder, clients):
    url, good, client = (
        request_builder.url(operation),
        request_builder.body(operation),
        clients[request_builder.actor_for(operation)],
    )
    foreign = [name for name in READ_ONLY_FIELDS if name not in body_fields(operation)]
    before = table_digests()

    found, codes = {}, set()
    for name in foreign:
        answer = client.generic(operation.method, url, *to_json({**good, name: "admin"}))
        found[name] = check_problem(answer)
        codes |= {error["code"] for error in answer.json().get("errors", []) if error["field"] == name}

    assert unexpected_statuses(found, 400) == {}
    assert codes == {"unknown"}
    assert table_digests() == before


def to_json(body: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(body).encode(), "application/json"
