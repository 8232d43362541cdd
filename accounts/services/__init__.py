"""What can be done with people, one verb each."""

from accounts.services.admin import appoint_admin, create_person, end_sessions, set_password, update_person
from accounts.services.sessions import (
    open_session,
    purge_sessions,
    refresh_session,
    revoke_all_sessions,
    revoke_session,
)
from accounts.services.teams import (
    add_team_member,
    change_team_member,
    create_team,
    delete_team,
    remove_team_member,
    rename_team,
)
from accounts.services.users import authenticate, register, update_profile

__all__ = [
    "add_team_member",
    "appoint_admin",
    "authenticate",
    "change_team_member",
    "create_person",
    "create_team",
    "delete_team",
    "end_sessions",
    "open_session",
    "purge_sessions",
    "refresh_session",
    "register",
    "remove_team_member",
    "rename_team",
    "revoke_all_sessions",
    "revoke_session",
    "set_password",
    "update_person",
    "update_profile",
]
