"""What people can be told, by which channels, in which words, and what holds until they say otherwise."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import TextChoices

from tasks.models import Role


class Kind(TextChoices):
    ASSIGNED = "assigned", "Assigned"
    MENTIONED = "mentioned", "Mentioned"
    COMMENTED = "commented", "Commented"
    DUE_SOON = "due_soon", "Due soon"
    SHARED = "shared", "Shared with you"
    ADDED_TO_PROJECT = "added_to_project", "Added to a project"
    ADDED_TO_TEAM = "added_to_team", "Added to a team"


class AccountEmailKind(TextChoices):
    """What is mailed about somebody's account. Nobody can switch these off: they tell of what touches its safety."""

    NEW_DEVICE = "new_device", "Sign-in from a new device"
    TOKEN_REUSED = "token_reused", "A used-up sign-in was used again"
    VERIFY_EMAIL = "verify_email", "Link to confirm an address"
    PASSWORD_RESET = "password_reset", "Link to a new password"
    NO_ACCOUNT = "no_account", "No account has this address"
    ACCOUNT_EXISTS = "account_exists", "An account has this address already"
    SECURITY_CHANGED = "security_changed", "The way to sign in has changed"
    INVITATION = "invitation", "Invitation"
    EXPORT_READY = "export_ready", "Export of one's data is ready"
    DELETION_REQUESTED = "deletion_requested", "Account deletion requested"


class Channel(TextChoices):
    INBOX = "inbox", "Inbox"
    EMAIL = "email", "E-mail"


class Template(NamedTuple):
    """`headline` begins with {actor} or does without, and may name {key}, {project}, {team} and what one {may} do;
    `reason` answers "why am I getting this?"; `meaning` explains a switch."""

    headline: str
    reason: str
    description: str


TEMPLATES: dict[Kind, Template] = {
    Kind.ASSIGNED: Template(
        "{actor} assigned {key} to you",
        "You get this because the task was assigned to you.",
        "A task is assigned to you.",
    ),
    Kind.MENTIONED: Template(
        "{actor} mentioned you on {key}",
        "You get this because a comment names you.",
        "Somebody writes your @handle in a comment.",
    ),
    Kind.COMMENTED: Template(
        "{actor} commented on {key}",
        "You get this because you created, work on or commented on the task.",
        "Somebody comments on a task you created, work on or commented on.",
    ),
    Kind.DUE_SOON: Template(
        "{key} is due soon",
        "You get this because the task is yours and due within a day.",
        "A task of yours is due within a day.",
    ),
    Kind.SHARED: Template(
        "{actor} shared {key} with you ({abilities})",
        "You get this because the task was shared with you.",
        "Somebody lets you see a single task.",
    ),
    Kind.ADDED_TO_PROJECT: Template(
        "{actor} added you to the project {project} ({abilities})",
        "You get this because you are in the project now.",
        "You are let into a project, by name or with a team of yours.",
    ),
    Kind.ADDED_TO_TEAM: Template(
        "{actor} added you to the team {team}",
        "You get this because you are in the team now.",
        "You are put in a team.",
    ),
}

UNKNOWN_ACTOR = "Somebody"

# What a role in a project, or on one task, lets somebody do.
ROLE_ABILITIES = {
    Role.VIEWER: "may read",
    Role.COMMENTER: "may comment",
    Role.EDITOR: "may edit",
    Role.ADMIN: "may manage it",
}

# Everything is on until somebody switches it off.
DEFAULT_PREFERENCES: dict[tuple[Kind, Channel], bool] = {(kind, channel): True for kind in Kind for channel in Channel}


def get_reason(kind: str) -> str:
    """Why somebody is told; of a kind that only a newer release knows, while it replaces this one, what is certain."""
    return TEMPLATES[Kind(kind)].reason if kind in Kind.values else "You get this because it concerns you."
