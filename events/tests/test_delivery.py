from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Team
from events.delivery import deliver, redeliver
from events.models import MAX_ATTEMPTS, Delivery, backoff
from events.relay import LEASE, append, claim_due
from events.tests import consumers
from events.tests.factories import DeliveryFactory, EventFactory

pytestmark = pytest.mark.django_db
REFUSE = "events.tests.consumers.refuse"


def test_a_delivery_is_done_once():
    row = DeliveryFactory()
    consumers.received.clear()

    first = deliver(event_id=row.event_id, consumer=row.consumer)
    second = deliver(event_id=row.event_id, consumer=row.consumer)

    row.refresh_from_db()
    assert (first, second, consumers.received) == (True, False, [row.event_id])
    assert (row.state, row.finished_at is not None, row.attempts) == ("done", True, 0)


@pytest.mark.parametrize("consumer", [REFUSE, "events.tests.consumers.unheard", "nowhere.at.all"])
def test_a_consumer_that_fails_changes_nothing_but_the_attempt(consumer):
    row, now = DeliveryFactory(consumer=consumer), timezone.now()

    with time_machine.travel(now, tick=False):
        done = deliver(event_id=row.event_id, consumer=consumer)

    row.refresh_from_db()
    assert (done, Team.objects.count()) == (False, 0)
    assert (row.state, row.attempts, row.next_attempt_at) == ("pending", 1, now + timedelta(seconds=2))
    assert row.last_error.split(":")[0] in {"ValueError", "ImportError", "ModuleNotFoundError"}


def test_pauses_double_up_to_an_hour():
    assert [backoff(n).total_seconds() for n in (1, 2, 3, 11, 12, 60)] == [2, 4, 8, 2048, 3600, 3600]


def test_after_ten_attempts_it_is_a_dead_letter_until_somebody_asks_again():
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


def test_only_dead_letters_are_delivered_again():
    waiting, done = DeliveryFactory(), DeliveryFactory(state="done", finished_at=timezone.now())

    assert redeliver([waiting.pk, done.pk]) == 0
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["done", "pending"]


def test_one_consumer_that_fails_does_not_hold_up_another():
    event = EventFactory()
    append({"task.created": (REFUSE, "events.tests.consumers.remember")})
    consumers.received.clear()

    for row in Delivery.objects.order_by("id"):
        deliver(event_id=event.pk, consumer=row.consumer)

    assert list(Delivery.objects.order_by("id").values_list("state", flat=True)) == ["pending", "done"]
    assert consumers.received == [event.pk]


def test_what_was_claimed_and_lost_is_due_again_after_the_lease():
    row, now = DeliveryFactory(), timezone.now()

    with time_machine.travel(now + timedelta(seconds=1), tick=False):
        first, second = claim_due(), claim_due()
    with time_machine.travel(now + LEASE + timedelta(seconds=2), tick=False):
        third = claim_due()

    assert (first, second, third) == ([(row.event_id, row.consumer)], [], [(row.event_id, row.consumer)])


def test_a_fact_without_listeners_gets_its_place_and_no_delivery():
    EventFactory(name="team.created")

    appended = append({"task.created": (REFUSE,)})

    assert [event.position for event in appended] == [1]
    assert not Delivery.objects.exists()


def test_the_outbox_delivers_what_is_published_and_what_that_publishes(clients, task, bob, outbox, sink):
    from notifications.models import Notification

    with outbox.delivering():
        clients["alice"].patch("/api/v1/tasks/OPS-1/", {"assignees": [str(bob.pk)]})

    assert Notification.objects.get().recipient == bob
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert sink.only()["To"] == "bob@example.com"
