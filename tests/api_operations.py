"""Every operation of the API, read from the URL resolver and the schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
API_PREFIX = "/api/v1/"


class Operation(NamedTuple):
    method: str
    template: str
    view: Any

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def path(self) -> str:
        return self.template.removeprefix(API_PREFIX)


def operations() -> list[Operation]:
    in_api = [op for op in _walk(get_resolver().url_patterns, "/") if op.template.startswith(API_PREFIX)]
    return sorted(in_api, key=lambda op: (op.template, HTTP_METHODS.index(op.method)))


def _walk(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[Operation]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
            continue
        view = getattr(pattern.callback, "view_class", None)
        template = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
        for method in HTTP_METHODS if view else ("GET",):
            if view is None or hasattr(view, method.lower()):
                yield Operation(method, template, view)


@cache
def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document as it is served."""
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def schema_operation(operation: Operation) -> dict[str, Any]:
    path_item: dict[str, dict[str, Any]] = openapi_document()["paths"].get(operation.template, {})
    return path_item.get(operation.method.lower(), {})


def query_parameters(operation: Operation) -> dict[str, dict[str, Any]]:
    parameters = schema_operation(operation).get("parameters", [])
    return {parameter["name"]: parameter["schema"] for parameter in parameters if parameter["in"] == "query"}


