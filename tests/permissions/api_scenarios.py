"""Everybody who could ask, and everywhere the thing asked for could be: the two sides of the permission matrix.

Made once for a module, in a transaction that is taken back; each request is taken back by a savepoint of its own.
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
from core.testing.database_state import row_write_count, table_digests
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
TODOIST_CSV = "TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\ntask,Imported,4,1,,,,,\n"
OPERATIONS = {f"{one.method} {one.path}": one for one in operations()}
UUID_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PROJECT_KEY_PATTERN = re.compile(r"^[A-Z]+(?=$|-\d)")


class Outcome(NamedTuple):
    answer: HttpResponse
    path: str
    changes: bool


class ApiScenarios:
    """People behind their clients, and the scenes of things by place."""

    def __init__(self) -> None:
        self.people = {
            name: UserFactory(handle=name) for name in ("mallory", *PROJECT_ROLES, "alice", "dave", "erin", "gone")
        }
        User.objects.filter(handle="service").update(kind=User.Kind.SERVICE, password="!")
        self.people["carol"] = UserFactory(handle="carol", role=User.Role.STAFF)
        self.people["admin"] = UserFactory(handle="admin", role=User.Role.ADMIN)
        self.share_users = {name: UserFactory(handle=f"guest-{name}") for name in ("viewer", "commenter", "bob")}
        self.share_clients = {name: signed_in(user) for name, user in self.share_users.items()}
        self.clients = {name: signed_in(user) for name, user in self.people.items()} | {"anonymous": ApiClient()}
        User.objects.filter(handle="gone").update(is_active=False)
        self.clients["service"] = api_key_client(
            create_api_key(self.people["service"], actor=self.people["admin"]).text
        )
        mine, theirs = own_project(self.people), foreign_project(self.people)
        sample_values = {
            "own": mine,
            "team": team_project(self.people),
            "shared": shared_task(self.people | self.share_users),
            "foreign": theirs,
            "missing": missing_objects(mine),
            "crossed": crossed_objects(mine, theirs),
        }
        self.scenarios = {scenario: RequestBuilder(found) for scenario, found in sample_values.items()}
        self.outcomes: dict[tuple[str, str, str], Outcome] = {}
        Session.objects.update(reauthenticated_at=timezone.now() + timedelta(hours=1))  # a world outlasts a proof
        self.initial_fingerprint = table_digests()

    def ask(self, name: str, scenario: str, actor: str) -> Outcome:
        """Send the request of this operation, asked once for each place and person."""
        asked = (name, scenario, actor)
        if asked not in self.outcomes:
            clients = self.clients | self.share_clients if scenario == "shared" else self.clients
            self.outcomes[asked] = self._ask(OPERATIONS[name], self.scenarios[scenario], clients[actor])
        return self.outcomes[asked]

    def read(self, name: str, actor: str, query: str) -> bytes:
        """Return the body of what one person reads of all that there is."""
        words = "&".join(part for part in (self.scenarios["own_project"].query(OPERATIONS[name]), query) if part)
        with transaction.atomic():
            answer = self.clients[actor].get(f"{OPERATIONS[name].template}?{words}")
            transaction.set_rollback(True)
        return bytes(answer.content)

    def _ask(self, operation: Operation, request_builder: RequestBuilder, client: ApiClient) -> Outcome:
        reset_redis()  # the eleventh of those who ask may not have spent the limit of the first
        path, before = request_builder.url(operation), row_write_count()
        query = request_builder.query(operation)
        with transaction.atomic():
            answer = client.generic(
                operation.method, f"{path}?{query}" if query else path, **request_kwargs(request_builder, operation)
            )
            changes = row_write_count() != before and table_digests() != self.initial_fingerprint
            transaction.set_rollback(True)
        return Outcome(answer, path, changes)


def request_kwargs(request_builder: RequestBuilder, operation: Operation) -> dict[str, Any]:
    if operation.path == "projects/{ref}/imports/":
        form = {"source": "todoist", "file": SimpleUploadedFile("todoist.csv", TODOIST_CSV.encode())}
        return {"data": encode_multipart(BOUNDARY, form), "content_type": MULTIPART_CONTENT}
    if operation.path == "me/avatar/" and operation.method == "POST":
        form = {"file": SimpleUploadedFile("me.jpg", photo())}
        return {"data": encode_multipart(BOUNDARY, form), "content_type": MULTIPART_CONTENT}
    if operation.method not in {"POST", "PATCH", "PUT"}:
        return {}
    return {"data": orjson.dumps(request_builder.body(operation)), "content_type": "application/json"}


def own_project(people: dict[str, User]) -> SampleValues:
    """Where each has the role of their name; of what belongs to one person, alice's."""
    sample_values = create_sample_data(people["alice"], "OPS", editor=people["bob"], newcomer=people["mallory"])
    for name in ("viewer", "commenter", "project_admin", "service"):
        add_member(sample_values, people[name], PROJECT_ROLES[name])
    TeamMemberFactory(team_id=sample_values["team:teams"], user=people["service"])
    return _add_project_admin_to_team(sample_values, people)


def team_project(people: dict[str, User]) -> SampleValues:
    """The same, where each has that role as a member of a team."""
    sample_values = create_project(people["alice"], "TEAM", editor=people["bob"], newcomer=people["mallory"])
    for name, role in PROJECT_ROLES.items():
        team = TeamMemberFactory(team=TeamFactory(name=f"Team of {name}"), user=people[name]).team
        for key in (sample_values["project_id"], sample_values["empty"]):
            ProjectTeamFactory(project=Project.objects.get(pk=key), team=team, role=role)
    return _add_project_admin_to_team(sample_values, people)


def shared_task(people: dict[str, User]) -> SampleValues:
    """The same, where some have that role for one task alone, which was shared with them."""
    sample_values = create_project(people["alice"], "SHARED", editor=people["bob"], newcomer=people["mallory"])
    task = Task.objects.get(project=sample_values["project_id"], title="Fix the printer")
    for name in ("viewer", "commenter", "bob"):
        TaskShareFactory(task=task, user=people[name], role=PROJECT_ROLES[name])
    return sample_values


def _add_project_admin_to_team(sample_values: SampleValues, people: dict[str, User]) -> SampleValues:
    TeamMemberFactory(team_id=sample_values["other_team"], user=people["project_admin"])
    return sample_values


def foreign_project(people: dict[str, User]) -> SampleValues:
    """The same, of somebody whom none of the others knows."""
    return create_sample_data(people["dave"], "FRN", editor=people["erin"], newcomer=people["mallory"])


def missing_objects(mine: SampleValues) -> SampleValues:
    """The same, of which nothing exists."""
    return {
        name: PROJECT_KEY_PATTERN.sub("QQQ", UUID_PATTERN.sub(str(uuid.uuid4()), value)) for name, value in mine.items()
    }


def crossed_objects(mine: SampleValues, theirs: SampleValues) -> SampleValues:
    """One's own project, task or team, and in its path a part of a foreign one."""
    first = {"project", "project_id", "ref:projects", "ref:tasks", "team:teams"}
    return {name: mine[name] if name in first else theirs[name] for name in mine}
