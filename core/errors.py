"""Domain errors. Services and policies raise them; the API and the pages translate them, each in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext

# A body may have a hundred thousand wrong fields; people and programs read the first errors.
MAX_FIELD_ERRORS = 100


class FieldError(NamedTuple):
    """An error of one field: its dotted path, a stable code, a sentence for people.

    `position` is the offset of the error in a text that is parsed.
    """

    field: str
    code: str
    message: str
    position: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the error as a problem document shows it."""
        problem = {"field": self.field, "code": self.code, "message": self.message}
        return problem if self.position is None else {**problem, "position": self.position}


class DomainError(Exception):
    """Base class of expected errors. `status` is the HTTP status in the API and on pages."""

    status = 400
    code = "refused"
    title = "The request was refused"

    def __init__(self, detail: str = "", *, fields: Sequence[FieldError] = (), code: str | None = None) -> None:
        # Constants of modules are marked with gettext_noop: they are translated here, into the language of the request.
        self.detail = gettext(detail or self.title)
        super().__init__(self.detail)
        self.fields = tuple(fields)
        if code is not None:
            self.code = code

    @property
    def message(self) -> str:
        """Return the sentences about the fields, or else the detail, as pages show them."""
        return " ".join(error.message for error in self.fields) or self.detail

    def has_error(self, field: str, code: str) -> bool:
        """Return whether the field was rejected with this code."""
        return any((error.field, error.code) == (field, code) for error in self.fields)


class Invalid(DomainError):
    """The input is not valid; `fields` says why."""

    code = "invalid"
    title = "The input is not valid"

    @classmethod
    def field(cls, name: str, message: str, code: str = "invalid") -> Invalid:
        message = gettext(message)
        return cls(f"{name}: {message}", fields=[FieldError(name, code, message)])


class NotAuthenticated(DomainError):
    status = 401
    code = "not_authenticated"
    title = "Sign in first"


class NotAllowed(DomainError):
    """The user may see the object but not do this to it."""

    status = 403
    code = "permission_denied"
    title = "You don't have permission"


class NotFound(DomainError):
    """The object does not exist, or the user may not see it: the two look the same."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(DomainError):
    """The state of the object does not allow this now."""

    status = 409
    code = "conflict"
    title = "This conflicts with the current state"


class VersionConflict(DomainError):
    """The object changed since the caller read it (HTTP: If-Match failed).

    `current` holds the present values of the fields the caller wanted to change, `requested` the caller's.
    """

    status = 412
    code = "version_conflict"
    title = "This changed since you read it"

    def __init__(
        self, detail: str = "", *, version: int, current: Mapping[str, Any], requested: Mapping[str, Any]
    ) -> None:
        super().__init__(detail)
        self.version = version
        self.current = dict(current)
        self.requested = dict(requested)


class RateLimited(DomainError):
    """Too many attempts; `retry_after` is in whole seconds."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: int = 60) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ServiceUnavailable(DomainError):
    """Nothing is wrong with the request; the client should send it again after `retry_after` seconds."""

    status = 503
    code = "service_unavailable"
    title = "Not possible at the moment"
    retry_after = 1


class TransientConflict(ServiceUnavailable):
    """The transaction was rolled back because of concurrent ones; the same request may be retried at once."""

    code = "transient_conflict"
    title = "Concurrent changes"


class Busy(ServiceUnavailable):
    """Another transaction has held the same rows for longer than a request may wait (lock_timeout)."""

    code = "busy"
    title = "Somebody else is changing this"


class QueryTimeout(ServiceUnavailable):
    """A statement was cancelled because it took too long (statement_timeout)."""

    code = "timeout"
    title = "The request took too long"


class DatabaseUnavailable(ServiceUnavailable):
    """The database cannot be reached, or refuses to work: it restarts, or is full, exhausted or read-only."""

    code = "database_unavailable"
    title = "The database is not available"


def require(allowed: bool, message: str) -> None:
    """Raise NotAllowed with this message unless allowed."""
    if not allowed:
        raise NotAllowed(message)
