"""Notification kinds and channels, their texts, and the default preferences."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext, gettext_lazy

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
        "{actor} assigned {key} to you",
        "You're receiving this because the task was assigned to you.",
        "A task is assigned to you.",
    ),
    Kind.MENTIONED: Template(
        "{actor} mentioned you on {key}",
        "You're receiving this because you were mentioned on the task.",
        "Someone mentions your @handle in a comment or description.",
    ),
    Kind.COMMENTED: Template(
        "{actor} commented on {key}",
        "You're receiving this because you watch the task.",
        "Someone comments on a task that you watch. You watch what you created, are assigned to or commented on.",
    ),
    Kind.COMPLETED: Template(
        "{actor} completed {key}",
        "You're receiving this because you watch the task.",
        "Someone completes a task that you watch.",
    ),
    Kind.DUE_SOON: Template(
        "{key} is due soon",
        "You're receiving this because a task of yours is due within a day.",
        "A task of yours is due within a day.",
    ),
    Kind.REMINDER: Template(
        "Reminder: {key}",
        "You're receiving this because you set a reminder for the task.",
        "The time of a reminder has come that you set for a task.",
    ),
    Kind.SHARED: Template(
        "{actor} shared {key} with you ({abilities})",
        "You're receiving this because the task was shared with you.",
        "Someone shares a single task with you.",
    ),
    Kind.ENTERED_FILTER: Template(
        "{key} is now in the filter {filter}",
        "You're receiving this because you subscribe to the filter.",
        "A task enters a saved filter that you subscribe to.",
    ),
    Kind.ADDED_TO_PROJECT: Template(
        "{actor} added you to the project {project} ({abilities})",
        "You're receiving this because you are now a member of the project.",
        "You are added to a project, directly or with one of your teams.",
    ),
    Kind.ADDED_TO_TEAM: Template(
        "{actor} added you to the team {team}",
        "You're receiving this because you are now a member of the team.",
        "You are added to a team.",
    ),
}

UNKNOWN_ACTOR = "Someone"

# What a role in a project, or on a shared task, allows.
ROLE_ABILITIES = {
    Role.VIEWER: "can view",
    Role.COMMENTER: "can comment",
    Role.EDITOR: "can edit",
    Role.ADMIN: "can manage",
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
