"""Projects of an API key that is limited to some: how a request names them, and how a key's owner chooses them.

The functions `project_in_...` and `project_of_...` are project sources (core.api.endpoints): a view declares one as
`project_from`, for the place where the view itself reads the project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from rest_framework.request import Request

from accounts.api_keys.scopes import ProjectScopeResolver
from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.errors import NotFound
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.items import selectors as items_selectors
from tasks.models import Project, Task, TrashEntry
from tasks.projects import selectors as projects_selectors
from tasks.projects.selectors import NIL_UUID
from tasks.trash import selectors as trash_selectors
from tasks.undo import services as undo


def project_in_path(user: User, request: Request) -> Collection[UUID]:
    """Return the project whose id or key is `ref` in the path."""
    return [projects_selectors.resolve_project_id(user, request.parser_context["kwargs"]["ref"])]


def project_of_task_in_path(user: User, request: Request) -> Collection[UUID]:
    """Return the project of the task whose id or key is `ref` in the path; NIL_UUID for a task that is not visible."""
    ref = items_selectors.parse_ref(request.parser_context["kwargs"]["ref"])
    ids = items_selectors.visible_project_id(user, ref)
    # No key has this project, so a key is refused as if the task did not exist.
    return [ids[1] if ids else NIL_UUID]


def projects_of_move(user: User, request: Request) -> Collection[UUID]:
    """Return the project of the task in the path and the requested one."""
    source = request.query_params if request.method == "GET" else request.data
    ref = source.get("project") if hasattr(source, "get") else None
    targets = [projects_selectors.resolve_project_id(user, ref)] if isinstance(ref, str) else []
    return [*project_of_task_in_path(user, request), *targets]


def projects_of_related_tasks(user: User, request: Request) -> Collection[UUID]:
    """Return the projects of the task in the path and of `task` in the body."""
    project_ids = list(project_of_task_in_path(user, request))
    other = request.data.get("task") if isinstance(request.data, dict) else None
    if isinstance(other, str):
        try:
            ref = items_selectors.parse_ref(other)
        except NotFound:
            return [*project_ids, NIL_UUID]
        ids = items_selectors.visible_project_id(user, ref)
        project_ids.append(ids[1] if ids else NIL_UUID)
    return project_ids


def project_of_label_in_path(user: User, request: Request) -> Collection[UUID]:
    """Return the project of the label `label_id` in the path. Raises NotFound."""
    return [projects_selectors.get_label(user, request.parser_context["kwargs"]["label_id"]).project_id]


def project_of_field_in_path(user: User, request: Request) -> Collection[UUID] | None:
    """Return the project of the custom field `field_id` in the path; None for a shared one. Raises NotFound."""
    field = custom_fields_selectors.get_visible_field(user, request.parser_context["kwargs"]["field_id"])
    return [field.project_id] if field.project_id else None


def project_of_trash_entry_in_path(user: User, request: Request) -> Collection[UUID]:
    """Return the project of the trash entry in the path, or the deleted project itself. Raises NotFound."""
    entry = trash_selectors.get_entry(user, request.parser_context["kwargs"]["entry_id"])
    return [entry.project_id or entry.object_id]


def project_of_undo_token_in_body(user: User, request: Request) -> Collection[UUID] | None:
    """Return the project of the write whose undo token the body names. Raises Invalid."""
    body = request.data
    if not isinstance(body, dict):
        return None
    event = undo.get_undoable_event(user, str(body.get("token", "")))
    payload = event.payload
    if event.name == "bulk.deleted":
        entries = TrashEntry.objects.visible_to(user).filter(object_id__in=payload["task_ids"], project__isnull=False)
        return set(entries.values_list("project_id", flat=True)) or {NIL_UUID}
    if event.subject_type == "bulk":
        return _projects_of_tasks(user, payload["task_ids"])
    if event.name == "task.moved_to_project":
        return [UUID(payload["task"]["project_id"]), UUID(payload["former_project_id"])]
    if "task" not in payload:
        return [UUID(payload["project"]["id"])]
    # The undo writes to the task where it is now, and it may have been moved since.
    current = Task.objects.filter(pk=payload["task"]["id"]).values_list("project_id", flat=True)
    return [UUID(payload["task"]["project_id"]), *current]


def projects_of_tasks_in_body(user: User, request: Request) -> Collection[UUID] | None:
    """Return the projects of the tasks that `ids` of the body names; None when it is missing."""
    body = request.data
    ids = body.get("ids") if isinstance(body, dict) else None
    return _projects_of_tasks(user, ids) if isinstance(ids, list) else None


def _projects_of_tasks(user: User, ids: Iterable[str]) -> Collection[UUID]:
    valid = [text for text in ids if isinstance(text, str) and UUID_PATTERN.match(text)]
    return set(Task.objects.visible_to(user).filter(pk__in=valid).values_list("project_id", flat=True)) or {NIL_UUID}


def project_in_query(user: User, request: Request) -> Collection[UUID] | None:
    """Return the projects that the parameter `project` names, all of them; None when it is missing."""
    return [projects_selectors.resolve_project_id(user, ref) for ref in request.query_params.getlist("project")] or None


def project_in_body(user: User, request: Request) -> Collection[UUID] | None:
    """Return the project that the field `project` of the body names; None when it is missing or null."""
    body = request.data
    if not isinstance(body, dict) or body.get("project") is None:
        return None
    return [projects_selectors.resolve_project_id(user, str(body["project"]))]


def resolve_refs(user: User, refs: Iterable[str]) -> Mapping[str, UUID]:
    """Return the ids of the visible projects among these ids and keys."""
    project_ids = {ref: projects_selectors.resolve_project_id(user, ref) for ref in refs}
    return {ref: project_id for ref, project_id in project_ids.items() if project_id != NIL_UUID}


def project_choices(user: User) -> Mapping[UUID, str]:
    """Return the names of the user's projects by id, the inbox last."""
    projects = Project.objects.visible_to(user).current().order_by("is_inbox", "name")
    return {project.pk: f"{project.name} ({project.key})" for project in projects}


RESOLVER = ProjectScopeResolver(resolve_refs=resolve_refs, choices=project_choices)
