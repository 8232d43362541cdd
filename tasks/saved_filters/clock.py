"""Tasks that enter a subscribed filter because time passes: `due:@today` at the reader's midnight."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.errors import Invalid
from tasks.models import FilterMatch, FilterSubscription
from tasks.saved_filters import subscriptions
from tasks.saved_filters.check_times import DAY_INTERVAL, next_check

# The job runs every minute; a backlog is worked off over some of its runs.
MAX_CHECKS = 200
# Of one subscription and run: each is a notification.
MAX_ENTRIES = 200


def match_by_clock(*, now: datetime) -> int:
    """Publish which tasks have entered a subscribed filter by the clock, and return their number.

    `now` is the time of the database. Each is published once, however many schedulers there are.
    """
    due = FilterSubscription.objects.filter(next_check_at__lte=now, is_current=True)
    count = 0
    for subscription_id in list(due.order_by("next_check_at", "pk").values_list("pk", flat=True)[:MAX_CHECKS]):
        with transaction.atomic():
            # Another scheduler, or the consumer of events, may hold it; the condition is evaluated under the lock.
            rows = due.active().filter(pk=subscription_id).select_related("user", "saved_filter")
            locked = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
            if locked is None:
                # Of a user who does not see the filter now: not before all others again.
                FilterSubscription.objects.filter(pk=subscription_id, next_check_at__lte=now).exclude(
                    pk__in=FilterSubscription.objects.active().values("pk")
                ).update(next_check_at=now + DAY_INTERVAL)
                continue
            count += _check(locked, now)
    return count


def _check(subscription: FilterSubscription, now: datetime) -> int:
    """Compare the tasks in a filter with those that were in it; returns how many have entered."""
    following = next_check(subscription.saved_filter.filter, subscription.user.time_zone, now)
    try:
        matching = subscriptions.matching_ids(subscription, now)
    except Invalid:  # a field was deleted, say: nothing is in this filter
        matching = []
    entered = []
    # Of too many, which none of the others could be told from, nothing is published.
    if matching is not None:
        known = set(FilterMatch.objects.filter(subscription=subscription).values_list("task_id", flat=True))
        FilterMatch.objects.filter(subscription=subscription, task__in=known - set(matching)).delete()
        entered = sorted(set(matching) - known)
        if len(entered) > MAX_ENTRIES:
            entered, following = entered[:MAX_ENTRIES], now
        subscriptions.enter([(subscription.pk, task_id) for task_id in entered], [subscription], {}, now)
    FilterSubscription.objects.filter(pk=subscription.pk).update(next_check_at=following)
    return len(entered)
