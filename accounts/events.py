"""Events about users, their sessions and keys, and teams. Payloads are plain values."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from core.http.client_ip import describe_user_agent
from events.outbox import DomainEvent

if TYPE_CHECKING:
    from accounts.models import ApiKey, Session, Team, User

# Stands for `user` where the user is unknown or not authenticated.
ANONYMOUS_USER = {"id": str(uuid.UUID(int=0))}


class UserEvent(DomainEvent, subject_type="user"):
    user: dict[str, Any]


class UserRegistered(UserEvent, name="user.registered"): ...


class UserUpdated(UserEvent, name="user.updated"):
    changes: dict[str, list[Any]]


class EmailVerified(UserEvent, name="user.email_verified"):
    """The user opened the link that was sent to `email`."""

    email: str


class SecurityChanged(UserEvent, name="user.security_changed"):
    """A login method, the password or the address changed; `change` is a key of security_notifications.MESSAGES."""

    change: str
    address: str


class UserInvited(UserEvent, name="user.invited"):
    """`user` is the inviter. Only the invitation has the address, and is deleted with the account."""

    invitation_id: str


class InvitationAccepted(UserEvent, name="user.invitation_accepted"):
    invitation_id: str


class InvitationRevoked(UserEvent, name="user.invitation_revoked"):
    invitation_id: str


class ExportRequested(UserEvent, name="user.export_requested"):
    export_id: str


class ExportReady(UserEvent, name="user.export_ready"):
    export_id: str


class AccountDeletionRequested(UserEvent, name="user.deletion_requested"):
    """The account is closed, and erased at `due_at` unless the deletion is cancelled before."""

    due_at: str


class AccountDeletionCancelled(UserEvent, name="user.deletion_cancelled"): ...


class UserErased(UserEvent, name="user.erased"):
    """`user` has nothing but an id: the event log no longer names the user, see events.redaction."""


class IdentityLinked(UserEvent, name="identity.linked"):
    """An identity at a provider was linked.

    `method` is "registered", "email" (an address that both sides have verified) or "manual".
    """

    provider: str
    identity_id: int
    method: str


class IdentityUnlinked(UserEvent, name="identity.unlinked"):
    provider: str


class IdentityRejected(UserEvent, name="identity.rejected"):
    """A sign-in with a provider was rejected. `user` has an id of zeros, as it is not authenticated."""

    provider: str
    reason: str
    address: str
    device: str


class SessionOpened(UserEvent, name="session.opened"):
    """A sign-in. `session` is {id, kind, device, address, is_new}; `is_new` is about the device."""

    session: dict[str, Any]


class RefreshTokenReused(UserEvent, name="session.refresh_token_reused"):
    """A replaced refresh token was used, so the session is revoked.

    `session` is {id, kind, device, address, used_from}.
    """

    session: dict[str, Any]


class LoginFailed(UserEvent, name="user.login_failed"):
    """A wrong password or code. `user` has an id of zeros for an unknown address, which is not stored."""

    address: str
    device: str


class SessionRevoked(UserEvent, name="session.revoked"):
    session_id: str
    reason: str


class ApiKeyEvent(UserEvent):
    """An event of an API key. `user` is its owner, `key` is {id, name, prefix, scopes}, without a secret."""

    key: dict[str, Any]


class ApiKeyCreated(ApiKeyEvent, name="api_key.created"): ...


class ApiKeyRotated(ApiKeyEvent, name="api_key.rotated"):
    """A key was replaced by `key`. The old one expires at `old_key_expires_at`, an ISO instant."""

    replaced_id: str
    old_key_expires_at: str


class ApiKeyRevoked(ApiKeyEvent, name="api_key.revoked"): ...


class ApiKeyUsed(ApiKeyEvent, name="api_key.used"):
    """The first use of a key on a day or from another address."""

    address: str


class TeamEvent(DomainEvent, subject_type="team"):
    team: dict[str, Any]


class TeamCreated(TeamEvent, name="team.created"): ...


class TeamUpdated(TeamEvent, name="team.updated"):
    """A team was renamed. `changes` is {field: [old, new]}."""

    changes: dict[str, list[Any]]


class TeamMemberAdded(TeamEvent, name="team.member_added"):
    """A member was added, or given another role: `previous_role` is the one before, empty for a new member."""

    user_id: str
    role: str
    previous_role: str = ""


class TeamMemberRemoved(TeamEvent, name="team.member_removed"):
    user_id: str


class TeamDeleted(TeamEvent, name="team.deleted"):
    """A team was deleted. `user_ids` are its members until then."""

    user_ids: list[str]


def user_payload(user: User) -> dict[str, Any]:
    return {"id": str(user.pk), "name": user.name, "email": user.email, "handle": user.handle}


def api_key_payload(key: ApiKey) -> dict[str, Any]:
    return {"id": str(key.pk), "name": key.name, "prefix": key.display_prefix, "scopes": list(key.scopes)}


def session_payload(session: Session) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "kind": str(session.kind),
        "device": describe_user_agent(session.user_agent),
        "address": session.ip_address or "",
    }


def team_payload(team: Team) -> dict[str, Any]:
    return {"id": str(team.pk), "name": team.name}
