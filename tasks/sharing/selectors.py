"""Reads of task shares and of access: its extent and its reasons."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from accounts.users import selectors as users_selectors
from core.errors import Invalid, NotFound, require
from tasks import policies
from tasks.models import Project, ProjectMember, ProjectTeam, Role, Task, TaskShare
from tasks.policies import AccessRecord, Reason
from tasks.projects import selectors as projects_selectors


def project_and_task_role(user: User, task: Task) -> tuple[Role | None, Role | None]:
    """Return the user's role in the task's project, and on the task: the same, or more by a share."""
    role = projects_selectors.project_role(user, task.project)
    if not user.is_guest:
        return role, role
    shared = TaskShare.objects.filter(task=task, user=user).values_list("role", flat=True).first()
    return role, policies.highest(role, shared)


def active_readers(task_id: uuid.UUID, user_ids: Iterable[uuid.UUID | str]) -> list[User]:
    """Return those of the users who are active and can see this task now; none if it was deleted."""
    project = Project.objects.filter(tasks=task_id).first()
    if project is None:
        return []
    # The rule of TaskQuerySet.visible_to, from the other side: the users who see one task.
    allowed = Q(pk__in=ProjectMember.objects.filter(project=project).values("user"))
    allowed |= Q(pk__in=TaskShare.objects.filter(task=task_id).values("user"))
    if not project.is_inbox:
        allowed |= Q(role__in=[User.Role.STAFF, User.Role.ADMIN])
    return list(User.objects.active().filter(allowed, pk__in=list(user_ids)))


def list_shares(task: Task) -> QuerySet[TaskShare]:
    return TaskShare.objects.filter(task=task).select_related("user", "shared_by")


def list_visible_shares(reader: User, task: Task) -> QuerySet[TaskShare]:
    """Return the shares that the reader may see: outside the project only their own."""
    shares = list_shares(task)
    return shares if projects_selectors.project_role(reader, task.project) else shares.filter(user=reader)


def get_share(task: Task, user_id: uuid.UUID, *, reader: User | None = None) -> TaskShare:
    """Return the share of a task with a user, if the reader sees it. Raises NotFound."""
    shares = list_visible_shares(reader, task) if reader else list_shares(task)
    share = shares.filter(user=user_id).first()
    if share is None:
        raise NotFound(gettext("The task is not shared with this person."))
    return share


def get_access_record(user: User, project: Project, task: Task | None = None) -> AccessRecord:
    """Return what is stored about a user's access to a project, or to a task."""
    direct_role = ProjectMember.objects.filter(project=project, user=user).values_list("role", flat=True).first()
    teams = ProjectTeam.objects.filter(project=project, team__memberships__user=user).order_by("team__name")
    share = list_shares(task).filter(user=user).first() if task else None
    return AccessRecord(
        user=user,
        project=project,
        is_task=task is not None,
        direct_role=direct_role,
        teams=tuple(teams.values_list("team__name", "role")),
        share=share.role if share else None,
        shared_by=share.shared_by.name if share and share.shared_by else "",
    )


class AccessExplanation(NamedTuple):
    user: User
    role: Role | None
    permissions: dict[str, bool]
    reasons: list[Reason]

    @property
    def allowed(self) -> list[str]:
        """The names of the permissions that the user has, as words."""
        return [name.replace("_", " the ") for name, is_allowed in self.permissions.items() if is_allowed]


def explain_access(reader: User, user_id: uuid.UUID, project: Project, task: Task | None) -> AccessExplanation | None:
    """Explain a user's access to what the reader sees; None for an unknown user. Raises NotAllowed."""
    if user_id != reader.pk:
        is_allowed = policies.can_explain_others(reader, projects_selectors.project_role(reader, project))
        require(is_allowed, "Only admins of the project, staff and administrators may ask this about others.")
    user: User | None = User.objects.filter(pk=user_id).first()
    if user is None:
        return None
    return AccessExplanation(user, *policies.explain(get_access_record(user, project, task)))


USER_NOT_FOUND = gettext_noop("There is no such person.")


EMAIL_NOT_FOUND = gettext_noop("No user here has confirmed this address. Send an invitation by email instead.")


def resolve_user(user_id: uuid.UUID | None, email: str) -> User:
    """Return the active user of this id or verified address. Raises Invalid for the field that names none."""
    # An address that is not verified may have been registered by a user who does not own it.
    user = (
        User.objects.active().filter(pk=user_id).first()
        if user_id
        else users_selectors.find_by_verified_email(email=email)
    )
    if user is None:
        field, message = ("user", USER_NOT_FOUND) if user_id else ("email", EMAIL_NOT_FOUND)
        raise Invalid.field(field, message, "does_not_exist")
    return user
