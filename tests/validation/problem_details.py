"""The form of every error response: RFC 9457 with the members of this project."""

from __future__ import annotations

from typing import Any

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "code", "errors"}


def check_problem(response: Any) -> int | str:
    """Return the status of a valid 4xx problem, or a message about what is wrong."""
    if not 400 <= response.status_code < 500:
        return f"{response.status_code} {response.content[:120]!r}"
    if response["Content-Type"] != "application/problem+json":
        return f"{response.status_code} as {response['Content-Type']}"
    body = response.json()
    if not set(body) >= PROBLEM_MEMBERS or body["status"] != response.status_code:
        return f"{response.status_code} is no problem document: {body}"
    return int(response.status_code)


def unexpected_statuses(outcomes: dict[str, int | str], expected: int) -> dict[str, int | str]:
    """Return the cases whose outcome is not the expected status."""
    return {case: outcome for case, outcome in outcomes.items() if outcome != expected}
