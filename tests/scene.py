"""One of everything, belonging to alice and her project, for the tests that go over all endpoints."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone

from accounts.services import open_session
from accounts.tests.factories import UserFactory
from notifications.tests.factories import make_notification
from tasks.models import ProjectMember, Role
from tasks.tests.factories import MemberFactory, ProjectFactory, TaskFactory
from tests.endpoints import BODIES, Operation

PEOPLE = ("anonymous", "mallory", "viewer", "commenter", "bob", "project_admin", "alice", "carol", "admin")


class Scene:
    """Where each operation finds its thing, and the body it accepts."""

    def __init__(self, things: dict[str, str]) -> None:
        self.things = things

    def url(self, operation: Operation) -> str:
        """Fill the path; what `{ref}` and `{user_id}` mean depends on where they stand."""
        family = operation.path.split("/")[0]
        things = {
            **self.things,
            "ref": self.things.get(f"ref:{family}", ""),
            "user_id": self.things.get(f"user:{family}", ""),
        }
        if str(operation) == "DELETE /api/v1/projects/{ref}/":
            things["ref"] = self.things["empty"]
        return re.sub(r"{(\w+)}", lambda found: things[found[1]], operation.template)

    def door(self, operation: Operation) -> str:
        """The person who may do everything to these things: alice, but a comment is changed by its author."""
        return "bob" if operation.template.endswith("{comment_id}/") else "alice"

    def body(self, operation: Operation) -> dict[str, Any]:
        filled = {}
        for name, value in BODIES.get(str(operation), {}).items():
            hole = re.fullmatch(r"{(\w+)}", value) if isinstance(value, str) else None
            filled[name] = self.things[hole[1]] if hole else value
        return filled


@pytest.fixture
def scene(alice, bob, carol, mallory, admin, viewer, commenter, project_admin, team, project, task, label, comment):
    empty = ProjectFactory(key="EMPTY", owner=alice)
    for person, role in (
        (bob, Role.EDITOR),
        (viewer, Role.VIEWER),
        (commenter, Role.COMMENTER),
        (project_admin, Role.ADMIN),
    ):
        ProjectMember.objects.create(project=empty, user=person, role=role)
    leaving = MemberFactory(project=project, user=UserFactory(handle="leaving")).user
    pair = open_session(user=alice, now=timezone.now())
    return Scene(
        {
            "ref:projects": "OPS",
            "ref:tasks": task.key,
            "user:projects": str(leaving.pk),
            "user:teams": str(bob.pk),
            "user:users": str(bob.pk),
            "empty": str(empty.pk),
            "mallory": str(mallory.pk),
            "team_id": str(team.pk),
            "label_id": str(label.pk),
            "comment_id": str(comment.pk),
            "state_id": str(project.states.get(slug="cancelled").pk),
            "other_task": str(TaskFactory(project=project).pk),
            "notification_id": str(make_notification(alice).pk),
            "session_id": str(alice.sessions.get().pk),
            "refresh": pair.refresh,
        }
    )
