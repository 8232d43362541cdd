"""What people are told when a fact is delivered. Told twice, or late, a fact tells nobody anything new."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.urls import reverse

from accounts.models import User
from accounts.selectors import undo_of_identity
from events.models import Event
from notifications import jobs, services
from notifications.kinds import AccountMail, Kind


def task_assigned(event: Event) -> None:
    _tell(event, Kind.ASSIGNED, [event.payload["assignee_id"]])


def task_commented(event: Event) -> None:
    mentioned = set(event.payload["mentioned_ids"])
    _tell(event, Kind.MENTIONED, mentioned)
    _tell(event, Kind.COMMENTED, set(event.payload["audience_ids"]) - mentioned)


def task_due_soon(event: Event) -> None:
    task = event.payload["task"]
    _tell(event, Kind.DUE_SOON, task["assignee_ids"] or [task["creator_id"]])


def task_shared(event: Event) -> None:
    """Another role on a task that somebody has already is no news."""
    if not event.payload.get("was"):
        _tell(event, Kind.SHARED, [event.payload["user_id"]])


def project_member_added(event: Event) -> None:
    _tell(event, Kind.ADDED_TO_PROJECT, [event.payload["user_id"]])


def project_team_added(event: Event) -> None:
    """Who is in the project already, by name or with another team, is not told that a team of theirs came."""
    # A node of the release before does not say who is new: rather one who knows it hears of it than nobody.
    people = event.payload.get("newcomer_ids", event.payload["user_ids"])
    _tell(event, Kind.ADDED_TO_PROJECT, people)


def team_member_added(event: Event) -> None:
    """The fact is also told when somebody who is in the team is named once more."""
    if not event.payload.get("was"):
        _tell(event, Kind.ADDED_TO_TEAM, [event.payload["user_id"]])


def session_opened(event: Event) -> None:
    """Somebody signed in: if with a device that was not seen before, its owner hears of it."""
    session = event.payload["session"]
    if session["is_new"]:
        _mail(event, AccountMail.NEW_DEVICE, {"device": session["device"], "address": session["address"]})


def session_reused(event: Event) -> None:
    """A used-up token came once more: whoever stole it, or lost it to a thief, is signed out; the owner hears of it."""
    session = event.payload["session"]
    _mail(event, AccountMail.TOKEN_REUSED, {"device": session["device"], "address": session["used_from"]})


def identity_linked(event: Event) -> None:
    """Somebody can sign in by a provider now; whoever registered that way knows."""
    if event.payload["how"] != "registered":
        words = _changed("A way to sign in by another provider was added.")
        _mail(event, AccountMail.SECURITY_CHANGED, words | _undo(event))


def identity_unlinked(event: Event) -> None:
    _mail(event, AccountMail.SECURITY_CHANGED, _changed("A way to sign in by another provider was taken away."))


def _changed(headline: str) -> dict[str, str]:
    return {
        "headline": headline,
        "security_path": reverse("mfa_index"),
        "reset_path": reverse("account_reset_password"),
    }


def _undo(event: Event) -> dict[str, str]:
    """The link that takes away what the fact tells of, while the person has the address that the mail goes to.

    Facts of the release before do not name the identity.
    """
    told = event.payload["user"]
    person = User.objects.active().filter(pk=told["id"], email=told["email"]).first()
    identity_id = event.payload.get("identity_id")
    path = undo_of_identity(person, identity_id) if person and identity_id else None
    return {"undo_path": path} if path else {}


def _mail(event: Event, kind: AccountMail, words: dict[str, str]) -> None:
    """Mail the person whom the fact is about, where they were at home when it happened."""
    person = User.objects.active().filter(pk=event.payload["user"]["id"]).first()
    if person is None:
        return
    known = {
        "name": person.name,
        "time_zone": person.time_zone,
        "happened_at": event.occurred_at.isoformat(),
        "sessions_path": reverse("settings-sessions"),
    }
    to = event.payload["user"]["email"]
    jobs.queue_account_email(kind=kind, to=to, words={**known, **words}, key=str(event.pk))


def _tell(event: Event, kind: Kind, user_ids: Iterable[str]) -> None:
    emails = services.tell(event=event, kind=kind, user_ids=user_ids)
    if emails:
        transaction.on_commit(partial(jobs.hand_over, emails), robust=True)
