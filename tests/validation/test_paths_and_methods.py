"""Invalid ids, unsupported methods and unacceptable media types, sent to every operation."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict

import pytest

from accounts.users.invitations import rate_limits
from core.testing.database_state import table_digests
from tests.api_operations import HTTP_METHODS, operations, schema_operation
from tests.permissions.api_scenarios import request_kwargs
from tests.validation.problem_details import check_problem, unexpected_statuses

INVALID_IDS = ("1", "0", "-1", "null", "None", "٣", "not-an-id", "%00", "%ff", "%ed%a0%80", "..%2f..%2fetc", "'%20OR%201=1--", "{{7*7}}",
         "a" * 5000, "01a200dc9b1e751c8fa26e159714ad44", "01a200dc-9b1e-751c-8fa2-6e159714ad4g", "OPS-0", "OPS-01", "OPS-٣",
         "OPS--1", "OPS-99999999999999999999", "OPS-1%00", "OPS-1.0", "-", "*")  # fmt: skip
UNACCEPTABLE_TYPES = ("application/xml", "text/html", "image/png;q=0.9, text/csv", "nonsense/*")
# An attachment is served in its own type, whatever that is.
FILE_PATHS = ("/content/", "/thumbnail/")
SUPPORTED_METHODS: dict[str, set[str]] = defaultdict(set)
for _operation in operations():
    SUPPORTED_METHODS[_operation.template].add(_operation.method)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("resource", sorted({op.path.split("/")[0] for op in operations() if "{" in op.template}))
def test_invalid_id_is_not_found(resource, request_builder, clients, db_subtest, monkeypatch, settings):
    # Refused invitations count too, and there are more of them here than a day allows.
    monkeypatch.setattr(rate_limits, "UNVERIFIED_INVITE_RATE", "1000/d")
    settings.INVITE_RATE = "1000/d"
    client, before = clients["alice"], table_digests()
    for operation in operations():
        if "{" in operation.template and operation.path.split("/")[0] == resource:
            with db_subtest(str(operation)):
                url, query = request_builder.url(operation), f"?{request_builder.query(operation)}"
                ids = [
                    part for part in url.strip("/").split("/") if re.fullmatch(r"[0-9a-f-]{36}|OPS(-\d+)?|EMPTY", part)
                ]

                outcomes = {
                    f"{valid} as {invalid[:30]}": check_problem(
                        client.generic(
                            operation.method,
                            url.replace(f"/{valid}/", f"/{invalid}/") + query,
                            **request_kwargs(request_builder, operation),
                        )
                    )
                    for valid in ids
                    for invalid in INVALID_IDS
                }

                assert unexpected_statuses(outcomes, 404) == {}
                assert table_digests() == before


def test_unsupported_method_is_a_405_with_allow(request_builder, clients, db_subtest):
    for template, methods in SUPPORTED_METHODS.items():
        operation = next(op for op in operations() if op.template == template)
        url, client = request_builder.url(operation), clients[request_builder.actor_for(operation)]
        before = table_digests()
        with db_subtest(template):
            for method in {*HTTP_METHODS, "TRACE", "BREW", "PROPFIND"} - methods:
                response = client.generic(method, url, b"{}", "application/json")

                assert check_problem(response) == 405, method
                assert {*response["Allow"].split(", ")} - {"HEAD", "OPTIONS"} == methods, method
            assert table_digests() == before


def test_method_override_headers_are_ignored(clients, task):
    headers = dict.fromkeys(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), "DELETE")
    url = f"/api/v1/tasks/{task.key}/"

    read = clients["alice"].get(url, headers=headers)
    posted = clients["alice"].post(f"{url}?_method=DELETE", {"_method": "DELETE"}, headers=headers)

    assert (read.status_code, posted.status_code) == (200, 405)
    task.refresh_from_db()


def test_unacceptable_media_type_is_a_406(request_builder, clients, db_subtest):
    for operation in operations():
        if "operationId" in schema_operation(operation) and not operation.path.endswith(FILE_PATHS):
            client, url = clients[request_builder.actor_for(operation)], request_builder.url(operation)
            before = table_digests()
            with db_subtest(str(operation)):
                kwargs = request_kwargs(request_builder, operation)

                outcomes = {
                    accept: check_problem(client.generic(operation.method, url, **kwargs, headers={"Accept": accept}))
                    for accept in UNACCEPTABLE_TYPES
                }

                assert unexpected_statuses(outcomes, 406) == {}
                assert table_digests() == before


def test_json_is_served_to_all_who_accept_it(clients, task, subtests):
    for accept in ("application/json", "*/*", "application/*", "text/html, application/json;q=0.1"):
        with subtests.test(accept):
            response = clients["alice"].get(f"/api/v1/tasks/{task.key}/", headers={"Accept": accept})

            assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_unknown_path_is_a_404_problem(clients, alice):
    paths = ("", "v1/", "v1/nothing/", "v2/tasks/", "v1/tasks/OPS-1/nothing/", f"v1/teams/{uuid.uuid4()}/x/")

    outcomes = {path: check_problem(clients["alice"].get(f"/api/{path}")) for path in paths}

    assert unexpected_statuses(outcomes, 404) == {}
