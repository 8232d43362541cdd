"""The home of what all tests share: people, projects, the outbox, a mail server, budgets of queries."""

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

# A database behind an example takes as long as it takes; the examples of one test share its fixtures.
settings.register_profile("taskflow", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("taskflow")
