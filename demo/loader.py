"""Loads the demo: one transaction, once; the past is past, so nobody is mailed about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.events import UserRegistered, user_payload
from accounts.models import User
from accounts.teams import services as teams
from analytics.rollups import services as rollups
from config.subscriptions import SUBSCRIPTIONS
from demo.load_test import PROJECT as LOAD_PROJECT
from demo.load_test import generate_load_test
from demo.personas import LOAD_TEST_PERSONA, MAYA, PASSWORD, PROJECTS, TEAM_PERSONAS, Persona
from demo.scenario import SCENARIO_DAYS, ScenarioGenerator
from demo.writers import EventWriter, ScenarioWriter, write_project
from events.models import Delivery, Event
from events.relay import append
from notifications.kinds import Kind
from notifications.models import Notification, OutgoingEmail
from notifications.notify import notify

SEED = 20_26
MAX_NOTIFICATIONS = 14
READ_DELAY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class LoadResult:
    people: int
    projects: int
    tasks: int
    events: int


def is_loaded() -> bool:
    return User.objects.filter(email=MAYA.email).exists()


@transaction.atomic
def load_demo(*, now: datetime) -> LoadResult:
    """Write people, projects, ninety days of work, its statistics, and some news in the lead's inbox."""
    began = now - timedelta(days=SCENARIO_DAYS + 1)
    event_writer = EventWriter()
    people = {user.handle: _create_user(user, began, event_writer) for user in (*TEAM_PERSONAS, LOAD_TEST_PERSONA)}
    for plan in PROJECTS:
        project = write_project(plan, people, began, event_writer)
        stories = ScenarioGenerator(plan, now, Random(f"{SEED} {plan.key}")).generate()
        ScenarioWriter(project, people, now, event_writer).write(stories)
    project = write_project(LOAD_PROJECT, people, began, event_writer)
    ScenarioWriter(project, people, now, event_writer).write(generate_load_test(now, Random(SEED)))
    event_writer.write()
    own = {event.pk for event in event_writer.events} | set(_create_team(people))
    _mark_delivered(own, now)
    rollups.rebuild()
    _notify_lead(people["maya"], now)
    return LoadResult(len(people), len(PROJECTS) + 1, len(event_writer.tasks), len(event_writer.events))


def _create_user(person: Persona, began: datetime, event_writer: EventWriter) -> User:
    user = User(
        email=person.email,
        handle=person.handle,
        name=person.name,
        role=person.role,
        tier=person.tier,
        time_zone=person.time_zone,
        created_at=began,
    )
    user.set_password(PASSWORD)
    user.save(force_insert=True)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    event_writer.add_event(UserRegistered(user=user_payload(user)), user, began)
    return user


def _create_team(people: dict[str, User]) -> list[int]:
    """Returns the facts that this told: they are of the past too, and mail nobody."""
    team = teams.create(actor=people["maya"], name="Storefront")
    for handle in ("jonas", "tomas", "aiko"):
        teams.add_member(actor=people["maya"], team_id=team.pk, user_id=people[handle].pk, role="member")
    return list(Event.objects.filter(subject_id=team.pk).values_list("pk", flat=True))


def _mark_delivered(own: set[int], now: datetime) -> None:
    """Give the facts their places in the log and call them delivered.

    All that waits is appended, also what others recorded a moment ago; only the demo's own deliveries are closed.
    """
    while appended := append(SUBSCRIPTIONS):
        past = [event.pk for event in appended if event.pk in own]
        Delivery.objects.filter(event__in=past).update(state=Delivery.State.DONE, finished_at=now)


def _notify_lead(lead: User, now: datetime) -> None:
    facts = Event.objects.filter(name__in=["task.assigned", "task.commented"]).exclude(actor_id=lead.pk)
    told = 0
    for event in facts.order_by("-occurred_at", "-id").iterator(chunk_size=200):
        kind = _notification_kind(event, str(lead.pk))
        if kind is None:
            continue
        notify(event=event, kind=kind, user_ids=[str(lead.pk)])
        read_at = None if told < MAX_NOTIFICATIONS // 2 else min(now, event.occurred_at + READ_DELAY)
        Notification.objects.filter(event_id=event.pk).update(created_at=event.occurred_at, read_at=read_at)
        told += 1
        if told == MAX_NOTIFICATIONS:
            break
    OutgoingEmail.objects.filter(notification__recipient=lead).delete()


def _notification_kind(event: Event, user: str) -> Kind | None:
    if event.payload.get("assignee_id") == user:
        return Kind.ASSIGNED
    if user in event.payload.get("mentioned_ids", ()):
        return Kind.MENTIONED
    return Kind.COMMENTED if user in event.payload.get("audience_ids", ()) else None
