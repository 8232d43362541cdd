"""Who gains or loses sight of a task by a team or a share sees so on their next request, through any node."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from accounts.cache import remember_liveness, session_key
from accounts.services import add_team_member, delete_team, remove_team_member
from accounts.tests.factories import TeamMemberFactory
from accounts.tests.fixtures import token_of
from accounts.tokens import access_for
from config.wsgi import application as django
from core.testing.asgi import call, run
from gateway.application import Gateway
from gateway.sessions import Sessions
from tasks import services

pytestmark = pytest.mark.django_db(transaction=True)
LIST, ONE, JSON = "/api/v1/tasks/", "/api/v1/tasks/OPS-1/", {"content-type": "application/json"}


@pytest.fixture
def seen(mallory, project, task):
    """What mallory is told of the one task, in the list and by itself, by each of two nodes, which remember it."""
    nodes = [Gateway(django, Sessions(key=session_key, look_up=remember_liveness, token=access_for)) for _ in range(2)]
    headers = {**JSON, "authorization": f"Bearer {token_of(mallory)}"}

    def ask(method="GET", **body):
        sent = [json.dumps(body).encode()] if body else [b""]
        if body:
            return {call(node, method, ONE, headers=headers, chunks=sent).status for node in nodes}
        lists = [call(node, "GET", LIST, headers=headers).json()["results"] for node in nodes for _ in range(2)]
        found = {call(node, "GET", ONE, headers=headers).status for node in nodes}
        return {len(rows) for rows in lists}, found

    yield ask
    for node in nodes:
        run(node.checker.close())
        node.django.close()


GONE, THERE = ({0}, {404}), ({1}, {200})


def test_a_team_comes_and_goes(alice, mallory, project, seen):
    team = TeamMemberFactory(user=alice, role="lead").team
    found = [seen()]

    add_team_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
    services.add_project_team(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
    found.append(seen())
    refused = seen("PATCH", title="New")
    services.change_project_team(actor=alice, ref="OPS", team_id=team.pk, role="editor")
    allowed = seen("PATCH", title="New")
    services.remove_project_team(actor=alice, ref="OPS", team_id=team.pk, now=timezone.now())

    assert [*found, seen()] == [GONE, THERE, GONE]
    assert (refused, allowed) == ({403}, {200})


def test_a_member_of_a_team_comes_and_goes_and_so_does_the_team(alice, mallory, project, seen):
    team = TeamMemberFactory(user=alice, role="lead").team
    services.add_project_team(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
    found = [seen()]

    for _ in range(2):
        add_team_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
        found.append(seen())
        remove_team_member(actor=alice, team_id=team.pk, user_id=mallory.pk)
        found.append(seen())
    add_team_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")
    found.append(seen())
    delete_team(actor=alice, team_id=team.pk)

    assert [*found, seen()] == [GONE, THERE, GONE, THERE, GONE, THERE, GONE]


def test_a_shared_task_comes_changes_and_goes(alice, mallory, task, seen):
    found = [seen()]

    for _ in range(2):
        services.share_task(actor=alice, ref=task.key, role="editor", user_id=mallory.pk)
        found.append(seen())
        assert seen("PATCH", title="New") == {200}
        services.change_share(actor=alice, ref=task.key, user_id=mallory.pk, role="viewer")
        assert seen("PATCH", title="Newer") == {403}
        services.unshare_task(actor=alice, ref=task.key, user_id=mallory.pk)
        found.append(seen())

    assert found == [GONE, THERE, GONE, THERE, GONE]
