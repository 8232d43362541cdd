"""Panels of the operations page: apps register their own in AppConfig.ready(), as they do health checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import structlog
from django.db import connection, transaction

from core.clock import current_time

# One slow part must not keep the page from showing the others.
STATEMENT_TIMEOUT_MS = 1500
Status = Literal["", "ok", "warn", "bad"]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a panel. `status` says whether it is good; empty where there is no bound."""

    name: str
    value: str
    status: Status = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Action of an administrator; `run` returns how many objects it was done to."""

    key: str
    label: str
    run: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the operations page. `bad` says in a sentence what to look for, `runbook` names a page of docs/runbooks."""

    key: str
    title: str
    bad: str
    runbook: str
    collect: Callable[[], Sequence[Figure]]
    actions: Sequence[Action] = field(default=())


@dataclass(frozen=True, slots=True)
class PanelState:
    """A panel with its figures; with `error` they could not be read, and `seen_at` says when they last were."""

    panel: Panel
    figures: Sequence[Figure]
    error: str = ""
    seen_at: datetime | None = None

    @property
    def status(self) -> Status:
        statuses = {figure.status for figure in self.figures}
        return "bad" if self.error or "bad" in statuses else "warn" if "warn" in statuses else "ok"


PANELS: dict[str, Panel] = {}
_last_seen: dict[str, datetime] = {}


def register_panel(panel: Panel) -> None:
    """Add a panel to the operations page."""
    PANELS[panel.key] = panel


def collect_panels() -> list[PanelState]:
    """Return all panels with their figures; a part that is away is said to be, and never shown as 0."""
    return [_collect(panel) for panel in PANELS.values()]


def _collect(panel: Panel) -> PanelState:
    try:
        figures = panel.collect()
    except Exception as error:  # noqa: BLE001 -- whatever is broken, the page shows the other parts
        log.warning("panel_unavailable", panel=panel.key, reason=type(error).__name__)
        return PanelState(panel, [], type(error).__name__, _last_seen.get(panel.key))
    _last_seen[panel.key] = current_time()
    return PanelState(panel, figures, seen_at=_last_seen[panel.key])


def query_rows(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a query that has STATEMENT_TIMEOUT_MS. Raises DatabaseError."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT_MS)])
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def judge(value: float, *, warn: float, bad: float) -> Status:
    """Return the status of a figure of which more is worse."""
    return "bad" if value >= bad else "warn" if value >= warn else "ok"


def format_bytes(count: float) -> str:
    """Return a number of bytes for people, in units of 1,024."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"


def format_age(seconds: float) -> str:
    """Return a duration for people, in its largest unit."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
