"""Subscriptions to saved filters: which tasks are in a filter, and which have just entered it.

A row of FilterMatch for each task in the filter of a subscription decides: a user is told of a task when its row is
inserted, once, and again only after the task has left the filter and with it its row.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import UUIDField, Value
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound
from core.sql_templates import Statement
from events.outbox import publish_all
from tasks import events
from tasks.filters import selectors as filters_selectors
from tasks.filters.query_params import filters_from_params
from tasks.models import FilterMatch, FilterSubscription, SavedFilter, Task
from tasks.models.task import TaskQuerySet
from tasks.projects import selectors as projects_selectors
from tasks.saved_filters.check_times import next_check
from tasks.saved_filters.selectors import NOT_FOUND

# Of one user.
MAX_SUBSCRIPTIONS = 20
# Of one subscription: rows that are written when it begins.
MAX_MATCHES = 10_000
# Filters that one statement evaluates.
MAX_BRANCHES = 50


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor of an event, by the id and name that it has there."""

    pk: uuid.UUID
    name: str


@transaction.atomic
def subscribe(*, actor: User, filter_id: uuid.UUID, now: datetime) -> SavedFilter:
    """Tell the actor of tasks that enter a saved filter from now on.

    Raises NotFound, Invalid for a filter that means nothing any more, and Conflict beyond a limit.
    """
    # The user's row: two requests at once must not pass the limit together.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    saved_filter = _get_visible(actor, filter_id)
    own = FilterSubscription.objects.filter(user=actor)
    if own.filter(saved_filter=saved_filter).exists():
        return saved_filter
    if own.count() >= MAX_SUBSCRIPTIONS:
        raise Conflict(
            gettext("You can subscribe to %(max_subscriptions)s filters; unsubscribe from one first.")
            % {"max_subscriptions": MAX_SUBSCRIPTIONS},
            code="too_many",
        )
    subscription = FilterSubscription.objects.create(
        saved_filter=saved_filter,
        user=actor,
        created_at=now,
        next_check_at=next_check(saved_filter.filter, actor.time_zone, now),
    )
    if not _find_matches(subscription, now):
        raise Conflict(f"More than {MAX_MATCHES:,} tasks are in this filter now; narrow it first.", code="too_many")
    return saved_filter


