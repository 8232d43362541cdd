"""Structured logging: JSON in production, plain lines in development, a request id in both."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

SENSITIVE_KEYS = re.compile(
    r"(password|passwd|secret|token|authorization|cookie|api[_-]?key|access|refresh)", re.IGNORECASE
)
# Also inside texts, such as the message of an exception: Bearer tokens, our API keys, JWTs.
CREDENTIALS = re.compile(r"(Bearer|Api-Key)\s+[\w.~+/=-]+|tf_live_\w+|eyJ[\w-]+\.[\w-]+\.[\w-]*", re.IGNORECASE)
# No spaces or line breaks, with which a client could forge log lines.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
# Seconds. A write for each line cost the event loop more than building the line.
FLUSH_INTERVAL = 0.02
# Django's own frames, by which a traceback begins: one pair for each middleware.
HANDLER_FILES = ("django/core/handlers/exception.py", "django/core/handlers/base.py")
# Asked every few seconds by load balancers and Prometheus.
UNLOGGED_PATHS = ("/livez", "/readyz", "/metrics", "/static/")

log = structlog.get_logger("taskflow.request")
_stdlib_log = logging.getLogger("taskflow.request")
_pending_lines: list[bytes] = []


def redact_secrets(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact values under secret names, and tokens inside any text (a structlog processor)."""
    for name, value in entry.items():
        if SENSITIVE_KEYS.search(name):
            entry[name] = "[redacted]"
        elif isinstance(value, str):
            entry[name] = CREDENTIALS.sub("[redacted]", value)
    return entry


def shorten_requests(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace request objects by method and path (a structlog processor).

    Their repr has the query string, with the words of a search.
    """
    for name, value in entry.items():
        if isinstance(value, HttpRequest):
            entry[name] = f"{value.method} {value.path}"
    return entry


def attach_to_request_line(record: logging.LogRecord) -> bool:
    """Keep the error of a request for its own line (a filter of `django.request`)."""
    request = getattr(record, "request", None)
    if getattr(request, "request_id", None) is None:
        return True
    if getattr(request, "is_logged", False):
        # A response that replaced the one of the error is reported by Django again; an error in the outermost
        # middleware is news.
        return bool(record.exc_info)
    if record.exc_info:
        request.error_for_log = _from_the_view(record.exc_info)  # type: ignore[union-attr]
    return False


def _from_the_view(exc_info: Any) -> Any:
    """Return the error without the frames of Django's handlers and middleware above the view."""
    kind, error, traceback = exc_info
    start = frame = traceback
    while frame is not None:
        if frame.tb_frame.f_code.co_filename.endswith(HANDLER_FILES) and frame.tb_next is not None:
            start = frame.tb_next
        frame = frame.tb_next
    return kind, error, start


def configure(*, json: bool, level: str) -> dict[str, Any]:
    """Configure structlog and return the LOGGING setting that sends the standard library through it."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Each logger would otherwise assemble its processors for every line.
        cache_logger_on_first_use=True,
    )
    # show_locals would write the values of local variables, secrets among them, into the log.
    transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    exceptions = [structlog.processors.ExceptionRenderer(transformer)] if json else []
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if json else console
    output: list[Any] = [*exceptions, shorten_requests, redact_secrets, renderer]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder()],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *output],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "attach_to_request_line": {"()": "django.utils.log.CallbackFilter", "callback": attach_to_request_line}
        },
        "formatters": {"lines": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "propagate": False, "level": "WARNING"},
            # It warns of each attempt of an outage; core.postgresql.availability logs begin and end.
            "psycopg.pool": {"level": "ERROR"},
            # Django warns of every 4xx; our own line has the status already.
            "django.request": {"level": "ERROR", "filters": ["attach_to_request_line"]},
            # Scanners send any Host header; the 400 is logged, and a stack trace helps nobody.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }


def log_cache_hit(path: str, status: int, milliseconds: float, *, user: str | None, request_id: str) -> None:
    """Log a request answered from the cache, without the cost of structlog.

    Called on an event loop; the lines of FLUSH_INTERVAL leave in one write.
    """
    fields = {
        "method": "GET",
        "path": path,
        "status": status,
        "duration_ms": round(milliseconds, 2),
        "user": user,
        "request_id": request_id,
    }
    if not settings.LOG_JSON:
        log.info("request", **fields)
        return
    if not _pending_lines:
        # The first line starts the timer; those that follow within the interval leave with it.
        asyncio.get_running_loop().call_later(FLUSH_INTERVAL, flush_cache_hits)
    _pending_lines.append(_json_line("taskflow.gateway", fields))


def flush_cache_hits() -> None:
    lines = b"".join(_pending_lines)
    _pending_lines.clear()  # first: a full disk must not end the log for ever
    with suppress(OSError):
        sys.stderr.buffer.write(lines)
        sys.stderr.buffer.flush()


class RequestLogMiddleware:
    """Gives each request an id and logs one line for it, with its duration.

    A valid id that the client sent is used.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        client_request_id = request.headers.get("X-Request-ID", "")
        request_id = client_request_id if REQUEST_ID.match(client_request_id) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        # A thread serves many requests, and nothing of the one before may be logged with this one.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        milliseconds = (time.perf_counter() - started) * 1000
        response["X-Request-ID"] = request_id
        response["Server-Timing"] = f"app;dur={milliseconds:.1f}"
        self.write_line(request, response, milliseconds)
        return response

    def write_line(self, request: HttpRequest, response: HttpResponse, milliseconds: float) -> None:
        request.is_logged = True  # type: ignore[attr-defined]
        if request.path.startswith(UNLOGGED_PATHS) and response.status_code < 500:
            return
        match = request.resolver_match
        # Only a user who was loaded anyway: request.user would query the database for a log line.
        user = getattr(request, "_cached_user", None) or getattr(request, "user_for_log", None)
        fields = {
            "method": request.method,
            "path": request.path,
            "route": match.route if match else None,
            "status": response.status_code,
            "duration_ms": round(milliseconds, 1),
            "user": str(user.pk) if user and user.pk else None,
        }
        if response.status_code >= 500 or not settings.LOG_JSON or not _stdlib_log.isEnabledFor(logging.INFO):
            level = logging.ERROR if response.status_code >= 500 else logging.INFO
            log.log(level, "request", **fields, exc_info=getattr(request, "error_for_log", None))
            return
        # The line of every request, written without the cost of structlog's processors. A path may hold a secret.
        fields["path"] = CREDENTIALS.sub("[redacted]", request.path)
        line = _json_line("taskflow.request", {**fields, "request_id": request.request_id})  # type: ignore[attr-defined]
        with suppress(OSError):  # a full disk must not fail the request
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


def _json_line(logger: str, fields: dict[str, Any]) -> bytes:
    """Return the line that the JSON configuration of structlog would write for a request."""
    head = {"event": "request", "logger": logger, "level": "info", "timestamp": datetime.now(UTC)}
    return orjson.dumps({**head, **fields}, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
