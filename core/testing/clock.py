from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock at NOW until a test moves it. No code or rate limit window expires in between."""
    # tick=False: a slow machine must not move a test over the end of a window.
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock
