"""Who may do what: every operation of the API by every kind of person, wherever the thing is. A new operation without a
row fails.

A row of tests/permissions.py says what each of PEOPLE is answered about what is alice's. What they are answered where the
thing is elsewhere follows from it: see EXPECTED.
"""

from __future__ import annotations

from collections.abc import Collection

import pytest
from django.db import connection, transaction

from tests.endpoints import parameters, scope
from tests.permissions import KNOWN_TO_ALL, MATRIX, SHARED, SLOW
from tests.places import OPERATIONS, PEOPLE, ROLES, World

LISTED = sorted(set(MATRIX) & set(OPERATIONS))


def of_own(name: str) -> dict[str, int]:
    """The row itself; who is deactivated is not signed in, and a program with a key of all scopes is an editor."""
    row = dict(zip(PEOPLE, map(int, MATRIX[name].split()), strict=True))
    if name in SLOW:
        return {who: row[who] for who in PEOPLE[:2]}
    return row | {"gone": row["anonymous"], "service": _by_key(name, row)}


def _by_key(name: str, row: dict[str, int]) -> int:
    """What an editor is answered who wrote none of the comments; but many doors are closed to every key."""
    if row["anonymous"] != 401:
        return row["anonymous"]
    if scope(OPERATIONS[name]) is None:
        return 403
    return 403 if "{comment_id}" in name and not name.startswith("GET ") else row["bob"]


def of_foreign(name: str) -> dict[str, int]:
    """What nobody here has to do with: only staff and administrators get as far as with alice's."""
    return _unless(name, {"carol", "admin"})


def _unless(name: str, seeing: Collection[str]) -> dict[str, int]:
    """Not found, except by these; who is refused at the door is not told whether there is anything behind it."""
    at_the_door = {"anonymous", "gone", *({"service"} if scope(OPERATIONS[name]) is None else ())}
    return {who: code if who in {*at_the_door, *seeing} else 404 for who, code in of_own(name).items()}


def of_shared(name: str) -> dict[str, int]:
    row = of_own(name) | {who: _unless(name, ())[who] for who in ("project_admin", "service")}
    return row | dict(
        zip(("viewer", "commenter", "bob"), map(int, SHARED.get(name, "404 404 404").split()), strict=True)
    )


def of_missing(name: str) -> dict[str, int]:
    return _unless(name, ())


def of_crossed(name: str) -> dict[str, int]:
    """A part of something foreign is not found in what is one's own."""
    return of_missing(name)


EXPECTED = {
    "own": of_own,
    "team": of_own,
    "shared": of_shared,
    "foreign": of_foreign,
    "missing": of_missing,
    "crossed": of_crossed,
}
# A stranger is told that there is no such thing, so there may be a foreign one; the others show the same to everybody.
OF_PROJECTS = {"projects", "tasks", "labels", "explain-access"}
HIDING = [name for name in LISTED if of_own(name)["mallory"] == 404]


def places_of(name: str) -> list[str]:
    """Where the thing of an operation can be; what is not of a project has no team in it, nor is it shared."""
    if name not in HIDING:
        return ["own"]
    of_project = ["team", "shared"] if name.split(" ")[1].split("/", maxsplit=1)[0] in OF_PROJECTS else []
    return ["own", *of_project, "foreign", "missing", *(["crossed"] if name.count("{") > 1 else [])]


PLACED = [(name, place) for name in LISTED for place in places_of(name)]

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Made once, and taken away again with the transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_every_operation_has_its_row_and_every_row_its_operation():
    assert sorted(MATRIX) == sorted(OPERATIONS)
    assert sorted(SHARED) == sorted(name for name in OPERATIONS if "tasks/{ref}" in name or "explain" in name)


@pytest.mark.parametrize(("name", "place"), PLACED)
def test_each_person_may_do_what_the_matrix_says(name, place, world):
    expected = EXPECTED[place](name)

    found = {who: world.ask(name, place, who) for who in expected}

    met = {who: one.answer.status_code for who, one in found.items()}
    if place == "crossed":  # who may not write at all may also be told so before the part is looked for
        met = {who: expected[who] if code == of_own(name)[who] == 403 else code for who, code in met.items()}
    assert met == expected
    harmless = [who for who, code in expected.items() if name.startswith("GET ") or code >= 400]
    assert [who for who in harmless if found[who].wrote] == []


@pytest.mark.parametrize("name", HIDING)
def test_a_foreign_thing_answers_everybody_like_one_that_does_not_exist(name, world):
    strangers = [who for who, code in of_foreign(name).items() if code == 404]

    hidden = {who: world.ask(name, "foreign", who) for who in strangers}
    absent = {who: world.ask(name, "missing", who) for who in strangers}

    assert strangers
    assert {who: told(one) for who, one in hidden.items()} == {who: told(one) for who, one in absent.items()}


@pytest.mark.parametrize("name", [name for name in LISTED if name.startswith("GET ") and "{" not in name])
def test_nothing_foreign_stands_in_what_is_read(name, world):
    """Lists, counts and searches: none of what belongs to others is named to anybody but staff and administrators."""
    readers = ("anonymous", "mallory", *ROLES, "alice") if name not in SLOW else ("anonymous",)
    secrets = [value for hole, value in world.places["foreign"].things.items() if hole not in KNOWN_TO_ALL]
    known = parameters(OPERATIONS[name])
    asked = ["", *(query for query in ("search=printer", "page=1", "status=todo") if query.split("=")[0] in known)]

    bodies = {(who, query): world.read(name, who, query) for who in readers for query in asked}

    assert len(secrets) > 10
    assert {key for key, body in bodies.items() for secret in secrets if secret.encode() in body} == set()


def told(outcome):
    """The whole answer but for what names this one request."""
    answer, named = outcome.answer, {"X-Request-ID", "Server-Timing"}
    headers = {name: value for name, value in answer.headers.items() if name not in named}
    return answer.status_code, headers, answer.content.replace(outcome.path.encode(), b"PATH")
