from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import lru_cache

from django.db.models import Count, Exists, Q, QuerySet, Subquery

from accounts.models import User
from core.errors import NotFound
from core.prepared import Bind, OneOf, Statement, instance, names_of
from gateway.fields import UUID
from tasks import policies
from tasks.models import Label, Project, ProjectMember, Role, State, TaskShare

NOWHERE = uuid.UUID(int=0)


def list_projects(user: User) -> QuerySet[Project]:
    """The projects a person sees, with their counts of open tasks and members."""
    return (
        Project.objects.visible_to(user)
        .select_related("owner")
        .annotate(
            open_count=Count("tasks", filter=Q(tasks__closed_at=None), distinct=True),
            member_count=Count("memberships", distinct=True),
        )
    )


def get_project(user: User, ref: str | uuid.UUID) -> Project:
    """One project by id or key."""
    found = list_projects(user).filter(named(ref)).first()
    if found is None:
        raise NotFound("There is no such project.")
    return found


def project_id_or_nowhere(user: User, ref: str | uuid.UUID) -> uuid.UUID:
    """A filter by an unknown or foreign project finds nothing, like a filter by any other value."""
    column, value = named(ref)
    found = _project_id(user.is_overseer, column).run({"reader": user.pk, "ref": value})
    return found[0][0] if found else NOWHERE


@lru_cache(maxsize=4)
def _project_id(overseer: bool, column: str) -> Statement:
    seen = Project.objects.seen_by(Bind("reader"), overseer=overseer)
    return Statement.always(seen.filter(**{column: Bind("ref")}).values_list("pk"))


def lock_project(user: User, ref: str | uuid.UUID) -> Project:
    """The same project, locked until the end of the transaction."""
    found = Project.objects.visible_to(user).select_for_update(no_key=True).filter(named(ref)).first()
    if found is None:
        raise NotFound("There is no such project.")
    return found


def named(ref: str | uuid.UUID) -> tuple[str, str | uuid.UUID]:
    """Return by which column a project is named, and the value: its id, or else its key."""
    text = str(ref)
    return ("id", uuid.UUID(text)) if UUID.match(text) else ("key", text.upper()[:20].replace("\x00", ""))


def role_in(user: User, project: Project) -> Role | None:
    found = _membership().run({"project": project.pk, "user": user.pk})
    return policies.effective_role(user, project, found[0][0] if found else None)


@lru_cache(maxsize=1)
def _membership() -> Statement:
    rows = ProjectMember.objects.filter(project=Bind("project"), user=Bind("user"))
    return Statement.always(rows.values_list("effective_role"))


def visible_project_ids(user: User) -> list[uuid.UUID]:
    return list(Project.objects.visible_to(user).values_list("pk", flat=True))


def inbox_of(user: User) -> Project | None:
    return Project.objects.filter(owner=user, is_inbox=True).first()


def members(project: Project) -> QuerySet[ProjectMember]:
    return ProjectMember.objects.filter(project=project).select_related("user")


def get_member(project: Project, user_id: uuid.UUID) -> ProjectMember:
    found = members(project).filter(user=user_id).first()
    if found is None:
        raise NotFound("This person is not in the project.")
    return found


def states(project: Project) -> QuerySet[State]:
    return State.objects.filter(project=project).order_by("position", "id")


def workflow(project: Project) -> list[State]:
    """The states of a project in their order, for a write that is about to choose one."""
    return [instance(State, row) for row in _states().run({"project": project.pk})]


@lru_cache(maxsize=1)
def _states() -> Statement:
    return Statement.always(
        State.objects.filter(project=Bind("project")).order_by("position", "id").values_list(*names_of(State))
    )


def role_and_workflow(user: User, project: Project) -> tuple[Role | None, list[State]]:
    """Both in one question, for who asks it under the project's lock, where others wait."""
    rows = _states_and_role().run({"project": project.pk, "user": user.pk})
    return policies.effective_role(user, project, rows[0][-1]), [instance(State, row[:-1]) for row in rows]


@lru_cache(maxsize=1)
def _states_and_role() -> Statement:
    own = ProjectMember.objects.filter(project=Bind("project"), user=Bind("user")).values("effective_role")
    states = State.objects.filter(project=Bind("project")).order_by("position", "id")
    return Statement.always(states.values_list(*names_of(State), Subquery(own)))


def get_state(project: Project, state_id: uuid.UUID) -> State:
    found = State.objects.filter(project=project, pk=state_id).first()
    if found is None:
        raise NotFound("There is no such status.")
    return found


def labels(user: User, project: str = "") -> QuerySet[Label]:
    found = Label.objects.filter(project__in=Project.objects.visible_to(user).values("pk"))
    return found.filter(project=get_project(user, project)) if project else found


def get_label(user: User, label_id: uuid.UUID) -> Label:
    found = labels(user).select_related("project").filter(pk=label_id).first()
    if found is None:
        raise NotFound("There is no such label.")
    return found


def watchers_of(project_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Everybody who can see any of the tasks of these projects: whose remembered answers a change ends."""
    return {row[0] for row in _watchers().run({"projects": list(project_ids)})}


@lru_cache(maxsize=1)
def _watchers() -> Statement:
    members = ProjectMember.objects.filter(OneOf("project_id", Bind("projects")))
    shared = Project.objects.filter(OneOf("id", Bind("projects")), is_inbox=False)
    overseers = User.objects.filter(Exists(shared), role__in=[User.Role.STAFF, User.Role.ADMIN])
    guests = TaskShare.objects.filter(OneOf("project_id", Bind("projects")))
    return Statement.always(
        members.values_list("user_id").union(overseers.values_list("pk"), guests.values_list("user_id"))
    )
