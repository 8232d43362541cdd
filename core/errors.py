"""Errors as domain words. Services and policies raise them; the API and the pages translate them, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class FieldError(NamedTuple):
    """One refusal about one field: its dotted path, a stable code, a sentence for people."""

    field: str
    code: str
    message: str


class DomainError(Exception):
    """A refusal that was foreseen. `status` is the HTTP status both doors answer with."""

    status = 400
    code = "refused"
    title = "The request was refused"

    def __init__(self, detail: str = "", *, fields: Sequence[FieldError] = (), code: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.fields = tuple(fields)
        if code is not None:
            self.code = code

    def has_error(self, field: str, code: str) -> bool:
        """Return whether the field was rejected with this code."""
        return any((error.field, error.code) == (field, code) for error in self.fields)


class Invalid(DomainError):
    """The input cannot mean anything sensible; `fields` names what is wrong."""

    code = "invalid"
    title = "The input is not valid"

    @classmethod
    def field(cls, name: str, message: str, code: str = "invalid") -> Invalid:
        return cls(f"{name}: {message}", fields=[FieldError(name, code, message)])


class NotAuthenticated(DomainError):
    status = 401
    code = "not_authenticated"
    title = "Sign in first"


class NotAllowed(DomainError):
    """The caller may see the thing but not do this to it."""

    status = 403
    code = "permission_denied"
    title = "You may not do this"


class NotFound(DomainError):
    """There is no such thing, or the caller may not know of it: the two look the same."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(DomainError):
    """The state of the thing does not allow this now."""

    status = 409
    code = "conflict"
    title = "This conflicts with the current state"


class VersionConflict(DomainError):
    """The thing changed since the caller read it (HTTP: If-Match failed).

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


class TransientConflict(DomainError):
    """The request was undone because others were in its way; the same request may be sent again, at once or soon."""

    status = 503
    code = "transient_conflict"
    title = "Others were in the way"
    retry_after = 1
