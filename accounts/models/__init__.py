"""Users, sessions, API keys and teams: one file per noun, its queryset beside it."""

from accounts.models.account_deletions import AccountDeletion
from accounts.models.api_keys import ApiKey
from accounts.models.avatars import Avatar
from accounts.models.exports import Export, ExportChunk
from accounts.models.invitations import Invitation
from accounts.models.mfa import MfaChallenge
from accounts.models.sessions import Session
from accounts.models.teams import Team, TeamMember
from accounts.models.users import User

__all__ = [
    "AccountDeletion",
    "ApiKey",
    "Avatar",
    "Export",
    "ExportChunk",
    "Invitation",
    "MfaChallenge",
    "Session",
    "Team",
    "TeamMember",
    "User",
]
