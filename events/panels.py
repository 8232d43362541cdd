"""Panel of the operations page about the event log and its deliveries."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max, Min

from core.clock import current_time
from core.status_panels import Action, Figure, Panel, format_age, judge, register_panel
from events import delivery
from events.health import check_queue
from events.models import Delivery, Event, LogHead

# Dead letters of one action; more need another.
MAX_DEAD_LETTERS = 1000


def log_figures() -> Sequence[Figure]:
    """Return what waits for the relay and for consumers, and what needs an administrator."""
    counts = check_queue()
    waiting = Event.objects.filter(position=None, append_error="").aggregate(oldest=Min("occurred_at"))["oldest"]
    pending = Delivery.objects.filter(state=Delivery.State.PENDING).aggregate(oldest=Min("event__occurred_at"))[
        "oldest"
    ]
    lag = max(0.0, (current_time() - waiting).total_seconds()) if waiting else 0.0
    age = max(0.0, (current_time() - pending).total_seconds()) if pending else 0.0
    return [
        Figure(
            "Waiting for the relay",
            f"{counts['waiting']:,}",
            judge(lag, warn=5, bad=60),
            f"oldest: {format_age(lag)}" if waiting else "",
        ),
        Figure("Oldest delivery", format_age(age), judge(age, warn=60, bad=600)),
        Figure("Late deliveries", f"{counts['late']:,}", judge(counts["late"], warn=1, bad=100)),
        Figure("Dead letters", f"{counts['dead']:,}", "bad" if counts["dead"] else "ok", _newest_error()),
        Figure(
            "Set aside",
            f"{counts['set_aside']:,}",
            "bad" if counts["set_aside"] else "ok",
            "events that the relay could not append",
        ),
        Figure("Events", f"{LogHead.objects.aggregate(last=Max('position'))['last'] or 0:,}"),
    ]


def _newest_error() -> str:
    dead = (
        Delivery.objects.filter(state=Delivery.State.DEAD).order_by("-id").values_list("consumer", "last_error").first()
    )
    if dead is None:
        return ""
    consumer, error = dead
    return f"{consumer}: {error.strip().splitlines()[-1][:120] if error.strip() else 'no message'}"


def redeliver_dead_letters() -> int:
    """Give dead letters another round of attempts; return how many."""
    dead = Delivery.objects.filter(state=Delivery.State.DEAD).order_by("id")
    return delivery.redeliver(list(dead.values_list("pk", flat=True)[:MAX_DEAD_LETTERS]))


def register_panels() -> None:
    """Add this panel to the operations page."""
    register_panel(
        Panel(
            "events",
            "Event log",
            "Events that wait for more than a minute, and dead letters: notifications and statistics are late.",
            "events",
            log_figures,
            (
                Action("redeliver", "Redeliver dead letters", redeliver_dead_letters),
                Action("append-again", "Append events again", lambda: delivery.append_again(Event.objects.all())),
            ),
        )
    )
