"""Load the demo data: once, in one transaction, and without notifications about the invented past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from accounts.events import UserRegistered, user_payload
from accounts.models import User
from accounts.teams import services as teams
from analytics.rollups import services as rollups
from demo.load_test import PROJECT as LOAD_PROJECT
from demo.load_test import generate_load_test
from demo.personas import LOAD_TEST_PERSONA, MAYA, PASSWORD, PROJECTS, TEAM_PERSONAS
from demo.scenario import SCENARIO_DAYS, ScenarioGenerator
from demo.writers import EventWriter, ScenarioWriter, write_project
from events.appending import assign_positions
from events.models import Delivery, Event
from notifications.kinds import Kind
from notifications.models import Notification, OutgoingEmail
from notifications.notify import notify

# The same seed gives the same demo data on every machine, relative to the day it is loaded.
SEED = 20_26
# Less than a page of the inbox, and enough for read and unread ones.
MAX_NOTIFICATIONS = 14
READ_DELAY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """How many rows were created, by noun."""

    users: int
    projects: int
    tasks: int
    events: int


def is_loaded() -> bool:
    return User.objects.filter(email=MAYA.email).exists()


@transaction.atomic
def load_demo(*, now: datetime) -> LoadResult:
    """Create users, projects, ninety days of work, its statistics, and notifications for the team lead.

    Raises IntegrityError where a user or a project of the same name exists.
    """
    started_at = now - timedelta(days=SCENARIO_DAYS + 1)
    event_writer = EventWriter()
    users: dict[str, User] = {}
    for persona in (*TEAM_PERSONAS, LOAD_TEST_PERSONA):
        user = User(
            email=persona.email,
            handle=persona.handle,
            name=persona.name,
            role=persona.role,
            tier=persona.tier,
            time_zone=persona.time_zone,
            created_at=started_at,
        )
        # Not through the registration service, which sends emails and limits the rate.
        user.set_password(PASSWORD)
        user.save(force_insert=True)
        # A verified address, because the mailbox of an invented one cannot be opened.
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        event_writer.add_event(UserRegistered(user=user_payload(user)), user, started_at)
        users[persona.handle] = user
    for plan in PROJECTS:
        project = write_project(plan, users, started_at, event_writer)
        # A seed for each project: a change of one leaves the others as they were.
        scenarios = ScenarioGenerator(plan, now, Random(f"{SEED} {plan.key}")).generate()
        ScenarioWriter(project, users, now, event_writer).write(scenarios)
    project = write_project(LOAD_PROJECT, users, started_at, event_writer)
    ScenarioWriter(project, users, now, event_writer).write(generate_load_test(now, Random(SEED)))
    event_writer.write()
    # The invented past must not cause notifications: its deliveries are marked as done before a worker sees them.
    # Events that others published a moment ago are appended too, but only the demo's own deliveries are marked.
    team = teams.create(actor=users["maya"], name="Storefront")
    for handle in ("jonas", "tomas", "aiko"):
        teams.add_member(actor=users["maya"], team_id=team.pk, user_id=users[handle].pk, role="member")
    event_ids = {event.pk for event in event_writer.events}
    event_ids |= set(Event.objects.filter(subject_id=team.pk).values_list("pk", flat=True))
    while appended := assign_positions(settings.SUBSCRIPTIONS):
        own_ids = [event.pk for event in appended if event.pk in event_ids]
        Delivery.objects.filter(event__in=own_ids).update(state=Delivery.State.DONE, finished_at=now)
    # The deliveries to the statistics were marked as done too.
    rollups.rebuild()
    _notify_lead(users["maya"], now)
    return LoadResult(len(users), len(PROJECTS) + 1, len(event_writer.tasks), len(event_writer.events))


def _notify_lead(lead: User, now: datetime) -> None:
    """Fill the lead's inbox with the newest events that concern them: half unread, and no email."""
    newest = Event.objects.filter(name__in=["task.assigned", "task.commented"]).exclude(actor_id=lead.pk)
    lead_id, count = str(lead.pk), 0
    for event in newest.order_by("-occurred_at", "-id").iterator(chunk_size=200):
        if event.payload.get("assignee_id") == lead_id:
            kind = Kind.ASSIGNED
        elif lead_id in event.payload.get("mentioned_ids", ()):
            kind = Kind.MENTIONED
        elif lead_id in event.payload.get("audience_ids", ()):
            kind = Kind.COMMENTED
        else:
            continue
        notify(event=event, kind=kind, user_ids=[lead_id])
        read_at = None if count < MAX_NOTIFICATIONS // 2 else min(now, event.occurred_at + READ_DELAY)
        Notification.objects.filter(event_id=event.pk).update(created_at=event.occurred_at, read_at=read_at)
        count += 1
        if count == MAX_NOTIFICATIONS:
            break
    # notify() has also queued emails; the inbox is all that the demo shows.
    OutgoingEmail.objects.filter(notification__recipient=lead).delete()
