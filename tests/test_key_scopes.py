"""Which key may do what: every operation of the schema by keys of every scope. A new operation is closed to keys until
accounts.scopes says otherwise, and is tried here without anybody remembering it.
"""

from __future__ import annotations

import re

import orjson
import pytest
from django.db import transaction

from accounts.scopes import OF_NO_PROJECT, SCOPES
from accounts.tests.keys import by_key, minted
from core.testing.state import attempts, fingerprint
from tasks.api.places import BY_BODY, BY_QUERY
from tasks.models import Project
from tasks.tests.factories import ProjectFactory, TaskFactory
from tests.endpoints import described, fields, operations, parameters, scope, with_body
from tests.places import sent

# An open door takes whoever comes, and looks at no key.
CLOSED_OR_SCOPED = [one for one in operations() if described(one).get("security") not in (None, [], [{}])]
# What is closed to every key, whatever it may do elsewhere: it would make keys, end sessions or change who somebody is.
NEVER = ("api-keys/", "service-accounts/", "sessions/", "auth/", "invitations/", "me/")

pytestmark = pytest.mark.django_db

SCOPED = [one for one in CLOSED_OR_SCOPED if scope(one)]
WITHOUT_PLACE = [
    one
    for one in SCOPED
    if not re.search(r"{(ref|label_id)}", one.path) and one.path.partition("/")[0] not in OF_NO_PROJECT
]


def looked_for(operation):
    """Where the door itself looks for `project`, as the schema says."""
    in_query = {"query"} if "project" in parameters(operation) else set()
    return in_query | ({"body"} if operation in with_body() and "project" in fields(operation) else set())


MISPLACED = [(one, place) for one in WITHOUT_PLACE for place in ("query", "body") if place not in looked_for(one)]


def ask(client, scene, operation):
    """Send it; the scene is as before when it has been answered. Says whether anything was written meanwhile."""
    with transaction.atomic():
        before = attempts()
        query = scene.query(operation)
        path = f"{scene.url(operation)}?{query}" if query else scene.url(operation)
        answer = client.generic(operation.method, path, **sent(scene, operation))
        wrote = attempts() != before
        transaction.set_rollback(True)
    return answer, wrote


def owner_of(operation, request):
    return request.getfixturevalue(request.getfixturevalue("scene").door(operation))


def test_the_schema_knows_how_a_key_is_sent_and_names_known_scopes_only():
    assert len(SCOPED) > 40
    assert {scope(one) for one in SCOPED} == set(SCOPES)


@pytest.mark.parametrize("operation", CLOSED_OR_SCOPED, ids=str)
def test_without_its_scope_a_key_is_refused_and_nothing_happens(operation, scene, request):
    others = [one for one in SCOPES if one != scope(operation)]
    client = by_key(minted(owner_of(operation, request), *others).text)

    answer, wrote = ask(client, scene, operation)

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing" if scope(operation) else "not_for_keys")
    assert not wrote


@pytest.mark.parametrize("operation", SCOPED, ids=str)
def test_with_its_scope_alone_a_key_may_do_what_its_owner_may(operation, scene, request, client_of):
    owner = owner_of(operation, request)
    client = by_key(minted(owner, scope(operation)).text)

    by_owner, _ = ask(client_of(owner), scene, operation)
    by_program, _ = ask(client, scene, operation)

    assert by_program.status_code == by_owner.status_code < 300


@pytest.mark.parametrize("operation", SCOPED, ids=str)
def test_a_key_may_do_no_more_than_its_owner(operation, scene, clients, mallory):
    stranger = by_key(minted(mallory).text)

    by_owner, _ = ask(clients["mallory"], scene, operation)
    by_program, wrote = ask(stranger, scene, operation)

    assert by_program.status_code == by_owner.status_code
    assert by_program.status_code < 400 or not wrote


@pytest.mark.parametrize("operation", SCOPED, ids=str)
def test_a_key_for_another_project_reaches_nothing_of_this_one(operation, scene, request):
    owner = owner_of(operation, request)
    elsewhere = ProjectFactory(key="ELSE", owner=owner)
    TaskFactory(project=elsewhere)
    client = by_key(minted(owner, projects=["ELSE"]).text)

    answer, wrote = ask(client, scene, operation)

    if operation.path.startswith(("me/", "users/")):  # these hold nothing of any project
        assert answer.status_code == 200
        return
    assert (answer.status_code, wrote) in {(403, False), (404, False)}
    assert answer.json()["code"] in {"key_is_for_projects", "not_found"}


