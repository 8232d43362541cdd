"""Events about users, their sessions and keys, and teams. Payloads are plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.http.user_agents import describe_user_agent

if TYPE_CHECKING:
    from accounts.models import ApiKey, Session, Team, User

# Stands for `user` where the user is unknown or not authenticated.
ANONYMOUS_USER = {"id": str(uuid.UUID(int=0))}


@dataclass(frozen=True, kw_only=True)
class UserEvent:
    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "user"
    user: dict[str, Any]

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.user["id"])


@dataclass(frozen=True, kw_only=True)
class UserRegistered(UserEvent):
    name: ClassVar[str] = "user.registered"


@dataclass(frozen=True, kw_only=True)
class UserUpdated(UserEvent):
    name: ClassVar[str] = "user.updated"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class EmailVerified(UserEvent):
    """The user opened the link that was sent to `email`."""

    name: ClassVar[str] = "user.email_verified"
    email: str


@dataclass(frozen=True, kw_only=True)
class SecurityChanged(UserEvent):
    """A login method, the password or the address changed; `change` is a key of security_notifications.MESSAGES."""

    name: ClassVar[str] = "user.security_changed"
    change: str
    address: str


@dataclass(frozen=True, kw_only=True)
class UserInvited(UserEvent):
    """`user` is the inviter. Only the invitation has the address, and is deleted with the account."""

    name: ClassVar[str] = "user.invited"
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class InvitationAccepted(UserEvent):
    name: ClassVar[str] = "user.invitation_accepted"
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class InvitationRevoked(UserEvent):
    name: ClassVar[str] = "user.invitation_revoked"
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class ExportRequested(UserEvent):
    name: ClassVar[str] = "user.export_requested"
    export_id: str


@dataclass(frozen=True, kw_only=True)
class ExportReady(UserEvent):
    name: ClassVar[str] = "user.export_ready"
    export_id: str


@dataclass(frozen=True, kw_only=True)
class AccountDeletionRequested(UserEvent):
    """The account is closed, and erased at `due_at` unless the deletion is cancelled before."""

    name: ClassVar[str] = "user.deletion_requested"
    due_at: str


@dataclass(frozen=True, kw_only=True)
class AccountDeletionCancelled(UserEvent):
    name: ClassVar[str] = "user.deletion_cancelled"


@dataclass(frozen=True, kw_only=True)
class UserErased(UserEvent):
    """`user` has nothing but an id: the event log no longer names the user, see events.redaction."""

    name: ClassVar[str] = "user.erased"


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(UserEvent):
    """An identity at a provider was linked.

    `method` is "registered", "email" (an address that both sides have verified) or "manual".
    """

    name: ClassVar[str] = "identity.linked"
    provider: str
    identity_id: int
    method: str


@dataclass(frozen=True, kw_only=True)
class IdentityUnlinked(UserEvent):
    name: ClassVar[str] = "identity.unlinked"
    provider: str


@dataclass(frozen=True, kw_only=True)
class IdentityRejected(UserEvent):
    """A sign-in with a provider was rejected. `user` has an id of zeros, as it is not authenticated."""

    name: ClassVar[str] = "identity.rejected"
    provider: str
    reason: str
    address: str
    device: str


@dataclass(frozen=True, kw_only=True)
class SessionOpened(UserEvent):
    """A sign-in. `session` is {id, kind, device, address, is_new}; `is_new` is about the device."""

    name: ClassVar[str] = "session.opened"
    session: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RefreshTokenReused(UserEvent):
    """A replaced refresh token was used, so the session is revoked.

    `session` is {id, kind, device, address, used_from}.
    """

    name: ClassVar[str] = "session.refresh_token_reused"
    session: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LoginFailed(UserEvent):
    """A wrong password or code. `user` has an id of zeros for an unknown address, which is not stored."""

    name: ClassVar[str] = "user.login_failed"
    address: str
    device: str


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(UserEvent):
    name: ClassVar[str] = "session.revoked"
    session_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyEvent(UserEvent):
    """An event of an API key. `user` is its owner, `key` is {id, name, prefix, scopes}, without a secret."""

    key: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(ApiKeyEvent):
    name: ClassVar[str] = "api_key.created"


@dataclass(frozen=True, kw_only=True)
class ApiKeyRotated(ApiKeyEvent):
    """A key was replaced by `key`. The old one expires at `old_key_expires_at`, an ISO instant."""

    name: ClassVar[str] = "api_key.rotated"
    replaced_id: str
    old_key_expires_at: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(ApiKeyEvent):
    name: ClassVar[str] = "api_key.revoked"


@dataclass(frozen=True, kw_only=True)
class ApiKeyUsed(ApiKeyEvent):
    """The first use of a key on a day or from another address."""

    name: ClassVar[str] = "api_key.used"
    address: str


@dataclass(frozen=True, kw_only=True)
class TeamEvent:
    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "team"
    team: dict[str, Any]

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.team["id"])


@dataclass(frozen=True, kw_only=True)
class TeamCreated(TeamEvent):
    name: ClassVar[str] = "team.created"


@dataclass(frozen=True, kw_only=True)
class TeamMemberAdded(TeamEvent):
    """A member was added, or given another role: `previous_role` is the one before, empty for a new member."""

    name: ClassVar[str] = "team.member_added"
    user_id: str
    role: str
    previous_role: str = ""


@dataclass(frozen=True, kw_only=True)
class TeamMemberRemoved(TeamEvent):
    name: ClassVar[str] = "team.member_removed"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class TeamDeleted(TeamEvent):
    """A team was deleted. `user_ids` are its members until then."""

    name: ClassVar[str] = "team.deleted"
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
