"""What people are told when a fact is delivered. Told twice, or late, a fact tells nobody anything new."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.urls import reverse

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.models import User
from events.models import Event
from notifications import jobs, notify
from notifications.kinds import AccountEmailKind, Kind


def task_assigned(event: Event) -> None:
    _notify(event, Kind.ASSIGNED, [event.payload["assignee_id"]])


def task_commented(event: Event) -> None:
    mentioned = set(event.payload["mentioned_ids"])
    _notify(event, Kind.MENTIONED, mentioned)
    _notify(event, Kind.COMMENTED, set(event.payload["audience_ids"]) - mentioned)


def task_due_soon(event: Event) -> None:
    task = event.payload["task"]
    _notify(event, Kind.DUE_SOON, task["assignee_ids"] or [task["creator_id"]])


def task_shared(event: Event) -> None:
    """Another role on a task that somebody has already is no news."""
    if not event.payload.get("previous_role"):
        _notify(event, Kind.SHARED, [event.payload["user_id"]])


def project_member_added(event: Event) -> None:
    _notify(event, Kind.ADDED_TO_PROJECT, [event.payload["user_id"]])


def project_team_added(event: Event) -> None:
    """Who is in the project already, by name or with another team, is not told that a team of theirs came."""
    # A node of the release before does not say who is new: rather one who knows it hears of it than nobody.
    people = event.payload.get("new_member_ids", event.payload["user_ids"])
    _notify(event, Kind.ADDED_TO_PROJECT, people)


def team_member_added(event: Event) -> None:
    """The fact is also told when somebody who is in the team is named once more."""
    if not event.payload.get("previous_role"):
        _notify(event, Kind.ADDED_TO_TEAM, [event.payload["user_id"]])


def session_opened(event: Event) -> None:
    """Somebody signed in: if with a device that was not seen before, its owner hears of it."""
    session = event.payload["session"]
    if session["is_new"]:
        _enqueue_account_email(
            event, AccountEmailKind.NEW_DEVICE, {"device": session["device"], "address": session["address"]}
        )


def session_reused(event: Event) -> None:
    """A used-up token came once more: whoever stole it, or lost it to a thief, is signed out; the owner hears of it."""
    session = event.payload["session"]
    _enqueue_account_email(
        event, AccountEmailKind.TOKEN_REUSED, {"device": session["device"], "address": session["used_from"]}
    )


def identity_linked(event: Event) -> None:
    """Somebody can sign in by a provider now; whoever registered that way knows."""
    if event.payload["how"] != "registered":
        context = _security_change_context("A way to sign in by another provider was added.")
        _enqueue_account_email(event, AccountEmailKind.SECURITY_CHANGED, context | _revert_link_context(event))


def identity_unlinked(event: Event) -> None:
    _enqueue_account_email(
        event,
        AccountEmailKind.SECURITY_CHANGED,
        _security_change_context("A way to sign in by another provider was taken away."),
    )


def _security_change_context(headline: str) -> dict[str, str]:
    return {
        "headline": headline,
        "security_path": reverse("mfa_index"),
        "reset_path": reverse("account_reset_password"),
    }


def _revert_link_context(event: Event) -> dict[str, str]:
    """The link that takes away what the fact tells of, while the person has the address that the mail goes to.

    Facts of the release before do not name the identity.
    """
    told = event.payload["user"]
    user = User.objects.active().filter(pk=told["id"], email=told["email"]).first()
    identity_id = event.payload.get("identity_id")
    path = login_methods_selectors.revert_link_for_identity(user, identity_id) if user and identity_id else None
    return {"revert_path": path} if path else {}


def _enqueue_account_email(event: Event, kind: AccountEmailKind, context: dict[str, str]) -> None:
    """Mail the person whom the fact is about, where they were at home when it happened."""
    user = User.objects.active().filter(pk=event.payload["user"]["id"]).first()
    if user is None:
        return
    known = {
        "name": user.name,
        "time_zone": user.time_zone,
        "occurred_at": event.occurred_at.isoformat(),
        "sessions_path": reverse("settings-sessions"),
    }
    to = event.payload["user"]["email"]
    jobs.enqueue_account_email(kind=kind, to=to, context={**known, **context}, dedup_key=str(event.pk))


def _notify(event: Event, kind: Kind, user_ids: Iterable[str]) -> None:
    emails = notify.notify(event=event, kind=kind, user_ids=user_ids)
    if emails:
        transaction.on_commit(partial(jobs.enqueue_emails, emails), robust=True)
