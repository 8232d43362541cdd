"""What every refusal must look like."""

from __future__ import annotations

from typing import Any

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "code", "errors"}


def check_problem(answer: Any) -> int | str:
    """Return the status of a proper refusal, or what is wrong with the answer."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code} {answer.content[:120]!r}"
    if answer["Content-Type"] != "application/problem+json":
        return f"{answer.status_code} as {answer['Content-Type']}"
    body = answer.json()
    if not set(body) >= PROBLEM_MEMBERS or body["status"] != answer.status_code:
        return f"{answer.status_code} is no problem document: {body}"
    return int(answer.status_code)


def unexpected_statuses(found: dict[str, int | str], expected: int) -> dict[str, int | str]:
    return {case: outcome for case, outcome in found.items() if outcome != expected}
