"""One of everything that belongs to one person, for the tests that go over all endpoints.

A new kind of thing is made in `belongings`, under the name that it has in paths and in `endpoints.BODIES`.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from accounts.models import Team, TeamMember, User
from accounts.services import open_challenge, open_session
from accounts.tests.factories import (
    AvatarFactory,
    DepartureFactory,
    ExportFactory,
    InvitationFactory,
    ServiceAccountFactory,
    TeamFactory,
    TeamMemberFactory,
    UserFactory,
)
from accounts.tests.keys import minted
from accounts.tests.second_factors import recovery_codes, with_app
from core.db import uuid7
from notifications.tests.factories import make_notification
from tasks.models import Project, Role
from tasks.tests.factories import (
    CommentFactory,
    LabelFactory,
    MemberFactory,
    ProjectFactory,
    ProjectTeamFactory,
    TaskFactory,
    TaskShareFactory,
)
from tests.endpoints import BODIES, QUERIES, Operation

Things = dict[str, str]


class Scene:
    """Where each operation finds its thing, and the body it accepts."""

    def __init__(self, things: Things) -> None:
        self.things = things

    def url(self, operation: Operation) -> str:
        """Fill the path; what `{ref}` and `{user_id}` mean depends on where they stand."""
        family = operation.path.split("/")[0]
        things = {
            **self.things,
            "ref": self.things.get(f"ref:{family}", ""),
            "user_id": self.things.get(f"user:{family}", ""),
            "team_id": self.things.get(f"team:{family}", ""),
        }
        if str(operation) == "DELETE /api/v1/projects/{ref}/":
            things["ref"] = self.things["empty"]
        return re.sub(r"{(\w+)}", lambda found: things[found[1]], operation.template)

    def door(self, operation: Operation) -> str:
        """The person who may do everything to these things: alice, but a comment is changed by its author."""
        if (
            operation.path.startswith(("directory/", "service-accounts/"))
            or str(operation) == "POST /api/v1/invitations/"
        ):
            return "admin"
        return "bob" if operation.template.endswith("{comment_id}/") else "alice"

    def query(self, operation: Operation) -> str:
        return urlencode(self._filled(QUERIES.get(str(operation), {})))

    def body(self, operation: Operation) -> dict[str, Any]:
        return self._filled(BODIES.get(str(operation), {}))

    def _filled(self, words: dict[str, Any]) -> dict[str, Any]:
        filled = {}
        for name, value in words.items():
            hole = re.fullmatch(r"{([\w:]+)}", value) if isinstance(value, str) else None
            filled[name] = self.things[hole[1]] if hole else value
        return filled


def belongings(owner: User, key: str, *, editor: User, newcomer: User) -> Things:
    """Make one of everything for the owner; the editor is in the project, and wrote the comment."""
    things = project_of(owner, key, editor=editor, newcomer=newcomer) | _personal(owner)
    let_in(things, editor, Role.EDITOR)
    return things


def project_of(owner: User, key: str, *, editor: User, newcomer: User) -> Things:
    """Make a project with one of everything in it; the editor, who wrote the comment, is not in it yet."""
    project, empty = ProjectFactory(key=key, owner=owner), ProjectFactory(key=f"{key}0", owner=owner)
    task = TaskFactory(project=project, title="Fix the printer")
    team, crew, others = (_team_of(owner, f"{name} of {key}") for name in ("Team", "Crew", "Others"))
    TeamMemberFactory(team=team, user=editor)
    leaving = MemberFactory(project=project, user=UserFactory(handle=f"leaving-{key.lower()}")).user
    return {
        "project": key,
        "project_id": str(project.pk),
        "ref:projects": key,
        "ref:tasks": task.key,
        "user:projects": str(leaving.pk),
        "user:teams": str(editor.pk),
        "user:users": str(owner.pk),
        "user:directory": str(editor.pk),
        "empty": str(empty.pk),
        "newcomer": str(newcomer.pk),
        "user:tasks": str(TaskShareFactory(task=task, user=UserFactory(handle=f"borrower-{key.lower()}")).user_id),
        "team:teams": str(team.pk),
        "team:projects": str(ProjectTeamFactory(project=project, team=crew, role=Role.VIEWER).team_id),
        "other_team": str(others.pk),
        "label_id": str(LabelFactory(project=project, name="urgent").pk),
        "comment_id": str(CommentFactory(task=task, author=editor).pk),
        "state_id": str(project.states.get(slug="cancelled").pk),
        "other_task": str(TaskFactory(project=project).pk),
    }


def _team_of(lead: User, name: str) -> Team:
    return TeamMemberFactory(team=TeamFactory(name=name), user=lead, role=TeamMember.Role.LEAD).team


def _personal(owner: User) -> Things:
    pair = open_session(user=owner, now=timezone.now())
    return {
        "notification_id": str(make_notification(owner).pk),
        "session_id": str(owner.sessions.order_by("pk").last().pk),
        "refresh": pair.refresh,
        "key_id": str(minted(owner).key.pk),
        "account_id": str(ServiceAccountFactory(handle=f"robot-{uuid7().hex}").pk),
        **_coming_and_going(owner),
        **_half_signed_in(f"careful-{uuid7().hex}"),
    }


def _half_signed_in(handle: str) -> Things:
    """Somebody whose password was right, and whose second factor is still to come."""
    person = with_app(UserFactory(handle=handle))
    challenge = open_challenge(person=person, now=timezone.now())
    assert challenge is not None
    return {"challenge": challenge.token, "code": recovery_codes(person)[0]}


def _coming_and_going(owner: User) -> Things:
    """A picture, an archive, an invitation sent and one received, and somebody on the way out."""
    AvatarFactory(user=owner)
    secrets = {name: f"{name}-{uuid7()}" for name in ("accept", "join", "stay")}
    InvitationFactory(email=owner.email, secret=secrets["accept"])
    InvitationFactory(secret=secrets["join"])
    DepartureFactory(secret=secrets["stay"])
    return {
        "invitation_id": str(InvitationFactory(inviter=owner).pk),
        "export_id": str(ExportFactory(user=owner).pk),
        **{f"{name}_token": secret for name, secret in secrets.items()},
    }


def let_in(things: Things, person: User, role: str) -> None:
    for key in (things["project_id"], things["empty"]):
        MemberFactory(project=Project.objects.get(pk=key), user=person, role=role)


@pytest.fixture
def scene(alice, bob, mallory):
    return Scene(belongings(alice, "OPS", editor=bob, newcomer=mallory))
