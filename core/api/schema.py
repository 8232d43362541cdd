"""The OpenAPI document: the error responses, parameters and tags that operations share."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "detail", "instance", "code", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "position": {"type": "integer", "description": "Offset of the error in a text that is parsed."},
                },
            },
        },
        "version": {"type": "integer", "description": "Of the present state; only with 412."},
        "current": {
            "type": "object",
            "description": "Only with 412: the present values of the requested fields.",
            "additionalProperties": {},
        },
        "differences": {
            "type": "array",
            "description": "Only with 412: the fields whose present and requested values differ.",
            "items": {
                "type": "object",
                "required": ["field", "current", "requested"],
                "properties": {"field": {"type": "string"}, "current": {}, "requested": {}},
            },
        },
    },
}
COMMON_ERRORS = {
    "400": "The request is not valid.",
    "406": "Only JSON is answered.",
    "429": "Too many requests.",
}
COMMON_ERRORS |= {"401": "Sign in first.", "404": "There is no such thing, or you may not know of it."}
AUTHENTICATED_ERRORS = {"403": "You don't have permission."}
BODY_ERRORS = {"413": "The body is too large.", "415": "Only JSON is read."}
WRITE_ERRORS = {"409": "This conflicts with the current state."}
IDEMPOTENCY_ERRORS = {"422": "The Idempotency-Key was used for another request."}
PRECONDITION_ERRORS = {"412": "It changed since you read it; `current` and `differences` say how."}


VERSION_PREFIX = re.compile(r"^/api/v[0-9]+/")
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="Sent again with the same key, it is done once (24 h)."
)
UNDO_TOKEN = OpenApiParameter(
    "Undo-Token",
    str,
    OpenApiParameter.HEADER,
    response=["200", "201", "204"],
    description="For `POST /undo/`, within ten minutes; missing when nothing was changed.",
)
ABBREVIATIONS = {"api": "API", "mfa": "MFA", "totp": "TOTP"}
METHOD_DESCRIPTIONS = {
    "LIST": "Returns one page; `next` holds the cursor of the page after it.",
    "GET": "Returns the current state, with an ETag for If-Match and If-None-Match.",
    "POST": "Does it once for each request and returns the result.",
    "PATCH": "Changes the fields that are sent; the others stay as they are.",
    "PUT": "Replaces the current state.",
    "DELETE": "Takes it away and returns no content.",
}
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag you read; when the thing has changed since: 412."
)


class TaskFlowAutoSchema(AutoSchema):
    """Describe an operation from the declarations of a generic view (core.api.generics), else as extend_schema says."""

    def get_operation_id(self) -> str:
        return self._operation_id or super().get_operation_id()

    @property
    def _operation_id(self) -> str | None:
        """The declared operationId; None where the method is described by extend_schema."""
        operation_ids: dict[str, str] = getattr(self.view, "operation_ids", {})
        return operation_ids.get(self.method.lower())

    def get_request_serializer(self) -> Any:
        if self._operation_id is None:
            return super().get_request_serializer()
        view: Any = self.view
        return {
            "POST": view.input_serializer_class,
            "PATCH": view.patch_serializer_class,
            "PUT": view.put_serializer_class,
        }.get(self.method)

    def get_response_serializers(self) -> Any:
        if self._operation_id is None:
            return super().get_response_serializers()
        view: Any = self.view
        if self.method == "DELETE":
            return {204: None}
        if self.method == "GET" and hasattr(view, "get_page"):
            return page_serializer(
                view.list_serializer_class or view.serializer_class, tuple(view.total_fields.items())
            )
        if self.method == "POST":
            return {view.success_status: view.serializer_class}
        return view.serializer_class

    def get_summary(self) -> str:
        """Return the operationId as words: "List API keys"."""
        words = [ABBREVIATIONS.get(word, word) for word in self.get_operation_id().split("_")]
        return " ".join([words[0].capitalize(), *words[1:]])

    def get_description(self) -> str:
        """Return the method's docstring, or that of the view with what the method does.

        The docstring of a base class would describe many operations by one text.
        """
        own = vars(type(self.view))
        if text := getattr(own.get(self.method.lower()), "__doc__", None):
            return inspect.cleandoc(text)
        is_list = self.method == "GET" and hasattr(self.view, "get_page")
        subject = inspect.cleandoc(own.get("__doc__") or "").partition("\n\n")[0] or f"{self.get_summary()}."
        return f"{subject}\n\n{METHOD_DESCRIPTIONS['LIST' if is_list else self.method]}"

    def get_override_parameters(self) -> list[Any]:
        declared: list[Any] = list(super().get_override_parameters())
        if self._operation_id and self.method == "GET" and self.view.query_serializer_class().fields:
            declared.append(self.view.query_serializer_class)
        signed_in = self.get_auth() != [{}] and bool(self.view.authentication_classes)
        if self.method == "POST" and signed_in and getattr(self.view, "idempotent", True):
            declared.append(IDEMPOTENCY_KEY)
        if self.method in {"PATCH", "PUT", "DELETE"}:
            declared.append(IF_MATCH)
        if self.method != "GET" and getattr(self.view, "has_undo", False):
            declared.append(UNDO_TOKEN)
        return declared

    def is_deprecated(self) -> bool:
        return getattr(self.view, "deprecated", None) is not None

    def get_tags(self) -> list[str]:
        return [VERSION_PREFIX.sub("", self.path).split("/")[0]]


def add_problem_responses(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add error responses to every operation, and close every input (a postprocessing hook)."""
    schemas = result["components"].setdefault("schemas", {})
    for name, schema in schemas.items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
    schemas["Problem"] = PROBLEM_SCHEMA
    for operations in result["paths"].values():
        for method, operation in operations.items():
            for status, meaning in _error_responses(method, operation).items():
                content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                operation["responses"].setdefault(status, {"description": meaning, "content": content})
    return result


def _error_responses(method: str, operation: dict[str, Any]) -> dict[str, str]:
    errors = dict(COMMON_ERRORS)
    if operation.get("security") != [{}]:
        errors |= AUTHENTICATED_ERRORS
    if "requestBody" in operation:
        errors |= BODY_ERRORS
    if method != "get":
        errors |= WRITE_ERRORS
    if method == "post":
        errors |= IDEMPOTENCY_ERRORS
    if method in {"patch", "put", "delete"}:
        errors |= PRECONDITION_ERRORS
    return errors


@cache
def page_serializer(
    serializer_class: type[serializers.Serializer[Any]], totals: tuple[tuple[str, serializers.Field], ...] = ()
) -> Any:
    """Return the declared shape of a page of these objects; one class for each, as one OpenAPI component."""
    return inline_serializer(
        name=f"{serializer_class.__name__}Page",
        fields={
            "results": serializer_class(many=True),
            "next": serializers.CharField(allow_null=True),
            "previous": serializers.CharField(allow_null=True),
            "count": serializers.IntegerField(required=False, help_text="Only with `page`."),
            "pages": serializers.IntegerField(required=False, help_text="Only with `page`."),
            "page": serializers.IntegerField(required=False, help_text="Only with `page`."),
            **dict(totals),
        },
    )
