from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection, transaction


def run_concurrently(actions: Iterable[Callable[[], Any]]) -> list[Any]:
    """Run each in a thread and a connection of its own, all starting at once; returns what they returned or raised."""
    waiting = list(actions)
    start = threading.Barrier(len(waiting))
    outcomes: list[Any] = [None] * len(waiting)

    def run(index: int, action: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait(20)
            outcomes[index] = action()
        except BaseException as error:  # noqa: BLE001 -- handed to the test, which judges it
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(waiting)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def wait_until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until this is so; raises TimeoutError where it never is, so that a test fails instead of hanging."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds} s in vain.")
        time.sleep(0.01)


def interleave(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Run the second while the first has done its work and not committed it, which it does once the second has ended
    or waits for it."""
    done, ended = threading.Event(), threading.Event()

    def hold() -> Any:
        try:
            with transaction.atomic():
                found = first()
                done.set()
                wait_until(lambda: ended.is_set() or has_lock_waiters())
                return found
        finally:
            done.set()

    def follow() -> Any:
        done.wait(20)
        try:
            return second()
        finally:
            ended.set()

    one, two = run_concurrently([hold, follow])
    return one, two


def has_lock_waiters() -> bool:
    """Whether a transaction at this database waits for a lock of another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def errors_of_type(outcomes: Iterable[Any], kind: type[BaseException] = BaseException) -> list[BaseException]:
    return [outcome for outcome in outcomes if isinstance(outcome, kind)]
