"""Facts about people. Payloads are plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

# Stands for `user` where it is not proved who it was, or nobody here.
NOBODY = {"id": str(uuid.UUID(int=0))}


@dataclass(frozen=True, kw_only=True)
class UserFact:
    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "user"
    user: dict[str, Any]

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.user["id"])


@dataclass(frozen=True, kw_only=True)
class UserRegistered(UserFact):
    name: ClassVar[str] = "user.registered"


@dataclass(frozen=True, kw_only=True)
class UserUpdated(UserFact):
    name: ClassVar[str] = "user.updated"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class EmailVerified(UserFact):
    """The person has opened the link that was mailed to `email`."""

    name: ClassVar[str] = "user.email_verified"
    email: str


@dataclass(frozen=True, kw_only=True)
class SecurityChanged(UserFact):
    """`what` happened to how this person proves who they are: see notifications' words for each."""

    name: ClassVar[str] = "user.security_changed"
    what: str
    address: str


@dataclass(frozen=True, kw_only=True)
class UserInvited(UserFact):
    """`user` is who invites; whom, only the invitation says, which goes when the person goes."""

    name: ClassVar[str] = "user.invited"
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class InvitationAccepted(UserFact):
    name: ClassVar[str] = "user.invitation_accepted"
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class InvitationRevoked(UserFact):
    name: ClassVar[str] = "user.invitation_revoked"
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class ExportRequested(UserFact):
    name: ClassVar[str] = "user.export_requested"
    export_id: str


@dataclass(frozen=True, kw_only=True)
class ExportReady(UserFact):
    name: ClassVar[str] = "user.export_ready"
    export_id: str


@dataclass(frozen=True, kw_only=True)
class UserLeaving(UserFact):
    """The account is closed, and erased at `due_at` unless its person comes back before."""

    name: ClassVar[str] = "user.leaving"
    due_at: str


@dataclass(frozen=True, kw_only=True)
class UserStayed(UserFact):
    name: ClassVar[str] = "user.stayed"


@dataclass(frozen=True, kw_only=True)
class UserErased(UserFact):
    """`user` is an id and nothing else. The log of facts names this person no more; see events.redaction."""

    name: ClassVar[str] = "user.erased"


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(UserFact):
    """`how`: "registered" with it, "address" (joined by one that both sides have verified), or "by hand"."""

    name: ClassVar[str] = "identity.linked"
    provider: str
    identity_id: int
    how: str


@dataclass(frozen=True, kw_only=True)
class IdentityUnlinked(UserFact):
    name: ClassVar[str] = "identity.unlinked"
    provider: str


@dataclass(frozen=True, kw_only=True)
class IdentityRefused(UserFact):
    """A provider's answer was not believed, or nobody was let in by it. `user` is an id of zeros: who it was is not proved."""

    name: ClassVar[str] = "identity.refused"
    provider: str
    reason: str
    address: str
    device: str


@dataclass(frozen=True, kw_only=True)
class SessionOpened(UserFact):
    """`session` is {id, kind, device, address, is_new}: a sign-in, and whether from a device not seen before."""

    name: ClassVar[str] = "session.opened"
    session: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SessionReused(UserFact):
    """`session` is {id, kind, device, address, used_from}: a replaced refresh token came again, and so it has ended."""

    name: ClassVar[str] = "session.reused"
    session: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SignInFailed(UserFact):
    """A wrong password. `user` is an id of zeros when nobody has the address that was tried, which is not kept."""

    name: ClassVar[str] = "user.sign_in_failed"
    address: str
    device: str


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(UserFact):
    name: ClassVar[str] = "session.revoked"
    session_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class KeyFact(UserFact):
    """`user` is the key's owner, `key` is {id, name, shown, scopes}: nothing that opens anything."""

    key: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class KeyCreated(KeyFact):
    name: ClassVar[str] = "key.created"


@dataclass(frozen=True, kw_only=True)
class KeyRotated(KeyFact):
    """`key` is the new one; the one it replaces ends at `until`, an ISO instant."""

    name: ClassVar[str] = "key.rotated"
    replaced_id: str
    until: str


@dataclass(frozen=True, kw_only=True)
class KeyRevoked(KeyFact):
    name: ClassVar[str] = "key.revoked"


@dataclass(frozen=True, kw_only=True)
class KeyUsed(KeyFact):
    """Told when a key is used for the first time on a day, or from another address than before."""

    name: ClassVar[str] = "key.used"
    address: str


@dataclass(frozen=True, kw_only=True)
class TeamFact:
    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "team"
    team: dict[str, Any]

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.team["id"])


@dataclass(frozen=True, kw_only=True)
class TeamCreated(TeamFact):
    name: ClassVar[str] = "team.created"


@dataclass(frozen=True, kw_only=True)
class TeamMemberAdded(TeamFact):
    """Also told when somebody in the team is named once more, with the role they `was` in before."""

    name: ClassVar[str] = "team.member_added"
    user_id: str
    role: str
    was: str = ""


@dataclass(frozen=True, kw_only=True)
class TeamMemberRemoved(TeamFact):
    name: ClassVar[str] = "team.member_removed"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class TeamDeleted(TeamFact):
    """`user_ids` are those who were in it until now."""

    name: ClassVar[str] = "team.deleted"
    user_ids: list[str]
