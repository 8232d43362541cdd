"""The OpenAPI document: without warnings, and true of every operation. `make check` validates it."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from tests.api_operations import openapi_document, operations, schema_operation
from tests.permissions.api_matrix import MATRIX

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "docs/api/openapi.yaml"
DOCUMENTED = [operation for operation in operations() if schema_operation(operation)]
PUBLIC_PATHS = (
    "login",
    "mfa",
    "refresh",
    "register",
    "register-with-invitation",
    "verify-email",
    "password-reset",
    "password-reset/confirm",
    "cancel-deletion",
)


@pytest.fixture(scope="module")
def generated():
    """The schema and the warnings of `manage.py spectacular`, generated once."""
    out, warnings = StringIO(), StringIO()
    with redirect_stderr(warnings):
        call_command("spectacular", fail_on_warn=True, stdout=out)
    return yaml.load(out.getvalue(), yaml.CSafeLoader), warnings.getvalue()


def test_schema_is_generated_without_warnings(generated):
    schema, warnings = generated

    assert warnings == ""
    assert schema["openapi"].startswith("3.1")


def test_committed_schema_is_up_to_date(generated):
    assert yaml.load(SCHEMA_PATH.read_text(), yaml.CSafeLoader) == generated[0]


def test_operation_ids_are_unique():
    names = [schema_operation(operation)["operationId"] for operation in DOCUMENTED]

    assert len(names) == len(set(names)) > 50


def test_statuses_of_the_permission_matrix_are_documented(subtests):
    for operation in DOCUMENTED:
        with subtests.test(str(operation)):
            statuses = set(MATRIX.get(f"{operation.method} {operation.path}", "").split())
            statuses |= {"400", "406"} | ({"415"} if "requestBody" in schema_operation(operation) else set())

            assert statuses - set(schema_operation(operation)["responses"]) == set()


def test_errors_are_documented_as_problems(subtests):
    for operation in DOCUMENTED:
        with subtests.test(str(operation)):
            responses = schema_operation(operation)["responses"]
            errors = [response for status, response in responses.items() if status >= "400"]

            assert {tuple(response["content"]) for response in errors} == {("application/problem+json",)}


def test_public_operations_are_marked_as_such():
    public = {
        f"{operation.method} {operation.path}"
        for operation in DOCUMENTED
        if schema_operation(operation).get("security") in (None, [{}], [])
    }

    assert public == {f"POST auth/{path}/" for path in PUBLIC_PATHS}
    assert openapi_document()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_operations_have_own_summary_and_description(generated):
    document, _ = generated
    every = [operation for path in document["paths"].values() for operation in path.values()]
    for name in ("summary", "description"):
        texts = [operation.get(name, "") for operation in every]
        assert min(map(len, texts)) > 4, name
        assert len(set(texts)) == len(texts), name
