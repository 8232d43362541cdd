"""Reads of projects, their states and labels."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.errors import NotFound
from core.sql_templates import EqualsAny, Param, Statement, from_row, select_columns
from tasks import policies
from tasks.models import Label, Project, ProjectFavourite, ProjectField, ProjectMember, Role, State, Task, TaskShare

# RFC 9562, section 5.9: the nil UUID, which uuid7() never makes.
NIL_UUID = uuid.UUID(int=0)
PROJECT_NOT_FOUND = gettext_noop("There is no such project.")


def roles_by_project(user: User, projects: Iterable[Project]) -> dict[uuid.UUID, Role | None]:
    """Return the user's role in each project by its id, None where there is none; one query."""
    listed = list(projects)
    memberships = ProjectMember.objects.filter(user=user, project__in=listed)
    roles = dict(memberships.values_list("project_id", "effective_role"))
    return {project.pk: policies.effective_role(user, project, roles.get(project.pk)) for project in listed}


def states_by_project(project_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[State]]:
    """Return the states of each project in their order; one query."""
    states: dict[uuid.UUID, list[State]] = defaultdict(list)
    for state in State.objects.filter(project__in=project_ids).order_by("position", "id"):
        states[state.project_id].append(state)
    return states


def writable_projects(user: User) -> list[Project]:
    """Return the projects in which a user may create tasks, their own inbox first."""
    projects = list(Project.objects.visible_to(user).current().order_by("-is_inbox", "name"))
    # Filtered in Python, because the role also depends on the user's role on the site.
    roles = roles_by_project(user, projects)
    return [project for project in projects if policies.can_edit(roles[project.pk])]


