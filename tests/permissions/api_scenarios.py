"""The users who send requests and the places where an object can be: the two sides of the API permission matrix.

Made once per module, in a transaction that is rolled back; each request is rolled back by a savepoint of its own.
"""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone

from accounts.models import Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import TeamFactory, TeamMemberFactory, UserFactory
from accounts.tests.fixtures import ApiClient, signed_in
from accounts.tests.images import photo
from core.testing.cache import reset_redis
from core.testing.database_state import RollbackProbe
from tasks.models import Project, Role, Task
from tasks.tests.factories import ProjectTeamFactory, TaskShareFactory
from tests.api_operations import Operation, operations
from tests.sample_data import RequestBuilder, SampleValues, add_member, create_project, create_sample_data

# The columns of the matrix: bob is an editor, alice the owner, carol staff.
ACTORS = ("anonymous", "mallory", "viewer", "commenter", "bob", "project_admin", "alice", "carol", "admin")
PROJECT_ROLES = {
    "viewer": Role.VIEWER,
    "commenter": Role.COMMENTER,
    "bob": Role.EDITOR,
    "project_admin": Role.ADMIN,
    "service": Role.EDITOR,
}
SHARE_USERS = ("viewer", "commenter", "bob")
TODOIST_CSV = "TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\ntask,Imported,4,1,,,,,\n"
OPERATIONS = {f"{operation.method} {operation.path}": operation for operation in operations()}
UUID_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PROJECT_KEY_PATTERN = re.compile(r"^[A-Z]+(?=$|-\d)")


class Outcome(NamedTuple):
    response: HttpResponse
    path: str
    changed: set[str]

    def comparable(self) -> tuple[int, dict[str, str], bytes]:
        """Return the whole response except what names this one request."""
        headers = {k: v for k, v in self.response.headers.items() if k not in {"X-Request-ID", "Server-Timing"}}
        return self.response.status_code, headers, self.response.content.replace(self.path.encode(), b"PATH")


class ApiScenarios:
    """Users with their API clients, and one RequestBuilder for each scenario (place of the object)."""

    def __init__(self) -> None:
        self.users = {
            name: UserFactory(handle=name) for name in ("mallory", *PROJECT_ROLES, "alice", "dave", "erin", "gone")
        }
        User.objects.filter(handle="service").update(kind=User.Kind.SERVICE, password="!")
        self.users["carol"] = UserFactory(handle="carol", role=User.Role.STAFF)
        self.users["admin"] = UserFactory(handle="admin", role=User.Role.ADMIN)
        self.share_users = {name: UserFactory(handle=f"guest-{name}") for name in SHARE_USERS}
        self.share_clients = {name: signed_in(user) for name, user in self.share_users.items()}
        self.clients = {name: signed_in(user) for name, user in self.users.items()} | {"anonymous": ApiClient()}
        User.objects.filter(handle="gone").update(is_active=False)
        self.clients["service"] = api_key_client(create_api_key(self.users["service"], actor=self.users["admin"]).text)
        own, foreign = own_project(self.users), foreign_project(self.users)
        sample_values = {
            "own": own,
            "team": team_project(self.users),
            "shared": shared_task(self.users | self.share_users),
            "foreign": foreign,
            "missing": missing_objects(own),
            "crossed": crossed_objects(own, foreign),
        }
        self.scenarios = {scenario: RequestBuilder(values) for scenario, values in sample_values.items()}
        self.outcomes: dict[tuple[str, str, str], Outcome] = {}
        # The scenarios may be in use for longer than a recent login lasts.
        Session.objects.update(reauthenticated_at=timezone.now() + timedelta(hours=1))
        self.probe = RollbackProbe()

    def send(self, name: str, scenario: str, actor: str) -> Outcome:
        """Send the request of this operation, once for each scenario and actor."""
        key = (name, scenario, actor)
        if key not in self.outcomes:
            clients = self.clients | self.share_clients if scenario == "shared" else self.clients
            self.outcomes[key] = self._send(OPERATIONS[name], self.scenarios[scenario], clients[actor])
        return self.outcomes[key]

    def read(self, name: str, actor: str, query: str) -> bytes:
        """Return the body of a read that is not limited to one object."""
        query = "&".join(part for part in (self.scenarios["own"].query(OPERATIONS[name]), query) if part)
        with transaction.atomic():
            response = self.clients[actor].get(f"{OPERATIONS[name].template}?{query}")
            transaction.set_rollback(True)
        return bytes(response.content)

    def _send(self, operation: Operation, request_builder: RequestBuilder, client: ApiClient) -> Outcome:
        reset_redis()  # the rate limit that one actor has used up must not meet the next
        path, query = request_builder.url(operation), request_builder.query(operation)
        with self.probe.rollback() as changed:
            response = client.generic(
                operation.method, f"{path}?{query}" if query else path, **request_kwargs(request_builder, operation)
            )
        return Outcome(response, path, changed)


