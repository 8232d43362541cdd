"""Event handlers: turn domain events into notifications and account emails.

Each handler is idempotent: an event that is delivered twice notifies each user once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.models import User
from events.models import Event
from notifications import jobs, notify
from notifications.email import batching
from notifications.kinds import AccountEmailKind, Kind
from tasks.watching import selectors as watching_selectors


def task_assigned(event: Event) -> None:
    _notify(event, Kind.ASSIGNED, [event.payload["assignee_id"]])


def task_commented(event: Event) -> None:
    """Notify the mentioned users and all others involved of a comment: one notification each."""
    # Mentions first and apart: a user may have turned off comments and still want to be told of mentions.
    mentioned_ids = set(event.payload["mentioned_ids"])
    # All at once: two comments that lock some users first and others then could wait for each other.
    batching.lock_recipients(UUID(user_id) for user_id in mentioned_ids | set(event.payload["audience_ids"]))
    _notify(event, Kind.MENTIONED, mentioned_ids)
    _notify(event, Kind.COMMENTED, set(event.payload["audience_ids"]) - mentioned_ids)


def task_mentioned(event: Event) -> None:
    _notify(event, Kind.MENTIONED, event.payload["mentioned_ids"])


def task_completed(event: Event) -> None:
    """Notify whoever watches the task now."""
    task_id = UUID(event.payload["task"]["id"])
    _notify(event, Kind.COMPLETED, map(str, watching_selectors.watchers(task_id).values_list("pk", flat=True)))


def task_due_soon(event: Event) -> None:
    task = event.payload["task"]
    # Events of the previous release name no users: they remind all assignees, or the creator where there are none.
    _notify(event, Kind.DUE_SOON, event.payload.get("user_ids") or task["assignee_ids"] or [task["creator_id"]])


def task_reminder_due(event: Event) -> None:
    _notify(event, Kind.REMINDER, [event.payload["user_id"]])


def task_entered_filter(event: Event) -> None:
    _notify(event, Kind.ENTERED_FILTER, event.payload["user_ids"])


def task_shared(event: Event) -> None:
    """Notify the user a task is shared with; a changed role on an existing share sends no notification."""
    # Empty for a new share.
    if not event.payload.get("previous_role"):
        _notify(event, Kind.SHARED, [event.payload["user_id"]])


def project_member_added(event: Event) -> None:
    _notify(event, Kind.ADDED_TO_PROJECT, [event.payload["user_id"]])


def project_team_added(event: Event) -> None:
    """Notify the team's members who were not in the project before."""
    # Events of the previous release do not name the new members: all team members are notified then.
    user_ids = event.payload.get("new_member_ids", event.payload["user_ids"])
    _notify(event, Kind.ADDED_TO_PROJECT, user_ids)


def team_member_added(event: Event) -> None:
    """Notify a new team member; the event is also published when a member is added again."""
    if not event.payload.get("previous_role"):
        _notify(event, Kind.ADDED_TO_TEAM, [event.payload["user_id"]])


# Account emails go past the preferences: security messages cannot be turned off.
def session_opened(event: Event) -> None:
    """Mail the user about a sign-in from a device that was not used before."""
    session = event.payload["session"]
    if session["is_new"]:
        context = {"device": session["device"], "address": session["address"]}
        _enqueue_account_email(event, AccountEmailKind.NEW_DEVICE, context)


def session_reused(event: Event) -> None:
    """Mail the user about a reused refresh token, which revoked the session."""
    session = event.payload["session"]
    # Where the token was reused, not where the session began: that is what the user must recognise.
    context = {"device": session["device"], "address": session["used_from"]}
    _enqueue_account_email(event, AccountEmailKind.TOKEN_REUSED, context)


def identity_linked(event: Event) -> None:
    """Mail the user about a linked identity provider, unless the account was created with it."""
    if event.payload["method"] == "registered":
        return
    context = _security_change_context(gettext("Sign-in with another provider was added to your TaskFlow account."))
    user_payload = event.payload["user"]
    # The link to revert goes only to an address that is still the user's own.
    user = User.objects.active().filter(pk=user_payload["id"], email=user_payload["email"]).first()
    identity_id = event.payload.get("identity_id")  # missing in events of the previous release
    if user and identity_id and (path := login_methods_selectors.revert_link_for_identity(user, identity_id)):
        context["revert_path"] = path
    _enqueue_account_email(event, AccountEmailKind.SECURITY_CHANGED, context)


def identity_unlinked(event: Event) -> None:
    context = _security_change_context(gettext("Sign-in with another provider was removed from your TaskFlow account."))
    _enqueue_account_email(event, AccountEmailKind.SECURITY_CHANGED, context)


def _security_change_context(headline: str) -> dict[str, str]:
    return {
        "headline": headline,
        "security_path": reverse("mfa_index"),
        "reset_path": reverse("account_reset_password"),
    }


def _enqueue_account_email(event: Event, kind: AccountEmailKind, context: dict[str, str]) -> None:
    """Mail the user of the event, at the address the account had when it happened."""
    # The account may have been deactivated or erased since the event was published.
    user = User.objects.active().filter(pk=event.payload["user"]["id"]).first()
    if user is None:
        return
    user_context = {
        "name": user.name,
        "time_zone": user.time_zone,
        "language": user.language,
        "occurred_at": event.occurred_at.isoformat(),
        "sessions_path": reverse("settings-sessions"),
    }
    # An intruder may have changed the address of the account since.
    to = event.payload["user"]["email"]
    jobs.enqueue_account_email(kind=kind, to=to, context=user_context | context, dedup_key=str(event.pk))


def _notify(event: Event, kind: Kind, user_ids: Iterable[str]) -> None:
    """Create the notifications in the transaction of the delivery, and enqueue their emails after it."""
    email_ids = notify.notify(event=event, kind=kind, user_ids=user_ids)
    if email_ids:
        # After the commit, when a worker can see the rows.
        transaction.on_commit(partial(jobs.enqueue_emails, email_ids), robust=True)