def list_projects(user: User, *, search: str = "", archived: bool | None = None) -> QuerySet[Project]:
    """Return the projects a user sees, with their counts of open tasks and members."""
    filters: dict[str, Any] = {"name__icontains": search} if search else {}
    if archived is not None:
        filters["archived_at__isnull"] = not archived
    # Not joined, since two joins multiply each other's rows, and closed tasks would be read too.
    open_tasks = Task.objects.filter(project=OuterRef("pk"), closed_at=None)
    members = ProjectMember.objects.filter(project=OuterRef("pk"))
    return (
        Project.objects.visible_to(user)
        .filter(**filters)
        .select_related("owner", "parent")
        .annotate(
            open_count=_count(open_tasks),
            member_count=_count(members),
            parent_is_visible=Exists(Project.objects.visible_to(user).filter(pk=OuterRef("parent"))),
            is_favourite=Exists(ProjectFavourite.objects.filter(project=OuterRef("pk"), user=user)),
        )
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    """Return the number of a project's rows as a subquery."""
    counted = rows.order_by().values("project").annotate(row_count=Count("pk")).values("row_count")
    return Coalesce(Subquery(counted), 0)


def list_current_projects(user: User) -> list[Project]:
    """Return the visible projects that are not archived, by name, the inbox last."""
    return list(Project.objects.visible_to(user).current().order_by("is_inbox", "name"))


def list_favourites_first(user: User) -> QuerySet[Project]:
    """Return the projects as their page lists them: favourites in the user's order, archived ones last."""
    favourites = ProjectFavourite.objects.filter(project=OuterRef("pk"), user=user)
    projects = list_projects(user).annotate(favourite_position=Subquery(favourites.values("position")[:1]))
    return projects.order_by(
        F("archived_at").asc(nulls_first=True), F("favourite_position").asc(nulls_last=True), "is_inbox", "name"
    )


def finished_projects(before: datetime) -> QuerySet[Project]:
    """Return the projects with tasks, none of them open, in which nothing has changed since."""
    tasks = Task.objects.filter(project=OuterRef("pk"))
    active = tasks.filter(Q(closed_at=None) | Q(updated_at__gte=before))
    return Project.objects.current().filter(Exists(tasks), ~Exists(active), is_inbox=False, updated_at__lt=before)


def get_project(user: User, ref: str | uuid.UUID) -> Project:
    """Return one visible project by id or key. Raises NotFound."""
    project = list_projects(user).filter(lookup_for_ref(ref)).first()
    if project is None:
        raise NotFound(PROJECT_NOT_FOUND)
    return project


def visible_ancestors(user: User, project: Project) -> list[Project]:
    """Return the projects above one as far as the user sees them, the topmost first."""
    above: list[Project] = []
    if project.parent_id:
        current = Project.objects.select_related("parent__parent__parent__parent").get(pk=project.pk).parent
        while current is not None:
            above.insert(0, current)
            current = current.parent
    visible = set(
        Project.objects.visible_to(user).filter(pk__in=[one.pk for one in above]).values_list("pk", flat=True)
    )
    return [ancestor for ancestor in above if ancestor.pk in visible]


def possible_parents(user: User, project: Project | None = None) -> list[Project]:
    """Return the projects that a user manages as a member, and the present parent."""
    managed = Q(memberships__user=user, memberships__effective_role=Role.ADMIN)
    if project:
        managed |= Q(pk=project.parent_id)
    projects = Project.objects.visible_to(user).filter(managed, is_inbox=False)
    if project:
        projects = projects.exclude(pk=project.pk)
    return list(projects.order_by("name").distinct()[:500])


def in_tree_order(projects: Iterable[Any]) -> list[Any]:
    """Return projects with their `depth`, each behind the one that it is below.

    Where the one above is in another group (favourites, archived), a project stands at the top of its own.
    """
    listed = list(projects)
    groups = {project.pk: (project.is_favourite, project.archived_at is None) for project in listed}
    children: dict[uuid.UUID | None, list[Any]] = defaultdict(list)
    for project in listed:
        is_below = project.parent_id in groups and groups[project.parent_id] == groups[project.pk]
        children[project.parent_id if is_below else None].append(project)
    ordered: list[Any] = []
    stack = [(0, project) for project in reversed(children[None])]
    while stack:
        depth, project = stack.pop()
        project.depth = depth
        ordered.append(project)
        stack += [(depth + 1, child) for child in reversed(children.pop(project.pk, []))]
    return ordered


def resolve_project_id(user: User, ref: str | uuid.UUID) -> uuid.UUID:
    """Return the id of a visible project, or NIL_UUID. A filter by NIL_UUID matches no row."""
    # NIL_UUID instead of an error: a filter by an invisible project gives an empty list, like one by a project without
    # tasks.
    column, value = lookup_for_ref(ref)
    rows = _project_id_statement(user.is_staff_or_admin, column).run({"reader": user.pk, "ref": value})
    return rows[0][0] if rows else NIL_UUID


# Four statements: for members and staff, by id and key.
@lru_cache(maxsize=4)
def _project_id_statement(as_staff: bool, column: str) -> Statement:
    visible = Project.objects.visible_to_id(Param("reader"), as_staff=as_staff)
    return Statement.always(visible.filter(**{column: Param("ref")}).values_list("pk"))


def lock_project(user: User, ref: str | uuid.UUID) -> Project:
    """Lock a visible project until the end of the transaction. Raises NotFound."""
    project = Project.objects.visible_to(user).select_for_update(no_key=True).filter(lookup_for_ref(ref)).first()
    if project is None:
        raise NotFound(PROJECT_NOT_FOUND)
    return project


def lookup_for_ref(ref: str | uuid.UUID) -> tuple[str, str | uuid.UUID]:
    """Return the column and value that a reference to a project names: its id, or else its key."""
    text = str(ref)
    # PostgreSQL rejects a text with a NUL character; no key is as long as 20 characters.
    return ("id", uuid.UUID(text)) if UUID_PATTERN.match(text) else ("key", text.upper()[:20].replace("\x00", ""))


def project_role(user: User, project: Project) -> Role | None:
    """Return the user's role in a project, by membership, team or role on the site."""
    rows = _effective_role_statement().run({"project": project.pk, "user": user.pk})
    return policies.effective_role(user, project, rows[0][0] if rows else None)


@lru_cache(maxsize=1)
def _effective_role_statement() -> Statement:
    rows = ProjectMember.objects.filter(project=Param("project"), user=Param("user"))
    return Statement.always(rows.values_list("effective_role"))


def visible_project_ids(user: User) -> list[uuid.UUID]:
    """Return the ids of the projects a user sees."""
    return list(Project.objects.visible_to(user).values_list("pk", flat=True))


def get_inbox(user: User) -> Project | None:
    """Return the user's own inbox; None before it is first needed."""
    return Project.objects.filter(owner=user, is_inbox=True).first()


def list_states(project: Project) -> QuerySet[State]:
    """Return the states of a project in their order."""
    return State.objects.filter(project=project).order_by("position", "id")


def states_with_counts(project: Project) -> QuerySet[State]:
    """Return the states of a project in their order, each with its `task_count`."""
    return list_states(project).annotate(task_count=Count("tasks"))


def load_states(project: Project) -> list[State]:
    """Return the states of a project in their order, by a prepared statement."""
    return [from_row(State, row) for row in _states_statement().run({"project": project.pk})]


@lru_cache(maxsize=1)
def _states_statement() -> Statement:
    return Statement.always(
        State.objects.filter(project=Param("project")).order_by("position", "id").values_list(*select_columns(State))
    )


def load_project_with_states(user: User, ref: str) -> tuple[Project, Role | None, list[State], bool] | None:
    """Return a visible project with the user's role and its states, by one query.

    Last comes whether it has custom fields. None if there is no such project. An empty `ref` is the user's own inbox.
    """
    column, value = lookup_for_ref(ref) if ref else ("owner_id", user.pk)
    rows = _project_with_states_statement(user.is_staff_or_admin, column).run({"user": user.pk, "ref": value})
    if not rows:
        return None
    columns = len(select_columns(State))
    project = from_row(Project, rows[0][columns:-2])
    member_role, has_fields = rows[0][-2:]
    role = policies.effective_role(user, project, member_role)
    return project, role, [from_row(State, row[:columns]) for row in rows], has_fields


@lru_cache(maxsize=6)
def _project_with_states_statement(as_staff: bool, column: str) -> Statement:
    visible = Project.objects.visible_to_id(Param("user"), as_staff=as_staff).filter(**{column: Param("ref")})
    if column == "owner_id":
        visible = visible.filter(is_inbox=True)
    own = ProjectMember.objects.filter(project=OuterRef("project"), user=Param("user")).values("effective_role")
    project_columns = [f"project__{name}" for name in select_columns(Project)]
    states = State.objects.filter(project__in=visible).order_by("position", "id")
    fields = Exists(ProjectField.objects.filter(project=OuterRef("project")))
    return Statement.always(states.values_list(*select_columns(State), *project_columns, Subquery(own), fields))


def get_state(project: Project, state_id: uuid.UUID) -> State:
    """Return one state of a project. Raises NotFound."""
    state = State.objects.filter(project=project, pk=state_id).first()
    if state is None:
        raise NotFound(gettext("There is no such status."))
    return state


def list_labels(user: User, project: str = "") -> QuerySet[Label]:
    """Return the labels of the visible projects, or of one project. Raises NotFound for an unknown project."""
    labels = Label.objects.filter(project__in=Project.objects.visible_to(user).values("pk")).select_related("project")
    return labels.filter(project=get_project(user, project)) if project else labels


def get_label(user: User, label_id: uuid.UUID) -> Label:
    """Return a label of a visible project. Raises NotFound."""
    label = list_labels(user).filter(pk=label_id).first()
    if label is None:
        raise NotFound(gettext("There is no such label."))
    return label


def viewer_ids(project_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return the ids of all users who see any task of these projects: members, staff and guests."""
    return {row[0] for row in _viewer_ids_statement().run({"projects": list(project_ids)})}


@lru_cache(maxsize=1)
def _viewer_ids_statement() -> Statement:
    members = ProjectMember.objects.filter(EqualsAny("project_id", Param("projects")))
    # Staff and administrators see every project but inboxes.
    not_inboxes = Project.objects.filter(EqualsAny("id", Param("projects")), is_inbox=False)
    staff = User.objects.filter(Exists(not_inboxes), role__in=[User.Role.STAFF, User.Role.ADMIN])
    guests = TaskShare.objects.filter(EqualsAny("project_id", Param("projects")))
    return Statement.always(
        # UNION also removes duplicates: staff may be members too.
        members.values_list("user_id").union(staff.values_list("pk"), guests.values_list("user_id"))
    )
