from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone

from accounts.models import Team
from events import jobs
from events.appending import assign_positions
from events.delivery import deliver, deliver_batch, redeliver
from events.health import check_queue
from events.models import MAX_ATTEMPTS, Delivery, retry_delay
from events.relay import CLAIM_LEASE_SECONDS, MAX_EVENTS_PER_MESSAGE, claim_due, group_messages
from events.tests import consumers
from events.tests.factories import DeliveryFactory, EventFactory

pytestmark = pytest.mark.django_db
REFUSE = "events.tests.consumers.fail"
REMEMBER = "events.tests.consumers.record"
IGNORE = "events.tests.consumers.do_nothing"
MANY = "events.tests.consumers.record_many"


@pytest.fixture
def batch():
    """Three deliveries to a consumer, of which the second's fact may be broken."""
    consumers.received.clear()
    consumers.calls.clear()

    def deliveries(consumer, **payload):
        events = [EventFactory(), EventFactory(payload={"actor": None, **payload}), EventFactory()]
        return [DeliveryFactory(event=event, consumer=consumer) for event in events]

    return deliveries


def ids_of(rows):
    return [row.event_id for row in rows]


def outcome():
    return list(Delivery.objects.order_by("id").values_list("state", "attempts"))


def test_delivery_happens_once():
    row = DeliveryFactory()
    consumers.received.clear()

    first = deliver(event_id=row.event_id, consumer=row.consumer)
    second = deliver(event_id=row.event_id, consumer=row.consumer)

    row.refresh_from_db()
    assert (first, second, consumers.received) == (True, False, [row.event_id])
    assert (row.state, row.finished_at is not None, row.attempts) == ("done", True, 0)


@pytest.mark.parametrize("consumer", [REFUSE, "events.tests.consumers.unheard", "nowhere.at.all"])
def test_failing_consumer_changes_only_the_attempts(consumer):
    row = DeliveryFactory(consumer=consumer)

    done = deliver(event_id=row.event_id, consumer=consumer)

    row.refresh_from_db()
    assert (done, Team.objects.count()) == (False, 0)
    assert (row.state, row.attempts) == ("pending", 1)
    assert timedelta(seconds=1) < row.next_attempt_at - timezone.now() < timedelta(seconds=2)
    assert row.last_error.split(":")[0] in {"ValueError", "ImportError", "ModuleNotFoundError"}


def test_backoff_doubles_up_to_an_hour():
    assert [retry_delay(n).total_seconds() for n in (1, 2, 3, 11, 12, 60)] == [2, 4, 8, 2048, 3600, 3600]


def test_delivery_is_a_dead_letter_after_ten_attempts():
    row = DeliveryFactory(consumer=REFUSE)
    for _ in range(MAX_ATTEMPTS):
        deliver(event_id=row.event_id, consumer=REFUSE)
    row.refresh_from_db()
    dead, tried_again = row.state, deliver(event_id=row.event_id, consumer=REFUSE)

    count = redeliver([row.pk])

    row.refresh_from_db()
    assert (dead, tried_again, count) == ("dead", False, 1)
    assert (row.state, row.attempts) == ("pending", 0)
    assert claim_due() == [(row.event_id, REFUSE)]


def test_redeliver_takes_dead_letters_only():
    waiting, done = DeliveryFactory(), DeliveryFactory(state="done", finished_at=timezone.now())

    assert redeliver([waiting.pk, done.pk]) == 0
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["done", "pending"]


def test_failing_consumer_does_not_block_another():
    event = EventFactory()
    assign_positions({"task.created": (REFUSE, "events.tests.consumers.record")})
    consumers.received.clear()

    for row in Delivery.objects.order_by("id"):
        deliver(event_id=event.pk, consumer=row.consumer)

    assert list(Delivery.objects.order_by("id").values_list("state", flat=True)) == ["pending", "done"]
    assert consumers.received == [event.pk]


def test_lost_claim_is_due_again_after_the_lease():
    row = DeliveryFactory()

    first, second = claim_due(), claim_due()
    Delivery.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=CLAIM_LEASE_SECONDS))
    third = claim_due()

    assert (first, second, third) == ([(row.event_id, row.consumer)], [], [(row.event_id, row.consumer)])