@transaction.atomic
def unsubscribe(*, actor: User, filter_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Tell the actor no longer of tasks that enter a saved filter. Raises NotFound."""
    saved_filter = _get_visible(actor, filter_id)
    FilterSubscription.objects.filter(saved_filter=saved_filter, user=actor).delete()


def _get_visible(user: User, filter_id: uuid.UUID) -> SavedFilter:
    saved_filter = SavedFilter.objects.visible_to(user).filter(pk=filter_id).first()
    if saved_filter is None:
        raise NotFound(NOT_FOUND)
    return saved_filter


def _find_matches(subscription: FilterSubscription, now: datetime) -> bool:
    """Note the tasks that are in the filter already; return False and note none if they are too many."""
    task_ids = matching_ids(subscription, now)
    if task_ids is None:
        return False
    matches = [FilterMatch(subscription=subscription, task_id=task_id) for task_id in task_ids]
    FilterMatch.objects.bulk_create(matches, batch_size=2_000, ignore_conflicts=True)
    return True


def matching_ids(subscription: FilterSubscription, now: datetime) -> list[uuid.UUID] | None:
    """Return the ids of the tasks in the filter; None if they are more than MAX_MATCHES. Raises Invalid."""
    rows = _matching(subscription, now)
    task_ids = list(rows.order_by().values_list("pk", flat=True)[: MAX_MATCHES + 1])
    return task_ids if len(task_ids) <= MAX_MATCHES else None


@transaction.atomic
def rebuild_matches(*, filter_id: uuid.UUID, now: datetime) -> None:
    """Find the matches of a changed filter anew, without a notification.

    A subscription to too many tasks ends.
    """
    outdated = FilterSubscription.objects.filter(saved_filter=filter_id, is_current=False)
    for subscription in _lock(outdated):
        FilterMatch.objects.filter(subscription=subscription).delete()
        try:
            is_current = _find_matches(subscription, now)
        except Invalid:  # of this reader: the owner sees fields that they do not
            is_current = False
        if is_current:
            check_at = next_check(subscription.saved_filter.filter, subscription.user.time_zone, now)
            FilterSubscription.objects.filter(pk=subscription.pk).update(is_current=True, next_check_at=check_at)
        else:
            subscription.delete()


def _lock(rows: Any) -> list[FilterSubscription]:
    """Lock subscriptions in one order.

    So the last consumer to look at a task sees its last state.
    """
    locked = rows.select_for_update(of=("self",), no_key=True).select_related("user", "saved_filter")
    return list(locked.order_by("pk"))


def _matching(subscription: FilterSubscription, now: datetime) -> TaskQuerySet:
    """Return the tasks in the filter that its reader sees. Raises Invalid."""
    filters = filters_from_params({"filter": subscription.saved_filter.filter}, subscription.user, now)
    # The words are compared with single tasks, instead of looked up among all.
    filters = replace(filters, search="", words=filters.search)
    return filters_selectors.filter_visible(subscription.user, filters)


@transaction.atomic
def match_tasks(*, project_ids: Collection[uuid.UUID], actors: Mapping[uuid.UUID, Actor | None], now: datetime) -> None:
    """Compare changed tasks with the subscribed filters, and publish which tasks have entered one.

    `actors` are who changed each task, by its id.
    """
    viewer_ids = projects_selectors.viewer_ids(project_ids)
    candidates = FilterSubscription.objects.active().filter(user__in=viewer_ids, is_current=True)
    subscriptions = _lock(candidates)
    if not subscriptions:
        return
    matching = _matching_pairs(subscriptions, list(actors), now)
    known = FilterMatch.objects.filter(subscription__in=subscriptions, task__in=list(actors))
    noted = {(match.subscription_id, match.task_id): match.pk for match in known}
    left = [pk for pair, pk in noted.items() if pair not in matching]
    FilterMatch.objects.filter(pk__in=left).delete()
    enter(sorted(matching - set(noted)), subscriptions, actors, now)


def _matching_pairs(
    subscriptions: Sequence[FilterSubscription], task_ids: list[uuid.UUID], now: datetime
) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return which tasks are in the filter of which subscription: one statement for MAX_BRANCHES of them."""
    statements = []
    for subscription in subscriptions:
        try:
            rows = _matching(subscription, now).filter(pk__in=task_ids)
        except Invalid:  # a field was deleted, say: nothing is in this filter
            continue
        subscription_id = Value(subscription.pk, output_field=UUIDField())
        if statement := Statement.of(rows.order_by().values_list(subscription_id, "pk")):
            statements.append(statement)
    pairs: set[tuple[uuid.UUID, uuid.UUID]] = set()
    for start in range(0, len(statements), MAX_BRANCHES):
        branches = statements[start : start + MAX_BRANCHES]
        sql = " UNION ALL ".join(f"({statement.sql})" for statement in branches)
        parameters = tuple(value for statement in branches for value in statement.parameters)
        pairs |= set(Statement(sql, parameters).run({}))
    return pairs


def enter(
    entered: Sequence[tuple[uuid.UUID, uuid.UUID]],
    subscriptions: Sequence[FilterSubscription],
    actors: Mapping[uuid.UUID, Actor | None],
    now: datetime,
) -> None:
    """Note pairs of locked subscriptions and tasks; publish one event for each task and filter, with all users to tell."""
    FilterMatch.objects.bulk_create(
        [FilterMatch(subscription_id=subscription_id, task_id=task_id) for subscription_id, task_id in entered],
        ignore_conflicts=True,
    )
    by_id = {subscription.pk: subscription for subscription in subscriptions}
    readers: dict[tuple[uuid.UUID, uuid.UUID], list[FilterSubscription]] = defaultdict(list)
    for subscription_id, task_id in entered:
        readers[task_id, by_id[subscription_id].saved_filter_id].append(by_id[subscription_id])
    tasks = (
        Task.objects.filter(pk__in={task_id for task_id, _ in readers}).with_relations().in_bulk() if readers else {}
    )
    for (task_id, filter_id), notified in readers.items():
        event = events.TaskEnteredFilter(
            task=tasks[task_id].payload(),
            filter_id=str(filter_id),
            filter_name=notified[0].saved_filter.name,
            user_ids=sorted(str(subscription.user_id) for subscription in notified),
        )
        publish_all([event], actor=actors.get(task_id), at=now)
