"""Circuit breaker: leaves a service alone for a while after several failures in a row."""

from __future__ import annotations

import threading
import time


class CircuitBreaker:
    """One for each service and process; shared by threads.

    After `max_failures` failures in a row it is open for `pause` seconds. Then one caller at a time may try, and the
    first success closes it.
    """

    def __init__(self, *, max_failures: int, pause: float) -> None:
        self.max_failures = max_failures
        self.pause = pause
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls fail now; other than `allows_call` this is no attempt."""
        return self._failures >= self.max_failures and time.monotonic() < self._open_until

    def allows_call(self) -> bool:
        with self._lock:
            if self._failures < self.max_failures:
                return True
            if time.monotonic() < self._open_until:
                return False
            # The next attempt: the others wait for what comes of it.
            self._open_until = time.monotonic() + self.pause
            return True

    def record_success(self) -> None:
        with self._lock:
            self._failures = 0

    def record_failure(self) -> None:
        with self._lock:
            self._failures += 1
            self._open_until = time.monotonic() + self.pause

    def reset(self) -> None:
        self._failures, self._open_until = 0, 0.0