def test_clock_of_the_process_is_of_no_importance():
    """A worker an hour ahead or behind follows the database's clock."""
    rows = DeliveryFactory.create_batch(2)
    failing = DeliveryFactory(consumer=REFUSE)
    for hours in (1, -1):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            assign_positions({"task.created": ()})
            claimed = claim_due()
            deliver(event_id=failing.event_id, consumer=REFUSE)
            deliver(event_id=rows[hours].event_id, consumer=rows[hours].consumer)
            redeliver([rows[0].pk])
            health = check_queue()
        assert (len(claimed), health["late"]) == ((3, 0) if hours == 1 else (0, 0))
    due_in = [row.next_attempt_at - timezone.now() for row in Delivery.objects.filter(state="pending")]
    assert len(due_in) == 2
    assert all(timedelta() < seconds < timedelta(seconds=40) for seconds in due_in), due_in
    done = Delivery.objects.get(state="done")
    assert abs(done.finished_at - timezone.now()) < timedelta(seconds=30)


def test_error_that_no_column_can_hold_is_recorded():
    row = DeliveryFactory(consumer="events.tests.consumers.fail_oddly")

    assert not deliver(event_id=row.event_id, consumer=row.consumer)

    row.refresh_from_db()
    assert (row.attempts, row.last_error) == (1, "ValueError: ab?c")


def test_event_without_consumers_gets_a_position_only():
    EventFactory(name="team.created")

    appended = assign_positions({"task.created": (REFUSE,)})

    assert [event.position for event in appended] == [1]
    assert not Delivery.objects.exists()


def test_outbox_delivers_published_and_consequent_events(clients, task, bob, outbox, sink):
    from notifications.models import Notification

    with outbox.delivering():
        clients["alice"].patch("/api/v1/tasks/OPS-1/", {"assignees": [str(bob.pk)]})

    assert Notification.objects.get().recipient == bob
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert sink.only()["To"] == "bob@example.com"


def test_batch_consumer_receives_events_together_in_order(batch):
    rows = batch(MANY)

    done = deliver_batch(event_ids=ids_of(rows)[::-1], consumer=MANY)

    assert (done, consumers.calls, consumers.received) == (3, [3], ids_of(rows))
    assert outcome() == [("done", 0)] * 3


def test_single_event_consumer_receives_events_one_by_one(batch):
    rows = batch(REMEMBER)

    assert deliver_batch(event_ids=ids_of(rows), consumer=REMEMBER) == 3
    assert (consumers.received, Team.objects.count()) == (ids_of(rows), 3)


def test_batch_retries_only_the_event_that_fails_alone(batch):
    rows = batch(MANY, broken=True)

    done = deliver_batch(event_ids=ids_of(rows), consumer=MANY)

    assert (done, consumers.calls, Team.objects.count()) == (2, [1, 1], 2)
    assert outcome() == [("done", 0), ("pending", 1), ("done", 0)]
    assert Delivery.objects.get(state="pending").last_error == f"ValueError: {rows[1].event_id} is broken"


@pytest.mark.parametrize("consumer", ["events.tests.consumers.unheard", "nowhere.at.all"])
def test_missing_consumer_is_retried_for_all_events(consumer, batch):
    rows = batch(consumer)

    assert deliver_batch(event_ids=ids_of(rows), consumer=consumer) == 0
    assert outcome() == [("pending", 1)] * 3


def test_batch_leaves_done_and_dead_deliveries_alone(batch):
    rows = batch(MANY)
    Delivery.objects.filter(pk=rows[0].pk).update(state="done", finished_at=timezone.now())
    Delivery.objects.filter(pk=rows[1].pk).update(state="dead")

    done = deliver_batch(event_ids=ids_of(rows), consumer=MANY)

    assert (done, consumers.received) == (1, [rows[2].event_id])
    assert deliver_batch(event_ids=ids_of(rows), consumer=MANY) == 0


def test_batch_delivery_has_a_constant_query_count(queries):
    rows = DeliveryFactory.create_batch(42, consumer=IGNORE)

    with queries(at_most=4) as small:
        deliver_batch(event_ids=ids_of(rows[:2]), consumer=IGNORE)
    with queries(equal_to=small):
        deliver_batch(event_ids=ids_of(rows[2:]), consumer=IGNORE)


@pytest.mark.parametrize("named", ["event_id", "event_ids"])
def test_message_of_the_previous_release_is_accepted(named, batch):
    row = batch(REMEMBER)[0]

    jobs.deliver(consumer=REMEMBER, **{named: row.event_id if named == "event_id" else [row.event_id]})

    assert consumers.received == [row.event_id]


def test_message_holds_a_limited_batch_of_one_consumer():
    due = [(n, consumer) for n in range(MAX_EVENTS_PER_MESSAGE + 1) for consumer in ("one", "other")]

    assert [(len(event_ids), consumer) for event_ids, consumer in group_messages(due)] == [
        (MAX_EVENTS_PER_MESSAGE, "one"),
        (1, "one"),
        (MAX_EVENTS_PER_MESSAGE, "other"),
        (1, "other"),
    ]