@pytest.mark.parametrize("operation", SCOPED, ids=str)
def test_a_key_for_this_project_reaches_what_names_it(operation, scene, request):
    owner = owner_of(operation, request)
    client = by_key(minted(owner, projects=[scene.things["project"], scene.things["empty"]]).text)

    answer, _ = ask(client, scene, operation)

    names_one = re.search(r"{(ref|label_id)}", operation.path) or "project" in scene.body(operation)
    of_none = operation.path.startswith(("me/", "users/"))
    assert (answer.status_code < 300) == bool(names_one or of_none), answer.content


@pytest.mark.parametrize("operation", [one for one in CLOSED_OR_SCOPED if one.path.startswith(NEVER)], ids=str)
def test_what_makes_keys_or_changes_who_somebody_is_is_closed_to_every_key(operation):
    assert scope(operation) == ("me:read" if str(operation) == "GET /api/v1/me/" else None)


@pytest.mark.parametrize("path", ["tasks/", "tasks/stats/", "labels/", "analytics/overview/", "analytics/daily/"])
def test_a_key_for_one_project_asks_a_list_for_that_project(path, scene, alice):
    client = by_key(minted(alice, projects=["OPS"]).text)

    named, other, every = (client.get(f"/api/v1/{path}{query}") for query in ("?project=OPS", "?project=OPS0", ""))

    assert (named.status_code, other.status_code, every.status_code) == (200, 404, 403)


def test_a_second_project_beside_the_right_one_is_no_way_out(scene, alice):
    client = by_key(minted(alice, projects=["OPS"]).text)

    assert client.get("/api/v1/tasks/?project=OPS&project=OPS0").status_code == 404
    assert client.post("/api/v1/tasks/", {"project": "OPS0", "title": "Out"}).status_code == 404
    assert client.post("/api/v1/tasks/", {"title": "Into the inbox"}).status_code == 403


def test_project_counts_exactly_where_a_door_looks_for_it():
    by_query = {(one.method, one.path) for one in SCOPED if "query" in looked_for(one)}
    by_body = {(one.method, one.path) for one in SCOPED if "body" in looked_for(one)}

    assert by_query == {("GET", path) for path in BY_QUERY}
    assert by_body == {("POST", path) for path in BY_BODY}


@pytest.mark.parametrize(("operation", "place"), MISPLACED, ids=str)
def test_project_where_no_door_looks_for_it_opens_nothing(operation, place, scene, request):
    owner = owner_of(operation, request)
    key = scene.things["project"]
    client = by_key(minted(owner, projects=[key]).text)
    words = {name: value for name, value in scene.body(operation).items() if name != "project"}
    body = {**words, "project": key} if place == "body" else words
    path = scene.url(operation) + (f"?project={key}" if place == "query" else "")
    before = fingerprint()

    answer = client.generic(operation.method, path, data=orjson.dumps(body), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "key_is_for_projects")
    assert fingerprint() == before


@pytest.mark.parametrize(
    "operation", [one for one in SCOPED if "{ref}" in one.path or "{label_id}" in one.path], ids=str
)
def test_a_project_beside_the_path_is_no_way_into_another(operation, scene, request):
    """The path alone says where; a key for elsewhere may name its own project as often as it likes."""
    owner = owner_of(operation, request)
    ProjectFactory(key="ELSE", owner=owner)
    client = by_key(minted(owner, projects=["ELSE"]).text)
    body = orjson.dumps({**scene.body(operation), "project": "ELSE"})
    before = fingerprint()

    answer = client.generic(
        operation.method, f"{scene.url(operation)}?project=ELSE", data=body, content_type="application/json"
    )

    assert answer.status_code in {404, 415}
    assert fingerprint() == before


def test_what_is_in_another_project_is_not_tied_to_this_one(scene, alice):
    client = by_key(minted(alice, projects=["OPS"]).text)
    other = str(TaskFactory(project=Project.objects.get(pk=scene.things["empty"])).pk)
    task = f"/api/v1/tasks/{scene.things['ref:tasks']}/"
    before = fingerprint()

    answers = [
        client.patch(task, {"project": "OPS0"}),
        client.patch(task, {"parent": other}),
        client.post(f"{task}move/", {"after": other}),
        client.post("/api/v1/tasks/", {"project": "OPS", "title": "Below another", "parent": other}),
        client.patch(f"/api/v1/labels/{scene.things['label_id']}/", {"project": "OPS0"}),
        client.post("/api/v1/projects/OPS/states/", {"project": "OPS0", "name": "Out", "category": "done"}),
    ]

    assert [one.status_code for one in answers] == [400] * 6
    assert fingerprint() == before