def body_fields(operation: Operation) -> dict[str, dict[str, Any]]:
    """Return {field: schema} of the JSON body; `required` is added to each schema."""
    reference = schema_operation(operation)["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = openapi_document()["components"]["schemas"][reference.rpartition("/")[2]]
    required = schema.get("required", [])
    return {name: {**field, "required": name in required} for name, field in schema["properties"].items()}


def operations_with_body() -> list[Operation]:
    return [
        operation
        for operation in operations()
        if "application/json" in schema_operation(operation).get("requestBody", {}).get("content", {})
    ]


def operations_with_query() -> list[Operation]:
    """Return the GET operations that are part of the schema."""
    return [op for op in operations() if op.method == "GET" and "operationId" in schema_operation(op)]


def list_operations() -> list[Operation]:
    """Return the operations whose response is a page of a list."""
    return [op for op in operations_with_query() if "cursor" in query_parameters(op)]


# A body that each operation accepts; `{name}` stands for a sample value.
REQUEST_BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/auth/register/": {"email": "new@example.com", "name": "New", "password": "a quiet river bends"},
    "POST /api/v1/auth/login/": {"email": "alice@example.com", "password": "a quiet river bends"},
    "POST /api/v1/auth/mfa/": {"challenge": "{challenge}", "code": "{code}"},
    "POST /api/v1/auth/refresh/": {"refresh": "{refresh}"},
    "POST /api/v1/auth/reauthenticate/": {"password": "a quiet river bends"},
    "POST /api/v1/auth/verify-email/": {"key": "{verification_key}"},
    "POST /api/v1/auth/password-reset/": {"email": "alice@example.com"},
    "POST /api/v1/auth/password-reset/confirm/": {"key": "{reset_key}", "password": "a wider river turns"},
    "PATCH /api/v1/me/": {"name": "Another Name"},
    "POST /api/v1/me/email/": {"email": "new@example.com"},
    "POST /api/v1/me/mfa/totp/confirm/": {"setup_token": "{setup_token}", "code": "wrong"},
    "POST /api/v1/me/password/": {"current_password": "a quiet river bends", "password": "a wider river turns"},
    "POST /api/v1/me/deletion/": {"confirmation": "a quiet river bends"},
    "POST /api/v1/auth/register-with-invitation/": {
        "token": "{join_token}",
        "name": "New",
        "password": "a quiet river bends",
    },
    "POST /api/v1/auth/cancel-deletion/": {"token": "{cancel_deletion_token}"},
    "POST /api/v1/invitations/": {"email": "somebody@example.com"},
    "POST /api/v1/invitations/accept/": {"token": "{accept_token}"},
    "PATCH /api/v1/directory/{user_id}/": {"role": "staff"},
    "POST /api/v1/projects/{ref}/invitations/": {"email": "somebody@example.com", "role": "viewer"},
    "POST /api/v1/api-keys/": {"name": "New key", "scopes": ["tasks:read"]},
    "POST /api/v1/api-keys/{key_id}/rotate/": {"overlap_hours": 1},
    "POST /api/v1/service-accounts/": {"name": "New robot"},
    "PATCH /api/v1/service-accounts/{account_id}/": {"name": "Another robot"},
    "POST /api/v1/service-accounts/{account_id}/keys/": {"name": "New key", "scopes": ["tasks:read"]},
    "POST /api/v1/teams/": {"name": "Support"},
    "PATCH /api/v1/teams/{team_id}/": {"name": "Development"},
    "POST /api/v1/teams/{team_id}/members/": {"user": "{newcomer}", "role": "member"},
    "PATCH /api/v1/teams/{team_id}/members/{user_id}/": {"role": "lead"},
    "POST /api/v1/projects/": {"key": "NEW", "name": "New project"},
    "PATCH /api/v1/projects/{ref}/": {"name": "Renamed"},
    "POST /api/v1/projects/{ref}/members/": {"user": "{newcomer}", "role": "viewer"},
    "PATCH /api/v1/projects/{ref}/members/{user_id}/": {"role": "viewer"},
    "POST /api/v1/projects/{ref}/teams/": {"team": "{other_team}", "role": "viewer"},
    "PATCH /api/v1/projects/{ref}/teams/{team_id}/": {"role": "commenter"},
    "POST /api/v1/projects/{ref}/sections/": {"name": "Later"},
    "PATCH /api/v1/projects/{ref}/sections/{section_id}/": {"name": "Sooner"},
    "POST /api/v1/projects/{ref}/templates/": {"name": "Monthly", "content": {"title": "Close the books"}},
    "PATCH /api/v1/projects/{ref}/templates/{template_id}/": {"name": "Yearly"},
    "POST /api/v1/projects/{ref}/templates/{template_id}/tasks/": {"title": "Close the books of May"},
    "POST /api/v1/projects/{ref}/states/": {"name": "In review", "category": "in_progress"},
    "PATCH /api/v1/projects/{ref}/states/{state_id}/": {"name": "Dropped"},
    "POST /api/v1/projects/{ref}/fields/": {"name": "Cost", "kind": "number"},
    "PATCH /api/v1/projects/{ref}/fields/{field_id}/": {"name": "Urgency"},
    "POST /api/v1/projects/{ref}/fields/{field_id}/move/": {"position": 0},
    "POST /api/v1/projects/{ref}/shared-fields/": {"field": "{other_shared_field}"},
    "POST /api/v1/fields/": {"name": "Customer", "kind": "text"},
    "PATCH /api/v1/fields/{shared_field_id}/": {"name": "Client"},
    "POST /api/v1/fields/{field_id}/options/": {"name": "High"},
    "PATCH /api/v1/fields/{field_id}/options/{option_id}/": {"name": "Minor"},
    "POST /api/v1/tasks/{ref}/time-entries/": {"minutes": 30},
    "PATCH /api/v1/tasks/{ref}/time-entries/{time_entry_id}/": {"note": "Called them"},
    "PATCH /api/v1/tasks/{ref}/fields/": {"fields": {"severity": "low"}},
    "POST /api/v1/labels/": {"project": "{project}", "name": "new"},
    "PATCH /api/v1/labels/{label_id}/": {"name": "other"},
    "POST /api/v1/tasks/parse/": {"text": "New task tomorrow", "project": "{project}"},
    "POST /api/v1/tasks/quick-add/": {"text": "New task tomorrow", "project": "{project}"},
    "POST /api/v1/tasks/": {"project": "{project}", "title": "New task"},
    "PATCH /api/v1/tasks/{ref}/": {"title": "New title"},
    "POST /api/v1/tasks/{ref}/move/": {"after": "{other_task}"},
    "POST /api/v1/tasks/{ref}/shares/": {"user": "{newcomer}", "role": "viewer"},
    "PATCH /api/v1/tasks/{ref}/shares/{user_id}/": {"role": "editor"},
    "POST /api/v1/tasks/bulk/delete/": {"ids": ["{task_id}"]},
    "PATCH /api/v1/tasks/bulk/": {"ids": ["{task_id}"], "changes": {"priority": "high"}},
    "POST /api/v1/tasks/{ref}/links/": {"role": "viewer"},
    "POST /api/v1/tasks/{ref}/convert-to-item/": {"parent": "{other_task}"},
    "POST /api/v1/tasks/{ref}/move-to-project/": {"project": "{empty}"},
    "POST /api/v1/tasks/{ref}/relations/": {"kind": "blocks", "task": "{other_task}"},
    "POST /api/v1/filters/suggestions/": {"filter": "state:op"},
    "POST /api/v1/filters/parse/": {"filter": "state:open"},
    "POST /api/v1/saved-filters/": {"name": "New filter", "filter": "state:open", "project": "{project}"},
    "PATCH /api/v1/saved-filters/{filter_id}/": {"name": "Another filter"},
    "POST /api/v1/projects/{ref}/favourite/move/": {"before": "{empty}"},
    "POST /api/v1/tasks/{ref}/checklist/": {"text": "New item"},
    "PATCH /api/v1/tasks/{ref}/checklist/{item_id}/": {"is_done": True},
    "PUT /api/v1/tasks/{ref}/recurrence/": {"rule": "FREQ=WEEKLY;BYDAY=MO"},
    "POST /api/v1/tasks/{ref}/reminders/": {"minutes_before": 60},
    "POST /api/v1/tasks/{ref}/comments/": {"body": "New comment"},
    "PATCH /api/v1/tasks/{ref}/comments/{comment_id}/": {"body": "Another comment"},
    "POST /api/v1/undo/": {"token": "{undo_token}"},
    "POST /api/v1/notifications/read-all/": {},
    "PATCH /api/v1/notifications/preferences/": {"assigned": {"email": False}},
}

# The required query parameters of an operation, likewise.
REQUEST_QUERIES: dict[str, dict[str, str]] = {
    "GET /api/v1/explain-access/": {"task": "{ref:tasks}"},
    "GET /api/v1/recurrence/preview/": {"rule": "FREQ=DAILY"},
    "GET /api/v1/tasks/{ref}/move-to-project/preview/": {"project": "{empty}"},
}


def required_scope(operation: Operation) -> str | None:
    """Return the scope that the schema demands of an API key; None where no key is accepted."""
    scopes = [entry["apiKey"] for entry in schema_operation(operation).get("security") or [] if "apiKey" in entry]
    return scopes[0][0] if scopes else None
