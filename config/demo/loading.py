"""Loads the demo: one transaction, once; the past is past, so nobody is mailed about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.events import UserRegistered
from accounts.models import User
from accounts.services import add_team_member, create_team
from accounts.services.users import public
from analytics.services import rebuild
from config.demo.cast import LOAD, MAYA, PASSWORD, PROJECTS, TEAM, Person
from config.demo.load import PROJECT as LOAD_PROJECT
from config.demo.load import load_stories
from config.demo.store import Chronicler, Ledger, write_project
from config.demo.stories import DAYS, Author
from config.subscriptions import SUBSCRIPTIONS
from events.models import Delivery, Event
from events.relay import append
from notifications.kinds import Kind
from notifications.models import Notification, OutgoingEmail
from notifications.services import tell

SEED = 20_26
TOLD = 14
FRESH = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Loaded:
    people: int
    projects: int
    tasks: int
    facts: int


def is_loaded() -> bool:
    return User.objects.filter(email=MAYA.email).exists()


@transaction.atomic
def load_demo(*, now: datetime) -> Loaded:
    """Write people, projects, ninety days of work, its statistics, and some news in the lead's inbox."""
    began = now - timedelta(days=DAYS + 1)
    ledger = Ledger()
    people = {person.handle: _write_person(person, began, ledger) for person in (*TEAM, LOAD)}
    for plan in PROJECTS:
        project = write_project(plan, people, began, ledger)
        stories = Author(plan, now, Random(f"{SEED} {plan.key}")).tell()
        Chronicler(project, people, now, ledger).write(stories)
    project = write_project(LOAD_PROJECT, people, began, ledger)
    Chronicler(project, people, now, ledger).write(load_stories(now, Random(SEED)))
    ledger.write()
    own = {event.pk for event in ledger.events} | set(_write_team(people))
    _close_the_past(own, now)
    rebuild()
    _tell_the_lead(people["maya"], now)
    return Loaded(len(people), len(PROJECTS) + 1, len(ledger.tasks), len(ledger.events))


def _write_person(person: Person, began: datetime, ledger: Ledger) -> User:
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
    ledger.note(UserRegistered(user=public(user)), user, began)
    return user


def _write_team(people: dict[str, User]) -> list[int]:
    """Returns the facts that this told: they are of the past too, and mail nobody."""
    team = create_team(actor=people["maya"], name="Storefront")
    for handle in ("jonas", "tomas", "aiko"):
        add_team_member(actor=people["maya"], team_id=team.pk, user_id=people[handle].pk, role="member")
    return list(Event.objects.filter(subject_id=team.pk).values_list("pk", flat=True))


def _close_the_past(own: set[int], now: datetime) -> None:
    """Give the facts their places in the log and call them delivered.

    All that waits is appended, also what others recorded a moment ago; only the demo's own deliveries are closed.
    """
    while appended := append(SUBSCRIPTIONS):
        past = [event.pk for event in appended if event.pk in own]
        Delivery.objects.filter(event__in=past).update(state=Delivery.State.DONE, finished_at=now)


def _tell_the_lead(lead: User, now: datetime) -> None:
    facts = Event.objects.filter(name__in=["task.assigned", "task.commented"]).exclude(actor_id=lead.pk)
    told = 0
    for event in facts.order_by("-occurred_at", "-id").iterator(chunk_size=200):
        kind = _kind(event, str(lead.pk))
        if kind is None:
            continue
        tell(event=event, kind=kind, user_ids=[str(lead.pk)])
        read_at = None if told < TOLD // 2 else min(now, event.occurred_at + FRESH)
        Notification.objects.filter(event_id=event.pk).update(created_at=event.occurred_at, read_at=read_at)
        told += 1
        if told == TOLD:
            break
    OutgoingEmail.objects.filter(notification__recipient=lead).delete()


def _kind(event: Event, person: str) -> Kind | None:
    if event.payload.get("assignee_id") == person:
        return Kind.ASSIGNED
    if person in event.payload.get("mentioned_ids", ()):
        return Kind.MENTIONED
    return Kind.COMMENTED if person in event.payload.get("audience_ids", ()) else None
