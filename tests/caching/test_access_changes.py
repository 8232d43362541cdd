"""Access through teams and shares changes from the next request on, through any node."""

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
def get_visibility(mallory, project, task):
    """Return what mallory sees of the task through two caching nodes: lengths of the list, statuses of the task."""
    nodes = [Gateway(django, SessionBackend(key=session_key, look_up=load_status)) for _ in range(2)]
    headers = {**JSON_HEADERS, "authorization": f"Bearer {token_of(mallory)}"}

    def get(method="GET", **body):
        if body:
            chunks = [json.dumps(body).encode()]
            return {send_request(node, method, TASK_PATH, headers=headers, chunks=chunks).status for node in nodes}
        lists = [
            send_request(node, "GET", LIST_PATH, headers=headers).json()["results"] for node in nodes for _ in range(2)
        ]
        statuses = {send_request(node, "GET", TASK_PATH, headers=headers).status for node in nodes}
        return {len(rows) for rows in lists}, statuses

    yield get
    for node in nodes:
        run(node.checker.close())
        node.django.close()


HIDDEN, VISIBLE = ({0}, {404}), ({1}, {200})


def test_project_team_change_is_visible_at_once(alice, mallory, project, get_visibility):
    team = TeamMemberFactory(user=alice, role="lead").team
    seen = [get_visibility()]

    teams.add_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
    members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
    seen.append(get_visibility())
    refused = get_visibility("PATCH", title="New")
    members_teams.update(actor=alice, ref="OPS", team_id=team.pk, role="editor")
    allowed = get_visibility("PATCH", title="New")
    members_teams.remove(actor=alice, ref="OPS", team_id=team.pk, now=timezone.now())

    assert [*seen, get_visibility()] == [HIDDEN, VISIBLE, HIDDEN]
    assert (refused, allowed) == ({403}, {200})


def test_team_member_change_is_visible_at_once(alice, mallory, project, get_visibility):
    team = TeamMemberFactory(user=alice, role="lead").team
    members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
    seen = [get_visibility()]

    for _ in range(2):
        teams.add_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
        seen.append(get_visibility())
        teams.remove_member(actor=alice, team_id=team.pk, user_id=mallory.pk)
        seen.append(get_visibility())
    teams.add_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
    seen.append(get_visibility())
    teams.delete(actor=alice, team_id=team.pk)

    assert [*seen, get_visibility()] == [HIDDEN, VISIBLE, HIDDEN, VISIBLE, HIDDEN, VISIBLE, HIDDEN]


def test_share_change_is_visible_at_once(alice, mallory, task, get_visibility):
    seen = [get_visibility()]

    for _ in range(2):
        sharing.add(actor=alice, ref=task.key, role="editor", user_id=mallory.pk)
        seen.append(get_visibility())
        assert get_visibility("PATCH", title="New") == {200}
        sharing.update(actor=alice, ref=task.key, user_id=mallory.pk, role="viewer")
        assert get_visibility("PATCH", title="Newer") == {403}
        sharing.remove(actor=alice, ref=task.key, user_id=mallory.pk)
        seen.append(get_visibility())

    assert seen == [HIDDEN, VISIBLE, HIDDEN, VISIBLE, HIDDEN]
