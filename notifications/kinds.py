"""Notification kinds and channels, their texts, and the default preferences."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from tasks.models import Role


class Kind(TextChoices):
    ASSIGNED = "assigned", gettext_lazy("Assigned")
    MENTIONED = "mentioned", gettext_lazy("Mentioned")
    COMMENTED = "commented", gettext_lazy("Commented")
    COMPLETED = "completed", gettext_lazy("Completed")
    DUE_SOON = "due_soon", gettext_lazy("Due soon")
    REMINDER = "reminder", gettext_lazy("Reminders")
    SHARED = "shared", gettext_lazy("Shared with you")
    ENTERED_FILTER = "entered_filter", gettext_lazy("Entered a filter")
    ADDED_TO_PROJECT = "added_to_project", gettext_lazy("Added to a project")
    ADDED_TO_TEAM = "added_to_team", gettext_lazy("Added to a team")


class AccountEmailKind(TextChoices):
    """Emails about an account. They concern its security, so preferences cannot turn them off."""

    NEW_DEVICE = "new_device", gettext_lazy("Sign-in from a new device")
    TOKEN_REUSED = "token_reused", gettext_lazy("Refresh token reused")
    VERIFY_EMAIL = "verify_email", gettext_lazy("Email verification")
    PASSWORD_RESET = "password_reset", gettext_lazy("Password reset")
    NO_ACCOUNT = "no_account", gettext_lazy("No account with this address")
    ACCOUNT_EXISTS = "account_exists", gettext_lazy("Account with this address exists")
    SECURITY_CHANGED = "security_changed", gettext_lazy("Security settings changed")
    INVITATION = "invitation", gettext_lazy("Invitation")
    EXPORT_READY = "export_ready", gettext_lazy("Data export ready")
    DELETION_REQUESTED = "deletion_requested", gettext_lazy("Account deletion requested")


class Channel(TextChoices):
    INBOX = "inbox", gettext_lazy("Inbox")
    EMAIL = "email", gettext_lazy("Email")


class Template(NamedTuple):
    """Texts of a notification kind.

    `headline` is the title; it may use {actor}, {key}, {project}, {team}, {filter} and {abilities}. `reason` says why the reader
    gets it, `description` explains the kind in the preferences.
    """

    headline: str
    reason: str
    description: str


# A headline with {actor} begins with it: erasing a user replaces the name at the start of the title.
TEMPLATES: dict[Kind, Template] = {
    Kind.ASSIGNED: Template(
        gettext_noop("{actor} assigned {key} to you"),
        gettext_noop("You're receiving this because the task was assigned to you."),
        gettext_noop("A task is assigned to you."),
    ),
    Kind.MENTIONED: Template(
        gettext_noop("{actor} mentioned you on {key}"),
        gettext_noop("You're receiving this because you were mentioned on the task."),
        gettext_noop("Someone mentions your @handle in a comment or description."),
    ),
    Kind.COMMENTED: Template(
        gettext_noop("{actor} commented on {key}"),
        gettext_noop("You're receiving this because you watch the task."),
        gettext_noop(
            "Someone comments on a task that you watch. You watch what you created, are assigned to or commented on."
        ),
    ),
    Kind.COMPLETED: Template(
        gettext_noop("{actor} completed {key}"),
        gettext_noop("You're receiving this because you watch the task."),
        gettext_noop("Someone completes a task that you watch."),
    ),
    Kind.DUE_SOON: Template(
        gettext_noop("{key} is due soon"),
        gettext_noop("You're receiving this because a task of yours is due within a day."),
        gettext_noop("A task of yours is due within a day."),
    ),
    Kind.REMINDER: Template(
        gettext_noop("Reminder: {key}"),
        gettext_noop("You're receiving this because you set a reminder for the task."),
        gettext_noop("The time of a reminder has come that you set for a task."),
    ),
    Kind.SHARED: Template(
        gettext_noop("{actor} shared {key} with you ({abilities})"),
        gettext_noop("You're receiving this because the task was shared with you."),
        gettext_noop("Someone shares a single task with you."),
    ),
    Kind.ENTERED_FILTER: Template(
        gettext_noop("{key} is now in the filter {filter}"),
        gettext_noop("You're receiving this because you subscribe to the filter."),
        gettext_noop("A task enters a saved filter that you subscribe to."),
    ),
    Kind.ADDED_TO_PROJECT: Template(
        gettext_noop("{actor} added you to the project {project} ({abilities})"),
        gettext_noop("You're receiving this because you are now a member of the project."),
        gettext_noop("You are added to a project, directly or with one of your teams."),
    ),
    Kind.ADDED_TO_TEAM: Template(
        gettext_noop("{actor} added you to the team {team}"),
        gettext_noop("You're receiving this because you are now a member of the team."),
        gettext_noop("You are added to a team."),
    ),
}

UNKNOWN_ACTOR = gettext_noop("Someone")

# What a role in a project, or on a shared task, allows.
ROLE_ABILITIES = {
    Role.VIEWER: gettext_noop("can view"),
    Role.COMMENTER: gettext_noop("can comment"),
    Role.EDITOR: gettext_noop("can edit"),
    Role.ADMIN: gettext_noop("can manage"),
}

DEFAULT_PREFERENCES: dict[tuple[Kind, Channel], bool] = {(kind, channel): True for kind in Kind for channel in Channel}


def get_reason(kind: str) -> str:
    """Return why the recipient gets this kind.

    While a newer release replaces this one, rows may hold kinds that are unknown here; these get a general reason.
    """
    return (
        TEMPLATES[Kind(kind)].reason
        if kind in Kind.values
        else gettext("You're receiving this because it concerns you.")
    )
