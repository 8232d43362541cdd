"""Facts about people. Payloads are plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar


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
class SessionRevoked(UserFact):
    name: ClassVar[str] = "session.revoked"
    session_id: str
    reason: str


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
    name: ClassVar[str] = "team.member_added"
    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class TeamMemberRemoved(TeamFact):
    name: ClassVar[str] = "team.member_removed"
    user_id: str
