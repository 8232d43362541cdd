"""The OpenAPI document: valid, without warnings, and true of every door."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from tests.api_operations import openapi_document, operations, schema_operation
from tests.permissions.api_matrix import MATRIX
from tests.permissions.api_scenarios import OPERATIONS

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "docs/api/openapi.yaml"
# What the matrix of permissions answers, beside what bad input answers.
SCHEMA = [one for one in operations() if schema_operation(one)]


def test_it_is_made_without_a_warning(capsys):
    out = StringIO()

    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)

    assert capsys.readouterr().err == ""
    assert yaml.safe_load(out.getvalue())["openapi"].startswith("3.1")


def test_the_one_checked_in_is_the_one_the_code_makes():
    out = StringIO()
    call_command("spectacular", stdout=out)

    assert yaml.safe_load(SCHEMA_PATH.read_text()) == yaml.safe_load(out.getvalue())


def test_every_operation_has_a_name_of_its_own():
    names = [schema_operation(one)["operationId"] for one in SCHEMA]

    assert len(names) == len(set(names)) > 50


@pytest.mark.parametrize("operation", SCHEMA, ids=str)
def test_every_status_that_people_meet_is_documented(operation):
    name = f"{operation.method} {operation.path}"
    met = set(MATRIX[name].split()) if OPERATIONS.get(name) else set()
    refused = {"400", "406"} | ({"415"} if "requestBody" in schema_operation(operation) else set())

    assert sorted(met | refused) == sorted((met | refused) & set(schema_operation(operation)["responses"]))


@pytest.mark.parametrize("operation", SCHEMA, ids=str)
def test_every_refusal_is_documented_as_a_problem(operation):
    refusals = {
        status: answer for status, answer in schema_operation(operation)["responses"].items() if status >= "400"
    }

    assert {tuple(answer["content"]) for answer in refusals.values()} == {("application/problem+json",)}


def test_only_what_needs_no_sign_in_says_so():
    found = {f"{one.method} {one.path}" for one in SCHEMA if schema_operation(one).get("security") in (None, [{}], [])}

    doors = {"login", "mfa", "refresh", "register", "register-with-invitation", "cancel-deletion"}
    assert found == {f"POST auth/{door}/" for door in doors}
    assert openapi_document()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
