"""Who may do what: every operation of the API by every kind of person, wherever the thing is. A new operation without a
row fails.

A row of tests/permissions/api_matrix.py says what each of PEOPLE is answered about what is alice's. What they are answered where the
thing is elsewhere follows from it: see EXPECTED.
"""

from __future__ import annotations

from collections.abc import Collection

import pytest
from django.db import connection, transaction

from tests.api_operations import query_parameters, required_scope
from tests.permissions.api_matrix import MATRIX, PUBLIC_VALUES, SHARED, STATIC_OPERATIONS
from tests.permissions.api_scenarios import ACTORS, OPERATIONS, PROJECT_ROLES, ApiScenarios

LIST_OPERATIONS = sorted(set(MATRIX) & set(OPERATIONS))


def expected_own(name: str) -> dict[str, int]:
    """The row itself; who is deactivated is not signed in, and a program with a key of all scopes is an editor."""
    row = dict(zip(ACTORS, map(int, MATRIX[name].split()), strict=True))
    if name in STATIC_OPERATIONS:
        return {actor: row[actor] for actor in ACTORS[:2]}
    return row | {"gone": row["anonymous"], "service": _expected_for_api_key(name, row)}


def _expected_for_api_key(name: str, row: dict[str, int]) -> int:
    """What an editor is answered who wrote none of the comments; but many doors are closed to every key."""
    if row["anonymous"] != 401:
        return row["anonymous"]
    if required_scope(OPERATIONS[name]) is None:
        return 403
    return 403 if "{comment_id}" in name and not name.startswith("GET ") else row["bob"]


def expected_foreign(name: str) -> dict[str, int]:
    """What nobody here has to do with: only staff and administrators get as far as with alice's."""
    return _hidden_unless(name, {"carol", "admin"})


def _hidden_unless(name: str, seeing: Collection[str]) -> dict[str, int]:
    """Not found, except by these; who is refused at the door is not told whether there is anything behind it."""
    at_the_door = {"anonymous", "gone", *({"service"} if required_scope(OPERATIONS[name]) is None else ())}
    return {actor: code if actor in {*at_the_door, *seeing} else 404 for actor, code in expected_own(name).items()}


def expected_shared(name: str) -> dict[str, int]:
    row = expected_own(name) | {actor: _hidden_unless(name, ())[actor] for actor in ("project_admin", "service")}
    return row | dict(
        zip(("viewer", "commenter", "bob"), map(int, SHARED.get(name, "404 404 404").split()), strict=True)
    )


def expected_missing(name: str) -> dict[str, int]:
    return _hidden_unless(name, ())


def expected_crossed(name: str) -> dict[str, int]:
    """A part of something foreign is not found in what is one's own."""
    return expected_missing(name)


EXPECTED = {
    "own": expected_own,
    "team": expected_own,
    "shared": expected_shared,
    "foreign": expected_foreign,
    "missing": expected_missing,
    "crossed": expected_crossed,
}
# A stranger is told that there is no such thing, so there may be a foreign one; the others show the same to everybody.
PROJECT_OPERATIONS = {"projects", "tasks", "labels", "explain-access"}
HIDDEN_OPERATIONS = [name for name in LIST_OPERATIONS if expected_own(name)["mallory"] == 404]


def scenarios_for(name: str) -> list[str]:
    """Where the thing of an operation can be; what is not of a project has no team in it, nor is it shared."""
    if name not in HIDDEN_OPERATIONS:
        return ["own"]
    of_project = ["team", "shared"] if name.split(" ")[1].split("/", maxsplit=1)[0] in PROJECT_OPERATIONS else []
    return ["own", *of_project, "foreign", "missing", *(["crossed"] if name.count("{") > 1 else [])]


MATRIX_CASES = [(name, scenario) for name in LIST_OPERATIONS for scenario in scenarios_for(name)]

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def api_scenarios(django_db_setup, django_db_blocker):
    """Made once, and taken away again with the transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield ApiScenarios()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_every_operation_has_its_row_and_every_row_its_operation():
    assert sorted(MATRIX) == sorted(OPERATIONS)
    assert sorted(SHARED) == sorted(name for name in OPERATIONS if "tasks/{ref}" in name or "explain" in name)


@pytest.mark.parametrize(("name", "scenario"), MATRIX_CASES)
def test_each_person_may_do_what_the_matrix_says(name, scenario, api_scenarios):
    expected = EXPECTED[scenario](name)

    found = {actor: api_scenarios.ask(name, scenario, actor) for actor in expected}

    met = {actor: one.answer.status_code for actor, one in found.items()}
    if scenario == "crossed":  # who may not write at all may also be told so before the part is looked for
        met = {
            actor: expected[actor] if code == expected_own(name)[actor] == 403 else code for actor, code in met.items()
        }
    assert met == expected
    harmless = [actor for actor, code in expected.items() if name.startswith("GET ") or code >= 400]
    assert [actor for actor in harmless if found[actor].changes] == []


@pytest.mark.parametrize("name", HIDDEN_OPERATIONS)
def test_a_foreign_thing_answers_everybody_like_one_that_does_not_exist(name, api_scenarios):
    strangers = [actor for actor, code in expected_foreign(name).items() if code == 404]

    hidden = {actor: api_scenarios.ask(name, "foreign", actor) for actor in strangers}
    absent = {actor: api_scenarios.ask(name, "missing", actor) for actor in strangers}

    assert strangers
    assert {actor: response_content(one) for actor, one in hidden.items()} == {
        actor: response_content(one) for actor, one in absent.items()
    }


@pytest.mark.parametrize("name", [name for name in LIST_OPERATIONS if name.startswith("GET ") and "{" not in name])
def test_nothing_foreign_stands_in_what_is_read(name, api_scenarios):
    """Lists, counts and searches: none of what belongs to others is named to anybody but staff and administrators."""
    readers = ("anonymous", "mallory", *PROJECT_ROLES, "alice") if name not in STATIC_OPERATIONS else ("anonymous",)
    secrets = [
        value for hole, value in api_scenarios.scenarios["foreign"].sample_values.items() if hole not in PUBLIC_VALUES
    ]
    known = query_parameters(OPERATIONS[name])
    asked = ["", *(query for query in ("search=printer", "page=1", "status=todo") if query.split("=")[0] in known)]

    bodies = {(actor, query): api_scenarios.read(name, actor, query) for actor in readers for query in asked}

    assert len(secrets) > 10
    assert {key for key, body in bodies.items() for secret in secrets if secret.encode() in body} == set()


def response_content(outcome):
    """The whole answer but for what names this one request."""
    answer, named = outcome.answer, {"X-Request-ID", "Server-Timing"}
    headers = {name: value for name, value in answer.headers.items() if name not in named}
    return answer.status_code, headers, answer.content.replace(outcome.path.encode(), b"PATH")
