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
from accounts.tests.factories import TeamFactory, TeamMemberFactory, UserFactory
from accounts.tests.fixtures import ApiClient, signed_in
from accounts.tests.images import photo
from accounts.tests.keys import by_key, minted
from core.testing.cache import begin_anew
from core.testing.state import attempts, fingerprint
from tasks.models import Project, Role, Task
from tasks.tests.factories import ProjectTeamFactory, TaskShareFactory
from tests.endpoints import Operation, operations
from tests.scene import Scene, Things, belongings, let_in, project_of

# The columns of the matrix: bob is an editor, alice the owner, carol staff.
PEOPLE = ("anonymous", "mallory", "viewer", "commenter", "bob", "project_admin", "alice", "carol", "admin")
ROLES = {
    "viewer": Role.VIEWER,
    "commenter": Role.COMMENTER,
    "bob": Role.EDITOR,
    "project_admin": Role.ADMIN,
    "service": Role.EDITOR,
}
EXPORT = "TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\ntask,Imported,4,1,,,,,\n"
OPERATIONS = {f"{one.method} {one.path}": one for one in operations()}
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEY = re.compile(r"^[A-Z]+(?=$|-\d)")


class Outcome(NamedTuple):
    answer: HttpResponse
    path: str
    wrote: bool


class World:
    """People behind their clients, and the scenes of things by place."""

    def __init__(self) -> None:
        self.people = {name: UserFactory(handle=name) for name in ("mallory", *ROLES, "alice", "dave", "erin", "gone")}
        User.objects.filter(handle="service").update(kind=User.Kind.SERVICE, password="!")
        self.people["carol"] = UserFactory(handle="carol", role=User.Role.STAFF)
        self.people["admin"] = UserFactory(handle="admin", role=User.Role.ADMIN)
        self.sharers = {name: UserFactory(handle=f"guest-{name}") for name in ("viewer", "commenter", "bob")}
        self.guests = {name: signed_in(person) for name, person in self.sharers.items()}
        self.clients = {name: signed_in(person) for name, person in self.people.items()} | {"anonymous": ApiClient()}
        User.objects.filter(handle="gone").update(is_active=False)
        self.clients["service"] = by_key(minted(self.people["service"], actor=self.people["admin"]).text)
        mine, theirs = own(self.people), foreign(self.people)
        things = {
            "own": mine,
            "team": by_teams(self.people),
            "shared": by_shares(self.people | self.sharers),
            "foreign": theirs,
            "missing": missing(mine),
            "crossed": crossed(mine, theirs),
        }
        self.places = {place: Scene(found) for place, found in things.items()}
        self.known: dict[tuple[str, str, str], Outcome] = {}
        Session.objects.update(proved_at=timezone.now() + timedelta(hours=1))  # a world outlasts a proof
        self.still = fingerprint()

    def ask(self, name: str, place: str, who: str) -> Outcome:
        """Send the request of this operation, asked once for each place and person."""
        asked = (name, place, who)
        if asked not in self.known:
            clients = self.clients | self.guests if place == "shared" else self.clients
            self.known[asked] = self._ask(OPERATIONS[name], self.places[place], clients[who])
        return self.known[asked]

    def read(self, name: str, who: str, query: str) -> bytes:
        """Return the body of what one person reads of all that there is."""
        words = "&".join(part for part in (self.places["own"].query(OPERATIONS[name]), query) if part)
        with transaction.atomic():
            answer = self.clients[who].get(f"{OPERATIONS[name].template}?{words}")
            transaction.set_rollback(True)
        return bytes(answer.content)

    def _ask(self, operation: Operation, scene: Scene, client: ApiClient) -> Outcome:
        begin_anew()  # the eleventh of those who ask may not have spent the limit of the first
        path, before = scene.url(operation), attempts()
        query = scene.query(operation)
        with transaction.atomic():
            answer = client.generic(operation.method, f"{path}?{query}" if query else path, **sent(scene, operation))
            wrote = attempts() != before and fingerprint() != self.still
            transaction.set_rollback(True)
        return Outcome(answer, path, wrote)


def sent(scene: Scene, operation: Operation) -> dict[str, Any]:
    if operation.path == "projects/{ref}/imports/":
        form = {"source": "todoist", "file": SimpleUploadedFile("todoist.csv", EXPORT.encode())}
        return {"data": encode_multipart(BOUNDARY, form), "content_type": MULTIPART_CONTENT}
    if operation.path == "me/avatar/" and operation.method == "POST":
        form = {"file": SimpleUploadedFile("me.jpg", photo())}
        return {"data": encode_multipart(BOUNDARY, form), "content_type": MULTIPART_CONTENT}
    if operation.method not in {"POST", "PATCH", "PUT"}:
        return {}
    return {"data": orjson.dumps(scene.body(operation)), "content_type": "application/json"}


def own(people: dict[str, User]) -> Things:
    """Where each has the role of their name; of what belongs to one person, alice's."""
    things = belongings(people["alice"], "OPS", editor=people["bob"], newcomer=people["mallory"])
    for name in ("viewer", "commenter", "project_admin", "service"):
        let_in(things, people[name], ROLES[name])
    TeamMemberFactory(team_id=things["team:teams"], user=people["service"])
    return _may_add_teams(things, people)


def by_teams(people: dict[str, User]) -> Things:
    """The same, where each has that role as a member of a team."""
    things = project_of(people["alice"], "TEAM", editor=people["bob"], newcomer=people["mallory"])
    for name, role in ROLES.items():
        team = TeamMemberFactory(team=TeamFactory(name=f"Team of {name}"), user=people[name]).team
        for key in (things["project_id"], things["empty"]):
            ProjectTeamFactory(project=Project.objects.get(pk=key), team=team, role=role)
    return _may_add_teams(things, people)


def by_shares(people: dict[str, User]) -> Things:
    """The same, where some have that role for one task alone, which was shared with them."""
    things = project_of(people["alice"], "SHARED", editor=people["bob"], newcomer=people["mallory"])
    task = Task.objects.get(project=things["project_id"], title="Fix the printer")
    for name in ("viewer", "commenter", "bob"):
        TaskShareFactory(task=task, user=people[name], role=ROLES[name])
    return things


def _may_add_teams(things: Things, people: dict[str, User]) -> Things:
    TeamMemberFactory(team_id=things["other_team"], user=people["project_admin"])
    return things


def foreign(people: dict[str, User]) -> Things:
    """The same, of somebody whom none of the others knows."""
    return belongings(people["dave"], "FRN", editor=people["erin"], newcomer=people["mallory"])


def missing(mine: Things) -> Things:
    """The same, of which nothing exists."""
    return {name: KEY.sub("QQQ", ID.sub(str(uuid.uuid4()), value)) for name, value in mine.items()}


def crossed(mine: Things, theirs: Things) -> Things:
    """One's own project, task or team, and in its path a part of a foreign one."""
    first = {"project", "project_id", "ref:projects", "ref:tasks", "team:teams"}
    return {name: mine[name] if name in first else theirs[name] for name in mine}
