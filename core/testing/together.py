from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection


def together(actions: Iterable[Callable[[], Any]]) -> list[Any]:
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


def refusals(outcomes: Iterable[Any], kind: type[BaseException] = BaseException) -> list[BaseException]:
    return [outcome for outcome in outcomes if isinstance(outcome, kind)]
