"""Subscriptions: one notification for each time that a task enters the filter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.tests.factories import UserFactory
from core.testing.concurrency import run_concurrently
from events.models import Event
from notifications.handlers import task_entered_filter
from notifications.models import Notification
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import FilterMatch, FilterSubscription
from tasks.saved_filters import clock, handlers, services, subscriptions
from tasks.tests.factories import MemberFactory, ProjectFactory, SavedFilterFactory, TaskFactory

pytestmark = pytest.mark.django_db
HANDLED = ("task.created", "task.updated")


@pytest.fixture
def subscribed(bob, project):
    """Bob subscribes to urgent tasks."""
    saved_filter = SavedFilterFactory(owner=bob, name="Urgent", filter="priority:urgent")
    subscriptions.subscribe(actor=bob, filter_id=saved_filter.pk, now=timezone.now())
    return saved_filter


def update(actor, task, **changes):
    items.update(actor=actor, ref=str(task.pk), changes=changes, now=timezone.now(), versions=None)


def handle_events():
    """Deliver what was published since the last call, as one batch; return who is told of which task."""
    last = getattr(handle_events, "last", 0)
    events = list(Event.objects.filter(pk__gt=last, name__in=HANDLED).order_by("pk"))
    if events:
        handlers.match_tasks(events)
    entries = Event.objects.filter(pk__gt=last, name="task.entered_filter").order_by("pk")
    newest = Event.objects.order_by("pk").last()
    handle_events.last = newest.pk if newest else 0
    return [(entry.payload["task"]["key"], entry.payload["user_ids"]) for entry in entries]


@pytest.fixture(autouse=True)
def no_earlier_events(db):
    handle_events.last = 0


def test_task_that_enters_notifies_once_until_it_leaves(alice, bob, task, subscribed):
    update(alice, task, priority=4)
    entered = handle_events()
    update(alice, task, title="Still urgent")
    update(alice, task, title="Still urgent!")
    stayed = handle_events()
    update(alice, task, priority=1)
    left = handle_events()
    update(alice, task, priority=4)
    again = handle_events()

    assert entered == again == [(task.key, [str(bob.pk)])]
    assert stayed == left == []
    assert FilterMatch.objects.count() == 1


def test_tasks_that_match_already_notify_nobody(alice, bob, project):
    task = TaskFactory(project=project, priority=4)
    saved_filter = SavedFilterFactory(owner=bob, filter="priority:urgent")
    subscriptions.subscribe(actor=bob, filter_id=saved_filter.pk, now=timezone.now())

    update(alice, task, title="Touched")

    assert handle_events() == []


def test_event_delivered_twice_notifies_once(alice, task, subscribed):
    update(alice, task, priority=4)
    events = list(Event.objects.filter(name="task.updated"))

    handlers.match_tasks(events)
    handlers.match_tasks(events)

    assert Event.objects.filter(name="task.entered_filter").count() == 1


def test_new_task_in_the_filter_notifies_by_the_inbox(alice, bob, project, subscribed):
    items.create(actor=alice, draft=TaskDraft(title="New", priority=4), now=timezone.now(), project_ref=str(project.pk))
    handle_events()

    task_entered_filter(Event.objects.get(name="task.entered_filter"))

    [notification] = Notification.objects.all()
    assert (notification.recipient, notification.kind) == (bob, "entered_filter")
    assert notification.title.endswith("is now in the filter Urgent")


def test_own_change_does_not_notify_the_subscriber(bob, task, subscribed):
    update(bob, task, priority=4)
    handle_events()

    task_entered_filter(Event.objects.get(name="task.entered_filter"))

    assert not Notification.objects.exists()


def test_subscriber_is_told_of_visible_tasks_only(alice, bob, subscribed):
    hidden = TaskFactory(project=ProjectFactory(owner=alice))
    MemberFactory(project=hidden.project, user=UserFactory())

    update(alice, hidden, priority=4)

    assert handle_events() == []


def test_reader_of_a_shared_filter_is_dropped_with_its_sharing(alice, bob, project, task):
    shared = SavedFilterFactory(owner=alice, filter="priority:urgent", project=project)
    subscriptions.subscribe(actor=bob, filter_id=shared.pk, now=timezone.now())

    services.update(actor=alice, filter_id=shared.pk, changes={"project": None}, now=timezone.now())
    update(alice, task, priority=4)

    assert not FilterSubscription.objects.exists()
    assert handle_events() == []


def test_changed_filter_notifies_nobody_of_its_tasks(alice, bob, task, subscribed):
    services.update(actor=bob, filter_id=subscribed.pk, changes={"filter": "state:open"}, now=timezone.now())
    handlers.rebuild_matches(Event.objects.get(name="saved_filter.updated"))

    update(alice, task, priority=4)

    assert handle_events() == []
    assert FilterMatch.objects.count() == 1
    assert FilterSubscription.objects.get().is_current


def test_subscriptions_and_their_matches_are_limited(alice, bob, project, monkeypatch, clients):
    saved_filter = SavedFilterFactory(owner=bob)
    TaskFactory.create_batch(3, project=project)
    path = f"/api/v1/saved-filters/{saved_filter.pk}/subscription/"
    monkeypatch.setattr(subscriptions, "MAX_MATCHES", 2)
    too_wide = clients["bob"].post(path)
    monkeypatch.setattr(subscriptions, "MAX_MATCHES", 3)
    monkeypatch.setattr(subscriptions, "MAX_SUBSCRIPTIONS", 0)
    too_many = clients["bob"].post(path)

    assert [response.status_code for response in (too_wide, too_many)] == [409, 409]
    assert "2 tasks" in too_wide.json()["detail"]
    assert "0 filters" in too_many.json()["detail"]
    assert not FilterSubscription.objects.exists()
    assert not FilterMatch.objects.exists()


def test_batch_of_events_is_evaluated_by_few_queries(alice, bob, project, django_assert_max_num_queries):
    for number in range(10):
        saved_filter = SavedFilterFactory(owner=bob, filter=f"priority:urgent estimate>{number}")
        subscriptions.subscribe(actor=bob, filter_id=saved_filter.pk, now=timezone.now())
    for task in TaskFactory.create_batch(5, project=project, estimate=100):
        update(alice, task, title="Touched")
    events = list(Event.objects.filter(name="task.updated"))

    # Viewers, subscriptions, one statement for all filters, known matches; the clock and a savepoint around it.
    with django_assert_max_num_queries(9):
        handlers.match_tasks(events)


MIDNIGHT_IN_AUCKLAND = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)  # of 5 May


def test_task_enters_by_the_clock_once_in_the_readers_zone(alice, bob, project, monkeypatch):
    type(bob).objects.filter(pk=bob.pk).update(time_zone="Pacific/Auckland")
    bob.refresh_from_db()
    before = MIDNIGHT_IN_AUCKLAND - timedelta(minutes=1)
    tasks = TaskFactory.create_batch(3, project=project, due_date=date(2026, 5, 5))
    timed = TaskFactory(project=project, due_at=MIDNIGHT_IN_AUCKLAND + timedelta(minutes=2))
    hidden = TaskFactory(project=ProjectFactory(owner=alice), due_date=date(2026, 5, 5))
    texts = {"today": "due:@today has:due -created>@now", "overdue": "is:overdue", "never": "due:2026-05-05"}
    filters = {name: SavedFilterFactory(owner=bob, name=name, filter=text) for name, text in texts.items()}
    for saved_filter in filters.values():
        subscriptions.subscribe(actor=bob, filter_id=saved_filter.pk, now=before)
    day_filter = filters["today"]
    day_filter.filter = "due:@today"
    day_filter.save()
    FilterSubscription.objects.filter(saved_filter=day_filter).update(next_check_at=MIDNIGHT_IN_AUCKLAND)

    runs = [clock.match_by_clock(now=before)]
    monkeypatch.setattr(clock, "MAX_ENTRIES", 3)
    runs += [clock.match_by_clock(now=MIDNIGHT_IN_AUCKLAND) for _ in range(3)]
    # Overdue is asked for the time: checked every five minutes.
    runs += [clock.match_by_clock(now=MIDNIGHT_IN_AUCKLAND + timedelta(minutes=minutes)) for minutes in (5, 6, 11)]
    entries = [event.payload for event in Event.objects.filter(name="task.entered_filter").order_by("pk")]

    assert runs == [0, 3, 1, 0, 1, 0, 0]
    assert {entry["task"]["id"] for entry in entries} == {str(task.pk) for task in (*tasks, timed)}
    assert str(hidden.pk) not in {entry["task"]["id"] for entry in entries}
    assert [entry["filter_name"] for entry in entries] == ["today"] * 4 + ["overdue"]
    next_checks = dict(FilterSubscription.objects.values_list("saved_filter__name", "next_check_at"))
    assert next_checks["today"] == MIDNIGHT_IN_AUCKLAND + timedelta(hours=1)
    assert next_checks["never"] is None
    # A task leaves by the clock, too.
    clock.match_by_clock(now=MIDNIGHT_IN_AUCKLAND + timedelta(days=1))
    assert not FilterMatch.objects.filter(subscription__saved_filter=day_filter).exists()


@pytest.mark.django_db(transaction=True)
def test_schedulers_at_once_tell_of_an_entry_once(bob, project):
    TaskFactory.create_batch(5, project=project, due_date=date(2026, 5, 5))
    for number in range(3):
        saved_filter = SavedFilterFactory(
            owner=bob, name=f"Day {number}", filter=f"due:@today estimate:none -label:x{number}"
        )
        subscriptions.subscribe(actor=bob, filter_id=saved_filter.pk, now=MIDNIGHT_IN_AUCKLAND - timedelta(days=1))
    now = MIDNIGHT_IN_AUCKLAND + timedelta(hours=13)

    counts = run_concurrently([partial(clock.match_by_clock, now=now)] * 3)

    assert sum(counts) == FilterMatch.objects.count() == Event.objects.filter(name="task.entered_filter").count() == 15
