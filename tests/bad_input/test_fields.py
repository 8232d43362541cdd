"""Fields of the wrong type, out of range, unknown or not the caller's to write, by every door that takes a body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.testing.state import fingerprint
from tests.bad_input.judging import differing, verdict
from tests.endpoints import fields, with_body

NO_TEXT: tuple[Any, ...] = (1, 1.5, True, [], ["a"], {}, {"a": "b"})
NO_ID: tuple[Any, ...] = (
    *NO_TEXT,
    "",
    "1",
    "not-an-id",
    "0" * 36,
    "٠" * 36,
    "{01a200dc-9b1e-751c-8fa2-6e159714ad44}",
    "'; DROP TABLE tasks_task; --",
)
NO_DAY: tuple[Any, ...] = (
    *NO_TEXT,
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
NO_INSTANT: tuple[Any, ...] = (
    *NO_TEXT,
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
NO_INTEGER: tuple[Any, ...] = ("1", "", True, False, 1.5, 1.0, -1, 1_000_001, 2**31, 2**63 - 1, [], {}, [1])
NO_LIST: tuple[Any, ...] = ("a", 1, True, {}, [None], [[]], [1], [{"id": "a"}], ["a" * 61] * 21)
NEVER_THEIRS = (
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
WITH_BODY = pytest.mark.parametrize("operation", with_body(), ids=str)

pytestmark = pytest.mark.django_db


def wrong_values(schema: dict[str, Any]) -> list[Any]:
    kinds = schema.get("type", "object" if "$ref" in schema and "Request" in schema["$ref"] else "choice")
    nullable = isinstance(kinds, list) and "null" in kinds
    kind = kinds[0] if isinstance(kinds, list) else kinds
    by_format = {"uuid": NO_ID, "date": NO_DAY, "date-time": NO_INSTANT}
    by_kind: dict[str, tuple[Any, ...]] = {
        "string": by_format.get(schema.get("format", ""), NO_TEXT),
        "integer": NO_INTEGER,
        "array": NO_LIST,
        "boolean": ("true", "", "yes", 1, 0, [], {}),
        "object": ("a", 1, True, [], {"a": True}, {"email": "true"}, {"email": 1}, {"email": None}),
        "choice": (*NO_TEXT, "", "nonsense", "١"),
    }
    found = list(by_kind[kind])
    found += [] if nullable else [None]
    found += ["a" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    found += [""] if schema.get("minLength") else []
    found += ["  "] if schema.get("minLength") and not schema.get("writeOnly") else []  # a password may be spaces
    return found


@WITH_BODY
def test_a_value_of_the_wrong_kind_is_a_400_that_names_the_field(operation, scene, clients):
    url, good, client = scene.url(operation), scene.body(operation), clients[scene.door(operation)]
    before = fingerprint()

    found, unnamed = {}, []
    for name, schema in fields(operation).items():
        for value in wrong_values(schema):
            answer = client.generic(operation.method, url, *as_json({**good, name: value}))
            found[f"{name}={str(value)[:40]!r} {type(value).__name__}"] = verdict(answer)
            named = {error["field"].split(".")[0] for error in answer.json().get("errors", [])}
            unnamed += [(name, value)] if name not in named else []

    assert differing(found, 400) == {}
    assert unnamed == []
    assert fingerprint() == before


@WITH_BODY
def test_a_missing_required_field_is_a_400(operation, scene, clients):
    url, good, client = scene.url(operation), scene.body(operation), clients[scene.door(operation)]
    required = [name for name, schema in fields(operation).items() if schema["required"]]
    before = fingerprint()

    found = {}
    for name in required:
        rest = {other: value for other, value in good.items() if other != name}
        found[name] = verdict(client.generic(operation.method, url, *as_json(rest)))

    assert differing(found, 400) == {}
    assert fingerprint() == before


@WITH_BODY
def test_an_unknown_field_is_a_400_and_nobody_writes_what_is_not_theirs(operation, scene, clients):
    url, good, client = scene.url(operation), scene.body(operation), clients[scene.door(operation)]
    foreign = [name for name in NEVER_THEIRS if name not in fields(operation)]
    before = fingerprint()

    found, codes = {}, set()
    for name in foreign:
        answer = client.generic(operation.method, url, *as_json({**good, name: "admin"}))
        found[name] = verdict(answer)
        codes |= {error["code"] for error in answer.json().get("errors", []) if error["field"] == name}

    assert differing(found, 400) == {}
    assert codes == {"unknown"}
    assert fingerprint() == before


def as_json(body: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(body).encode(), "application/json"
