"""Users, sessions, API keys, teams and privacy: each model with its queryset beside it."""

from accounts.models.api_keys import ApiKey
from accounts.models.privacy import AccountDeletion, Export, ExportChunk
from accounts.models.security_changes import SecurityChange
from accounts.models.sessions import MfaChallenge, Session
from accounts.models.teams import Invitation, Team, TeamMember
from accounts.models.users import Avatar, EmailChange, User

__all__ = [
    "AccountDeletion", "ApiKey", "Avatar", "EmailChange", "Export", "ExportChunk", "Invitation", "MfaChallenge", "SecurityChange",
    "Session", "Team", "TeamMember", "User",
]  # fmt: skip
