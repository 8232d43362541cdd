"""People, their sign-in sessions, and teams: one file per noun."""

from accounts.models.avatars import Avatar
from accounts.models.challenges import SignInChallenge
from accounts.models.departures import Departure
from accounts.models.exports import Export, ExportPiece
from accounts.models.invitations import Invitation
from accounts.models.keys import ApiKey
from accounts.models.people import User, UserManager
from accounts.models.sessions import Session
from accounts.models.teams import Team, TeamMember

__all__ = [
    "ApiKey",
    "Avatar",
    "Departure",
    "Export",
    "ExportPiece",
    "Invitation",
    "Session",
    "SignInChallenge",
    "Team",
    "TeamMember",
    "User",
    "UserManager",
]