def request_kwargs(request_builder: RequestBuilder, operation: Operation) -> dict[str, Any]:
    if operation.path == "projects/{ref}/imports/":
        form = {"source": "todoist", "file": SimpleUploadedFile("todoist.csv", TODOIST_CSV.encode())}
        return {"data": encode_multipart(BOUNDARY, form), "content_type": MULTIPART_CONTENT}
    if operation.path in {"me/avatar/", "tasks/{ref}/attachments/"} and operation.method == "POST":
        form = {"file": SimpleUploadedFile("me.jpg", photo())}
        return {"data": encode_multipart(BOUNDARY, form), "content_type": MULTIPART_CONTENT}
    if operation.method not in {"POST", "PATCH", "PUT"}:
        return {}
    return {"data": orjson.dumps(request_builder.body(operation)), "content_type": "application/json"}


def own_project(users: dict[str, User]) -> SampleValues:
    """Make a project in which each user has the role of their name; personal objects are alice's."""
    sample_values = create_sample_data(users["alice"], "OPS", editor=users["bob"], newcomer=users["mallory"])
    for name in ("viewer", "commenter", "project_admin", "service"):
        add_member(sample_values, users[name], PROJECT_ROLES[name])
    TeamMemberFactory(team_id=sample_values["team:teams"], user=users["service"])
    return _add_project_admin_to_team(sample_values, users)


def team_project(users: dict[str, User]) -> SampleValues:
    """Make a project in which each user has that role through a team."""
    sample_values = create_project(users["alice"], "TEAM", editor=users["bob"], newcomer=users["mallory"])
    for name, role in PROJECT_ROLES.items():
        team = TeamMemberFactory(team=TeamFactory(name=f"Team of {name}"), user=users[name]).team
        for key in (sample_values["project_id"], sample_values["empty"]):
            ProjectTeamFactory(project=Project.objects.get(pk=key), team=team, role=role)
    return _add_project_admin_to_team(sample_values, users)


def shared_task(users: dict[str, User]) -> SampleValues:
    """Make a project with one task that is shared with a user for each role."""
    sample_values = create_project(users["alice"], "SHARED", editor=users["bob"], newcomer=users["mallory"])
    task = Task.objects.get(project=sample_values["project_id"], title="Fix the printer")
    for name in SHARE_USERS:
        TaskShareFactory(task=task, user=users[name], role=PROJECT_ROLES[name])
    return sample_values


def _add_project_admin_to_team(sample_values: SampleValues, users: dict[str, User]) -> SampleValues:
    TeamMemberFactory(team_id=sample_values["other_team"], user=users["project_admin"])
    return sample_values


def foreign_project(users: dict[str, User]) -> SampleValues:
    """Make the same for an owner with whom no other actor has anything to do."""
    return create_sample_data(users["dave"], "FRN", editor=users["erin"], newcomer=users["mallory"])


def missing_objects(own: SampleValues) -> SampleValues:
    """Return values of the same shape that name nothing."""
    return {
        name: PROJECT_KEY_PATTERN.sub("QQQ", UUID_PATTERN.sub(str(uuid.uuid4()), value)) for name, value in own.items()
    } | {"identity_id": "999999999", "undo_token": "1~missing"}


def crossed_objects(own: SampleValues, foreign: SampleValues) -> SampleValues:
    """Return paths from an own object to a part of a foreign one."""
    first = {"project", "project_id", "ref:projects", "ref:tasks", "team:teams", "field:fields"}
    return {name: own[name] if name in first else foreign[name] for name in own}
