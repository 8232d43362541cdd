"""Times at which a filter that depends on the clock is evaluated again."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.filters import grammar
from tasks.filters.syntax_tree import Term, iter_terms
from tasks.filters.values import DAY_NAMES

# A filter that asks for the time (`@now`, overdue) is checked so often.
INSTANT_INTERVAL = timedelta(minutes=5)
# One that asks for the day at midnight, and so often because the reader may change the time zone.
DAY_INTERVAL = timedelta(hours=1)


def next_check(filter_text: str, zone: str, now: datetime) -> datetime | None:
    """Return when tasks may next enter a filter without being changed; None for never."""
    terms = [term for term in iter_terms(grammar.parse(filter_text)) if isinstance(term, Term)]
    texts = [value.text.lower() for term in terms for value in term.values]
    if "@now" in texts or any(term.name == "is" and "overdue" in texts for term in terms):
        return now + INSTANT_INTERVAL
    if not any(text.startswith(DAY_NAMES) for text in texts):
        return None
    today = now.astimezone(ZoneInfo(zone)).date()
    midnight = datetime.combine(today + timedelta(days=1), time(), ZoneInfo(zone))
    return min(midnight, now + DAY_INTERVAL)
