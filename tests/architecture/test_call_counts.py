"""Functions and modules that a task update and a login run through, view inward.

A reader of the code follows these calls, so the budgets keep the path short. docs/architecture.md states the figures;
`make test ARGS="tests/architecture/test_call_counts.py -s -n 0"` prints them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from rest_framework.views import APIView

from accounts.tests.factories import PASSWORD
from tests.architecture.figures import APPLICATION, ROOT

# Functions and modules, from the handler method inward. The goals are (45, 14) and (40, 16).
PATCH_BUDGET = (45, 15)
LOGIN_BUDGET = (69, 27)


@dataclass
class CallRecorder:
    """Records the project's functions that are called while the handler method of an API view runs.

    It counts named functions and methods once each. Comprehensions, lambdas and generated methods of dataclasses are
    part of the function they are written in.
    """

    functions: set[tuple[str, str]] = field(default_factory=set)
    _view: FrameType | None = None

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if self._view is None:
            is_handler = event == "call" and code.co_name in {"patch", "post"}
            if is_handler and isinstance(frame.f_locals.get("self"), APIView):
                self._view = frame
                self.functions.add((_project_module(code), code.co_qualname))
        elif event == "return" and frame is self._view:
            self._view = None
        elif event == "call" and (module := _project_module(code)):
            self.functions.add((module, code.co_qualname))

    @property
    def counts(self) -> tuple[int, int]:
        """Return the number of functions and of modules."""
        return len(self.functions), len({module for module, _ in self.functions})

    def __str__(self) -> str:
        listing = "\n".join(f"  {module} {name}" for module, name in sorted(self.functions))
        return f"{self.counts[0]} functions in {self.counts[1]} modules\n{listing}"


def _project_module(code: CodeType) -> str:
    """Return the path of the module of a named project function, or an empty string."""
    path = Path(code.co_filename)
    if code.co_name.startswith("<") or not code.co_flags & CO_OPTIMIZED or not path.is_relative_to(ROOT):
        return ""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts) if parts[0] in APPLICATION and "tests" not in parts else ""


@contextmanager
def recorded_calls() -> Iterator[CallRecorder]:
    recorder = CallRecorder()
    sys.setprofile(recorder)
    try:
        yield recorder
    finally:
        sys.setprofile(None)


@pytest.mark.django_db
def test_task_update_stays_within_its_call_budget(clients, task):
    url = f"/api/v1/tasks/{task.key}/"
    clients["alice"].patch(url, {"title": "Fix the scanner"})  # imports and caches of the process

    with recorded_calls() as calls:
        response = clients["alice"].patch(url, {"title": "Fix the printer and the scanner"})

    assert response.status_code == 200
    sys.stdout.write(f"\nPATCH of a task: {calls}\n")
    assert_within(calls, *PATCH_BUDGET)


@pytest.mark.django_db
def test_login_stays_within_its_call_budget(clients, alice):
    credentials = {"email": alice.email, "password": PASSWORD}
    clients["anonymous"].post("/api/v1/auth/login/", credentials)

    with recorded_calls() as calls:
        response = clients["anonymous"].post("/api/v1/auth/login/", credentials)

    assert response.status_code == 200
    sys.stdout.write(f"\nLogin: {calls}\n")
    assert_within(calls, *LOGIN_BUDGET)


def assert_within(calls: CallRecorder, functions: int, modules: int) -> None:
    assert calls.counts[0] <= functions, str(calls)
    assert calls.counts[1] <= modules, str(calls)
