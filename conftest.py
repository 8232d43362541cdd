"""Fixtures that all tests share: users, projects, the outbox, an SMTP server, query budgets."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = (
    "core.testing.asgi",
    "core.testing.cache",
    "core.testing.clock",
    "core.testing.database",
    "core.testing.queries",
    "core.testing.smtp",
    "core.testing.subtests",
    "accounts.tests.fixtures",
    "events.tests.fixtures",
    "tasks.tests.fixtures",
    "tests.sample_data",
)

# No deadline: an example that queries a database has no constant cost. The examples of one test share its fixtures.
settings.register_profile("taskflow", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("taskflow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for processes: one worker waits while the others keep the cores busy."""
    items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in ("nginx", "processes")))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the imports and what they leave, a twentieth of the time of all tests."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    return result
