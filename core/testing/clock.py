from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """It stands at NOW until it is moved: no code runs out, and no window of a limit ends, in the middle of a test."""
    with time_machine.travel(NOW, tick=False) as stopped:
        yield stopped
