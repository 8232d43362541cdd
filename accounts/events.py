"""Facts about people. Payloads are plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from accounts.models import ApiKey, Session, Team, User

# Stands for `user` where it is not proved who it was, or nobody here.
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
    """The person has opened the link that was mailed to `email`."""

    name: ClassVar[str] = "user.email_verified"
    email: str


@dataclass(frozen=True, kw_only=True)
class SecurityChanged(UserEvent):
    """`what` happened to how this person proves who they are: see notifications' words for each."""

    name: ClassVar[str] = "user.security_changed"
    what: str
    address: str


@dataclass(frozen=True, kw_only=True)
class UserInvited(UserEvent):
    """`user` is who invites; whom, only the invitation says, which goes when the person goes."""

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
    """The account is closed, and erased at `due_at` unless its person comes back before."""

    name: ClassVar[str] = "user.deletion_requested"
    due_at: str


@dataclass(frozen=True, kw_only=True)
class AccountDeletionCancelled(UserEvent):
    name: ClassVar[str] = "user.deletion_cancelled"


@dataclass(frozen=True, kw_only=True)
class UserErased(UserEvent):
    """`user` is an id and nothing else. The log of facts names this person no more; see events.redaction."""

    name: ClassVar[str] = "user.erased"


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(UserEvent):
    """`how`: "registered" with it, "address" (joined by one that both sides have verified), or "by hand"."""

    name: ClassVar[str] = "identity.linked"
    provider: str
    identity_id: int
    how: str


@dataclass(frozen=True, kw_only=True)
class IdentityUnlinked(UserEvent):
    name: ClassVar[str] = "identity.unlinked"
    provider: str


@dataclass(frozen=True, kw_only=True)
class IdentityRejected(UserEvent):
    """A provider's answer was not believed, or nobody was let in by it. `user` is an id of zeros: who it was is not proved."""

    name: ClassVar[str] = "identity.rejected"
    provider: str
    reason: str
    address: str
    device: str


@dataclass(frozen=True, kw_only=True)
class SessionOpened(UserEvent):
    """`session` is {id, kind, device, address, is_new}: a sign-in, and whether from a device not seen before."""

    name: ClassVar[str] = "session.opened"
    session: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RefreshTokenReused(UserEvent):
    """`session` is {id, kind, device, address, used_from}: a replaced refresh token came again, and so it has ended."""

    name: ClassVar[str] = "session.refresh_token_reused"
    session: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LoginFailed(UserEvent):
    """A wrong password. `user` is an id of zeros when nobody has the address that was tried, which is not kept."""

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
    """`user` is the key's owner, `key` is {id, name, prefix, scopes}: nothing that opens anything."""

    key: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(ApiKeyEvent):
    name: ClassVar[str] = "api_key.created"


@dataclass(frozen=True, kw_only=True)
class ApiKeyRotated(ApiKeyEvent):
    """`key` is the new one; the one it replaces ends at `until`, an ISO instant."""

    name: ClassVar[str] = "api_key.rotated"
    replaced_id: str
    until: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(ApiKeyEvent):
    name: ClassVar[str] = "api_key.revoked"


@dataclass(frozen=True, kw_only=True)
class ApiKeyUsed(ApiKeyEvent):
    """Told when a key is used for the first time on a day, or from another address than before."""

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
    """Also told when somebody in the team is named once more, with the role they `was` in before."""

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
    """`user_ids` are those who were in it until now."""

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
        "device": session.device_name,
        "address": session.ip_address or "",
    }


def team_payload(team: Team) -> dict[str, Any]:
    return {"id": str(team.pk), "name": team.name}
