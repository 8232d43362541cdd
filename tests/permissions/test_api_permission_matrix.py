"""Every operation of the API, sent by every kind of actor, wherever its object is. An operation without a row fails.

A row of tests/permissions/api_matrix.py gives the status for each of ACTORS when the object is alice's. The statuses for
the other scenarios follow from it: see EXPECTED.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from accounts.api_keys import lookup
from tests.api_operations import query_parameters, required_scope
from tests.permissions.api_matrix import MATRIX, PUBLIC_VALUES, SHARED, STATIC_OPERATIONS
from tests.permissions.api_scenarios import ACTORS, OPERATIONS, PROJECT_ROLES, SHARE_USERS, ApiScenarios

MATRIX_OPERATIONS = sorted(set(MATRIX) & set(OPERATIONS))


def expected_own(name: str) -> dict[str, int]:
    """Return the row itself; a deactivated user counts as anonymous, a service with a key of all scopes as an editor."""
    row = dict(zip(ACTORS, map(int, MATRIX[name].split()), strict=True))
    if name in STATIC_OPERATIONS:
        return {actor: row[actor] for actor in ACTORS[:2]}
    return row | {"gone": row["anonymous"], "service": _expected_for_api_key(name, row)}


def _expected_for_api_key(name: str, row: dict[str, int]) -> int:
    """Return the status for an editor who wrote and attached nothing; many operations are closed to every key."""
    if row["anonymous"] != 401:
        return row["anonymous"]
    if required_scope(OPERATIONS[name]) is None:
        return 403
    is_of_bob = name.endswith(("{comment_id}/", "{attachment_id}/"))
    return 403 if is_of_bob and not name.startswith("GET ") else row["bob"]


def expected_foreign(name: str) -> dict[str, int]:
    """Return 404 for all but staff and administrators, who have the same access everywhere."""
    return _hidden_except_for(name, {"carol", "admin"})


def _hidden_except_for(name: str, actors: Collection[str]) -> dict[str, int]:
    """Return 404 for all but these actors; a request that fails authentication is not told whether the object exists."""
    unauthenticated = {"anonymous", "gone", *({"service"} if required_scope(OPERATIONS[name]) is None else ())}
    return {
        actor: status if actor in {*unauthenticated, *actors} else 404 for actor, status in expected_own(name).items()
    }


def expected_shared(name: str) -> dict[str, int]:
    row = expected_own(name) | {actor: _hidden_except_for(name, ())[actor] for actor in ("project_admin", "service")}
    return row | dict(zip(SHARE_USERS, map(int, SHARED.get(name, "404 404 404").split()), strict=True))


def expected_missing(name: str) -> dict[str, int]:
    return _hidden_except_for(name, ())


EXPECTED = {
    "own": expected_own,
    "team": expected_own,
    "shared": expected_shared,
    "foreign": expected_foreign,
    "missing": expected_missing,
    "crossed": expected_missing,  # a part of a foreign object is not found below an own one
}
PROJECT_RESOURCES = {"projects", "tasks", "labels", "explain-access"}
# Where an outsider is answered 404 a foreign object can be named; the other operations show the same to all users.
OBJECT_OPERATIONS = [name for name in MATRIX_OPERATIONS if expected_own(name)["mallory"] == 404]


def resource(name: str) -> str:
    return name.split(" ")[1].split("/", maxsplit=1)[0]


def scenarios_for(name: str) -> list[str]:
    """Return where the object of an operation can be; teams and shares exist only for what belongs to a project."""
    if name not in OBJECT_OPERATIONS:
        return ["own"]
    of_project = ["team", "shared"] if resource(name) in PROJECT_RESOURCES else []
    return [
        "own",
        *of_project,
        "foreign",
        "missing",
        *(["crossed"] if name.replace("{emoji}", "").count("{") > 1 else []),
    ]


pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def api_scenarios(django_db_setup, django_db_blocker):
    # On a busy machine all tests take ten minutes, in which tokens expire and the use of a key is recorded again.
    with (
        time_machine.travel(timezone.now(), tick=False),
        pytest.MonkeyPatch.context() as patch,
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        patch.setattr(lookup, "USE_RECORD_INTERVAL", math.inf)
        yield ApiScenarios()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_matrix_has_one_row_per_operation():
    assert sorted(MATRIX) == sorted(OPERATIONS)
    assert sorted(SHARED) == sorted(name for name in OPERATIONS if "tasks/{ref}" in name or "explain" in name)


@pytest.mark.parametrize("name", MATRIX_OPERATIONS)
def test_responses_match_matrix(name, api_scenarios, subtests):
    for scenario in scenarios_for(name):
        with subtests.test(scenario):
            expected = EXPECTED[scenario](name)

            outcomes = {actor: api_scenarios.send(name, scenario, actor) for actor in expected}

            statuses = {actor: outcome.response.status_code for actor, outcome in outcomes.items()}
            if scenario == "crossed":  # an actor who may not write at all may be told so before the part is looked up
                may_be_403 = {actor for actor, status in expected_own(name).items() if status == 403}
                statuses |= {actor: expected[actor] for actor in may_be_403 if statuses[actor] == 403}
            assert statuses == expected
            harmless = [actor for actor, status in expected.items() if name.startswith("GET ") or status >= 400]
            assert {actor: outcomes[actor].changed for actor in harmless if outcomes[actor].changed} == {}
    if name in OBJECT_OPERATIONS:
        with subtests.test("foreign object looks like missing one"):
            outsiders = [actor for actor, status in expected_foreign(name).items() if status == 404]

            foreign = {actor: api_scenarios.send(name, "foreign", actor).comparable() for actor in outsiders}
            missing = {actor: api_scenarios.send(name, "missing", actor).comparable() for actor in outsiders}

            assert outsiders
            assert foreign == missing
    api_scenarios.outcomes.clear()


def test_reads_without_object_hold_nothing_foreign(api_scenarios, subtests):
    """Lists, counts and searches name foreign objects only to staff and administrators."""
    foreign = api_scenarios.scenarios["foreign"].sample_values
    secrets = [value.encode() for name, value in foreign.items() if name not in PUBLIC_VALUES]
    assert len(secrets) > 10
    for name in MATRIX_OPERATIONS:
        if name.startswith("GET ") and "{" not in name:
            with subtests.test(name):
                static = name in STATIC_OPERATIONS
                readers = ("anonymous",) if static else ("anonymous", "mallory", *PROJECT_ROLES, "alice")
                known = query_parameters(OPERATIONS[name])
                queries = [
                    query for query in ("search=printer", "page=1", "status=todo") if query.split("=")[0] in known
                ]

                bodies = {
                    (actor, query): api_scenarios.read(name, actor, query)
                    for actor in readers
                    for query in ("", *queries)
                }

                assert {key for key, body in bodies.items() if any(secret in body for secret in secrets)} == set()
