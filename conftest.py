"""Fixtures that all tests share: users, projects, the outbox, an SMTP server, query budgets."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = (
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
