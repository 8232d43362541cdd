"""Ids that are none, methods a door does not have, and representations we do not make."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict

import orjson
import pytest

from core.testing.database_state import table_digests
from tests.api_operations import HTTP_METHODS, operations, schema_operation
from tests.validation.problem_details import check_problem, unexpected_statuses

INVALID_IDS = ("1", "0", "-1", "null", "None", "٣", "not-an-id", "%00", "%ff", "%ed%a0%80", "..%2f..%2fetc", "'%20OR%201=1--", "{{7*7}}",
         "a" * 5000, "01a200dc9b1e751c8fa26e159714ad44", "01a200dc-9b1e-751c-8fa2-6e159714ad4g", "OPS-0", "OPS-01", "OPS-٣",
         "OPS--1", "OPS-99999999999999999999", "OPS-1%00", "OPS-1.0", "-", "*")  # fmt: skip
UNSUPPORTED_METHODS = ("application/xml", "text/html", "image/png;q=0.9, text/csv", "nonsense/*")
SUPPORTED_METHODS: dict[str, set[str]] = defaultdict(set)
for _one in operations():
    SUPPORTED_METHODS[_one.template].add(_one.method)
PATH_PARAMETERS = [one for one in operations() if "{" in one.template]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("operation", PATH_PARAMETERS, ids=str)
def test_what_is_no_id_is_a_404(operation, request_builder, clients):
    client, before, template = clients["alice"], table_digests(), request_builder.url(operation)
    parts = [part for part in template.strip("/").split("/") if re.fullmatch(r"[0-9a-f-]{36}|OPS(-\d+)?|EMPTY", part)]

    found = {}
    for part in parts:
        for bad in INVALID_IDS:
            url = template.replace(f"/{part}/", f"/{bad}/")
            found[f"{part} as {bad[:30]}"] = check_problem(
                client.generic(operation.method, url, **request_kwargs(request_builder, operation))
            )

    assert unexpected_statuses(found, 404) == {}
    assert table_digests() == before


def request_kwargs(request_builder, operation):
    if operation.method in {"POST", "PATCH"} and "imports" not in operation.path:
        return {"data": orjson.dumps(request_builder.body(operation)), "content_type": "application/json"}
    return {}


@pytest.mark.parametrize("template", sorted(SUPPORTED_METHODS))
def test_a_method_that_is_not_offered_is_a_405_that_says_what_is(template, request_builder, clients):
    operation = next(one for one in operations() if one.template == template)
    client, before = clients["alice"], table_digests()
    missing = [
        method for method in (*HTTP_METHODS, "TRACE", "BREW", "PROPFIND") if method not in SUPPORTED_METHODS[template]
    ]

    answers = {
        method: client.generic(method, request_builder.url(operation), b"{}", "application/json") for method in missing
    }

    assert unexpected_statuses({method: check_problem(answer) for method, answer in answers.items()}, 405) == {}
    for answer in answers.values():
        assert {*answer["Allow"].split(", ")} - {"HEAD", "OPTIONS"} == SUPPORTED_METHODS[template]
    assert table_digests() == before


def test_a_header_does_not_turn_one_method_into_another(clients, task):
    headers = dict.fromkeys(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), "DELETE")

    answer = clients["alice"].get(f"/api/v1/tasks/{task.key}/", headers=headers)
    posted = clients["alice"].post(f"/api/v1/tasks/{task.key}/?_method=DELETE", {"_method": "DELETE"}, headers=headers)

    assert (answer.status_code, posted.status_code) == (200, 405)
    task.refresh_from_db()


@pytest.mark.parametrize("operation", [one for one in operations() if "operationId" in schema_operation(one)], ids=str)
def test_a_representation_we_do_not_make_is_a_406(operation, request_builder, clients):
    client, url, body = (
        clients[request_builder.actor_for(operation)],
        request_builder.url(operation),
        request_kwargs(request_builder, operation),
    )
    before = table_digests()

    found = {
        accept: check_problem(client.generic(operation.method, url, **body, headers={"Accept": accept}))
        for accept in UNSUPPORTED_METHODS
    }

    assert unexpected_statuses(found, 406) == {}
    assert table_digests() == before


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/*", "text/html, application/json;q=0.1"])
def test_json_is_given_to_whoever_takes_it(accept, clients, task):
    answer = clients["alice"].get(f"/api/v1/tasks/{task.key}/", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_an_unknown_path_is_a_404_problem(clients, alice):
    found = {
        path: check_problem(clients["alice"].get(f"/api/{path}"))
        for path in ("", "v1/", "v1/nothing/", "v2/tasks/", "v1/tasks/OPS-1/nothing/", f"v1/teams/{uuid.uuid4()}/x/")
    }

    assert unexpected_statuses(found, 404) == {}
