"""RFC 9457 problem documents, the one shape of every error of the API.

`type title status detail instance code errors[{field, code, message}]`; a version conflict adds `version`, `current`
and `differences`.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

from core.api.endpoints import API_PREFIX
from core.db import translate_db_error
from core.errors import MAX_FIELD_ERRORS, DomainError, FieldError, VersionConflict
from core.rate_limits import refund
from core.serialization import dumps

MEDIA_TYPE = "application/problem+json"
# RFC 9110's phrases; those of Python depend on its version.
REASON_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
log = structlog.get_logger(__name__)


def problem_document(
    status: int,
    path: str,
    *,
    code: str = "",
    detail: str = "",
    title: str = "",
    errors: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    phrase = REASON_PHRASES.get(status) or http.HTTPStatus(status).phrase
    code = code or phrase.lower().replace(" ", "_").replace("-", "_")
    return {
        "type": f"urn:taskflow:problem:{code}",
        "title": title or phrase,
        "status": status,
        "detail": detail or title or phrase,
        "instance": path,
        "code": code,
        "errors": errors or [],
    }


def problem_response(request: HttpRequest, status: int, **kwargs: Any) -> HttpResponse:
    """Answer with a problem document outside DRF."""
    return HttpResponse(
        orjson.dumps(problem_document(status, request.path, **kwargs)), status=status, content_type=MEDIA_TYPE
    )


def domain_problem_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer a domain error with its problem document outside DRF."""
    body, headers = dumps(domain_error_document(error, request.path)), domain_error_headers(error)
    return HttpResponse(body, status=error.status, headers=headers, content_type=MEDIA_TYPE)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER: domain errors and DRF's own become problem documents, all others a 500.

    The bytes are made here, because a view's own renderers may make something else than JSON.
    """
    path = context["request"].path
    headers: dict[str, str] = {}
    error = translate_db_error(error)
    if isinstance(error, DomainError):
        body, headers = domain_error_document(error, path), domain_error_headers(error)
    else:
        drf_error = _to_drf_error(error)
        if drf_error is None:
            return None
        if isinstance(drf_error, exceptions.ValidationError):
            title = "The input is not valid"
            errors = [field.to_json() for field in islice(field_errors(drf_error.detail), MAX_FIELD_ERRORS)]
            # `detail` repeats the first error, for clients that show one line.
            first = errors[0] if errors else {"field": "", "message": f"{title}."}
            detail = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
            body = problem_document(400, path, code="invalid", title=title, detail=detail, errors=errors)
        else:
            code = drf_error.get_codes()
            text = code if isinstance(code, str) else ""
            body = problem_document(drf_error.status_code, path, code=text, detail=str(drf_error.detail))
        if challenge := getattr(drf_error, "auth_header", None):
            headers["WWW-Authenticate"] = challenge
        if wait := getattr(drf_error, "wait", None):
            headers["Retry-After"] = str(int(wait) + 1)
    set_rollback()
    return HttpResponse(dumps(body), status=body["status"], headers=headers, content_type=MEDIA_TYPE)


def domain_error_headers(error: DomainError) -> dict[str, str]:
    headers = {}
    if wait := getattr(error, "retry_after", 0):
        headers["Retry-After"] = str(wait)
    if error.status == http.HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


def domain_error_document(error: DomainError, path: str) -> dict[str, Any]:
    body = problem_document(
        error.status,
        path,
        code=error.code,
        title=error.title,
        detail=error.detail,
        errors=[field.to_json() for field in error.fields],
    )
    if isinstance(error, VersionConflict):
        body["version"] = error.version
        body["current"] = error.current
        body["differences"] = [
            {"field": name, "current": error.current.get(name), "requested": value}
            for name, value in error.requested.items()
            if error.current.get(name) != value
        ]
    return body


def _to_drf_error(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, Http404):
        return exceptions.NotFound("Not found")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        too_big = exceptions.APIException("The body is too large.", code="content_too_large")
        too_big.status_code = http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return too_big
    return error if isinstance(error, exceptions.APIException) else None


def field_errors(detail: Any, path: str = "") -> Iterator[FieldError]:
    """Flatten DRF's nested error detail into (dotted field, code, message)."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            inner_path = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from field_errors(inner, inner_path)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from field_errors(inner, f"{path}.{index}".lstrip(".") if nested else path)
    else:
        yield FieldError(path, getattr(detail, "code", "invalid"), str(detail))


class ProblemDetailsMiddleware:
    """Turn Django's own errors below /api/ (unknown path, bad host, a crash) into problem documents."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == http.HTTPStatus.SERVICE_UNAVAILABLE:
            refund(request)  # an attempt that met an outage is none
        if response.status_code < 400 or not request.path.startswith(API_PREFIX):
            return response
        if response.get("Content-Type", "").startswith(MEDIA_TYPE):
            return response
        problem = problem_response(request, response.status_code)
        for name, value in response.headers.items():
            if name not in {"Content-Type", "Content-Length"}:
                problem[name] = value
        return problem
