"""Who gains or loses sight of a task by a team or a share sees so on their next request, through any node."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from accounts.auth.sessions.cache import load_status, session_key
from accounts.teams import services as teams
from accounts.tests.factories import TeamMemberFactory
from accounts.tests.fixtures import token_of
from config.wsgi import application as django
from core.testing.asgi import run, send_request
from gateway.application import Gateway
from gateway.session_backend import SessionBackend
from tasks.members import teams as members_teams
from tasks.sharing import services as sharing

pytestmark = pytest.mark.django_db(transaction=True)
LIST_PATH, TASK_PATH, JSON_HEADERS = "/api/v1/tasks/", "/api/v1/tasks/OPS-1/", {"content-type": "application/json"}


@pytest.fixture
def assert_visibility(mallory, project, task):
    """What mallory is told of the one task, in the list and by itself, by each of two nodes, which remember it."""
    nodes = [Gateway(django, SessionBackend(key=session_key, look_up=load_status)) for _ in range(2)]
    headers = {**JSON_HEADERS, "authorization": f"Bearer {token_of(mallory)}"}

    def ask(method="GET", **body):
        sent = [json.dumps(body).encode()] if body else [b""]
        if body:
            return {send_request(node, method, TASK_PATH, headers=headers, chunks=sent).status for node in nodes}
        lists = [
            send_request(node, "GET", LIST_PATH, headers=headers).json()["results"] for node in nodes for _ in range(2)
        ]
        found = {send_request(node, "GET", TASK_PATH, headers=headers).status for node in nodes}
        return {len(rows) for rows in lists}, found

    yield ask
    for node in nodes:
        run(node.checker.close())
        node.django.close()


HIDDEN, VISIBLE = ({0}, {404}), ({1}, {200})


def test_a_team_comes_and_goes(alice, mallory, project, assert_visibility):
    team = TeamMemberFactory(user=alice, role="lead").team
    found = [assert_visibility()]

    teams.add_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
    members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
    found.append(assert_visibility())
    refused = assert_visibility("PATCH", title="New")
    members_teams.update(actor=alice, ref="OPS", team_id=team.pk, role="editor")
    allowed = assert_visibility("PATCH", title="New")
    members_teams.remove(actor=alice, ref="OPS", team_id=team.pk, now=timezone.now())

    assert [*found, assert_visibility()] == [HIDDEN, VISIBLE, HIDDEN]
    assert (refused, allowed) == ({403}, {200})


def test_a_member_of_a_team_comes_and_goes_and_so_does_the_team(alice, mallory, project, assert_visibility):
    team = TeamMemberFactory(user=alice, role="lead").team
    members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
    found = [assert_visibility()]

    for _ in range(2):
        teams.add_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
        found.append(assert_visibility())
        teams.remove_member(actor=alice, team_id=team.pk, user_id=mallory.pk)
        found.append(assert_visibility())
    teams.add_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
    found.append(assert_visibility())
    teams.delete(actor=alice, team_id=team.pk)

    assert [*found, assert_visibility()] == [HIDDEN, VISIBLE, HIDDEN, VISIBLE, HIDDEN, VISIBLE, HIDDEN]


def test_a_shared_task_comes_changes_and_goes(alice, mallory, task, assert_visibility):
    found = [assert_visibility()]

    for _ in range(2):
        sharing.add(actor=alice, ref=task.key, role="editor", user_id=mallory.pk)
        found.append(assert_visibility())
        assert assert_visibility("PATCH", title="New") == {200}
        sharing.update(actor=alice, ref=task.key, user_id=mallory.pk, role="viewer")
        assert assert_visibility("PATCH", title="Newer") == {403}
        sharing.remove(actor=alice, ref=task.key, user_id=mallory.pk)
        found.append(assert_visibility())

    assert found == [HIDDEN, VISIBLE, HIDDEN, VISIBLE, HIDDEN]
