"""People, their sign-in sessions, and teams: one file per noun."""

from accounts.models.account_deletions import AccountDeletion
from accounts.models.api_keys import ApiKey
from accounts.models.avatars import Avatar
from accounts.models.exports import Export, ExportChunk
from accounts.models.invitations import Invitation
from accounts.models.mfa_challenges import MfaChallenge
from accounts.models.sessions import Session
from accounts.models.teams import Team, TeamMember
from accounts.models.users import User, UserManager

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
    "UserManager",
]
