from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from core.errors import NotFound
from gateway.fields import UUID
from tasks import policies
from tasks.models import Label, Project, ProjectMember, Role, State

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
    found = list_projects(user).filter(_named(ref)).first()
    if found is None:
        raise NotFound("There is no such project.")
    return found


def project_id_or_nowhere(user: User, ref: str | uuid.UUID) -> uuid.UUID:
    """A filter by an unknown or foreign project finds nothing, like a filter by any other value."""
    found = Project.objects.visible_to(user).filter(_named(ref)).values_list("pk", flat=True).first()
    return found or NOWHERE


def lock_project(user: User, ref: str | uuid.UUID) -> Project:
    """The same project, locked until the end of the transaction."""
    found = Project.objects.visible_to(user).select_for_update(no_key=True).filter(_named(ref)).first()
    if found is None:
        raise NotFound("There is no such project.")
    return found


def _named(ref: str | uuid.UUID) -> Q:
    text = str(ref)
    return Q(pk=text) if UUID.match(text) else Q(key=text.upper()[:20].replace("\x00", ""))


def role_in(user: User, project: Project) -> Role | None:
    own = ProjectMember.objects.filter(project=project, user=user).values_list("role", flat=True).first()
    return policies.effective_role(user, project, own)


def visible_project_ids(user: User) -> list[uuid.UUID]:
    return list(Project.objects.visible_to(user).values_list("pk", flat=True))


def inbox_of(user: User) -> Project | None:
    return Project.objects.filter(owner=user, is_inbox=True).first()


def members(project: Project) -> QuerySet[ProjectMember]:
    return ProjectMember.objects.filter(project=project).select_related("user")


def states(project: Project) -> QuerySet[State]:
    return State.objects.filter(project=project).order_by("position", "id")


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


def watchers_of(project_ids: Iterable[object]) -> set[uuid.UUID]:
    """Everybody who can see the tasks of these projects: whose remembered answers a change ends."""
    projects = Project.objects.filter(pk__in=list(project_ids))
    members = set(ProjectMember.objects.filter(project__in=projects).values_list("user_id", flat=True))
    if projects.filter(is_inbox=False).exists():
        members |= set(User.objects.filter(role__in=[User.Role.STAFF, User.Role.ADMIN]).values_list("pk", flat=True))
    return members


def with_access(project_id: uuid.UUID, user_ids: Iterable[uuid.UUID | str]) -> list[User]:
    """Those of the named people who are active and can see this project now."""
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        return []
    allowed = Q(project_memberships__project=project)
    if not project.is_inbox:
        allowed |= Q(role__in=[User.Role.STAFF, User.Role.ADMIN])
    return list(User.objects.active().filter(allowed, pk__in=list(user_ids)).distinct())
