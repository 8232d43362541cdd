from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection, transaction


def run_concurrently(actions: Iterable[Callable[[], Any]]) -> list[Any]:
    """Run each action in a thread with its own connection, all starting at once.

    Returns the results in the order of the actions; an action that raised has its exception as its result.
    """
    actions = list(actions)
    start = threading.Barrier(len(actions))
    outcomes: list[Any] = [None] * len(actions)

    def run(index: int, action: Callable[[], Any]) -> None:
        try:
            # Before the barrier: connecting takes different times, and all actions are to start together.
            connection.ensure_connection()
            start.wait(20)
            outcomes[index] = action()
        except BaseException as error:  # noqa: BLE001 -- the test decides what to do with it
            outcomes[index] = error
        finally:
            # Connections belong to threads; the test database could not be dropped with this one open.
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def wait_until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until the condition is true; raises TimeoutError if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The condition was not met within {seconds} s.")
        time.sleep(0.01)


def interleave(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Run the second action while the first has done its work and not committed it.

    The first commits once the second has ended or waits for a lock. Returns both results, as `run_concurrently` does.
    """
    first_done, second_ended = threading.Event(), threading.Event()

    def hold() -> Any:
        try:
            with transaction.atomic():
                result = first()
                first_done.set()
                wait_until(lambda: second_ended.is_set() or has_lock_waiters())
                return result
        finally:
            # Also after an error, or the second action would wait in vain.
            first_done.set()

    def follow() -> Any:
        first_done.wait(20)
        try:
            return second()
        finally:
            second_ended.set()

    first_result, second_result = run_concurrently([hold, follow])
    return first_result, second_result


def has_lock_waiters() -> bool:
    """Return whether a transaction of this database waits for a lock of another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def errors_of_type(outcomes: Iterable[Any], kind: type[BaseException] = BaseException) -> list[BaseException]:
    """Return the outcomes that are exceptions of this kind."""
    return [outcome for outcome in outcomes if isinstance(outcome, kind)]
